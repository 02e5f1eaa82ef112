"""The browser that tests look through."""

from __future__ import annotations

import os
import shutil

CHROMIUM = os.environ.get("MASQUERADE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
