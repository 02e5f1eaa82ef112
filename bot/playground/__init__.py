"""A local, strict imitation of Telegram's Bot API server: for tests, for drills and for trying the bot by hand."""
