"""Switching versions from the command line: what changed is shown, who and why is kept, refusals are one sentence."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from registry.collection import Verdict, judge, remove
from registry.errors import StoreUnavailable
from registry.leases import Lease
from registry.manifest import Licence
from registry.routing import Routing
from registry.store import FolderStore
from serve_app.commands.models import app
from tests.versions import publish

NET = {"net.dat": b"abc"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStore:
    """Holds net@v1 to net@v4."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MASQUERADE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("MASQUERADE_USER", "ada")
    made = FolderStore(tmp_path / "models")
    for number in range(1, 5):
        publish(made, NET, version=f"v{number}", task="samples")
    return made


@pytest.fixture
def replica(store: FolderStore) -> Iterator[Lease]:
    """Serves net@v4."""
    with Lease(store, "replica-1") as lease:
        lease.hold(["net@v4"])
        yield lease


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=answer)


@pytest.mark.usefixtures("replica")
def test_every_step_shows_what_it_changed(store: FolderStore) -> None:
    assert "net  the newest → v1   previous v4" in run("promote", "net@v1", "--why", "first").output
    assert "net  v1 → v2   previous v1" in run("promote", "net@v2", "--why", "sharper").output
    assert "net  v2 → v2, canary v3 2.5 %" in run("canary", "net@v3", "--percent", "2.5", "--why", "trial").output
    assert "net  v2, canary v3 2.5 % → v2" in run("rollback", "net", "--why", "green skies").output
    assert "net  v2 → v2, shadow v4 20%" in run("shadow", "net@v4", "--sample", "0.2", "--why", "compare").output
    assert "net  v2, shadow v4 20% → v2" in run("shadow", "net", "--end", "--why", "compared").output
    assert "net  v2 → v1" in run("rollback", "net", "--why", "all green").output
    assert store.routing("net") == Routing("v1")
    assert "unchanged" in run("promote", "net@v1", "--why", "again").output


def test_where_nobody_knows_what_serves_it_is_promoted_first(store: FolderStore) -> None:
    refused = run("canary", "net@v3", "--percent", "5", "--why", "trial")
    assert refused.exit_code == 1
    assert "promote that one first, with `masquerade models promote net@VERSION`" in " ".join(refused.output.split())
    assert "net  the newest → v1\n" in run("promote", "net@v1", "--why", "it serves").output
    assert "net  v1 → v1, canary v3 5 %" in run("canary", "net@v3", "--percent", "5", "--why", "trial").output


def test_the_audit_trail_shows_who_and_why(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nobody has decided anything yet" in run("audit").output
    run("promote", "net@v1", "--why", "first")
    monkeypatch.setenv("MASQUERADE_USER", "grace")
    run("canary", "net@v2", "--why", "trial [b]of[/b] five")
    run("canary", "net", "--end", "--why", "seen")
    first, second, third = run("audit", "net").output.splitlines()[3:6]
    assert "end canary v2" in third
    assert "end" not in second
    assert all(word in first for word in ("ada", "promote v1", "the newest", "first"))
    assert all(word in second for word in ("grace", "canary v2", "v1, canary v2 5 %", "trial [b]of[/b] five"))


def test_without_a_name_for_the_trail_it_is_the_login_name(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASQUERADE_USER")
    monkeypatch.setenv("LOGNAME", "lovelace")
    run("promote", "net@v1", "--why", "first")
    assert store.audit("net")[0].who == "lovelace"


@pytest.mark.usefixtures("replica")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("promote", "net", "--why", "x"), "Which version of net?"),
        (("promote", "net@v9", "--why", "x"), "no version v9; it has v1, v2, v3, v4"),
        (("promote", "other@v1", "--why", "x"), "other is not in"),
        (("promote", "../net", "--why", "x"), "is not a model reference"),
        (("canary", "net@v1", "--percent", "0", "--why", "x"), "more than 0"),
        (("canary", "net", "--end", "--why", "x"), "no canary to end"),
        (("shadow", "net@v1", "--sample", "2", "--why", "x"), "up to 1"),
        (("rollback", "net", "--why", "x"), "never promoted"),
        (("push", "net@v1"), "MASQUERADE_MODELS_URL"),
        (("list", "--store", "ftp://models"), "no kind of store"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_changes_nothing(
    store: FolderStore, arguments: tuple[str, ...], sentence: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert sentence in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert store.audit("net") == []


@pytest.mark.parametrize("arguments", [("promote", "net@v1"), ("canary", "net@v1"), ("rollback", "net")])
@pytest.mark.parametrize("why", [(), ("--why", " ")])
def test_a_change_without_a_reason_is_a_usage_error(
    store: FolderStore, arguments: tuple[str, ...], why: tuple[str, ...]
) -> None:
    result = run(*arguments, *why)
    assert result.exit_code == 2
    assert "--why" in result.output
    assert store.audit("net") == []


def test_a_promotion_of_what_nothing_serves_says_so(store: FolderStore) -> None:
    for model in ("mine", "dlib-faces"):
        publish(store, NET, model=model, task="face-analysis", embedding_space=model)
    told = run("promote", "mine@v1", "--why", "better").output
    assert "nothing serves mine, for another of its kind is chosen" in told
    assert "MASQUERADE_MODELS__FACES=mine chooses this one at the next start" in told
    publish(store, NET, model="painter", task="style")
    assert "or what it needs is missing" in run("promote", "painter@v1", "--why", "better").output
    assert "nothing serves" not in run("promote", "dlib-faces@v1", "--why", "better").output


def test_a_model_that_the_running_studio_was_started_without_waits_for_the_next_start(
    store: FolderStore, replica: Lease
) -> None:
    for model, task in (("embedded-swap", "face-swap"), ("sharper", "face-restoration")):
        publish(store, NET, model=model, task=task)
    replica.hold(["embedded-swap@v1"])
    told = "sharper serves from the next start on: the studio that runs was started without it."
    assert told in run("promote", "sharper@v1", "--why", "finer skin").output
    replica.hold(["embedded-swap@v1", "sharper@v1"])
    assert told not in run("promote", "sharper@v1", "--why", "finer skin").output


def test_so_does_one_in_whose_place_the_running_studio_has_another(store: FolderStore, replica: Lease) -> None:
    publish(store, NET, model="dlib-faces", task="face-analysis", embedding_space="a")
    for model in ("celebrities-sample", "actors"):
        publish(store, NET, model=model, task="face-gallery", embedding_space="a")
    told = "actors serves from the next start on: the studio that runs was started without it."
    replica.hold(["dlib-faces@v1"])
    assert run("promote", "actors@v1", "--why", "ours").output == "actors  the newest → v1\n", "lookalikes may rest"
    replica.hold(["dlib-faces@v1", "celebrities-sample@v1"])
    assert told in run("promote", "actors@v1", "--why", "ours").output


def test_a_moderator_joins_the_vote_of_the_running_studio_and_leaves_it_again(
    store: FolderStore, replica: Lease
) -> None:
    for model in ("open-nsfw", "my-judge"):
        publish(store, NET, model=model, task="moderation", backend="open-nsfw")
    replica.hold(["open-nsfw@v1"])
    told = run("promote", "my-judge@v1", "--why", "a second opinion").output
    assert told == "my-judge  the newest → v1\n"
    assert run("rollback", "my-judge", "--why", "too strict").output == "my-judge  v1 → the newest\n"
    assert store.routing("my-judge") is None


def test_a_version_beside_the_one_that_the_settings_name_is_told_to_wait(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("v1", "v2"):
        publish(store, NET, model="dlib-faces", version=version, task="face-analysis")
    monkeypatch.setenv("MASQUERADE_MODELS__FACES", "dlib-faces@v1")
    told = run("promote", "dlib-faces@v2", "--why", "finer").output
    assert "MASQUERADE_MODELS__FACES names dlib-faces@v1, which therefore serves whatever is decided." in told
    assert "names" not in run("promote", "dlib-faces@v1", "--why", "it serves").output


def test_styles_that_do_not_follow_their_network_are_told_of(store: FolderStore) -> None:
    for number in (1, 2):
        publish(store, {"net.dat": b"%d" % number}, model="style-fine", version=f"v{number}", task="style")
    pinned = {"style-fine": hashlib.sha256(b"1").hexdigest()}
    publish(store, NET, model="styles-wreck", task="style-pack", requires=pinned, title="The Shipwreck")
    run("promote", "style-fine@v1", "--why", "it serves")
    told = "and so left behind: styles-wreck@v1 (The Shipwreck)."
    assert told in run("canary", "style-fine@v2", "--why", "trial").output
    assert "left behind" not in run("canary", "style-fine", "--end", "--why", "seen").output
    refused = run("promote", "style-fine@v2", "--why", "sharper")
    assert (refused.exit_code, told in refused.output) == (1, True)
    assert run("promote", "style-fine@v2", "--why", "nobody asks for it", "--force").exit_code == 0
    assert "despite: styles-wreck@v1 does not go with it" in " ".join(run("audit", "style-fine").output.split())


@pytest.mark.parametrize("begin", ["canary", "shadow"])
def test_a_trial_beside_what_nothing_serves_says_so(store: FolderStore, begin: str) -> None:
    for model in ("mine", "dlib-faces"):
        for version in ("v1", "v2"):
            publish(store, NET, model=model, version=version, task="face-analysis", embedding_space=model)
        run("promote", f"{model}@v1", "--why", "it serves")
    assert "nothing serves mine" in run(begin, "mine@v2", "--why", "better").output
    assert "nothing serves" not in run(begin, "dlib-faces@v2", "--why", "better").output
    assert "nothing serves" not in run(begin, "mine", "--end", "--why", "seen").output


def test_a_trail_is_asked_for_by_a_name_that_there_is_or_was(store: FolderStore) -> None:
    result = run("audit", "nosuch")
    assert result.exit_code == 1
    assert "nosuch is not in" in result.output
    assert run("audit", "net").exit_code == 0
    run("promote", "net@v1", "--why", "first")
    shutil.rmtree(store.root / "net" / "v1")
    for number in range(2, 5):
        shutil.rmtree(store.root / "net" / f"v{number}")
    assert "promote v1" in run("audit", "net").output


def test_a_full_disk_is_told_in_words(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("registry.integrity.flush_to_disk", full)
    result = run("promote", "net@v1", "--why", "first")
    assert result.exit_code == 1
    assert "The disk is full: free some space" in result.output


@pytest.mark.usefixtures("replica")
def test_the_list_shows_which_version_does_what(store: FolderStore) -> None:
    run("promote", "net@v2", "--why", "x")
    run("canary", "net@v3", "--percent", "5", "--why", "x")
    lines = run("list").output.splitlines()
    for ref, role in (("net@v4", "previous"), ("net@v2", "stable"), ("net@v3", "canary 5 %")):
        assert role in next(line for line in lines if ref in line)
    assert "# serving: v2, canary v3 5 %" in run("show", "net@stable").output


# Garbage


def test_a_dry_run_shows_what_would_go_and_takes_nothing(store: FolderStore, replica: Lease) -> None:
    run("promote", "net@v3", "--why", "x")
    replica.hold([])
    output = run("gc", "--dry-run").output
    assert "2 of 4 versions would go, 6 bytes." in output
    assert "unused" in next(line for line in output.splitlines() if "net@v1" in line)
    assert "previous" in next(line for line in output.splitlines() if "net@v4" in line)
    assert store.versions("net") == ["v1", "v2", "v3", "v4"]


def test_what_nothing_uses_goes_and_the_record_stays(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_MODELS__STYLE", "net@v1")
    run("promote", "net@v3", "--why", "x")
    publish(store, NET, version="v0", task="samples")
    with Lease(store, "replica") as lease:
        lease.hold(["net@v2"])
        result = run("gc", "--yes", "--why", "weekly")
    assert "removed  net@v0" in result.output
    assert "3 bytes freed" in result.output
    assert store.versions("net") == ["v1", "v2", "v3", "v4"]
    assert (store.audit("net")[-1].action, store.audit("net")[-1].why) == ("remove", "weekly")
    # The replica is gone by now.
    assert "1 of 4 versions would go" in run("gc", "--dry-run").output


def test_the_gallery_that_serves_stays_though_a_newer_one_was_built_for_another_face_model(store: FolderStore) -> None:
    publish(store, NET, model="dlib-faces", task="face-analysis", embedding_space="a")
    publish(store, NET, model="actors", version="v1", task="face-gallery", embedding_space="a")
    publish(store, NET, model="actors", version="v2", task="face-gallery", embedding_space="b")
    run("gc", "--yes")
    assert store.versions("actors") == ["v1", "v2"]


def test_nothing_goes_while_nobody_can_say_what_serves(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("s3://models cannot be reached.")

    monkeypatch.setattr("serve_app.commands.housekeeping.select", away)
    result = run("gc", "--yes")
    assert (result.exit_code, result.output) == (1, "s3://models cannot be reached.\n")
    assert store.versions("net") == ["v1", "v2", "v3", "v4"]


def test_what_somebody_else_removes_meanwhile_is_gone_and_the_rest_goes(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(looked_at: FolderStore, *named: tuple[str, ...]) -> list[Verdict]:
        verdicts = judge(looked_at, *named)
        remove(store, "net", "v1", by="another cron", why="unused")
        return verdicts

    monkeypatch.setattr("serve_app.commands.housekeeping.judge", overtaken)
    result = run("gc", "--yes")
    assert (result.exit_code, store.versions("net")) == (0, ["v4"])
    assert "gone     net@v1: somebody else removed it" in result.output
    assert "6 bytes freed" in result.output


def test_at_a_terminal_garbage_is_asked_about(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve_app.commands.housekeeping.at_a_terminal", lambda: True)
    result = run("gc", answer="n\n")
    assert "Remove 3 versions, 9 bytes?" in result.output
    assert (result.exit_code, len(store.versions("net"))) == (1, 4)
    assert run("gc", answer="y\n").exit_code == 0
    assert store.versions("net") == ["v4"]


def test_where_nobody_can_be_asked_nothing_goes_without_the_word(store: FolderStore) -> None:
    result = run("gc")
    assert result.exit_code == 2
    assert "3 versions, 9 bytes, may go: give --yes." in result.output
    assert store.versions("net") == ["v1", "v2", "v3", "v4"]
    assert [entry for entry in store.audit("net") if entry.action == "remove"] == []


def test_what_killed_publishers_left_is_swept_though_no_version_is_garbage(store: FolderStore) -> None:
    run("gc", "--yes")
    left = store.root / ".staging" / "net@v5-dead"
    left.mkdir()
    os.utime(left, (0, 0))
    assert "0 of 1 versions would go" in run("gc", "--dry-run").output
    assert left.exists()
    assert run("gc", "--yes").exit_code == 0
    assert not left.exists()


# Licences


def test_what_serves_is_shown_with_its_terms_and_ci_can_insist(store: FolderStore) -> None:
    strict = Licence(name="Research-Only", commercial_use=False, url="https://example.org/terms")
    data = ({"name": "faces of the web", "terms": "research only"},)
    publish(store, model="swap", task="face-swap")
    assert run("licenses", "--require-commercial").exit_code == 0
    publish(store, {"net.dat": b"2"}, model="swap", version="v2", task="face-swap", licence=strict, trained_on=data)
    run("promote", "swap@v1", "--why", "x")
    assert "swap@v2" not in run("licenses").output
    assert "swap@v2" in run("licenses", "--all").output
    run("canary", "swap@v2", "--why", "x")
    result = run("licenses", "--require-commercial")
    assert result.exit_code == 1
    for words in (
        "https://example.org/terms",
        "trained on faces of the web: research only",
        "No commercial use: swap@v2",
    ):
        assert words in result.output
    assert run("licenses").exit_code == 0
