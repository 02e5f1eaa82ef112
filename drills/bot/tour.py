"""The tour: guests try everything that the bot can do on a real studio, in both modes and in every language."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, never
from bot.presentation.translations import Translations
from drills.bot.flows import FLOWS
from drills.bot.visit import MODES
from drills.telling import Tell

PICTURES: Final = Path("reports") / "bot-tour"
CLOSING_S: Final = 60.0


class TourBroke(RuntimeError):
    """The studio or the bot did not come up, or went away; the message is the end of what it wrote."""


async def run(models: Path, tell: Tell) -> list[Figure]:
    """Have the guests try everything; pictures of their chats are in ``reports/bot-tour`` afterwards.

    ``models`` is a store with the starter models. Raises :class:`TourBroke`.
    """
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as written:
        # What Ray left in this process's environment is not the studio's.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        environment = inherited | {
            "MASQUERADE_MODELS_DIR": str(models.resolve()),
            "MASQUERADE_THREADS": "1",
            # The webhook is a second application at the studio's address.
            "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",
        }
        visit = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "drills.bot.visit", str(PICTURES)),
            stdout=asyncio.subprocess.PIPE,
            stderr=written,
            env=environment,
        )
        try:
            facts = await _facts(visit, tell)
        finally:
            await _close(visit)
        if visit.returncode != 0:
            written.seek(0)
            raise TourBroke(written.read().decode(errors="replace")[-2000:])
    return conclusion(facts)


async def _facts(visit: asyncio.subprocess.Process, tell: Tell) -> list[dict[str, Any]]:
    """What the visit prints, until it ends."""
    facts: list[dict[str, Any]] = []
    total = len(FLOWS) * len(MODES) * len(Translations.load().languages)
    if visit.stdout is None:
        raise ValueError("the visit's output is read")
    async for line in visit.stdout:
        if not line.startswith(b"{"):
            # Ray has something to say.
            continue
        facts.append(json.loads(line))
        tell(str(facts[-1].get("flow", "the end")), len(facts), total)
    await visit.wait()
    return facts


async def _close(visit: asyncio.subprocess.Process) -> None:
    """End the visit as Ctrl-C would, so that it closes its studio."""
    if visit.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        visit.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(CLOSING_S):
            await visit.wait()
    except TimeoutError:
        visit.kill()
        await visit.wait()


def conclusion(facts: Sequence[dict[str, Any]]) -> list[Figure]:
    """How many flows went to their ends, by mode and language, and what the Bot API refused meanwhile."""
    figures: list[Figure] = []
    for mode in MODES:
        for language in Translations.load().languages:
            tried = [fact for fact in facts if fact.get("mode") == mode and fact.get("language") == language]
            done = sum(not fact["error"] for fact in tried)
            figures.append(Figure(f"flows that went well, {mode}, {language}", done, bar=len(FLOWS)))
    failed = [fact for fact in facts if fact.get("error")]
    figures += [never(f"{fact['mode']}, {fact['language']}, {fact['flow']}: {fact['error']}", 1) for fact in failed]
    refusals = [refusal for fact in facts for refusal in fact.get("refusals", [])]
    slowest = max((fact["seconds"] for fact in facts if "seconds" in fact), default=float("nan"))
    return [
        *figures,
        never("calls refused by the Bot API", len(refusals)),
        Figure("the longest flow", slowest, unit="s"),
    ]
