"""Painting by optimisation: minutes of work on one picture, and closer to the style than any network."""
