"""Drills of the cluster on one machine: nodes and GPUs by name only, everything else for real."""
