"""Where the server is, from the environment: the same flows run against any deployment."""

from __future__ import annotations

import os


def required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise LookupError(f"{name} is not set; tests/clients/run sets it")
    return value


def url() -> str:
    """Base URL of the dialect."""
    return required("STRONGROOM_PSONO_URL")
