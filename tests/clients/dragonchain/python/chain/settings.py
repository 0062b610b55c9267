"""Where the server is, and the root key of its chain, all from the environment: flows run against any deployment."""

from __future__ import annotations

import os


def required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise LookupError(f"{name} is not set; tests/clients/run sets it")
    return value


def endpoint() -> str:
    """What clients are given as their endpoint, path included."""
    return required("STRONGROOM_CHAIN_ENDPOINT")


def chain() -> str:
    """The chain's public id."""
    return required("STRONGROOM_CHAIN_ID")


def root_key_id() -> str:
    return required("STRONGROOM_CHAIN_ROOT_KEY_ID")


def root_key() -> str:
    return required("STRONGROOM_CHAIN_ROOT_KEY")


def binary() -> str:
    """The `strongroom` program."""
    return required("STRONGROOM_BIN")
