"""The public services that well-known people and their pictures come from."""

from __future__ import annotations

from typing import Final

SPARQL: Final = "https://query.wikidata.org/sparql"
"""Wikidata's query service."""
COMMONS: Final = "https://commons.wikimedia.org/w/api.php"
"""The MediaWiki API of Wikimedia Commons."""
