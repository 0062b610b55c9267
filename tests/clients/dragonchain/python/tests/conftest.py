"""What the flows share: the chain's root key, and a key that is made for one file of tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chain.client import Key
from chain.machine import Machine


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The SDK looks into the environment and the home folder of whoever runs the tests."""
    for name in ("DRAGONCHAIN_ID", "DRAGONCHAIN_ENDPOINT", "AUTH_KEY", "AUTH_KEY_ID", "SMART_CONTRACT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="session")
def root() -> Key:
    return Key.root()


@pytest.fixture(scope="session")
def client(root: Key) -> Any:
    return root.client()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
