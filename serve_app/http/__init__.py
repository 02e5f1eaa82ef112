"""HTTP's own details, below the routes: middlewares, problem documents, negotiation, the pages, the API's description."""
