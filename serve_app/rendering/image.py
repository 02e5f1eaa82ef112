"""``deploy/Dockerfile``: two images from the same steps, with and without CUDA."""

from __future__ import annotations

from serve_app.rendering.flags import PORT

PACKAGES = ("registry", "deployments", "serve_app", "bot", "training")
USER_ID = 10001
HOME = "/srv/masquerade"
HEALTH = f"http://127.0.0.1:{PORT}/healthz"
PROBE = f"import urllib.request; urllib.request.urlopen('{HEALTH}', timeout=3)"


def dockerfile() -> str:
    """The text. Both targets run as an ordinary user; nothing of the build's tools is in them."""
    return f"""\
# syntax=docker/dockerfile:1
# Written by `masquerade render`. From the repository's root:
#   docker build -f deploy/Dockerfile --target cpu -t masquerade:cpu .
#   docker build -f deploy/Dockerfile --target gpu -t masquerade:gpu .

# wget: KubeRay's own probes call it.
FROM python:3.12-slim-bookworm AS cpu-base
RUN apt-get update && apt-get install -y --no-install-recommends wget && rm -rf /var/lib/apt/lists/*
FROM nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04 AS gpu-base
RUN apt-get update \\
    && apt-get install -y --no-install-recommends python3 python3-venv wget \\
    && rm -rf /var/lib/apt/lists/*

# One environment per target, from the locked versions with their hashes; the code comes last, so that a change of code
# alone reuses the layer with the dependencies.
{_build("cpu")}
{_build("gpu")}
{_runtime("cpu")}
{_runtime("gpu")}"""


def ignored() -> str:
    """``Dockerfile.dockerignore``: nothing goes to the builder but what the Dockerfile copies."""
    taken = ("requirements", "pyproject.toml", "README.md", "LICENSE", *PACKAGES)
    return "*\n" + "".join(f"!{name}\n" for name in taken) + "**/__pycache__\n"


def _build(target: str) -> str:
    sources = "".join(f"COPY {name} {name}\n" for name in PACKAGES)
    return f"""\
FROM {target}-base AS {target}-build
WORKDIR /build
RUN python3 -m venv /opt/masquerade
COPY requirements/{target}.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip \\
    /opt/masquerade/bin/pip install --no-deps --require-hashes -r requirements/{target}.txt
COPY pyproject.toml README.md LICENSE ./
{sources}RUN /opt/masquerade/bin/pip install --no-deps --no-build-isolation .
"""


def _runtime(target: str) -> str:
    return f"""\
FROM {target}-base AS {target}
COPY --from={target}-build /opt/masquerade /opt/masquerade
RUN groupadd --gid {USER_ID} masquerade \\
    && useradd --uid {USER_ID} --gid masquerade --home-dir {HOME} --create-home masquerade \\
    && mkdir -p {HOME}/data {HOME}/models && chown -R masquerade:masquerade {HOME}
ENV PATH=/opt/masquerade/bin:$PATH \\
    PYTHONUNBUFFERED=1 \\
    MASQUERADE_DATA_DIR={HOME}/data \\
    MASQUERADE_MODELS_DIR={HOME}/models
USER {USER_ID}:{USER_ID}
WORKDIR {HOME}
EXPOSE {PORT}
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=3 \\
    CMD ["python3", "-c", "{PROBE}"]
CMD ["masquerade", "serve", "--host", "0.0.0.0", "--port", "{PORT}"]
"""
