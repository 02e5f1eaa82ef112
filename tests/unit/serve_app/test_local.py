"""How one program finds the graph that another one has open."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from ray._private.utils import validate_socket_filepath
from ray.serve._private.http_util import set_socket_reuse_port
from ray.serve.schema import ApplicationStatus

from benchmarks.ports import free_port
from serve_app.deployed import ServeApplication, ServeDeployment
from serve_app.local import (
    StudioError,
    _front,
    _noted,
    _reason,
    _refuse_outrun,
    _set_flags,
    _start_serve,
    joined,
    running_studio,
    studio,
)
from serve_app.ray_token import guard_token
from serve_app.serve_flags import own_front
from serve_app.settings import EngineLimits, Settings


def test_a_studio_is_found_while_it_is_open(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as ray:
        address = f"127.0.0.1:{ray.getsockname()[1]}"
        with _noted(settings, address):
            assert running_studio(settings) == address
        assert running_studio(settings) is None


def test_a_studio_that_crashed_is_not_found(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as ray:
        address = f"127.0.0.1:{ray.getsockname()[1]}"
    with _noted(settings, address):
        assert running_studio(settings) is None


def test_of_two_studios_over_one_folder_the_one_that_stays_open_is_found(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        first, second = (f"127.0.0.1:{server.getsockname()[1]}" for server in (one, other))
        closing = contextlib.ExitStack()
        closing.enter_context(_noted(settings, first))
        with _noted(settings, second):
            closing.close()
            assert running_studio(settings) == second
        assert running_studio(settings) is None


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:0", "127.0.0.1:x"])
def test_no_cluster_is_said_at_once(address: str) -> None:
    with pytest.raises(StudioError, match="masquerade serve"), joined(address, Settings()):
        raise AssertionError("nothing can be joined there")


@pytest.mark.parametrize(
    "module", ["bot.cli", "serve_app.inventory", "serve_app.commands.demo", "serve_app.commands.serve"]
)
def test_a_command_does_not_import_ray_before_the_studio_has_set_its_environment(module: str) -> None:
    script = f"import sys, {module}; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.fixture
def unset_front(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_SERVE_ENABLE_DIRECT_INGRESS", *own_front(1)):
        # Set first, so that it is put back however it was.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("unset_front")
@pytest.mark.parametrize(("gateways", "itself"), [(None, True), (1, True), (2, False)])
def test_one_gateway_listens_itself_and_several_stand_behind_a_proxy(gateways: int | None, *, itself: bool) -> None:
    engines = {} if gateways is None else {"Gateway": EngineLimits(replicas=gateways)}
    settings = Settings(port=18_000, engines=engines)
    with _front(settings) as proxy_port:
        assert (proxy_port != settings.port) is itself
    assert os.environ["RAY_SERVE_ENABLE_DIRECT_INGRESS"] == str(int(itself))


@pytest.mark.usefixtures("unset_front")
def test_the_gateway_takes_the_studios_port_and_no_other() -> None:
    with _front(Settings(port=8123)) as proxy_port:
        assert proxy_port != 8123
    assert os.environ["RAY_SERVE_ENABLE_DIRECT_INGRESS"] == "1"
    ports = range(*(int(os.environ[f"RAY_SERVE_DIRECT_INGRESS_{end}_HTTP_PORT"]) for end in ("MIN", "MAX")))
    assert list(ports) == [8123]


def test_serves_proxy_keeps_the_studios_port_where_a_second_application_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_SERVE_ENABLE_DIRECT_INGRESS", "0")
    with _front(Settings(port=8123)) as proxy_port:
        assert proxy_port == 8123


@pytest.mark.usefixtures("unset_front")
def test_the_port_of_serves_proxy_is_its_own_until_it_comes() -> None:
    """Ray takes dozens of ports while it starts, and any of them could be this one."""
    with _front(Settings(port=8123)) as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.socket() as proxy:
            set_socket_reuse_port(proxy)
            proxy.bind(("127.0.0.1", port))
            proxy.listen()
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            proxy.accept()[0].close()


@pytest.mark.parametrize("own", [True, False])
def test_serve_that_does_not_start_is_told_in_words(monkeypatch: pytest.MonkeyPatch, *, own: bool) -> None:
    def refuse(**_options: object) -> None:
        raise RuntimeError(
            "ray::ProxyActor.ready()\n  File ...\nRuntimeError: Failed to bind to address '127.0.0.1:1'."
        )

    monkeypatch.setattr("ray.serve.start", refuse)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(port=taken.getsockname()[1])
        told = "^Ray Serve did not start: Failed to bind" if own else "taken by another program"
        with pytest.raises(StudioError, match=told):
            _start_serve(settings, settings.port + (1 if own else 0))


def rays_starts(monkeypatch: pytest.MonkeyPatch, *failures: Exception) -> list[object]:
    """Ray fails with these, one after the other; returns a list that has an entry for every time it was started."""
    started: list[object] = []

    def start(**options: object) -> None:
        started.append(options["_metrics_export_port"])
        raise failures[min(len(started), len(failures)) - 1]

    monkeypatch.setattr("ray.init", start)
    monkeypatch.setattr("serve_app.local._set_flags", lambda settings: None)
    monkeypatch.setattr("serve_app.selection.select", lambda *_: SimpleNamespace(chosen={"moderation": None}))
    return started


def test_a_machine_that_ray_cannot_start_on_is_told_in_words_after_three_tries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = rays_starts(monkeypatch, Exception("The current node timed out during startup."))
    with pytest.raises(StudioError, match=r"Ray did not start: The current node timed out .*session_latest/logs"):
        with studio(Settings(port=free_port(), data_dir=tmp_path)):
            pass
    assert len(started) == 3


def test_what_no_further_try_would_change_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    late = Exception("The current node timed out during startup.")
    started = rays_starts(monkeypatch, late, OSError("No space left on device."))
    with pytest.raises(StudioError, match="Ray did not start: No space left"):
        with studio(Settings(port=free_port(), data_dir=tmp_path)):
            pass
    assert len(started) == 2


def test_a_termination_signal_while_the_graph_loads_closes_what_was_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ray's native part wrote a stack to the terminal, and this process was gone while what it had started was not."""
    rays_starts(monkeypatch)
    closed: list[bool] = []

    def start(**_: object) -> SimpleNamespace:
        signal.signal(signal.SIGTERM, lambda *_: os.abort())
        return SimpleNamespace(address_info={"session_dir": tmp_path})

    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr("ray.init", start)
    monkeypatch.setattr("ray.get_runtime_context", lambda: os.kill(os.getpid(), signal.SIGTERM))
    monkeypatch.setattr("ray.shutdown", lambda: closed.append(True))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), studio(Settings(port=free_port(), data_dir=tmp_path)):
        pass
    assert closed
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("length", "short"), [(39, False), (40, True), (90, True)])
def test_rays_sockets_have_room_where_the_folder_for_temporary_files_has_a_long_name(
    monkeypatch: pytest.MonkeyPatch, length: int, *, short: bool
) -> None:
    folder = "/" + "y" * (length - 1)
    monkeypatch.setattr(os, "environ", {"TMPDIR": folder})
    monkeypatch.setattr("tempfile.tempdir", folder)
    _set_flags(Settings())
    where = os.environ["RAY_TMPDIR"]
    assert where == ("/tmp" if short else folder)
    validate_socket_filepath(f"{where}/ray/session_{datetime.now():%Y-%m-%d_%H-%M-%S_%f}_4194304/sockets/plasma_store")


def homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")


def read_only() -> Path:
    return Path("/proc/self")


async def test_calls_between_deployments_do_not_go_through_a_proxy_to_the_internet(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr(os, "environ", os.environ.copy())
    _set_flags(Settings(data_dir=tmp_path))
    call = "import grpc, sys; grpc.channel_ready_future(grpc.insecure_channel(sys.argv[1])).result(20)"
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    asking = [sys.executable, "-c", call, f"127.0.0.1:{port}"]
    environment = dict(os.environ) | {"http_proxy": nobody, "no_proxy": ""}
    caller = await asyncio.create_subprocess_exec(*asking, env=environment)
    assert await caller.wait() == 0
    await server.stop(None)


@pytest.mark.parametrize("home", [homeless, read_only])
def test_who_has_no_home_to_write_to_has_the_token_in_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Callable[[], Path]
) -> None:
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(Path, "home", home)
    for _ in range(2):
        _set_flags(Settings(data_dir=tmp_path))
        token = tmp_path / "ray-token"
        assert os.environ.pop("RAY_AUTH_TOKEN_PATH") == str(token)
        assert token.stat().st_mode & 0o077 == 0
        assert len(token.read_text()) == 64
    guard_token()


def test_who_has_a_home_has_the_token_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    _set_flags(Settings(data_dir=tmp_path / "data"))
    assert "RAY_AUTH_TOKEN_PATH" not in os.environ
    assert not (tmp_path / "data").exists()


def test_metrics_are_where_the_settings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = rays_starts(monkeypatch, Exception("That is all."))
    wanted = free_port()
    for metrics_port in (None, wanted):
        with pytest.raises(StudioError, match="That is all"):
            with studio(Settings(port=free_port(), metrics_port=metrics_port, data_dir=tmp_path)):
                pass
    assert asked == [None, wanted]
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(StudioError, match=f"{taken} is taken .*MASQUERADE_METRICS_PORT"):
            with studio(Settings(port=free_port(), metrics_port=taken, data_dir=tmp_path)):
                pass


def test_an_address_that_nobody_can_listen_on_is_not_called_taken(tmp_path: Path) -> None:
    # TEST-NET-3: no machine's own.
    with (
        pytest.raises(StudioError, match=r"Nobody can listen on 203\.0\.113\.7:8000 here"),
        studio(Settings(host="203.0.113.7", data_dir=tmp_path)),
    ):
        pass
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = Settings(port=other.getsockname()[1], data_dir=tmp_path)
        with pytest.raises(StudioError, match="taken by another program"), studio(taken):
            pass


@pytest.mark.parametrize(("failed", "told"), [("Gateway", True), ("Moderation", False)])
def test_of_two_studios_started_at_one_moment_the_later_is_told_that_the_port_is_taken(
    tmp_path: Path, failed: str, *, told: bool
) -> None:
    """Serve says of it that no ports are available on a node, which it names by 56 digits."""
    deployments = {
        name: ServeDeployment("DEPLOY_FAILED" if name == failed else "HEALTHY", "", 1, Counter(), may_rest=False)
        for name in ("Gateway", "Moderation")
    }
    state = ServeApplication(ApplicationStatus.DEPLOY_FAILED, "", deployments)
    with socket.create_server(("127.0.0.1", 0)) as first:
        settings = Settings(port=first.getsockname()[1], data_dir=tmp_path)
        with pytest.raises(StudioError, match="taken by another program") if told else contextlib.nullcontext():
            _refuse_outrun(settings, state)
    _refuse_outrun(settings, state)
    _refuse_outrun(settings, None)


def test_a_database_that_is_away_is_told_before_anything_is_started(tmp_path: Path) -> None:
    nobody = f"postgresql+asyncpg://studio:pa55word@127.0.0.1:{free_port()}/studio"
    settings = Settings(port=free_port(), data_dir=tmp_path, models_dir=tmp_path, database_url=nobody)
    with pytest.raises(StudioError, match="The database cannot be used: .*127.0.0.1") as refused, studio(settings):
        pass
    assert "pa55word" not in str(refused.value)


def test_a_studio_with_a_file_for_a_database_loads_no_database_to_look_at_it() -> None:
    script = (
        "import sys; from serve_app import local, preflight; from serve_app.settings import Settings; "
        "preflight.refuse_without_database(Settings()); sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_data_folder_that_cannot_be_written_is_told_before_anything_is_started(tmp_path: Path) -> None:
    taken = tmp_path / "data"
    taken.touch()
    with pytest.raises(StudioError, match="data cannot be written to: .*MASQUERADE_DATA_DIR"):
        with studio(Settings(port=free_port(), data_dir=taken)):
            pass


@pytest.mark.parametrize("status", ["DEPLOY_FAILED", "UNHEALTHY"])
def test_what_kept_a_graph_from_starting_is_told_without_its_traceback(status: str) -> None:
    said = """The deployment failed to start 3 times in a row. Error:
    ray::ServeReplica:masquerade:Moderation.initialize_and_get_metadata()
      File "serving.py", line 12, in __init__
    registry.errors.BrokenVersion: open-nsfw@v2 is damaged: open-nsfw.onnx is missing.
    """
    deployments = {
        "Style": ServeDeployment("HEALTHY", "", 1, Counter(RUNNING=1), may_rest=False),
        "Moderation": ServeDeployment(status, said, 1, Counter(), may_rest=False),
    }
    state = ServeApplication(ApplicationStatus.DEPLOY_FAILED, "Failed to update the deployments.", deployments)
    assert _reason(state) == "Moderation: open-nsfw@v2 is damaged: open-nsfw.onnx is missing."


def test_a_graph_of_which_serve_says_nothing_is_told_by_its_state() -> None:
    state = ServeApplication(ApplicationStatus.DEPLOYING, "", {})
    assert _reason(state) == "Serve says no more of it than DEPLOYING."
