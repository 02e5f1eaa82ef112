"""How fast the studio is beside what somebody would use instead: ``make bench``."""
