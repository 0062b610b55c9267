"""Names of rows in the tests' tables."""

from __future__ import annotations


def short(value: object) -> str:
    """A row told by its beginning: some are long on purpose."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]} ({len(text)})"
