"""Who uses the bot, what they may do and what they paid for."""
