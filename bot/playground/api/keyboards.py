"""Keyboards under messages: the shapes Telegram takes and the words it refuses the others with."""

from __future__ import annotations

from typing import Any

from bot.playground.telegram.errors import bad_request

_MAX_CALLBACK_BYTES = 64
_MAX_BUTTONS = 100
_MAX_COPY = 256
_ACTIONS = (
    "url",
    "callback_data",
    "callback_game",
    "pay",
    "switch_inline_query",
    "switch_inline_query_chosen_chat",
    "switch_inline_query_current_chat",
    "login_url",
    "web_app",
    "copy_text",
)


def checked_markup(value: Any, *, for_invoice: bool = False, inline_only: bool = False) -> dict[str, Any] | None:
    """A keyboard as it will be shown, or None for none; raises `ApiError`.

    ``for_invoice``: the first button must pay. ``inline_only``: edits take no other kind.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad_request("Object expected as reply markup")
    markup = {name: field for name, field in value.items() if field is not None}
    if markup.get("keyboard"):
        markup["keyboard"] = _rows(markup["keyboard"], "keyboard", _reply_button)
    elif markup.get("inline_keyboard"):
        rows = _rows(markup["inline_keyboard"], "inline_keyboard", _inline_button)
        _check_pay_button(rows, for_invoice=for_invoice)
        markup = {"inline_keyboard": rows}
    elif not (markup.get("remove_keyboard") or markup.get("force_reply")):
        return None
    if inline_only and "inline_keyboard" not in markup:
        raise bad_request("Inline keyboard expected")
    return markup


def _rows(value: Any, name: str, read: Any) -> list[list[dict[str, Any]]]:
    if not isinstance(value, list):
        raise bad_request(f'Field "{name}" must be of type Array')
    rows = []
    for row in value:
        if not isinstance(row, list):
            owner = " of the InlineKeyboardMarkup" if name == "inline_keyboard" else ""
            raise bad_request(f'Field "{name}"{owner} must be an Array of Arrays')
        if row:
            rows.append([read(button) for button in row])
    if sum(map(len, rows)) > _MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return rows


def _reply_button(button: Any) -> dict[str, Any]:
    if isinstance(button, str):
        return {"text": button}
    if not isinstance(button, dict):
        raise bad_request("Can't parse keyboard button: KeyboardButton must be a String or an Object")
    return {name: field for name, field in button.items() if field is not None} | {
        "text": _text(button, "keyboard button")
    }


def _inline_button(button: Any) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise bad_request("Can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    shown: dict[str, Any] = {"text": _text(button, "inline keyboard button")}
    # Empty strings name no action, except for the two that may start an inline query with nothing typed.
    chosen = [n for n in _ACTIONS if button.get(n) not in (None, "", False) or (n.startswith("switch") and n in button)]
    chosen = [name for name in chosen if button[name] is not None]
    if not chosen:
        raise bad_request("Can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    action = chosen[0]
    shown[action] = str(button[action]) if action in {"callback_data", "url"} else button[action]
    if action == "callback_data" and len(shown[action].encode()) > _MAX_CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if action == "url" and not shown[action].startswith(("http://", "https://", "tg://")):
        raise bad_request("BUTTON_URL_INVALID")
    if action == "copy_text" and not 1 <= len(_copied(button[action])) <= _MAX_COPY:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    for name in ("style", "icon_custom_emoji_id"):
        if button.get(name):
            shown[name] = button[name]
    return shown


def _copied(value: Any) -> str:
    return str(value.get("text", "")) if isinstance(value, dict) else ""


def _text(button: dict[str, Any], what: str) -> str:
    text = button.get("text")
    if not isinstance(text, str):
        raise bad_request(f"Can't parse {what}: Can't find field \"text\"")
    if not text.strip():
        raise bad_request(f"{what} text must be non-empty")
    return text


def _check_pay_button(rows: list[list[dict[str, Any]]], *, for_invoice: bool) -> None:
    buttons = [button for row in rows for button in row]
    paying = ["pay" in button for button in buttons]
    if for_invoice and buttons and not paying[0]:
        raise bad_request("BUTTON_POS_INVALID")
    if any(paying[1:]) or (not for_invoice and any(paying)):
        raise bad_request("BUTTON_POS_INVALID" if for_invoice else "BUTTON_TYPE_INVALID")
