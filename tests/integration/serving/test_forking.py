"""A real Ray whose workers are forked, in a process of its own: these tests' Ray was started in Ray's way."""

from __future__ import annotations

import json
import os
import subprocess
import sys

PROGRAM = """
import json, os, psutil, sys, time
from serve_app.forking.launch import fork_server, one_machine
from serve_app.serve_flags import SERVE_FLAGS

os.environ.update(SERVE_FLAGS)
with fork_server() as variables:
    os.environ.update(variables)
    import ray
    with one_machine():
        ray.init(address="local", num_cpus=3, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)

    @ray.remote(num_cpus=1, max_restarts=1, max_task_retries=2)
    class Worker:
        def told(self):
            context = ray.get_runtime_context()
            return {
                "pid": os.getpid(),
                "parent": " ".join(psutil.Process().parent().cmdline()),
                "server": os.getppid(),
                "worker": context.get_worker_id(),
                "job": context.get_job_id(),
                "object": ray.put(b"x" * 200_000).hex(),
                "random": ray.NodeID.from_random().hex(),
                "variable": os.environ.get("ASKED_FOR"),
                "title": psutil.Process().cmdline()[0],
            }

        def ended(self):
            os._exit(1)

    two = [Worker.remote() for _ in range(2)]
    found = {"two": ray.get([one.told.remote() for one in two]), "job": ray.get_runtime_context().get_job_id()}
    other = Worker.options(runtime_env={"env_vars": {"ASKED_FOR": "yes"}}).remote()
    found["other"] = ray.get(other.told.remote())
    first = psutil.Process(found["two"][0]["pid"])
    first.kill()
    found["again"] = ray.get(two[0].told.remote())
    psutil.Process(found["two"][0]["server"]).kill()
    ray.kill(two[1])
    ray.kill(other)
    found["without"] = ray.get([Worker.remote().told.remote() for _ in range(2)])
    workers = [psutil.Process(one["pid"]) for one in found["without"]]
    ray.shutdown()
    psutil.wait_procs(workers, 30)
    found["left"] = [one.pid for one in workers if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
print(json.dumps(found))
"""


def test_workers_are_forked_and_are_workers_all_the_same() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert run.returncode == 0, run.stderr[-4000:]
    found = json.loads(run.stdout.splitlines()[-1])
    one, another = found["two"]
    # Forked by one server, and each a worker of its own: nothing that has to differ is the same.
    assert one["server"] == another["server"]
    assert "forking/server.py" in one["parent"]
    for name in ("pid", "worker", "object", "random"):
        assert one[name] != another[name], name
    assert one["job"] == another["job"] == found["job"]
    assert one["title"].startswith("ray::Worker")
    # One that was killed is replaced by another fork.
    assert found["again"]["pid"] != one["pid"]
    assert found["again"]["server"] == one["server"]
    # An environment of its own is Ray's business, and so is everything once the server is gone.
    assert found["other"]["variable"] == "yes"
    assert "forking/server.py" not in found["other"]["parent"]
    assert all("forking/server.py" not in worker["parent"] for worker in found["without"])
    # What was forked ends with Ray.
    assert found["left"] == []
