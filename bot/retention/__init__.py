"""Nothing is kept longer than was said: what expires, and what goes when an account is deleted."""
