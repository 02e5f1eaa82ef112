"""The imitated Telegram itself, without a line of HTTP to the bot: people, chats, messages, files, money and updates."""
