"""What the studio must survive, tried for real: processes killed, messages doubled, crowds, payments gone wrong."""
