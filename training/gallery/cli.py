"""``masquerade gallery``: build lookalike galleries, add to them, look into them.

What a command does is imported when it is given: the engines take a while, and help needs none of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from training.stores import STORE, StoreOption, opened
from training.terminal import explained

app = typer.Typer(
    help="Build the galleries that lookalikes are searched in.",
    epilog="Examples:  masquerade gallery build people/ --name actors  ·  masquerade gallery search me.jpg --name actors",
    no_args_is_help=True,
)
FacesOption = Annotated[
    str | None,
    typer.Option(
        "--faces",
        envvar="MASQUERADE_MODELS__FACES",
        show_default="the one that serves",
        help="Face model to build with: NAME, NAME@VERSION or NAME@ALIAS. It serves beside one of the same vectors only.",
    ),
]
NameOption = Annotated[str, typer.Option("--name", help="The gallery: NAME, or NAME@VERSION where one is read.")]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", show_default="reports/NAME", help="Folder for report.json and report.html."),
]
SourceArgument = Annotated[
    Path, typer.Argument(help="A folder with one sub-folder of pictures a person, or a .json or .csv catalogue.")
]

SPARQL: Final = "https://query.wikidata.org/sparql"
COMMONS: Final = "https://commons.wikimedia.org/w/api.php"

IndexChoice = Literal["auto", "flat", "scan", "ivf-pq", "hnsw"]


@app.command(
    "build",
    epilog="Examples:  masquerade gallery build people/ --name actors  ·  "
    "masquerade gallery build people.csv --name actors --faces buffalo-l",
)
def build(
    source: SourceArgument,
    name: NameOption,
    title: Annotated[str, typer.Option(help="What people read.")] = "",
    faces: FacesOption = None,
    index: Annotated[IndexChoice, typer.Option(help="Kind of index; auto goes by size and what it measures.")] = "auto",
    report: ReportOption = None,
    store: StoreOption = STORE,
) -> None:
    """Build a gallery and publish it as the next version of NAME. Interrupted, it goes on where it was."""
    from training.gallery.build import Plan
    from training.gallery.work import build_gallery

    with explained():
        plan = Plan(name, title=title, kind=None if index == "auto" else index)
        build_gallery(opened(store), source, plan, faces, report)


@app.command(epilog="Examples:  masquerade gallery add more-people/ --name actors")
def add(source: SourceArgument, name: NameOption, report: ReportOption = None, store: StoreOption = STORE) -> None:
    """Publish a new version of a gallery with more people, or more pictures of those it has, in it."""
    from training.gallery.work import add_people

    with explained():
        add_people(opened(store), source, name, report)


@app.command(
    "report",
    epilog="Examples:  masquerade gallery report --name actors  ·  "
    "masquerade gallery report --name actors@v2 --report out/",
)
def show_report(name: NameOption, report: ReportOption = None, store: StoreOption = STORE) -> None:
    """Say what is in a gallery, and why pictures were left out when it was built."""
    from training.gallery.work import tell

    with explained():
        tell(opened(store), name, report)


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
    from training.gallery.work import search_gallery

    with explained():
        search_gallery(opened(store), photo, name, top, collage)


@app.command(epilog="Examples:  masquerade gallery starter")
def starter(faces: FacesOption = None, store: StoreOption = STORE) -> None:
    """Build the small gallery of the demo out of the sample photos, unless it is there already."""
    from training.gallery.work import have_starter

    with explained():
        have_starter(opened(store), faces)


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
    faces: FacesOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.99, help="Cosine similarity from which a face is one of theirs; usual: by space."),
    ] = None,
    store: StoreOption = STORE,
) -> None:
    """Make a block list: swaps with these people's faces are refused. It keeps vectors, no pictures and no names."""
    from training.gallery.work import block_people

    with explained():
        block_people(opened(store), folder, name, faces, threshold)


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
    commons: Annotated[str, typer.Option(help="The MediaWiki API that has the pictures.")] = COMMONS,
) -> None:
    """Fetch well-known people and their pictures from Wikidata and Wikimedia Commons, with licence and author.

    Pictures whose licence is not stated are left out. Run it again to go on after an interruption.
    """
    from training.gallery.wikidata import Wish
    from training.gallery.work import fetch_people

    with explained():
        fetch_people(Wish(tuple(occupation), sitelinks, limit, language), out, contact, sparql, commons)
