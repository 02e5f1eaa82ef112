"""What people send: each update once, photos kept until it is said what to do with them, and orders made durable."""
