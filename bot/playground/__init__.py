"""A local, strict imitation of Telegram's Bot API server: for tests, for drills and for trying the bot by hand.

:mod:`.host` puts it together. ``telegram`` is what is imitated, ``api`` the methods that a bot calls over HTTP,
:mod:`.client` and :mod:`.conversation` the people that tests and drills send, :mod:`.control` and ``web`` the chat page.
:mod:`.limits`, :mod:`.faults` and :mod:`.clock` are what a test sets.
"""
