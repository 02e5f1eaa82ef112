"""Ray and the graph on this machine: started for one process and gone with it, or joined where they already serve."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any

from serve_app.forking.launch import fork_server, one_machine
from serve_app.forking.sockets import temporary_folder
from serve_app.preflight import StudioError, refuse_taken, refuse_unwritable, refuse_without_database
from serve_app.ray_token import find_token_a_place, guard_token
from serve_app.serve_flags import ONE_MACHINE, SERVE_FLAGS, own_front
from serve_app.settings import Settings, variable
from serve_app.telemetry.tracing import environment
from serve_app.topology import GATEWAY, GRAPH

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

    from serve_app.deployed import ServeApplication

log = logging.getLogger(__name__)

# What Serve says of a deployment that did not come up, the first time and later.
_FAILED = {"DEPLOY_FAILED", "UNHEALTHY"}
# The class of an error, with its modules, before what it says.
_EXCEPTION = re.compile(r"^(?:\w+\.)*[A-Z]\w*: ")

# A process each for Serve's controller, its proxy, the task that builds the graph, the gateway, the versions, anonymize.
_BESIDE_MODELS = 6
# Pictures travel inside calls, not through Ray's shared memory. Left to itself Ray reserves a third of the machine for it, and
# complains in a container whose /dev/shm is smaller.
_OBJECT_STORE = 256 * 2**20
# How often Ray is started before it is given up.
_TRIES = 3
# The longest path that Ray gives a socket, in the folder for temporary files.
_RAY_SOCKET = "ray/session_2000-01-01_00-00-00_000000_4194304/sockets/plasma_store"


@contextmanager
def studio(settings: Settings) -> Iterator[str]:
    """Start Ray and the graph; yields the base address once every capability is ready.

    Until it closes, :func:`running_studio` finds it. Raises :class:`StudioError`, or ``RegistryError`` when models are
    missing.
    """
    refuse_taken(settings.host, settings.port, "--port")
    if settings.metrics_port is not None:
        # Ray's own exporter has no other address.
        refuse_taken("0.0.0.0", settings.metrics_port, variable("metrics_port"))  # noqa: S104
    refuse_unwritable(settings.data_folder)
    refuse_without_database(settings)
    with _front(settings) as proxy_port:
        _set_flags(settings)
        with (
            _ended_like_interrupted(),
            fork_server() as forking,
            _ray(settings, forking) as address,
            _graph(settings, address, proxy_port),
        ):
            yield settings.url


@contextmanager
def _graph(settings: Settings, address: str, proxy_port: int) -> Iterator[None]:
    """Serve the graph in the Ray at ``address``, until everybody who is inside has been served. Raises :class:`StudioError`."""
    from ray import serve

    from serve_app.deployed import await_running, client, state_of
    from serve_app.versions.live import application_of, deploy

    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    try:
        _start_serve(settings, proxy_port)
        try:
            deploy([application_of(GRAPH, settings)])
            await_running(GRAPH)
        except RuntimeError as error:
            state = state_of(GRAPH)
            _refuse_outrun(settings, state)
            raise StudioError(f"The graph did not start: {_reason(state)}") from error
        gateways = serve.get_deployment_handle(GATEWAY, GRAPH)
        with _noted(settings, address):
            try:
                yield
            finally:
                # The ways to Serve that are opened for the last words do not outlive them, which Serve calls an error.
                logging.getLogger("ray.serve").setLevel(logging.CRITICAL)
                _while_ray_lives(address, lambda: asyncio.run(_see_out(gateways)))
    finally:
        # The replicas end in order; the controller has nothing left to do and ends with Ray.
        _while_ray_lives(address, lambda: client().delete_apps([GRAPH]))


def _start_serve(settings: Settings, proxy_port: int) -> None:
    from ray import serve

    try:
        serve.start(
            http_options={"host": settings.host, "port": proxy_port, "request_timeout_s": settings.deadline_s * 2},
            logging_config={"encoding": "JSON", "log_level": "INFO"},
        )
    except RuntimeError as error:
        if proxy_port == settings.port:
            refuse_taken(settings.host, settings.port, "--port")
        raise StudioError(f"Ray Serve did not start: {_last_line(str(error))}") from error


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """A termination signal closes within the block what Ctrl-C closes: it would end this process and leave Ray behind."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _see_out(gateways: DeploymentHandle[Any]) -> None:
    """Close the gateways' doors, and wait for those who are inside."""
    # A call waits until the way there is known, which telling all of them does not.
    await gateways.close.remote()
    await gateways.broadcast("close").results_async(return_exceptions=True)


def _while_ray_lives(address: str, work: Callable[[], object]) -> None:
    """Do ``work``, and leave it undone when nobody listens at ``address`` any more.

    A signal to the whole process group (a service manager's, say) ends Ray as well, and whoever asks it something while it
    ends waits for a minute.
    """

    def do() -> None:
        # However it fails: Ray ends next, with everything it has started.
        try:
            work()
        except Exception as error:
            log.debug("not closed in order: %s", error)

    working = Thread(target=do, name="closing", daemon=True)
    working.start()
    while working.is_alive() and _listens(address):
        working.join(0.1)


@contextmanager
def _ray(settings: Settings, forking: dict[str, str]) -> Iterator[str]:
    """Start Ray for the models there are; yields its address.

    Raises :class:`StudioError`, or ``RegistryError`` when models are missing.
    """
    import ray

    from serve_app.selection import left_out, select

    store = settings.model_store.open()
    selection = select(store, settings.models)
    if "moderation" not in selection.chosen:
        raise selection.refusal("moderation")
    for told in left_out(store, selection, settings.models):
        log.warning(told)
    # Ray starts one worker ahead of time for each core it is told of (no deployment here reserves any), and by itself no
    # more at once than there are real cores. All are needed, and each spends most of its start waiting.
    workers = len(selection.chosen) + _BESIDE_MODELS
    inherited = settings.secrets() | forking | {"RAY_worker_maximum_startup_concurrency": str(workers)}
    try:
        with _in_environment(inherited), one_machine(), ThreadPoolExecutor(max_workers=1) as importing:
            # Takes less time than Ray takes to start, which leaves a core idle meanwhile.
            importing.submit(_import_serve)
            ends = signal.getsignal(signal.SIGTERM)
            session = _init(workers, settings.metrics_port)
            if current_thread() is main_thread():
                # Ray has taken the signal, and its native part after that, which writes its stack to the terminal and ends.
                signal.signal(signal.SIGTERM, ends)
        guard_token()
        # Ray opens its folder to everybody on the machine: logs, and the sockets its processes speak through.
        session.chmod(0o700)
        yield str(ray.get_runtime_context().gcs_address)
    finally:
        ray.shutdown()


def _init(workers: int, metrics_port: int | None) -> Path:
    """Start Ray, and return its folder; what it could not start in its own time, which nobody can set, gets further tries.

    Its parts have 15 and 30 s for each other. Where others load a machine that may be too little once; the next time their
    files have been read, and ours are imported.
    """
    import ray

    for left in reversed(range(_TRIES)):
        try:
            started: Any = ray.init(
                address="local",
                num_cpus=workers,
                object_store_memory=_OBJECT_STORE,
                include_dashboard=False,
                _metrics_export_port=metrics_port,
                logging_level=logging.ERROR,
                log_to_driver=False,
                configure_logging=False,
            )
            return Path(started.address_info["session_dir"])
        except Exception as error:  # Ray raises no narrower one for a machine too busy or too full to start on.
            if not left or "timed out" not in str(error).lower():
                where = f"{os.environ.get('RAY_TMPDIR', '/tmp')}/ray/session_latest/logs"  # noqa: S108  # Ray's own
                raise StudioError(
                    f"Ray did not start: {error} Is the machine overloaded, or its disk full? Its logs: {where}"
                ) from error
            log.warning("Ray was not ready in its time; the machine is busy. It is started again.")
    raise AssertionError("the last try returns or raises")


def _import_serve() -> None:
    import serve_app.preload
    import serve_app.versions.live  # noqa: F401  # for all of what it imports


@contextmanager
def _in_environment(variables: dict[str, str]) -> Iterator[None]:
    """Processes started in the block inherit ``variables``; this one forgets them again."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def joined(address: str, settings: Settings) -> Iterator[None]:
    """Use the graph that serves in the Ray cluster at ``address`` (``auto``: the one of this machine); it stays open.

    Raises :class:`StudioError` when there is none.
    """
    nobody = f"There is no Ray cluster at {address}; is `masquerade serve` running?"
    if address != "auto" and not _listens(address):
        # Ray itself would try for a minute.
        raise StudioError(nobody)
    _set_flags(settings)
    import ray

    from serve_app.deployed import state_of

    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise StudioError(nobody) from error
    try:
        application = state_of(GRAPH)
        if application is None or application.status != "RUNNING":
            raise StudioError(
                f"The Ray cluster at {address} does not serve the graph; start it with `masquerade serve`"
            )
        yield
    finally:
        ray.shutdown()


def running_studio(settings: Settings) -> str | None:
    """The Ray address of the studio that is open in this data folder, if one is."""
    try:
        address = _note(settings).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return address if _listens(address) else None


@contextmanager
def _noted(settings: Settings, address: str) -> Iterator[None]:
    """Leave word of where Ray is. A crash leaves it behind, and whoever reads it finds that nobody listens there."""
    note = _note(settings)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(address, encoding="utf-8")
    try:
        yield
    finally:
        # Another studio that opened over this folder meanwhile has left its own word.
        with contextlib.suppress(OSError):
            if note.read_text(encoding="utf-8") == address:
                note.unlink()


def _note(settings: Settings) -> Path:
    return settings.data_folder / "ray-address"


@contextmanager
def _front(settings: Settings) -> Iterator[int]:
    """Let the gateway listen at the studio's address, and keep a port for Serve's proxy to be idle on, which it yields.

    With ``RAY_SERVE_ENABLE_DIRECT_INGRESS=0`` in the environment the proxy has the address, as it must where a second
    application is to be reached there. It has it as well where there are several gateways to spread requests over.
    """
    gateways = settings.engines.get(GATEWAY)
    if gateways is not None and (gateways.replicas or 1) > 1:
        os.environ["RAY_SERVE_ENABLE_DIRECT_INGRESS"] = "0"
    if os.environ.setdefault("RAY_SERVE_ENABLE_DIRECT_INGRESS", "1") != "1":
        yield settings.port
        return
    os.environ.update(own_front(settings.port))
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as kept:
        # Until the proxy comes, which binds with the same option, nobody else is given the port: Ray, for one, takes dozens.
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind((settings.host, 0))
        yield kept.getsockname()[1]


def _set_flags(settings: Settings) -> None:
    flags = SERVE_FLAGS | ONE_MACHINE | environment(settings)
    if "TMPDIR" in os.environ:
        # Ray looks there itself, and fails where a socket's path would be too long.
        flags |= {"RAY_TMPDIR": temporary_folder(_RAY_SOCKET)}
    os.environ.update({name: os.environ.get(name, value) for name, value in flags.items()})
    find_token_a_place(settings.data_folder)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
    except (OSError, ValueError):
        return False
    return True


def _reason(state: ServeApplication | None) -> str:
    """The last line of what the deployments that failed say about it."""
    if state is None:
        return "Serve knows nothing of it."
    messages = [f"{name}: {one.message}" for name, one in state.deployments.items() if one.status in _FAILED]
    said = (messages[0] if messages else state.message).strip()
    if not said:
        return f"Serve says no more of it than {state.status.value}."
    return f"{said.partition(':')[0]}: {_last_line(said)}"


def _last_line(said: str) -> str:
    """What an error says for people, which stands at its end, without its class."""
    return _EXCEPTION.sub("", said.strip().splitlines()[-1].strip())


def _refuse_outrun(settings: Settings, state: ServeApplication | None) -> None:
    """The same where somebody took the port while the graph was loading: another studio that was started at that moment, say."""
    gateway = state.deployments.get(GATEWAY) if state is not None else None
    if gateway is not None and gateway.status in _FAILED:
        refuse_taken(settings.host, settings.port, "--port")
