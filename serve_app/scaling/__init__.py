"""How many replicas of each deployment should run: the policy, what it observes, and its Ray Serve adapter."""
