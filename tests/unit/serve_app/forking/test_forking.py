"""A worker that is forked is what Ray asked for, and what cannot be forked Ray starts itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import ray

from serve_app.forking import launch, start_worker
from serve_app.forking.launch import fork_server, one_machine
from tests.eventually import at_last

ROOT = Path(__file__).parents[4]

# Says who it is, as a worker of Ray would find itself.
WORKER = """
import json, os, random, signal, sys
print("noise on standard error", file=sys.stderr)
json.dump({
    "name": __name__,
    "arguments": sys.argv,
    "path": sys.path[0],
    "modules": list(sys.modules),
    "environment": dict(os.environ),
    "directory": os.getcwd(),
    "niceness": os.nice(0),
    "oom_score_adj": open("/proc/self/oom_score_adj").read().strip(),
    "random": random.random(),
    "server": os.getppid(),
    "interrupt_blocked": signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []),
    "children": signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL,
    "said": sys.stdin.read(),
}, open(sys.argv[1], "w"))
os.rename(sys.argv[1], sys.argv[1] + ".done")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with fork_server() as variables:
        yield variables


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    script = tmp_path / "default_worker.py"
    script.write_text(WORKER)
    return script


def asked(worker: Path, variables: dict[str, str], *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """Ray asks for a worker; returns what the process that Ray started did."""
    command = [sys.executable, start_worker.__file__, *arguments, str(worker), str(worker.with_suffix(".json"))]
    environment = os.environ | variables
    return subprocess.run(
        command, env=environment, input="from Ray", capture_output=True, text=True, timeout=60, **more
    )


def told(worker: Path) -> dict[str, object]:
    """What the worker wrote."""
    done = worker.with_suffix(".json.done")
    at_last(done.exists, 60)
    return json.loads(done.read_text())


def test_a_worker_is_the_script_that_ray_asked_for(server: dict[str, str], worker: Path) -> None:
    run = asked(worker, server, "--language=PYTHON", "--serialized-runtime-env-context={}")
    assert (run.returncode, run.stdout) == (0, "")
    found = told(worker)
    assert found["name"] == "__main__"
    assert found["arguments"] == [str(worker), str(worker.with_suffix(".json"))]
    assert found["path"] == str(worker.parent)


def test_it_has_what_a_new_process_would_inherit(server: dict[str, str], worker: Path, tmp_path: Path) -> None:
    score = int(Path("/proc/self/oom_score_adj").read_text()) + 7

    def as_ray_does() -> None:
        os.nice(3)
        Path("/proc/self/oom_score_adj").write_text(str(score))

    run = asked(worker, server | {"RAY_JOB_ID": "01000000"}, cwd=tmp_path, preexec_fn=as_ray_does)
    found = told(worker)
    assert found["environment"] == os.environ | server | {"RAY_JOB_ID": "01000000"}
    assert found["directory"] == str(tmp_path)
    assert found["niceness"] == os.nice(0) + 3
    assert found["oom_score_adj"] == str(score)
    assert found["said"] == "from Ray"
    assert run.stderr == "noise on standard error\n"


def test_it_finds_libraries_imported_and_nothing_of_ray(server: dict[str, str], worker: Path) -> None:
    asked(worker, server)
    modules = set(told(worker)["modules"])
    assert {"numpy", "fastapi", "grpc", "openvino"} <= modules
    assert not any(module.split(".")[0] in {"ray", "torch", "serve_app"} for module in modules)


def test_little_but_ray_is_left_to_import(server: dict[str, str], worker: Path) -> None:
    before = "import sys; sys.path.append({!r}); found = set(sys.modules); import serve_app.preload\n"
    worker.write_text(
        before.format(str(ROOT)) + WORKER.replace("list(sys.modules)", "sorted(set(sys.modules) - found)")
    )
    asked(worker, server)
    modules = [name for name in told(worker)["modules"] if name.split(".")[0] not in {"ray", "serve_app"}]
    assert len(modules) < 20, f"forking.server.LIBRARIES lacks some of {modules}"


def test_it_is_forked_from_a_process_of_one_thread(server: dict[str, str], worker: Path) -> None:
    asked(worker, server)
    found = told(worker)
    assert psutil.Process(found["server"]).num_threads() == 1
    assert "OPENBLAS_NUM_THREADS" not in found["environment"]


def test_openvino_reports_to_nobody(worker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reported = tmp_path / "reported"
    (tmp_path / "site").mkdir()
    (tmp_path / "site/openvino_telemetry.py").write_text(f"open({str(reported)!r}, 'w').close()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    with fork_server() as variables:
        asked(worker, variables)
        assert "openvino" in told(worker)["modules"]
    assert not reported.exists()


def test_workers_draw_different_numbers(server: dict[str, str], worker: Path) -> None:
    drawn = set()
    for _ in range(2):
        asked(worker, server)
        drawn.add(told(worker)["random"])
        worker.with_suffix(".json.done").unlink()
    assert len(drawn) == 2


def test_ctrl_c_is_not_for_workers_and_their_children_are_theirs(server: dict[str, str], worker: Path) -> None:
    asked(worker, server)
    found = told(worker)
    assert found["interrupt_blocked"]
    assert found["children"]


def test_a_worker_that_ended_leaves_nothing(server: dict[str, str], worker: Path) -> None:
    asked(worker, server)
    parent = psutil.Process(told(worker)["server"])
    at_last(lambda: not parent.children())


def test_a_dozen_may_ask_while_libraries_are_imported(worker: Path, tmp_path: Path) -> None:
    scripts = []
    for number in range(12):
        scripts.append(tmp_path / str(number) / "default_worker.py")
        scripts[-1].parent.mkdir()
        scripts[-1].write_text(WORKER)
    with fork_server() as variables:
        asking = [
            subprocess.Popen(
                [sys.executable, start_worker.__file__, str(script), str(script.with_suffix(".json"))],
                env=os.environ | variables,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for script in scripts
        ]
        assert [one.wait(60) for one in asking] == [0] * 12
        assert len({told(script)["server"] for script in scripts}) == 1


@pytest.mark.parametrize(
    ("garbage", "answer"),
    [(b"", b""), (b"\n", b""), (b"\n{", b""), (b"\n\xff", b""), (b"\n[]", b"\n"), (b'\n{"command": "x"}', b"\n")],
)
def test_what_makes_no_sense_does_not_end_the_server(
    server: dict[str, str], worker: Path, garbage: bytes, answer: bytes
) -> None:
    with start_worker.socket.socket(start_worker.socket.AF_UNIX) as client:
        client.connect(server[start_worker.FORK_SERVER])
        client.sendall(garbage)
        client.shutdown(start_worker.socket.SHUT_WR)
        assert client.recv(1) == answer
    assert asked(worker, server).returncode == 0
    assert told(worker)["name"] == "__main__"


@pytest.fixture
def rays_own(tmp_path: Path) -> dict[str, str]:
    """A package in Ray's place whose script says what it was called with."""
    script = tmp_path / "site/ray/_private/workers/setup_worker.py"
    script.parent.mkdir(parents=True)
    (tmp_path / "site/ray/__init__.py").write_text("raise ImportError('it is only to be found')")
    script.write_text("import sys; print('Ray starts', *sys.argv[1:])")
    return {"PYTHONPATH": str(tmp_path / "site")}


@pytest.mark.parametrize(
    "arguments",
    [
        ['--serialized-runtime-env-context={"env_vars": {"A": "b"}}'],
        ['--serialized-runtime-env-context={"command_prefix": ["nice"]}'],
        ['--serialized-runtime-env-context={"py_executable": "/another/python"}'],
        ["--language=CPP"],
        ["-S"],
    ],
)
def test_what_cannot_be_forked_ray_starts_itself(
    server: dict[str, str], worker: Path, rays_own: dict[str, str], arguments: list[str]
) -> None:
    run = asked(worker, server | rays_own, *arguments)
    assert run.stdout.split() == [
        "Ray",
        "starts",
        *" ".join(arguments).split(),
        str(worker),
        f"{worker.parent}/default_worker.json",
    ]


def test_an_environment_that_asks_for_nothing_is_forked(server: dict[str, str], worker: Path) -> None:
    context = {"command_prefix": [], "env_vars": {}, "py_executable": sys.executable, "java_jars": []}
    asked(worker, server, f"--serialized-runtime-env-context={json.dumps(context)}")
    assert told(worker)["name"] == "__main__"


@pytest.mark.parametrize("variables", [{}, {start_worker.FORK_SERVER: "/nowhere/workers"}])
def test_without_a_server_ray_starts_its_workers_itself(
    worker: Path, rays_own: dict[str, str], variables: dict[str, str]
) -> None:
    assert asked(worker, variables | rays_own).stdout.startswith("Ray starts ")


def test_a_server_that_died_is_not_waited_for(worker: Path, rays_own: dict[str, str]) -> None:
    with fork_server() as variables:
        asked(worker, variables)
        os.kill(told(worker)["server"], signal.SIGKILL)
        assert asked(worker, variables | rays_own).stdout.startswith("Ray starts ")


def test_the_server_ends_with_a_studio_that_was_killed(worker: Path) -> None:
    program = (
        "import json, time; from serve_app.forking.launch import fork_server\n"
        "with fork_server() as variables: print(json.dumps(variables), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as studio:
        variables = json.loads(studio.stdout.readline())
        asked(worker, variables)
        server = psutil.Process(told(worker)["server"])
        studio.kill()
    server.wait(30)
    assert not Path(variables[start_worker.FORK_SERVER]).parent.exists()


def test_nobody_else_may_ask(server: dict[str, str]) -> None:
    assert Path(server[start_worker.FORK_SERVER]).parent.stat().st_mode & 0o077 == 0


def test_a_folder_for_temporary_files_with_a_long_name_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, worker: Path
) -> None:
    long = tmp_path / ("y" * 80)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with fork_server() as variables:
        asked(worker, variables)
        assert told(worker)["name"] == "__main__"
    assert not list(long.iterdir())


def test_where_no_temporary_folder_can_be_made_nothing_forks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with fork_server() as variables:
        assert variables == {}


@pytest.mark.parametrize("fails", [True, False])
def test_what_ray_has_started_ends_with_it_however_far_it_came(monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
    class Killed:
        """Ray's node, whose raylet is killed before its agents look after it."""

        def __init__(self) -> None:
            raylet = subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
            self.all_processes = {"raylet": [SimpleNamespace(process=raylet)]}
            started.extend([raylet.pid, int(raylet.stdout.readline())])
            if fails:
                raise Exception("The node timed out")

        def kill_all_processes(self, *, check_alive: bool) -> None:
            for raylet in self.all_processes.pop("raylet"):
                raylet.process.kill()
                raylet.process.communicate()

    started: list[int] = []
    monkeypatch.setattr("ray._private.node.Node", Killed)
    with one_machine(), contextlib.suppress(Exception):
        ray._private.node.Node().kill_all_processes(check_alive=False)
    assert len(started) == 2
    at_last(lambda: not any(map(psutil.pid_exists, started)))
    assert ray._private.node.Node is Killed


def test_elsewhere_than_on_linux_nothing_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.sys, "platform", "darwin")
    with fork_server() as variables:
        assert variables == {}
