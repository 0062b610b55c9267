"""Onboarding a device (dialects/psono.md, section 9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from person import crypto
from person.device import Onboarding
from person.member import Member
from person.naming import short
from person.wire import Device, Server


def test_a_device_gets_a_session_and_the_persons_keys(server: Server, ann: Member) -> None:
    onboarding = Onboarding(server)
    code = onboarding.begin()
    left = datetime.fromisoformat(code["valid_till"]) - datetime.now(UTC)
    assert 200 < left.total_seconds() <= 301
    onboarding.poll(code).refused(400, says="DEVICE_CODE_NOT_CLAIMED")
    claimed = onboarding.claim(code, ann.person, ann.session).under_seal().expect()
    assert claimed["state"] == "claimed"
    session, credentials = onboarding.open(code, onboarding.poll(code).expect())
    assert credentials == {
        "user_private_key": ann.person.private_key,
        "user_secret_key": ann.person.secret_key,
        "user_sauce": ann.person.sauce,
    }
    assert session.alive()
    datastore = ann.datastore("device")
    assert datastore.read(session) == datastore.tree()
    listed = ann.session.get("/authentication/sessions/").under_seal().expect()["sessions"]
    assert onboarding.device.description in [entry["device_description"] for entry in listed]


def test_it_is_handed_out_once(server: Server, ann: Member) -> None:
    onboarding = Onboarding(server)
    code = onboarding.begin()
    onboarding.claim(code, ann.person, ann.session).expect()
    onboarding.poll(code).expect()
    onboarding.poll(code).refused(400, says="DEVICE_CODE_NOT_FOUND")


def test_it_is_claimed_once(server: Server, ann: Member, bob: Member) -> None:
    onboarding = Onboarding(server)
    code = onboarding.begin()
    onboarding.claim(code, ann.person, ann.session).under_seal().expect()
    for member in (ann, bob):
        again = onboarding.claim(code, member.person, member.session).under_seal()
        again.refused(403, {"detail": "DEVICE_CODE_ALREADY_CLAIMED"})
    session, _ = onboarding.open(code, onboarding.poll(code).expect())
    assert session.post("/user/search/", {"user_id": ann.id}).expect()["username"] == ann.person.username


def test_the_session_is_bound_to_its_device(server: Server, ann: Member) -> None:
    onboarding = Onboarding(server)
    code = onboarding.begin()
    onboarding.claim(code, ann.person, ann.session).expect()
    session, _ = onboarding.open(code, onboarding.poll(code).expect())
    headers = session.headers()
    headers["Authorization-Validator"] = session.validator(request_device_fingerprint="another device altogether")
    session.send("GET", "/datastore/", None, headers).in_clear().refused(401)
    assert not session.alive()


@pytest.mark.parametrize("ahead_s", [-3600, 3600])
def test_a_wrong_clock_is_measured_when_the_code_is_made(server: Server, ann: Member, ahead_s: int) -> None:
    """The reference measures at the poll, so that an approval slower than 20 s leaves a dead session."""
    onboarding = Onboarding(server, Device(ahead=timedelta(seconds=ahead_s)))
    code = onboarding.begin()
    onboarding.claim(code, ann.person, ann.session).expect()
    session, _ = onboarding.open(code, onboarding.poll(code).expect())
    assert session.alive()


def test_codes_that_nobody_made(server: Server, ann: Member) -> None:
    for id in (str(uuid4()), "no-uuid"):
        Onboarding(server).poll({"id": id}).denied()
        Onboarding(server).claim({"id": id}, ann.person, ann.session).under_seal().denied()


@pytest.mark.parametrize(
    "members",
    [
        {"device_description": "xx"},
        {"device_description": "x" * 257},
        {"device_fingerprint": "x" * 21},
        {"device_fingerprint": "x" * 129},
        {"device_date": "yesterday"},
        {"user_public_key": "00" * 31},
        {"user_public_key": "zz" * 32},
        {"user_public_key": "00" * 32},
        {"user_public_key": None},
        {"device_date": 5},
    ],
    ids=short,
)
def test_requests_that_are_refused(server: Server, members: dict[str, Any]) -> None:
    server.post("/device-code/", Onboarding(server).request() | members).in_clear().refused(400)


def test_claims_that_are_refused(server: Server, ann: Member) -> None:
    onboarding = Onboarding(server)
    code = onboarding.begin()
    for members in ({}, {"encrypted_credentials_input": "not hex", "encrypted_credentials_nonce": "00" * 24}):
        ann.session.put(f"/device-code/{code['id']}/claim/", members).under_seal().refused(400)
    key = ann.key_session(write=True)
    onboarding.claim(code, ann.person, key.session).under_seal().refused(403)
    onboarding.poll(code).refused(400, says="DEVICE_CODE_NOT_CLAIMED")
    onboarding.claim(code, ann.person, ann.session).under_seal().expect()
    assert crypto.public_key(onboarding.private_key) == onboarding.request()["user_public_key"]
