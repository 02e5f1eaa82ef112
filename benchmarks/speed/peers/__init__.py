"""What somebody would pick instead, written the way its own documentation suggests."""
