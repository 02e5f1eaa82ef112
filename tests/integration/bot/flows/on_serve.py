"""A script of its own process: the graph and the bot on a real Ray, a person in the playground; prints JSON lines."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from bot.accounts.licences import conflicts
from bot.accounts.tariff import Tariff
from bot.playground.host import Playground
from bot.playground.telegram.model import BotProfile
from bot.settings import BotSettings
from serve_app.inventory import inventory_of
from serve_app.local import studio
from serve_app.settings import Settings
from serve_app.topology import BOT_ROUTE


async def visit(settings: Settings, photo: bytes) -> None:
    # Only now: Ray reads its environment, which the studio has set, when it is imported.
    from ray import serve

    from bot.app import build

    needed = conflicts(inventory_of(settings), Tariff().sold, {})
    references = {conflict.model.partition("@")[0]: "a test" for conflict in needed}
    async with Playground(BotProfile(privacy_mode=False), patience=60) as playground:
        for mode in ("webhook", "polling"):
            bot_settings = BotSettings(
                token=playground.token,
                api_url=playground.url,
                mode=mode,
                webhook_url=f"http://{settings.host}:{settings.port}{BOT_ROUTE}",
                webhook_secret="only-for-this-test-and-no-other",
                licence_references=references,
            )
            await asyncio.to_thread(serve.run, build(bot_settings, settings), name="bot", route_prefix=BOT_ROUTE)
            ann = playground.person("Ann")
            await ann.send_photo(photo)
            question = await ann.chat.find("Choose a style")
            await ann.tap(question, question.labels[0])
            result = await ann.chat.find(lambda reply: reply.kind == "photo" and bool(reply.rows))
            await asyncio.to_thread(serve.delete, "bot")
            seen = {"mode": mode, "asked": question.labels[0], "said": result.text, "bytes": len(result.file())}
            print(json.dumps(seen | {"refusals": playground.refusals}), flush=True)


if __name__ == "__main__":
    settings = Settings()
    with studio(settings):
        asyncio.run(visit(settings, Path(sys.argv[1]).read_bytes()))
