"""``python -m serve_app`` is ``masquerade``."""

from __future__ import annotations

from serve_app.cli import main

main()
