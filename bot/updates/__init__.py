"""How updates get from Telegram to the routers: by polling or webhook, each handled once, and whom it is from."""
