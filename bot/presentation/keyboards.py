"""The buttons under the bot's messages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.accounts.accounts import Account
from bot.accounts.tables import Identity
from bot.accounts.tariff import SUBSCRIPTION, Tariff
from bot.presentation.callbacks import (
    Adjust,
    Again,
    AsFile,
    AskStopRenewal,
    Authenticity,
    Blend,
    Buy,
    DeleteAccount,
    Else,
    ForgetFace,
    Hide,
    IntoArtwork,
    KeepFace,
    Lookalike,
    MapFace,
    Open,
    Page,
    Paint,
    SetLanguage,
    SetStrength,
    ShowArtworks,
    StopRenewal,
    Strength,
    Styles,
    Swap,
    Toggle,
    short_code,
)
from bot.presentation.catalogue import Feature
from bot.presentation.translations import Translations, Words
from deployments.anonymize.types import Method
from deployments.style.engine import StyleInfo
from deployments.swap.artworks import Artwork

T = TypeVar("T")
Rows = list[list[InlineKeyboardButton]]

PER_PAGE = 10
"""Styles, or works of art, shown at a time: an album holds no more pictures."""

PERCENTS = (25, 50, 75, 100)

MOST_BUTTONS = 100
"""Telegram takes no more under one message."""

HALF_A_ROW = 18
"""So many letters are read on half of a telephone's width."""


def _button(text: str, says: CallbackData) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=says.pack())


def _rows(buttons: Sequence[InlineKeyboardButton], width: int) -> Rows:
    return [[*buttons[start : start + width]] for start in range(0, len(buttons), width)]


def _pairs(buttons: Iterable[InlineKeyboardButton]) -> Rows:
    """Two beside each other where both are short: what is longer than its button, telephones cut off."""
    rows: Rows = []
    for button in buttons:
        last = rows[-1] if rows else []
        if len(last) == 1 and max(len(last[0].text), len(button.text)) <= HALF_A_ROW:
            last.append(button)
        else:
            rows.append([button])
    return rows


def _markup(rows: Rows) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[row for row in rows if row])


def page_of(items: Sequence[T], page: int) -> Sequence[T]:
    """Those of one page; pages count from 0."""
    return items[page * PER_PAGE : (page + 1) * PER_PAGE]


def _page_after(page: int, items: Sequence[object]) -> int:
    """The next page; after the last one, the first."""
    return (page + 1) % math.ceil(len(items) / PER_PAGE)


def wishes(
    words: Words, bundle: int, features: frozenset[Feature], styles: Sequence[StyleInfo], page: int = 0
) -> InlineKeyboardMarkup:
    """What can be done with photos: a page of the styles, and below them the other features."""
    rows = _pairs(
        _button(words.title(style.name, style.title), Paint(bundle=bundle, style=short_code(style.name)))
        for style in page_of(styles, page)
    )
    if len(styles) > PER_PAGE:
        more = Styles(bundle=bundle, page=_page_after(page, styles))
        rows.append([_button(words.plain("button-more-styles"), more)])
    if "lookalike" in features:
        rows.append([_button(words.plain("button-lookalike"), Lookalike(bundle=bundle))])
    if "anonymize" in features:
        rows.append([_button(words.plain("button-hide"), Hide(bundle=bundle))])
    if "swap" in features:
        rows.append([_button(words.plain("button-swap"), Swap(bundle=bundle))])
    if "authenticity" in features:
        rows.append([_button(words.plain("button-authenticity"), Authenticity(bundle=bundle))])
    return _markup(rows)


def methods(words: Words, bundle: int) -> InlineKeyboardMarkup:
    """The ways to hide a face."""
    return _markup(
        [[_button(words.plain(f"button-{method}"), Hide(bundle=bundle, method=method.value))] for method in Method]
    )


def painted(
    words: Words, job: str, bundle: int | None, *, single: bool, as_file: bool, blends: bool, inline: bool
) -> InlineKeyboardMarkup:
    """Under a painting, or the closing words of an album of them (not ``single``); with other styles, it ``blends``.

    Where the bot has an ``inline`` mode, results can be shared: a button for it is of no use elsewhere.
    """
    first = [_button(words.plain("button-again"), Again(job=job))] if single else []
    rows: Rows = [first]
    if bundle is not None:
        first.append(_button(words.plain("button-another-style"), Styles(bundle=bundle)))
        adjusting = [_button(words.plain("button-strength"), Adjust(job=job, panel="strength"))]
        if blends:
            adjusting.append(_button(words.plain("button-blend"), Adjust(job=job, panel="blend")))
        rows.append(adjusting)
    if single:
        rows.append(_sharing(words, job, as_file=as_file, inline=inline))
    return _markup(rows)


def strengths(words: Words, job: str, now: float) -> InlineKeyboardMarkup:
    """How strongly to paint it again; it is painted as strongly as ``now`` (0..1)."""
    levels = _levels(now, lambda percent: Strength(job=job, percent=percent))
    return _markup([levels, [_back(words, job)]])


def _levels(now: float, choice: Callable[[int], CallbackData]) -> list[InlineKeyboardButton]:
    """A button for every strength, that of ``now`` (0..1) marked."""
    return [
        _button(f"• {percent} %" if percent == round(now * 100) else f"{percent} %", choice(percent))
        for percent in PERCENTS
    ]


def blends(words: Words, job: str, styles: Iterable[StyleInfo]) -> InlineKeyboardMarkup:
    """Which style to blend in."""
    offered = [
        _button(f"+ {words.title(style.name, style.title)}", Blend(job=job, style=short_code(style.name)))
        for style in styles
    ]
    return _markup([*_pairs(offered[: MOST_BUTTONS - 1]), [_back(words, job)]])


def _back(words: Words, job: str) -> InlineKeyboardButton:
    return _button(words.plain("button-back"), Adjust(job=job, panel="main"))


def _sharing(words: Words, job: str, *, as_file: bool, inline: bool) -> list[InlineKeyboardButton]:
    file = [] if as_file else [_button(words.plain("button-as-file"), AsFile(job=job))]
    return [*file, _share(words, job)] if inline else file


def _share(words: Words, job: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=words.plain("button-share"), switch_inline_query=job)


def made(words: Words, job: str, bundle: int | None, *, as_file: bool, inline: bool) -> InlineKeyboardMarkup | None:
    """Under a single result that is no painting; None where it has no buttons."""
    return _under_result(words, bundle, _sharing(words, job, as_file=as_file, inline=inline))


def collage(words: Words, job: str, bundle: int | None, *, inline: bool) -> InlineKeyboardMarkup | None:
    """Under a collage; None where it has no buttons."""
    return _under_result(words, bundle, [_share(words, job)] if inline else [])


def anything_else(words: Words, bundle: int | None) -> InlineKeyboardMarkup | None:
    """Where nothing but the photos is left to go on with; None without them."""
    return _under_result(words, bundle, [])


def _under_result(words: Words, bundle: int | None, buttons: list[InlineKeyboardButton]) -> InlineKeyboardMarkup | None:
    other = [] if bundle is None else [_button(words.plain("button-else"), Else(bundle=bundle))]
    return _markup([other, buttons]) if other or buttons else None


def home(words: Words, *, swap: bool, shop: bool) -> InlineKeyboardMarkup:
    """The menu under the greeting and the help; without a ``shop``, nothing there looks like one."""
    left = _button(words.plain("button-plans" if shop else "button-quota"), Open(page="plans"))
    faces = [_page(words, "faces")] if swap else []
    return _markup(
        [
            [_page(words, "help"), _page(words, "settings")],
            [left, *faces],
            [_page(words, "language"), _page(words, "privacy")],
        ]
    )


def _page(words: Words, page: Page) -> InlineKeyboardButton:
    return _button(words.plain(f"button-{page}"), Open(page=page))


def pages(words: Words, *names: Page) -> InlineKeyboardMarkup:
    """Ways to these pages."""
    return _markup([[_page(words, name)] for name in names])


def languages(translations: Translations, user_id: int) -> InlineKeyboardMarkup:
    """Every language by its own name, for one person to choose from."""
    return _markup(
        [
            [_button(words.plain("language-name"), SetLanguage(user=user_id, code=code))]
            for code, words in translations.languages.items()
        ]
    )


def settings(words: Words, account: Account) -> InlineKeyboardMarkup:
    """The settings as they are; a tap of theirs changes them."""
    user = account.id
    file = words.plain("setting-as-file", state=_state(account.as_file))
    history = words.plain("setting-keep-history", state=_state(account.keep_history))
    return _markup(
        [
            [_button(file, Toggle(user=user, switch="as_file", on=not account.as_file))],
            [_button(history, Toggle(user=user, switch="keep_history", on=not account.keep_history))],
            _levels(account.strength, lambda percent: SetStrength(user=user, percent=percent)),
            *_pairs([_page(words, "language"), _page(words, "delete")]),
        ]
    )


def _state(on: bool) -> str:
    return "on" if on else "off"


def plans(words: Words, tariff: Tariff, account: Account, *, renews: bool) -> InlineKeyboardMarkup:
    """What is for sale to somebody, and whether the subscription that they have ``renews``."""
    rows = [
        [_button(words.plain("button-pack", credits=pack.credits, stars=pack.stars), Buy(product=pack.name))]
        for pack in tariff.packs
    ]
    if tariff.subscription is not None and tariff.upgrades(account.plan):
        offer = words.plain("button-subscribe", daily=tariff.subscription.daily, stars=tariff.subscription.stars)
        rows.append([_button(offer, Buy(product=SUBSCRIPTION))])
    if renews:
        rows.append([_button(words.plain("button-stop-renewal"), AskStopRenewal(user=account.id))])
    return _markup(rows)


def confirm_stop(words: Words, user_id: int) -> InlineKeyboardMarkup:
    """The last question before a subscription ends."""
    return _markup([[_button(words.plain("button-stop-really"), StopRenewal(user=user_id))]])


def link(text: str, url: str) -> InlineKeyboardMarkup:
    """One button that opens an address."""
    return _markup([[InlineKeyboardButton(text=text, url=url)]])


def confirm_deletion(words: Words, user_id: int) -> InlineKeyboardMarkup:
    """The last question before everything goes."""
    return _markup([[_button(words.plain("button-delete-really"), DeleteAccount(user=user_id))]])


def swap_sources(
    words: Words, bundle: int, identities: Iterable[Identity], *, artworks: bool, faces: int
) -> InlineKeyboardMarkup:
    """What a photo's ``faces`` (how many) go into, or which goes in: a saved one, or several change places.

    A single one can be saved.
    """
    rows: Rows = []
    if artworks:
        rows.append([_button(words.plain("button-artworks"), ShowArtworks(bundle=bundle))])
    if faces > 1:
        start = MapFace(bundle=bundle, identity=0, sources=faces, targets=faces)
        rows.append([_button(words.plain("button-swap-among"), start)])
    rows += [[_button(f"🎭 {face.name}", Swap(bundle=bundle, identity=face.id))] for face in identities]
    if faces == 1:
        rows.append([_button(words.plain("button-keep-face"), KeepFace(bundle=bundle))])
    return _markup(rows)


def sources(words: Words, state: MapFace, name: str = "") -> InlineKeyboardMarkup:
    """Which face goes on the next target face; ``name`` is what the only source is called."""

    def choice(word: str) -> MapFace:
        chosen = f"{state.chosen}.{word}" if state.chosen else word
        return state.model_copy(update={"chosen": chosen})

    numbers = [_button(name or str(number + 1), choice(str(number))) for number in range(state.sources)]
    rows = [*_rows(numbers, 4), [_button(words.plain("button-leave-face"), choice("x"))]]
    chosen = state.chosen.split(".") if state.chosen else []
    left = state.targets - len(chosen)
    if left > 1 and set(chosen) - {"x"}:
        rows.append([_button(words.plain("button-leave-rest"), choice(".".join(["x"] * left)))])
    return _markup(rows)


def artworks(words: Words, shown: ShowArtworks, works: Sequence[Artwork]) -> InlineKeyboardMarkup:
    """A page of the works of art, numbered like the pictures above."""
    rows: Rows = [
        [
            _button(
                f"{number}. {work.title}",
                IntoArtwork(bundle=shown.bundle, identity=shown.identity, artwork=short_code(work.id)),
            )
        ]
        for number, work in enumerate(page_of(works, shown.page), start=1)
    ]
    if len(works) > PER_PAGE:
        more = shown.model_copy(update={"page": _page_after(shown.page, works)})
        rows.append([_button(words.plain("button-more-artworks"), more)])
    return _markup(rows)


def saved_faces(identities: Iterable[Identity], *, artworks: bool) -> InlineKeyboardMarkup:
    """A person's faces: a tap deletes one, or (with ``artworks``) puts it into one."""
    rows: Rows = []
    for face in identities:
        delete = _button(f"🗑 {face.name}", ForgetFace(identity=face.id))
        into = _button(f"🖼 {face.name}", ShowArtworks(bundle=0, identity=face.id))
        rows += _pairs([into, delete]) if artworks else [[delete]]
    return _markup(rows)
