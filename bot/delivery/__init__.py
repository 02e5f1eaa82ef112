"""From a finished job to a picture in somebody's chat, within Telegram's limits."""
