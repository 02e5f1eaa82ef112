"""What stands in a studio's way is looked for before anything is started."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

from serve_app.proxy.listening import is_taken
from serve_app.settings import Settings, variable


class StudioError(RuntimeError):
    """The studio cannot open; the message says why in words."""


def refuse_taken(host: str, port: int, named: str) -> None:
    """Raises :class:`StudioError`; ``named`` is how another port is chosen."""
    try:
        taken = is_taken(host, port)
    except OSError as error:
        raise StudioError(f"Nobody can listen on {host}:{port} here: {error.strerror}") from error
    if taken:
        raise StudioError(f"{host}:{port} is taken by another program; choose another with {named}")


def refuse_unwritable(folder: Path) -> None:
    """Make the folder, and write in it. Raises :class:`StudioError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StudioError(
            f"{folder} cannot be written to: {error.strerror}; name another folder with {variable('data_dir')}"
        ) from error


def refuse_without_database(settings: Settings) -> None:
    """A server may be away, or know another password. A file in the data folder is always there.

    Raises :class:`StudioError`.
    """
    if settings.sql_url.startswith("sqlite"):
        return
    # Imported here: it takes half a second, which a studio with a file spends while Ray starts.
    from serve_app.database import NoDatabase, bring_up_to_date

    try:
        bring_up_to_date(settings.sql_url)
    except NoDatabase as error:
        raise StudioError(str(error)) from error
