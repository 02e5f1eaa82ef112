"""The Stars counter: checkouts within ten seconds, charges, refunds, and subscriptions that renew, lapse or end."""

from __future__ import annotations

from bot.playground.clock import happens_within
from bot.playground.telegram.errors import bad_request, query_too_old
from bot.playground.telegram.interactions import new_query_id
from bot.playground.telegram.model import Event, Message, User
from bot.playground.telegram.payments import Charge, Checkout, Invoice, PaymentFailed, Subscription
from bot.playground.telegram.state import Telegram


class Cashier:
    """Takes people's Stars for the bot."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._checkouts: dict[str, Checkout] = {}

    def open(self, user: User, invoice: Invoice) -> Checkout:
        """Someone presses Pay: the bot gets a pre-checkout query. Raises `PaymentFailed` for want of Stars."""
        if user.stars < invoice.total:
            raise PaymentFailed("BALANCE_TOO_LOW")
        telegram = self._telegram
        deadline = telegram.clock.time() + telegram.deadlines.checkout_answer
        checkout = Checkout(new_query_id(), user.id, invoice, deadline)
        self._checkouts[checkout.id] = checkout
        query = {
            "id": checkout.id,
            "from": user.json(),
            "currency": "XTR",
            "total_amount": invoice.total,
            "invoice_payload": invoice.payload,
        }
        lifetime = telegram.deadlines.checkout_update
        telegram.updates.push("pre_checkout_query", query, lane=_lane(user), lifetime=lifetime)
        return checkout

    def answer(self, query_id: str, *, ok: bool, error_message: str) -> None:
        """The bot's word on a checkout; raises `ApiError` when it comes later than ten seconds."""
        checkout = self._checkouts.get(query_id)
        if checkout is None or checkout.deadline < self._telegram.clock.time():
            raise query_too_old()
        del self._checkouts[query_id]
        checkout.accepted, checkout.error_message = ok, error_message
        user = self._telegram.users[checkout.user_id]
        if ok and user.stars >= checkout.invoice.total:
            checkout.charge = self._take(user, checkout.invoice)
        checkout.answered.set()

    async def outcome(self, checkout: Checkout) -> Charge:
        """Wait with the payer; raises `PaymentFailed` with what their screen says."""
        left = checkout.deadline - self._telegram.clock.time()
        if not await happens_within(checkout.answered, left, self._telegram.clock):
            self._checkouts.pop(checkout.id, None)
            raise PaymentFailed("BOT_PRECHECKOUT_TIMEOUT")
        if checkout.charge is None:
            raise PaymentFailed(checkout.error_message or "BALANCE_TOO_LOW")
        return checkout.charge

    def announce(self, charge: Charge) -> Message:
        """Tell the bot of a payment. Telegram may say so more than once, each time in an update of its own."""
        user = self._telegram.users[charge.user_id]
        chat = self._telegram.private_chat(user)
        user.started = True
        message = self._telegram.post(chat, user, {"successful_payment": charge.successful_payment()})
        self._push_message(message)
        return message

    def refund(self, user_id: int, charge_id: str) -> None:
        """Give the Stars back; raises `ApiError`."""
        charge = self._charge(user_id, charge_id, "CHARGE_NOT_FOUND")
        if charge.refunded:
            raise bad_request("CHARGE_ALREADY_REFUNDED")
        user = self._telegram.users[charge.user_id]
        charge.refunded = True
        user.stars += charge.invoice.total
        chat = self._telegram.private_chat(user)
        # As Telegram does: in the bot's name, although the bot hears of it.
        message = self._telegram.post(chat, None, {"refunded_payment": charge.refunded_payment()})
        self._push_message(message)
        self._telegram.tell(Event("refund", chat.id, message, {"stars": user.stars}))

    def renew(self, subscription: Subscription) -> Charge | None:
        """The month is over: charge the next one. None, and a ``failed`` update, for want of Stars."""
        if subscription.canceled_by_user or subscription.canceled_by_bot:
            raise PaymentFailed("the subscription was cancelled")
        user = self._telegram.users[subscription.user_id]
        if user.stars < subscription.invoice.total:
            self._push_subscription(subscription, "failed")
            return None
        subscription.paid_until += subscription.invoice.subscription_period or 0
        return self._take(user, subscription.invoice, subscription)

    def cancel(self, subscription: Subscription) -> None:
        """The subscriber cancels: nothing more is charged, what is paid for stays."""
        subscription.canceled_by_user = True
        self._push_subscription(subscription, "canceled")

    def resume(self, subscription: Subscription) -> None:
        """The subscriber takes the cancellation back; not after the bot has cancelled."""
        if subscription.canceled_by_bot:
            raise PaymentFailed("the bot cancelled the subscription")
        subscription.canceled_by_user = False
        self._push_subscription(subscription, "active")

    def edit_subscription(self, user_id: int, charge_id: str, *, canceled: bool) -> None:
        """The bot cancels a subscription or allows it again; raises `ApiError`."""
        charge = self._charge(user_id, charge_id, "CHARGE_ID_INVALID")
        if charge.subscription is None:
            raise bad_request("CHARGE_ID_INVALID")
        charge.subscription.canceled_by_bot = canceled

    def _take(self, user: User, invoice: Invoice, subscription: Subscription | None = None) -> Charge:
        user.stars -= invoice.total
        charge = self._telegram.ledger.charge(user.id, invoice, self._telegram.now(), subscription)
        message = self.announce(charge)
        self._telegram.tell(Event("payment", message.chat.id, message, {"charge_id": charge.id, "stars": user.stars}))
        return charge

    def _charge(self, user_id: int, charge_id: str, problem: str) -> Charge:
        charge = self._telegram.ledger.charges.get(charge_id)
        if charge is None or charge.user_id != user_id:
            raise bad_request(problem)
        return charge

    def _push_message(self, message: Message) -> None:
        lane = f"chat/{message.chat.id}"
        self._telegram.updates.push("message", message.json(), lane=lane, lifetime=self._telegram.deadlines.update)

    def _push_subscription(self, subscription: Subscription, state: str) -> None:
        user = self._telegram.users[subscription.user_id]
        body = {"user": user.json(), "invoice_payload": subscription.invoice.payload, "state": state}
        lifetime = self._telegram.deadlines.update
        self._telegram.updates.push("subscription", body, lane=_lane(user), lifetime=lifetime)


def _lane(user: User) -> str:
    return f"payments/{user.id}"
