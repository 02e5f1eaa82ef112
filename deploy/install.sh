#!/bin/sh
# Creates .venv and installs exactly what a lock names: `sh deploy/install.sh demo|dev|bench|cpu|gpu`.
# A second run with the same lock does nothing, and a CPU build of torch that is in .venv already stays. PYTHON chooses the interpreter (3.11 or newer).
set -eu
cd "$(dirname "$0")/.."

# What they name would pass for installed here.
unset PYTHONPATH PYTHONHOME

profile=${1:-demo}
python=${PYTHON:-python3}
lock=requirements/$profile.txt
say() { printf '%s\n' "$*" >&2; }
# One line that the next one takes the place of; where nobody watches, the log has them all.
draw() { if [ -t 2 ]; then awk '{ printf "\r\033[K%.100s", $0; fflush() } END { printf "\r\033[K" }' >&2; else cat >/dev/null; fi; }

[ -f "$lock" ] || { say "There is no lock called $profile; choose demo, dev, bench, cpu or gpu."; exit 2; }
command -v "$python" >/dev/null 2>&1 || { say "Python is missing: install Python 3.11 or newer, or name it: make demo PYTHON=/path/to/python3"; exit 2; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "$("$python" --version) is too old: Python 3.11 or newer is needed (make demo PYTHON=/path/to/python3)."; exit 2; }

# The stamp holds what was installed: the lock's and the project file's sum, and where the folder was then.
stamp=.venv/.installed
want="$(cksum <"$lock") $(cksum <pyproject.toml) $(pwd -P)"
if [ -x .venv/bin/python ]; then
    grep -qxF "$profile $want" "$stamp" 2>/dev/null && exit 0
    # Everything of the demo is in dev as well.
    [ "$profile" = demo ] && grep -qxF "dev $(cksum <requirements/dev.txt) $(cksum <pyproject.toml) $(pwd -P)" "$stamp" 2>/dev/null && exit 0
fi

if ! .venv/bin/python -c 'import pip' >/dev/null 2>&1; then
    say "Creating .venv"
    rm -rf .venv
    "$python" -c 'import venv, ensurepip' 2>/dev/null || { say "Python's venv module is missing: install it (Debian, Ubuntu: apt install python3-venv)."; exit 2; }
    "$python" -m venv .venv
elif [ -f .venv/bin/activate ] && ! grep -qF "$(pwd -P)/.venv" .venv/bin/activate; then
    say "Mending .venv, which was moved here"
    .venv/bin/python -m venv --without-pip .venv
    .venv/bin/python deploy/relocate.py
fi

if [ "$profile" != gpu ] && .venv/bin/python -c 'from importlib.metadata import version; exit("+cpu" not in version("torch"))' 2>/dev/null; then
    say "The CPU build of torch stays; what only the CUDA build needs is left out"
    awk -f deploy/without_cuda.awk "$lock" >.venv/lock.txt
    lock=.venv/lock.txt
fi

# To pip the two builds of ONNX Runtime are two packages, though they lie in one folder, and a CPU build of torch is the release.
other=$([ "$profile" = gpu ] && echo onnxruntime || echo onnxruntime-gpu)
if .venv/bin/python -c "from importlib.metadata import version; version('$other')" 2>/dev/null; then
    say "Taking out what was built for another profile"
    .venv/bin/python -m pip uninstall --quiet --yes onnxruntime onnxruntime-gpu $([ "$profile" != gpu ] || echo torch torchvision) >&2
fi

log=.venv/install.log
whole=.venv/.whole
say "Installing from $lock (a few minutes the first time; details in $log)"
# From here until the end nothing is installed: of a pipeline sh keeps the last command's status only, so pip leaves a file.
rm -f "$stamp" "$whole"
# --no-deps: the lock is complete, and one wheel (insightface) asks for a second OpenCV that would overwrite ours.
{ .venv/bin/python -m pip install --no-deps --require-hashes --disable-pip-version-check -r "$lock" 2>&1 && : >"$whole"; } |
    tee "$log" | { grep --line-buffered -E '^ *(Downloading|Using cached|Installing|ERROR)' || true; } | draw
if ! rm "$whole" 2>/dev/null; then
    say "Installation failed: $(grep -E '^(ERROR|.*Connection|.*Network)' "$log" | tail -1 || true) (no network, no space or no memory? see $log, then run the command again)"
    exit 1
fi
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --disable-pip-version-check --editable . >>"$log" 2>&1 || { say "Installing the project itself failed; see $log"; exit 1; }
printf '%s\n' "$profile $want" >"$stamp"
