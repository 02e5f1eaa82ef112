"""What people can do, a module per feature; each has ``router()``, which makes a new router."""
