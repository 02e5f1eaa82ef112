"""What every request meets before a replica sees it: in Serve's proxies, or around a gateway that listens itself."""
