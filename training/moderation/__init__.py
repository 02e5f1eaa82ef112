"""Moderation: what is made here of networks that others trained."""
