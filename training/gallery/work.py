"""What the commands of ``masquerade gallery`` do, once somebody gives one of them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from rich.markup import escape
from rich.table import Table

from deployments.faces.choice import REMEDY, face_model
from deployments.faces.engine import build as build_faces
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo, encode
from deployments.lookalike.engine import METHOD, LookalikeEngine, LookalikeQuery
from deployments.processor import cores
from deployments.runtime import Runtime
from registry.errors import RegistryError, UnknownModelVersion
from registry.manifest import ModelVersion, parse_ref
from registry.references import standing
from registry.store import Store
from training.gallery.analysis import Memory
from training.gallery.block_list import build_block_list
from training.gallery.build import Embedder, NothingToBuild, Plan, build
from training.gallery.commons import Commons
from training.gallery.importer import Imported, import_people
from training.gallery.polite import Polite
from training.gallery.report import REPORT, read_report, write_report
from training.gallery.sources import BadSource, read_source
from training.gallery.starter import SAMPLES, build_starter_gallery, starter_gallery
from training.gallery.terminal import labelled_bars, show
from training.gallery.wikidata import Wish
from training.stores import memory_path
from training.terminal import output

FACES_SETTING: Final = "MASQUERADE_MODELS__FACES"


def build_gallery(store: Store, source: Path, plan: Plan, faces: str | None, report: Path | None) -> None:
    """Build the gallery of ``plan`` with the face model ``faces``, or the one that serves, and publish it.

    The report goes into ``report``.
    """
    _build(source, plan, _face_model(store, faces), store, report)


def add_people(store: Store, source: Path, name: str, report: Path | None) -> None:
    """Publish the next version of the gallery ``name``, with the people of ``source`` in it."""
    base = _gallery(store, name)
    plan = Plan(base.manifest.model, title=base.manifest.title, base=base)
    _build(source, plan, _embedder_of(store, base), store, report)


def tell(store: Store, name: str, report: Path | None) -> None:
    """Show what is in a gallery, and write its whole report into ``report``."""
    found = read_report(_gallery(store, name).path(REPORT))
    show(found)
    if report is not None:
        output.print(f"The whole report: [bold]{escape(str(write_report(found, report)))}[/]")


def search_gallery(store: Store, photo: Path, name: str, top: int, collage: Path | None) -> None:
    """Show whom every face of ``photo`` resembles, and write the ``collage``. Raises :class:`BadSource` without a face."""
    version = _gallery(store, name)
    picture = Photo.open(photo.read_bytes())
    faces = build_faces(_embedder_of(store, version), Runtime(threads=cores()))
    gallery = LookalikeEngine(version, Runtime())
    (found,) = faces.run([FaceQuery(picture)])
    if not found.faces:
        raise BadSource(f"no face was found in {photo}")
    queries = [
        LookalikeQuery(face.embedding, found.space or "", top) for face in found.faces if face.embedding is not None
    ]
    answers = gallery.run(queries)
    table = Table("face", "resembles", "per cent", "cosine", caption=METHOD, caption_justify="left")
    for number, matches in enumerate(answers):
        for match in matches:
            table.add_row(str(number), escape(match.name), f"{match.similarity:.0f}", f"{match.cosine:.3f}")
        table.add_section()
    output.print(table)
    if collage is not None:
        face, matches = max(zip(found.faces, answers, strict=True), key=lambda pair: pair[0].quality.size)
        collage.write_bytes(encode(gallery.collage(picture, face, matches, METHOD)))
        output.print(f"Wrote [bold]{escape(str(collage))}[/]")
    gallery.close()
    faces.close()


def have_starter(store: Store, faces: str | None) -> None:
    """Show the starter gallery for the face model ``faces``, or the one that serves; it is built where it is not there."""
    model = _face_model(store, faces)
    version = starter_gallery(store, model.ref)
    if version is None:
        version = build_starter_gallery(store.get(SAMPLES), _embedder(model), store).version
    show(read_report(version.path(REPORT)))


def block_people(store: Store, folder: Path, name: str, faces: str | None, threshold: float | None) -> None:
    """Publish a block list of the people in the pictures of ``folder``. Raises :class:`BadSource` where it is none."""
    if not folder.is_dir():
        raise BadSource(f"{folder} is not a folder")
    embedder = _embedder(_face_model(store, faces))
    try:
        with Memory(memory_path(store, embedder.version)) as memory, labelled_bars() as progress:
            made = build_block_list(folder, name, embedder, store, memory, progress, threshold=threshold)
    finally:
        embedder.engine.close()
    for path, why in made.left_out.items():
        output.print(f"Left out {escape(str(path))}: {escape(why.detail)}", highlight=False)
    output.print(
        f"Published [bold]{made.version.ref}[/] with {made.vectors:,} faces. It is asked once "
        f"MASQUERADE_MODELS__SWAP_BLOCK_LIST={name} is set.",
        highlight=False,
    )


def fetch_people(wish: Wish, out: Path, contact: str, sparql: str, commons: str) -> None:
    """Fetch the people of ``wish`` and their pictures into ``out``, in the name of ``contact``."""

    async def fetch() -> Imported:
        async with Polite.session(contact) as polite:
            return await import_people(wish, out, polite, sparql, Commons(commons, polite), progress)

    with labelled_bars() as progress:
        imported = asyncio.run(fetch())
    output.print(
        f"{imported.people} people with a picture, {imported.skipped} without a free one; "
        f"next: masquerade gallery build {imported.catalogue} --name NAME"
    )


def _build(source: Path, plan: Plan, faces: ModelVersion, store: Store, report: Path | None) -> None:
    folder = report or Path("reports", plan.name)
    candidates = read_source(source)
    embedder = _embedder(faces)
    try:
        with Memory(memory_path(store, faces)) as memory, labelled_bars() as progress:
            built = build(candidates, plan, embedder, store, memory, progress)
    except NothingToBuild as error:
        page = write_report(error.report, folder)
        show(error.report)
        raise BadSource(f"{error}; {page} says why of every picture") from error
    finally:
        embedder.engine.close()
    page = write_report(built.report, folder)
    show(built.report)
    if plan.base is not None and built.version.ref == plan.base.ref:
        output.print(
            f"Nothing is new: {built.version.ref} stays as it is; the whole report: [bold]{escape(str(page))}[/]"
        )
        return
    output.print(f"Published [bold]{built.version.ref}[/]; the whole report: [bold]{escape(str(page))}[/]")
    output.print(_how_it_serves(store, built.version, faces), markup=False, highlight=False, soft_wrap=True)


def _how_it_serves(store: Store, gallery: ModelVersion, faces: ModelVersion) -> str:
    """What is left to do before ``gallery``, built with ``faces``, is searched: it fits one space and follows decisions."""
    model, space = gallery.manifest.model, gallery.manifest.embedding_space
    serving = face_model(store, os.environ.get(FACES_SETTING) or None)
    if serving is not None and serving.embedding_space != space:
        return (
            f"It fits {faces.ref}, and {serving.ref} finds the faces: it serves after a start with "
            f"{FACES_SETTING}={faces.manifest.model}, and not before."
        )
    stable = store.manifest(model)
    if stable.version != gallery.manifest.version and stable.embedding_space == space:
        return f"{stable.ref} serves until: masquerade models promote {gallery.ref} --why …"
    return (
        f"It serves after the next start, beside the face model {(serving or faces.manifest).ref}; among several galleries "
        f"MASQUERADE_MODELS__GALLERY={model} chooses it."
    )


def _face_model(store: Store, wish: str | None) -> ModelVersion:
    """The face model wished for, or the one that serves. Raises ``RegistryError`` where none is installed."""
    manifest = face_model(store, wish)
    if manifest is None:
        raise RegistryError(f"no face model is installed in {store.where}; run: {REMEDY}")
    return store.get(manifest.ref)


def _gallery(store: Store, ref: str) -> ModelVersion:
    version = store.get(ref)
    if version.manifest.task != "face-gallery":
        raise BadSource(f"{version.ref} is a {version.manifest.task} model and no gallery")
    return version


def _embedder_of(store: Store, gallery: ModelVersion) -> ModelVersion:
    """What ``gallery`` was built with, or where that is gone another face model that makes vectors of its space."""
    ref, space = str(gallery.manifest.input["embedder"]), gallery.manifest.embedding_space
    try:
        return store.get(ref)
    except UnknownModelVersion as error:
        others = [manifest for manifest in standing(store) if manifest.embedding_space == space]
        found = face_model(store, None, others)
        if found is None:
            raise RegistryError(
                f"{gallery.ref} was built with {ref}, which is gone, and no other face model here makes vectors of {space}; "
                f"run: masquerade models pull {parse_ref(ref)[0]}"
            ) from error
        return store.get(found.ref)


def _embedder(version: ModelVersion) -> Embedder:
    return Embedder(version, build_faces(version, Runtime(threads=cores())))
