"""What runs in Serve's proxies, or where the gateway listens itself, around all of it: before a replica sees a request."""
