"""What documents and docstrings name is there under that name: files, links, commands, settings, and things in the code."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typer.main import get_command

from bot.settings import BotSettings
from serve_app.command_line import command_line
from serve_app.settings import Settings

ROOT = Path(__file__).parents[2]
ROOMS = ("serve_app", "deployments", "registry", "bot", "training", "benchmarks", "drills")
# The changelog tells what was.
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")} - {ROOT / "CHANGELOG.md"})
CODE = [path for room in ROOMS for path in sorted(ROOT.glob(f"{room}/**/*.py"))]
TESTS = sorted(ROOT.glob("tests/**/*.py"))
OTHERS = [
    path for name in (".ci/*", "Makefile", "*.yaml", "deploy/**/*", "bot/locales/*.ftl") for path in ROOT.glob(name)
]
EVERYTHING = [*DOCUMENTS, *CODE, *(path for path in OTHERS if path.is_file())]

# Of whoever deploys or tests, and read elsewhere than in the settings.
VARIABLES = {"MASQUERADE_COMMAND", "MASQUERADE_DATA", "MASQUERADE_FORK_SERVER", "MASQUERADE_USER"}


def named(pattern: str, files: list[Path]) -> Iterator[tuple[str, re.Match[str]]]:
    """Every match, and the file and line it begins on. What a backslash continues is one line."""
    for path in files:
        text = path.read_text(encoding="utf-8").replace("\\\n", "  ")
        for match in re.finditer(pattern, text, re.MULTILINE):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path.relative_to(ROOT)}:{line}: {match[0]}", match


def headings(document: Path) -> set[str]:
    """What may stand behind the ``#`` of a link to the document."""
    text = re.sub(r"(?ms)^```.*?^```", "", document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"(?m)^#+ (.*)$", text)}


def test_every_link_between_documents_leads_somewhere() -> None:
    dead: list[str] = []
    for document in DOCUMENTS:
        for where, link in named(r"\]\((?!http)([^)#\s]*)#?([^)\s]*)\)", [document]):
            goal = document.parent / link[1] if link[1] else document
            dead += [where] if not goal.exists() or (link[2] and link[2] not in headings(goal)) else []
    assert not dead


def test_every_file_of_the_project_that_is_named_is_there() -> None:
    places = "|".join((*ROOMS, "tests", "docs", "deploy", "requirements"))
    missing = [
        where
        for where, match in named(rf"(?<![\w/.{{}}-])(?:{places})/[\w./-]*\w", EVERYTHING)
        # An operator writes that one.
        if not (ROOT / match[0]).exists() and match[0] != "deploy/.env"
    ]
    there = [f"/{path.relative_to(ROOT)}" for path in (*CODE, *TESTS)]
    missing += [
        where
        for where, match in named(r"`((?:\w+/)*\w+\.py)`", DOCUMENTS)
        if not any(path.endswith(f"/{match[1]}") for path in there)
    ]
    assert not missing


@functools.cache
def command(*words: str) -> tuple[Any, int]:
    """The command that the words begin with, and how many of them name it."""
    found, depth = get_command(command_line(words)), 0
    while hasattr(found, "list_commands") and words[depth:] and words[depth] in found.list_commands(None):
        found, depth = found.get_command(None, words[depth]), depth + 1
    return found, depth


def unknown(found: Any, given: list[str]) -> set[str]:
    options = {name for one in found.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
    return {word for word in given if word.startswith("--")} - options


def test_every_command_that_is_shown_is_there_with_its_options() -> None:
    wrong: list[str] = []
    # Other programs are given the word too: `kubectl -n masquerade …`.
    for where, match in named(r"(?<![\w/@'\"-])(?<!-n )masquerade ([a-z][a-z-]+(?: [^`#&|;\n]*)?)", DOCUMENTS):
        words = match[1].rstrip("(").split()
        found, depth = command(*words[:2])
        # `masquerade eval` alone speaks of all it has, `masquerade models …` of some.
        whole = depth > 0 and (not hasattr(found, "list_commands") or words[depth:] in ([], ["…"]))
        wrong += [where] if not whole or unknown(found, words[depth:]) else []
    for where, match in named(r"python -m ((?:\w+\.)*\w+)((?: [^`#&|;\n]*)?)", DOCUMENTS):
        spec = find_spec(match[1])
        wrong += [where] if spec is None else []
        if match[1].startswith("training."):
            found = get_command(import_module(match[1]).app)
            wrong += [where] if unknown(found, match[2].split()) else []
    assert not wrong


def settings(kind: type[BaseModel], prefix: str) -> Iterator[str]:
    """The variables of a class of settings, and of those inside it."""
    for name, field in kind.model_fields.items():
        yield f"{prefix}{name}".upper()
        if "SecretStr" in str(field.annotation):
            yield f"{prefix}{name}_file".upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings(field.annotation, f"{prefix}{name}__")


def test_every_variable_that_is_named_is_a_setting() -> None:
    known = {*settings(Settings, "MASQUERADE_"), *settings(BotSettings, "MASQUERADE_BOT_"), *VARIABLES}
    assert not [
        where for where, match in named(r"\bMASQUERADE_[A-Z_]*[A-Z]\b(?!_)", EVERYTHING) if match[0] not in known
    ]


def test_every_setting_of_the_bot_has_its_place_in_the_table() -> None:
    text = (ROOT / "docs/bot.md").read_text(encoding="utf-8")
    table = text.partition("| setting (`MASQUERADE_BOT_…`)")[2].partition("\n\n")[0]
    told = {name for row in re.findall(r"(?m)^\| (`.*?) \|", table) for name in re.findall(r"`(\w+)`", row)}
    assert told == {name for name in settings(BotSettings, "") if not name.endswith("_FILE")} - {"TARIFF", "FLOOD"}


def defined(tree: ast.Module) -> Iterator[str]:
    """What a module and its classes define, and what is put into ``self``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def place(name: str) -> Path | None:
    """The file or folder of a module of ours, or of one that documents about the bot call by its name there."""
    for base in (ROOT, ROOT / "bot"):
        path = base / name.replace(".", "/")
        if path.is_dir() or path.with_suffix(".py").is_file():
            return path if path.is_dir() else path.with_suffix(".py")
    return None


def test_everything_in_the_code_that_is_referred_to_is_there() -> None:
    names = {path: set(defined(ast.parse(path.read_text(encoding="utf-8")))) for path in (*CODE, *TESTS)}
    everywhere = set().union(*names.values())

    def known(name: str, beside: Path) -> bool:
        if name.startswith("."):
            return (beside.parent / f"{name[1:]}.py").is_file()
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            if (path := place(".".join(parts[:length]))) is not None and (length > 1 or parts[0] in ROOMS):
                within = names.get(path if path.is_file() else path / "__init__.py", set())
                return not parts[length:] or set(parts[length:]) <= within
        return set(parts) <= everywhere

    roles = named(r":(?:mod|class|func|meth|attr|data):`~?([\w.]+)`", [*CODE, *TESTS])
    rooms = "|".join((*ROOMS, *(path.name for path in (ROOT / "bot").iterdir() if path.is_dir())))
    dotted = named(rf"`((?:{rooms})\.[\w.]+)`", DOCUMENTS)
    strange = [
        where
        for where, match in (*roles, *dotted)
        if not known(match[1], ROOT / where.partition(":")[0]) and not match[1].endswith(".md")
    ]
    assert not strange


def test_code_that_is_shown_imports_what_there_is() -> None:
    for document in DOCUMENTS:
        for block in re.findall(r"(?ms)^```python\n(.*?)^```", document.read_text(encoding="utf-8")):
            imports = [node for node in ast.parse(block).body if isinstance(node, ast.Import | ast.ImportFrom)]
            assert imports, f"{document}: where from?"
            for node in imports:
                exec(compile(ast.Module([node], []), str(document), "exec"), {})
