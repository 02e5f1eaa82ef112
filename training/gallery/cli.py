"""``masquerade gallery``: build lookalike galleries, add to them, look into them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from deployments.faces.engine import build as build_faces
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo, encode
from deployments.lookalike.engine import METHOD, LookalikeEngine, LookalikeQuery
from deployments.processor import cores
from deployments.runtime import Runtime
from registry.manifest import ModelVersion
from registry.store import Store
from training.gallery.analysis import Memory
from training.gallery.block_list import build_block_list
from training.gallery.build import Embedder, NothingToBuild, Plan, build
from training.gallery.commons import API, Commons
from training.gallery.importer import Imported, import_people
from training.gallery.polite import Polite
from training.gallery.report import REPORT, read_report, write_report
from training.gallery.sources import BadSource, read_source
from training.gallery.starter import SAMPLES, build_starter_gallery, starter_gallery
from training.gallery.terminal import bars, console, explained, show
from training.gallery.wikidata import SPARQL, Wish
from training.stores import STORE, StoreOption, memory_path, opened

app = typer.Typer(
    help="Build the galleries that lookalikes are searched in.",
    epilog="Examples:  masquerade gallery build people/ --name actors  ·  masquerade gallery search me.jpg --name actors",
    no_args_is_help=True,
)
FacesOption = Annotated[
    str, typer.Option("--faces", help="Face model to build with: NAME, NAME@VERSION or NAME@ALIAS.")
]
NameOption = Annotated[str, typer.Option("--name", help="The gallery: NAME, or NAME@VERSION where one is read.")]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", show_default="reports/NAME", help="Folder for report.json and report.html."),
]
SourceArgument = Annotated[
    Path, typer.Argument(help="A folder with one sub-folder of pictures a person, or a .json or .csv catalogue.")
]

IndexChoice = Literal["auto", "flat", "scan", "ivf-pq", "hnsw"]


@app.command(
    "build",
    epilog="Examples:  masquerade gallery build people/ --name actors  ·  "
    "masquerade gallery build people.csv --name actors --faces buffalo-l",
)
def build_gallery(
    source: SourceArgument,
    name: NameOption,
    title: Annotated[str, typer.Option(help="What people read.")] = "",
    faces: FacesOption = "dlib-faces",
    index: Annotated[IndexChoice, typer.Option(help="Kind of index; auto goes by size and what it measures.")] = "auto",
    report: ReportOption = None,
    store: StoreOption = STORE,
) -> None:
    """Build a gallery and publish it as the next version of NAME. Interrupted, it goes on where it was."""
    with explained():
        models = opened(store)
        plan = Plan(name, title=title, kind=None if index == "auto" else index)
        _build(source, plan, models.get(faces), models, report)


@app.command(epilog="Examples:  masquerade gallery add more-people/ --name actors")
def add(source: SourceArgument, name: NameOption, report: ReportOption = None, store: StoreOption = STORE) -> None:
    """Publish a new version of a gallery with more people, or more pictures of those it has, in it."""
    with explained():
        models = opened(store)
        base = _gallery(models, name)
        plan = Plan(base.manifest.model, title=base.manifest.title, base=base)
        _build(source, plan, _embedder_of(models, base), models, report)


@app.command(
    "report",
    epilog="Examples:  masquerade gallery report --name actors  ·  "
    "masquerade gallery report --name actors@v2 --report out/",
)
def show_report(name: NameOption, report: ReportOption = None, store: StoreOption = STORE) -> None:
    """Say what is in a gallery, and why pictures were left out when it was built."""
    with explained():
        version = _gallery(opened(store), name)
        found = read_report(version.path(REPORT))
        show(found)
        if report is not None:
            console.print(f"The whole report: [bold]{write_report(found, report)}[/]")


@app.command(
    epilog="Examples:  masquerade gallery search me.jpg --name actors  ·  "
    "masquerade gallery search me.jpg --name actors --top 10 --collage us.jpg"
)
def search(
    photo: Annotated[Path, typer.Argument(help="A JPEG, PNG or WebP with at least one face.")],
    name: NameOption,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many people for each face.")] = 3,
    collage: Annotated[
        Path | None, typer.Option(help="Write the largest face and whom it resembles side by side, as JPEG.")
    ] = None,
    store: StoreOption = STORE,
) -> None:
    """Say whom every face of a photo resembles."""
    with explained():
        models = opened(store)
        version = _gallery(models, name)
        picture = Photo.open(photo.read_bytes())
        faces = build_faces(_embedder_of(models, version), Runtime(threads=cores()))
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
        console.print(table)
        if collage is not None:
            face, matches = max(zip(found.faces, answers, strict=True), key=lambda pair: pair[0].quality.size)
            collage.write_bytes(encode(gallery.collage(picture, face, matches)))
            console.print(f"Wrote [bold]{collage}[/]")
        gallery.close()
        faces.close()


@app.command(epilog="Examples:  masquerade gallery starter")
def starter(faces: FacesOption = "dlib-faces", store: StoreOption = STORE) -> None:
    """Build the small gallery of the demo out of the sample photos, unless it is there already."""
    with explained():
        models = opened(store)
        model = models.get(faces)
        version = starter_gallery(models, model.ref)
        if version is None:
            version = build_starter_gallery(models.get(SAMPLES), _embedder(model), models).version
        show(read_report(version.path(REPORT)))


@app.command(
    "block",
    epilog="Examples:  masquerade gallery block protected/ --name blocked  ·  "
    "MASQUERADE_MODELS__SWAP_BLOCK_LIST=blocked masquerade serve",
)
def block(
    folder: Annotated[
        Path, typer.Argument(help="Pictures of the people, each with one clear face; best several each.")
    ],
    name: Annotated[str, typer.Option("--name", help="The block list.")],
    faces: FacesOption = "dlib-faces",
    threshold: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.99, help="Cosine similarity from which a face is one of theirs; usual: by space."),
    ] = None,
    store: StoreOption = STORE,
) -> None:
    """Make a block list: swaps with these people's faces are refused. It keeps vectors, no pictures and no names."""
    with explained():
        if not folder.is_dir():
            raise BadSource(f"{folder} is not a folder")
        models = opened(store)
        embedder = _embedder(models.get(faces))
        try:
            with Memory(memory_path(models, embedder.version)) as memory, bars() as progress:
                made = build_block_list(folder, name, embedder, models, memory, progress, threshold=threshold)
        finally:
            embedder.engine.close()
        for path, why in made.left_out.items():
            console.print(f"Left out {escape(str(path))}: {escape(why.detail)}", highlight=False)
        console.print(
            f"Published [bold]{made.version.ref}[/] with {made.vectors:,} faces. It is asked once "
            f"MASQUERADE_MODELS__SWAP_BLOCK_LIST={name} is set.",
            highlight=False,
        )


@app.command(
    "import-wikidata",
    epilog="Examples:  masquerade gallery import-wikidata film-actors/ --occupation Q10800557 --limit 500 "
    "--contact you@example.org  ·  masquerade gallery build film-actors/catalogue.json --name film-actors",
)
def import_wikidata(
    out: Annotated[Path, typer.Argument(help="Folder for the pictures and catalogue.json.")],
    occupation: Annotated[
        list[str], typer.Option(help="Wikidata item of an occupation, such as Q33999 (actor); may be repeated.")
    ],
    contact: Annotated[str, typer.Option(help="Mail or web address, named to Wikimedia as its rules ask.")],
    sitelinks: Annotated[int, typer.Option(min=0, help="Only people with at least so many Wikipedia articles.")] = 30,
    limit: Annotated[int, typer.Option(min=1, help="How many people at most, best known first.")] = 1000,
    language: Annotated[str, typer.Option(help="Of names and roles.")] = "en",
    sparql: Annotated[str, typer.Option(help="The query service.")] = SPARQL,
    commons: Annotated[str, typer.Option(help="The MediaWiki API that has the pictures.")] = API,
) -> None:
    """Fetch well-known people and their pictures from Wikidata and Wikimedia Commons, with licence and author.

    Pictures whose licence is not stated are left out. Run it again to go on after an interruption.
    """
    with explained(), bars() as progress:
        wish = Wish(tuple(occupation), sitelinks, limit, language)

        async def fetch() -> Imported:
            async with Polite.session(contact) as polite:
                return await import_people(wish, out, polite, sparql, Commons(commons, polite), progress)

        imported = asyncio.run(fetch())
    console.print(
        f"{imported.people} people with a picture, {imported.skipped} without a free one; "
        f"next: masquerade gallery build {imported.catalogue} --name NAME"
    )


def _build(source: Path, plan: Plan, faces: ModelVersion, store: Store, report: Path | None) -> None:
    folder = report or Path("reports", plan.name)
    candidates = read_source(source)
    embedder = _embedder(faces)
    try:
        with Memory(memory_path(store, faces)) as memory, bars() as progress:
            built = build(candidates, plan, embedder, store, memory, progress)
    except NothingToBuild as error:
        page = write_report(error.report, folder)
        show(error.report)
        raise BadSource(f"{error}; {page} says why of every picture") from error
    finally:
        embedder.engine.close()
    page = write_report(built.report, folder)
    show(built.report)
    console.print(f"Published [bold]{built.version.ref}[/]; the whole report: [bold]{page}[/]")


def _gallery(store: Store, ref: str) -> ModelVersion:
    version = store.get(ref)
    if version.manifest.task != "face-gallery":
        raise BadSource(f"{version.ref} is a {version.manifest.task} model and no gallery")
    return version


def _embedder_of(store: Store, gallery: ModelVersion) -> ModelVersion:
    return store.get(gallery.manifest.input["embedder"])


def _embedder(version: ModelVersion) -> Embedder:
    return Embedder(version, build_faces(version, Runtime(threads=cores())))
