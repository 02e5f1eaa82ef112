/** Opens the API documentation: Swagger UI, loaded by the page before this file. */
/* global SwaggerUIBundle */
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true });
