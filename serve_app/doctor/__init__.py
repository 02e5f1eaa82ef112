"""Is everything here to run the studio? The facts of this machine, and what follows from them."""
