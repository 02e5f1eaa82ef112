"""``masquerade bot``: the Telegram bot as a process, and ``masquerade stats``: what an operator wants to know of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import webbrowser
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from itertools import starmap
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from bot.accounts.licences import Unlicensed, refuse_unlicensed_sales
from bot.settings import BotSettings
from deployments.swap.artworks import GalleryError
from registry.errors import RegistryError
from serve_app.inventory import inventory_of
from serve_app.local import joined, running_studio, studio
from serve_app.preflight import StudioError
from serve_app.settings import Settings
from serve_app.telemetry.logs import configure
from serve_app.wording import Place, faults

app = typer.Typer()
stats_app = typer.Typer()
console = Console()


@app.command(epilog="Examples:  masquerade bot --playground  ·  masquerade bot  ·  masquerade bot --address auto")
def bot(
    playground: Annotated[
        bool, typer.Option("--playground", help="Try it without a token: a chat page on this machine.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the chat page (0: any free one).")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the chat page in a browser.")] = True,
    log: Annotated[Path | None, typer.Option(help="Write JSON log lines to this file, which rotates.")] = None,
    address: Annotated[
        str | None, typer.Option(help="Use the graph of a running Ray cluster (host:port, or auto: this machine's).")
    ] = None,
) -> None:
    """Talk to people until Ctrl-C, by long polling.

    It uses the graph that `masquerade serve` has open in this data folder, or the one at --address.

    Where there is neither, it starts a graph of its own and closes it at the end.

    The token comes from MASQUERADE_BOT_TOKEN; --playground needs none.
    """
    # Here, for it takes seconds, and whoever lists the commands needs none of it.
    from aiogram.exceptions import AiogramError, TelegramNetworkError, TelegramNotFound, TelegramUnauthorizedError

    from serve_app.database import NoDatabase

    studio_settings = Settings()
    try:
        configure(log)
    except OSError as error:
        raise _failed(f"The log cannot be written: {error}") from error
    try:
        if playground:
            _need_port(port)
            inventory = inventory_of(studio_settings)
            with _graph(studio_settings, address):
                # Only now: Ray reads its environment, which the studio has set, when it is imported.
                from bot.process import in_playground

                _until_interrupted(in_playground(studio_settings, inventory, port, _announcer(browser=browser)))
        else:
            settings = BotSettings()  # type: ignore[call-arg]  # read from the environment
            if settings.mode == "webhook":
                # Polling, it would take the webhook away from the cluster that has it.
                raise _failed(
                    "MASQUERADE_BOT_MODE=webhook is for the bot on a cluster, which serve_config.yaml deploys as "
                    "bot.app:app. Leave it out to poll from here."
                )
            inventory = inventory_of(studio_settings)
            refuse_unlicensed_sales(inventory, settings.tariff.sold, settings.licence_references)
            with _graph(studio_settings, address):
                from bot.process import with_telegram

                _until_interrupted(with_telegram(settings, studio_settings, inventory, _say_ready))
    except (RegistryError, GalleryError, StudioError, NoDatabase, Unlicensed) as error:
        raise _failed(str(error)) from error
    except TelegramUnauthorizedError as error:
        raise _failed("Telegram does not know this token: look at MASQUERADE_BOT_TOKEN.") from error
    except TelegramNotFound as error:
        # That is what a token of another shape gets, and what stands in the place of a Bot API server says.
        raise _failed("Telegram knows no such bot: look at MASQUERADE_BOT_TOKEN and MASQUERADE_BOT_API_URL.") from error
    except TelegramNetworkError as error:
        raise _failed(f"Telegram cannot be reached: {error.message}") from error
    except AiogramError as error:
        raise _failed(f"Telegram does not let the bot begin; try again later. {error}") from error
    except ValidationError as error:
        raise _failed(*starmap(_named, faults(error))) from error
    console.print("Closed.")


@stats_app.command(epilog="Examples:  masquerade stats  ·  masquerade stats --plots out/")
def stats(
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days back.")] = 28,
    plots: Annotated[Path | None, typer.Option(help="Also draw the figures as PNG files into this folder.")] = None,
) -> None:
    """Who comes and stays, what works, what it earns, and how long people wait."""
    from bot.reporting.plots import NoPlots, draw
    from bot.reporting.stats import read_report
    from bot.reporting.summary import summary
    from serve_app.database import NoDatabase

    try:
        report = asyncio.run(read_report(Settings(), datetime.now(UTC).date(), days))
    except NoDatabase as error:
        raise _failed(str(error)) from error
    console.print(summary(report), highlight=False, markup=False)
    if plots is not None:
        try:
            paths = draw(report, plots)
        except NoPlots as error:
            raise _failed(str(error)) from error
        except OSError as error:
            raise _failed(f"The plots cannot be written: {error}") from error
        console.print(*paths, sep="\n", highlight=False, markup=False)


def _failed(*lines: str) -> typer.Exit:
    for line in lines:
        console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(1)


def _named(place: Place, said: str) -> str:
    """What is wrong with a setting, by its variable."""
    return f"MASQUERADE_BOT_{'__'.join(map(str, place)).upper()}: {said}" if place else said


def _need_port(port: int) -> None:
    """Whether the page can listen there is said before the graph is started, which takes a while."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise _failed(f"The chat page cannot listen on port {port}: {error.strerror}") from error


@contextlib.contextmanager
def _graph(settings: Settings, address: str | None) -> Iterator[None]:
    address = address or running_studio(settings)
    with contextlib.ExitStack() as opened:
        with console.status("Starting Ray and the graph…" if address is None else f"Joining the graph at {address}…"):
            opened.enter_context(studio(settings) if address is None else joined(address, settings))
        if address is not None:
            console.print(f"The graph at {address} is used; it stays open.", highlight=False)
        yield


def _say_ready() -> None:
    console.print("The bot listens.  Ctrl-C closes it.")


def _announcer(*, browser: bool) -> Callable[[str], None]:
    def announce(url: str) -> None:
        console.print(f"Talk to the bot here: [bold]{url}[/]  Ctrl-C closes it.", highlight=False)
        if browser:
            webbrowser.open(url)

    return announce


def _until_interrupted(work: Coroutine[object, object, None]) -> None:
    """Run until Ctrl-C or a termination signal, and let it close in order; asked again meanwhile, it goes on closing."""

    async def run() -> None:
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()

        def close(_number: int, _frame: FrameType | None) -> None:
            # The handlers stay while the graph closes, after this loop.
            if not loop.is_closed():
                loop.call_soon_threadsafe(asked.set)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, close)
        task, closing = asyncio.ensure_future(work), asyncio.ensure_future(asked.wait())
        await asyncio.wait({task, closing}, return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        closing.cancel()
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        finally:
            # The graph closes after this loop, and Serve would complain that nobody listens to it any more.
            logging.getLogger("ray.serve").setLevel(logging.CRITICAL)

    asyncio.run(run())
