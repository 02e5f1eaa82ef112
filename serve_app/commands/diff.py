"""``masquerade diff``: the running graph against its configuration file and against its store."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from serve_app.settings import Settings
from serve_app.topology import GRAPH
from serve_app.versions.drift import application, differences, without_versions

app = typer.Typer()
console = Console()
errors = Console(stderr=True)

TIMEOUT_S = 15


@app.command(
    epilog="Examples:  masquerade diff  ·  masquerade diff serve_config.yaml --url https://studio.example",
)
def diff(
    file: Annotated[
        Path | None, typer.Argument(help="Configuration file to compare with.", exists=True, dir_okay=False)
    ] = None,
    url: Annotated[str | None, typer.Option(help="Address of the studio.", show_default="this machine's")] = None,
) -> None:
    """Show where the running graph is not what it should be. Exits 1 when anything differs.

    Reads the admin key from MASQUERADE_ADMIN_KEY.

    Which versions serve is compared with the store; with a FILE, the deployments' options are compared with it too.
    """
    settings = Settings()
    if settings.admin_key is None:
        _give_up("The live configuration is for admins; set MASQUERADE_ADMIN_KEY.")
    base = (url or f"http://{settings.host}:{settings.port}").rstrip("/")
    key = settings.admin_key.get_secret_value()
    rows = list(_versions(_ask(f"{base}/v1/models", key, "coordinated")))
    if file is not None:
        live = _ask(f"{base}/v1/config", key, "configuration")["configuration"]
        try:
            wanted = application(file.read_text(encoding="utf-8"), GRAPH)
        except ValueError as error:
            _give_up(f"{file}: {error}.")
        rows += differences(without_versions(wanted), live)
    if not rows:
        console.print("Nothing differs.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("what", "should be", "is"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    raise typer.Exit(1)


def _versions(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Models whose routing says one thing and whose replicas do another."""
    if not told["coordinated"]:
        return [("versions", "looked after", "nobody can say what the replicas hold")]
    found: list[tuple[str, str, str]] = []
    for entry in told["routings"]:
        model, routing = entry["model"], entry["routing"]
        states = {one["version"]: one for one in told["models"] if one["model"] == model}
        if not any(one["serves"] for one in states.values()):
            continue
        for place, version in (
            ("active", routing["stable"]),
            ("canary", routing["canary"]),
            ("shadow", routing["shadow"]),
        ):
            held = sorted(name for name, one in states.items() if one["state"] == place)
            if held != ([version] if version else []):
                reason = states.get(version or "", {}).get("reason")
                found.append(
                    (
                        f"{model} {place}",
                        version or "none",
                        f"{', '.join(held) or 'none'}{f' ({reason})' if reason else ''}",
                    )
                )
    return found


def _ask(address: str, key: str, part: str) -> dict[str, Any]:
    """The document at ``address``, which has a ``part``."""
    try:
        if urlsplit(address).scheme not in {"http", "https"}:
            _give_up(f"{address} is no address of a studio; --url looks like http://127.0.0.1:8000")
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            document: dict[str, Any] = json.load(response)
            if part not in document:
                raise ValueError(part)
            return document
    except urllib.error.HTTPError as error:
        _give_up(f"{address} answered {error.code}: {_detail(error)}")
    except OSError as error:
        _give_up(f"{address} does not answer: {getattr(error, 'reason', error)}")
    except (ValueError, TypeError):
        _give_up(f"{address} answers, but not as a studio does.")


def _detail(error: urllib.error.HTTPError) -> str:
    """What a problem document says; whatever stands before a studio may answer something else."""
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        return str(error.reason)


def _give_up(sentence: str) -> NoReturn:
    errors.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(2)
