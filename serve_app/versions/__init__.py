"""Model versions of a running graph: what the store asks for, staged on every replica, then put in place."""
