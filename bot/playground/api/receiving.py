"""Methods by which the bot gets its updates, and the files in them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot.playground.api.call import Call
from bot.playground.api.registry import BotApi, method
from bot.playground.telegram.errors import bad_request, conflict, too_many_requests
from bot.playground.telegram.model import Json
from bot.playground.telegram.webhook import Webhook, WebhookSettings

_MAX_POLL = 50
_DEFAULT_CONNECTIONS = 40
_MAX_CONNECTIONS = 100
_MAX_SECRET = 256
_SECRET = re.compile(r"[A-Za-z0-9_-]*")


def _allow(api: BotApi, call: Call) -> None:
    kinds = call.json("allowed_updates", "allowed updates")
    api.telegram.updates.allow(kinds if isinstance(kinds, list) else None)


@method("getUpdates")
async def get_updates(api: BotApi, call: Call) -> list[Json]:
    if api.webhook is not None:
        raise conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )
    _allow(api, call)
    limit, wait = call.integer("limit", 100, 1, 100), call.integer("timeout", 0, 0, _MAX_POLL)
    return await api.poll.get(call.integer("offset"), limit, wait)


@method("setWebhook")
async def set_webhook(api: BotApi, call: Call) -> bool:
    url = call.text("url")
    if not url:
        return await delete_webhook(api, call)
    now = api.telegram.clock.time()
    if now < api.webhook_set_at + 1:
        raise too_many_requests(1)
    # http and any port or address are for servers run with --local, as this one is.
    if not _is_address(url):
        raise bad_request("invalid webhook URL specified")
    secret = call.text("secret_token")
    if len(secret) > _MAX_SECRET:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    connections = call.integer("max_connections", _DEFAULT_CONNECTIONS, 1, _MAX_CONNECTIONS)
    settings = WebhookSettings(url, secret, connections)
    drop = call.flag("drop_pending_updates")
    api.webhook_set_at = now
    _allow(api, call)
    if api.webhook is not None and api.webhook.settings == settings and not drop:
        return True
    api.poll.abort(conflict("terminated by setWebhook request"))
    await api.drop_webhook()
    if drop:
        api.telegram.updates.clear()
    api.webhook = Webhook(settings, api.telegram.updates, api.telegram.clock)
    return True


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


@method("deleteWebhook")
async def delete_webhook(api: BotApi, call: Call) -> bool:
    await api.drop_webhook()
    if call.flag("drop_pending_updates"):
        api.telegram.updates.clear()
    return True


@method("getWebhookInfo")
async def get_webhook_info(api: BotApi, _call: Call) -> Json:
    if api.webhook is not None:
        return api.webhook.json()
    waiting = len(api.telegram.updates)
    return {"url": "", "has_custom_certificate": False, "pending_update_count": waiting}


@method("getFile")
async def get_file(api: BotApi, call: Call) -> Json:
    if not call.text("file_id"):
        raise bad_request("file_id not specified")
    return api.telegram.files.issue_path(call.text("file_id"), api.telegram.clock.time())
