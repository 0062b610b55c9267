"""What the flows share: the server, and people who live as long as one file of tests."""

from __future__ import annotations

import pytest

from person import settings
from person.member import Member
from person.wire import Server


@pytest.fixture(scope="session")
def server() -> Server:
    return Server(settings.url())


@pytest.fixture(scope="module")
def ann(server: Server) -> Member:
    return Member.join(server, "ann")


@pytest.fixture(scope="module")
def bob(server: Server) -> Member:
    return Member.join(server, "bob")
