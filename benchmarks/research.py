"""Where the research data lie: faces, paintings and networks that do not ship."""

from __future__ import annotations

import os
from pathlib import Path


def research_data() -> Path:
    """The folder that ``MASQUERADE_DATA`` names, ``../shared/data`` where it is not set."""
    return Path(os.environ.get("MASQUERADE_DATA", "../shared/data"))
