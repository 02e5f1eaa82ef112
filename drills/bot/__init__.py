"""Drills of the Telegram bot: ``python -m drills.bot [--only crash|payments|crowd|tour] [--seed N]``."""
