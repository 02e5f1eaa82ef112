"""The :class:`Bank` over aiogram's Bot."""

from __future__ import annotations

import logging

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest

from bot.accounts.cashier import NotRefundable

log = logging.getLogger(__name__)


class StarBank:
    """Telegram's side of a refund."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def refund(self, user_id: int, charge_id: str) -> None:
        """Give the Stars of a charge back; that they went back before is as good. Raises :class:`NotRefundable`."""
        try:
            await self._bot.refund_star_payment(user_id, charge_id)
        except TelegramBadRequest as error:
            if "CHARGE_ALREADY_REFUNDED" not in error.message:
                raise NotRefundable(f"Telegram refuses: {error.message}.", reason="refused") from error

    async def stop_renewal(self, user_id: int, charge_id: str) -> bool:
        """Charge this subscription no more. False when Telegram has none of this charge that could be renewed."""
        try:
            await self._bot.edit_user_star_subscription(user_id, charge_id, is_canceled=True)
        except TelegramBadRequest as error:
            log.warning("a subscription that should end is not there: %s", error.message)
            return False
        return True
