"""What all tests share: a marker by folder, what lies outside the repository, calm property tests, and an empty database."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from serve_app.database import migrate
from serve_app.serve_flags import SERVE_FLAGS

# Ray reads them when it is first imported, which a test module may do. Tests come with a loop each, so here, unlike in
# a replica, the router keeps a loop of its own.
os.environ.update(SERVE_FLAGS | {"RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "1"})

# A worker of `make test` is told the width of a terminal that its tests do not write to.
os.environ.pop("COLUMNS", None)

ROOT = Path(__file__).parents[1]

# A busy machine makes an example slow now and then; that says nothing about the code.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """``pytest -m unit`` runs the folder unit/, and so on."""
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        item.add_marker(folder)


# What takes long to start, and where it is used.
SHARED = {
    "a studio": ("tests/e2e/",),
    "a Ray": (
        "tests/integration/serving/",
        "tests/integration/training/test_workers.py",
        "tests/integration/bot/flows/test_serve.py",
    ),
}


class ByWhatIsShared(LoadScopeScheduling):
    """Gives a worker of `make test` a whole file at a time, and all files that share a Ray or a studio to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((shared for shared, places in SHARED.items() if file.startswith(places)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByWhatIsShared:
    return ByWhatIsShared(config, log)


@pytest.fixture(scope="session")
def research_data() -> Path:
    """Faces, photos and models for research (``MASQUERADE_DATA``), where they are."""
    folder = Path(os.environ.get("MASQUERADE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"there is no research data at {folder}; set MASQUERADE_DATA")
    return folder


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The store that ``make test`` pulled the starter models into (``MASQUERADE_MODELS_DIR``)."""
    folder = Path(os.environ.get("MASQUERADE_MODELS_DIR", ROOT / "var" / "models"))
    if not (folder / "open-nsfw").is_dir():
        pytest.skip(f"the starter models are not at {folder} (run: masquerade models pull --starter)")
    return folder


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database as the migrations make it, which takes them a while; tests take copies."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path
