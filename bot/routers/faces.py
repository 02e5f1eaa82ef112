"""Faces people save to swap with again: saving one, naming it, and letting it go."""

from __future__ import annotations

import asyncio

import numpy as np
from aiogram import Bot, F, Router
from aiogram.enums import ParseMode
from aiogram.filters import Command
from aiogram.types import CallbackQuery, ForceReply, LinkPreviewOptions, Message, ReplyParameters, TelegramObject, User

from bot.accounts import identities
from bot.accounts.identities import MOST
from bot.conversation.casting import in_front, kept_photo
from bot.conversation.replies import rewrite
from bot.conversation.tickets import NamesFace, ticket
from bot.conversation.visit import Visit
from bot.delivery.messages import Outgoing
from bot.presentation import keyboards
from bot.presentation.callbacks import ForgetFace, KeepFace, Open
from deployments.errors import FaceUnsuitable, MasqueradeError
from deployments.faces.types import Face
from deployments.imaging import Photo, encode
from deployments.swap.suitability import obstacle_of
from serve_app.objects import new_key

# How much of what is around a face is kept with it, as a share of the face's size: swapping looks at the hair line.
MARGIN = 0.6


class SeveralFaces(MasqueradeError):
    """A face to save has to be alone in its photo."""

    slug, title, status = "several-faces", "More than one face", 422


async def faces(_event: TelegramObject, visit: Visit) -> None:
    """The saved faces."""
    services, words = visit.services, visit.words
    async with services.sessions() as session:
        saved = await identities.of(session, visit.account.id)
    if not saved:
        await visit.say(words.html("faces-none"))
        return
    artworks = bool(services.artworks.all)
    text = words.html("faces", faces=len(saved), most=MOST, artworks="yes" if artworks else "no")
    await visit.say(text, keyboards.saved_faces(saved, artworks=artworks))


async def ask_name(_query: CallbackQuery, callback_data: KeepFace, bot: Bot, visit: Visit, me: User) -> None:
    """Ask what the face is called; the answer to this message is its name."""
    bundle, _ = await visit.services.photos.bundle(callback_data.bundle, visit.account.id)
    to, words = visit.to, visit.words
    await bot.send_message(
        to.chat_id,
        words.html("ask-face-name") + ticket(me, callback_data.bundle),
        message_thread_id=to.thread_id,
        parse_mode=ParseMode.HTML,
        # Of the link, which nobody is to see, Telegram would show what is behind it.
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        # In a group, only who sent the photo is made to reply.
        reply_parameters=ReplyParameters(message_id=bundle.message_id, allow_sending_without_reply=True),
        reply_markup=ForceReply(
            input_field_placeholder=words.plain("ask-face-name-hint"), selective=to.chat_id != visit.account.id
        ),
    )


async def keep(message: Message, bundle_id: int, visit: Visit) -> None:
    """Cut the face out and save it under the name that was given."""
    services = visit.services
    _, kept = await services.photos.bundle(bundle_id, visit.account.id)
    photo = await kept_photo(services, kept[0].key)
    faces = (await in_front(services, photo)).faces
    if len(faces) != 1:
        raise SeveralFaces("There has to be one face.", faces=len(faces))
    obstacle = await asyncio.to_thread(obstacle_of, faces[0], (photo.height, photo.width), "The face")
    if obstacle is not None:
        # Said now, and not every time it is to be used.
        raise FaceUnsuitable(obstacle.message, reason=obstacle.reason.value)
    crop = await asyncio.to_thread(cut, photo, faces[0])
    key = new_key("in")
    await asyncio.to_thread(services.vault.put, key, crop)
    try:
        async with services.sessions.begin() as session:
            saved = await identities.add(session, visit.account.id, message.text or "", key)
    except BaseException:
        await asyncio.to_thread(services.vault.delete, [key])
        raise
    await visit.say(visit.words.html("face-kept", name=saved.name))


async def forget(query: CallbackQuery, callback_data: ForgetFace, visit: Visit) -> None:
    """Let a face go."""
    services = visit.services
    async with services.sessions.begin() as session:
        gone = await identities.remove(session, visit.account.id, callback_data.identity)
        # Before the row is gone for good, which alone leads to it: broken off, it can be asked for again.
        await asyncio.to_thread(services.vault.delete, [gone.key])
        left = await identities.of(session, visit.account.id)
    keyboard = keyboards.saved_faces(left, artworks=bool(services.artworks.all))
    forgotten = Outgoing(visit.words.html("face-forgotten", name=gone.name), keyboard=keyboard)
    await rewrite(query, visit, forgotten)


def cut(photo: Photo, face: Face) -> bytes:
    """The face with a margin around it (JPEG), and nothing else of the photo."""
    left, top, right, bottom = face.box
    across, down = (right - left) * MARGIN, (bottom - top) * MARGIN
    x0, y0 = max(0, int(left - across)), max(0, int(top - down))
    x1, y1 = min(photo.width, int(right + across)), min(photo.height, int(bottom + down))
    return encode(np.ascontiguousarray(photo.pixels()[y0:y1, x0:x1]))


def router() -> Router:
    router = Router(name="faces")
    router.message.register(keep, NamesFace())
    router.message.register(faces, F.text, Command("faces", ignore_case=True))
    router.callback_query.register(faces, Open.filter(F.page == "faces"))
    router.callback_query.register(ask_name, KeepFace.filter())
    router.callback_query.register(forget, ForgetFace.filter())
    return router
