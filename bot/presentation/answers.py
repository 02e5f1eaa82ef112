"""Finished jobs and waiting ones in the person's words: the courier's presenter and the status messages' text."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import Account, Accounts
from bot.accounts.tariff import Tariff
from bot.delivery.messages import Attachment, Outgoing
from bot.delivery.presenter import Parcel, Wrapping
from bot.delivery.tables import Delivery
from bot.performer import LookalikeAnswer
from bot.presentation import keyboards
from bot.presentation.artworks import Artworks
from bot.presentation.catalogue import Catalogue
from bot.presentation.translations import TOGETHER, Translations, Words
from deployments.errors import MasqueradeError
from serve_app.contracts import Authenticity

MAX_CAPTION = 900

HOUR_S = 3600

HOPELESS = {"refused", "expired", "undecodable"}
"""Where nothing else can be made of the same photo either."""


def explain(words: Words, slug: str, details: dict[str, Any]) -> str:
    """Why something did not work (HTML); a slug nobody wrote words for is our fault until somebody does."""
    if slug == "refused":
        rule = str(details.get("rule") or "")
        name = f"rule-{rule}" if words.knows(f"rule-{rule}") else "rule-other"
        return words.html("error-refused", rule=words.plain(name))
    values = {"reason": "none"} | {
        name: value for name, value in details.items() if isinstance(value, str | int | float)
    }
    return words.html(f"error-{slug}" if words.knows(f"error-{slug}") else "error-internal", **values)


def refusal(words: Words, error: MasqueradeError, tariff: Tariff, account: Account) -> Outgoing:
    """The message that says so, with a way to the plans where what this person can buy there would help."""
    lines, helps = [explain(words, error.slug, error.details)], False
    match error.slug:
        case "insufficient-credits":
            helps = tariff.sells(account.plan)
            if daily := tariff.daily(account.plan):
                hours = math.ceil((error.details["quota_returns"] - time.time()) / HOUR_S)
                lines.append(words.html("credits-new-day", daily=daily, hours=max(1, hours)))
            if helps:
                lines.append(words.html("credits-for-sale"))
        case "album-too-large":
            helps = tariff.upgrades(account.plan) and tariff.larger_albums
            if helps:
                lines.append(words.html("album-with-plus", most=tariff.plus_album))
        case "plan-needed":
            helps = True
    return Outgoing("\n".join(lines), keyboard=keyboards.pages(words, "plans") if helps else None)


class Answers:
    """Implements :class:`bot.delivery.presenter.Presenter`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        accounts: Accounts,
        translations: Translations,
        catalogue: Catalogue,
        artworks: Artworks,
        *,
        inline: bool,
    ) -> None:
        """``inline``: the bot has an inline mode, in which results are shared."""
        self._sessions = sessions
        self._accounts = accounts
        self._translations = translations
        self._catalogue = catalogue
        self._artworks = artworks
        self._inline = inline

    async def status(self, delivery: Delivery, position: int | None) -> Outgoing:
        words = await self._words(delivery)
        if position is None:
            return Outgoing(words.html("status-working"))
        return Outgoing(words.html("status-queued", position=position) if position else words.html("status-next"))

    async def results(self, parcels: Sequence[Parcel]) -> Wrapping:
        first = parcels[0]
        words = await self._words(first.delivery)
        if first.job.kind == "lookalike":
            return self._lookalikes(words, parcels)
        if first.job.kind == "authenticity":
            return _opinions(words, parcels)
        caption = await self._caption(words, first)
        pictures = tuple(
            Attachment(f"masquerade-{number}.jpg", parcel.data) for number, parcel in enumerate(parcels, start=1)
        )
        as_file = first.delivery.as_file
        single = len(parcels) == 1
        buttons = None
        if first.job.kind == "style":
            buttons = keyboards.painted(
                words,
                first.job.id,
                first.delivery.bundle_id,
                single=single,
                as_file=as_file,
                blends=await self._catalogue.blends(first.job.request["style"]),
                inline=self._inline,
            )
        elif single:
            bundle = first.delivery.bundle_id
            buttons = keyboards.made(words, first.job.id, bundle, as_file=as_file, inline=self._inline)
        else:
            buttons = keyboards.anything_else(words, first.delivery.bundle_id)
        if single:
            return Wrapping(Outgoing(caption, pictures, as_file, buttons))
        closing = None if buttons is None else Outgoing(words.html("album-done"), keyboard=buttons)
        return Wrapping(Outgoing(caption, pictures, as_file), closing)

    async def failures(self, parcels: Sequence[Parcel]) -> Wrapping:
        words = await self._words(parcels[0].delivery)
        reasons = [
            explain(words, str((parcel.job.error or {}).get("slug", "internal")), parcel.job.error or {})
            for parcel in parcels
        ]
        lines = list(dict.fromkeys(reasons))
        if any(parcel.delivery.cost for parcel in parcels):
            lines.append(words.html("credits-returned"))
        hopeless = all((parcel.job.error or {}).get("slug") in HOPELESS for parcel in parcels)
        keyboard = None if hopeless else keyboards.anything_else(words, parcels[0].delivery.bundle_id)
        return Wrapping(Outgoing("\n\n".join(lines), keyboard=keyboard))

    async def _caption(self, words: Words, parcel: Parcel) -> str:
        request = parcel.job.request
        match parcel.job.kind:
            case "style":
                title = " + ".join(await self._catalogue.titles(request["style"], words))
                percent = round(request["strength"] * 100)
                caption = words.html("result-style", style=title)
                return caption if percent == 100 else f"{caption} · {percent}{TOGETHER}"
            case "swap":
                undone = len((parcel.job.result or {}).get("notes", ()))
                left = [words.html("result-swap-left", faces=undone)] if undone else []
                artwork = request.get("artwork")
                what = f"<b>{html.escape(self._artworks.title(artwork))}</b>" if artwork else words.html("result-swap")
                return "\n".join([what, *left])
            case _:
                return words.html("result-anonymize")

    def _lookalikes(self, words: Words, parcels: Sequence[Parcel]) -> Wrapping:
        """A collage with all its people, or several with the first of each, numbered as the collages are."""
        answers = [LookalikeAnswer.load(parcel.data) for parcel in parcels]
        single, as_file = len(parcels) == 1, parcels[0].delivery.as_file
        people = answers[0].matches if single else [answer.matches[0] for answer in answers]
        lines = [
            words.html(
                "result-match",
                place=place,
                name=match.name,
                similarity=round(match.similarity),
                role=match.role or "none",
            )
            for place, match in enumerate(people, start=1)
        ]
        caption = _fitting([words.html("result-lookalike"), *lines, words.html("result-lookalike-note")])
        pictures = tuple(
            Attachment(f"lookalike-{at}.jpg", answer.collage) for at, answer in enumerate(answers, start=1)
        )
        bundle = parcels[0].delivery.bundle_id
        if single:
            buttons = keyboards.collage(words, parcels[0].job.id, bundle, inline=self._inline)
            return Wrapping(Outgoing(caption, pictures, as_file, buttons))
        buttons = keyboards.anything_else(words, bundle)
        closing = None if buttons is None else Outgoing(words.html("album-done"), keyboard=buttons)
        return Wrapping(Outgoing(caption, pictures, as_file), closing)

    async def _words(self, delivery: Delivery) -> Words:
        async with self._sessions() as session:
            account = await self._accounts.get(session, delivery.user_id)
        return self._translations.words(account.language if account is not None else None)


def _opinions(words: Words, parcels: Sequence[Parcel]) -> Wrapping:
    """A sentence for every photo, numbered where there are several."""
    said: list[str] = []
    for number, parcel in enumerate(parcels, start=1):
        opinion = Authenticity.model_validate_json(parcel.data)
        low, high = opinion.unsure
        sentence = words.html(
            f"result-authenticity-{opinion.verdict}",
            percent=_percent(opinion.probability_ai),
            low=_percent(low),
            high=_percent(high),
        )
        said.append(f"{number}. {sentence}" if len(parcels) > 1 else sentence)
    keyboard = keyboards.anything_else(words, parcels[0].delivery.bundle_id)
    return Wrapping(Outgoing("\n".join([*said, words.html("result-authenticity-note")]), keyboard=keyboard))


def _percent(probability: float) -> int:
    """Whole per cent, never 0 or 100: no detector knows for certain."""
    return min(99, max(1, round(probability * 100)))


def _fitting(lines: list[str]) -> str:
    """As many whole lines as a caption takes: cut in the middle, it might end inside a tag."""
    kept = ""
    for line in lines:
        if len(kept) + len(line) > MAX_CAPTION:
            break
        kept += f"\n{line}" if kept else line
    return kept
