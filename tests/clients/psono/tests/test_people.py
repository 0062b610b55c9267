"""Registering, logging in with a password, sessions (dialects/psono.md, sections 3, 5 and 6)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from person import crypto
from person.crypto import Sealed
from person.member import Member
from person.naming import short
from person.people import Person, server_info
from person.wire import Device, Server

WRONG = {"non_field_errors": ["USERNAME_OR_PASSWORD_WRONG"]}
GONE = {"non_field_errors": ["NO_PERMISSION_OR_NOT_EXIST"]}


def test_the_server_says_who_it_is(server: Server) -> None:
    info = server_info(server)
    assert len(info["version"].split(" ")) == 3, info["version"]
    assert info["authentication_methods"] == ["AUTHKEY"]
    assert (info["api"], info["type"]) == (1, "CE")
    health = server.get("/healthcheck/").in_clear().expect()
    for part in ("db_read", "db_sync", "time_sync"):
        assert health[part] == {"healthy": True}


def test_a_person_registers_and_logs_in(ann: Member) -> None:
    pending = ann.person.begin_login()
    user = pending.answer["user"]
    assert user["username"] == ann.person.username
    assert (user["public_key"], user["authentication"]) == (ann.person.public_key, "AUTHKEY")
    assert datetime.fromisoformat(pending.answer["session_valid_till"]) > datetime.now(UTC)
    made = pending.activate().under_seal().expect()["user"]
    assert (made["id"], made["email"]) == (ann.id, ann.person.username)


def test_the_name_and_its_case(server: Server, ann: Member) -> None:
    again = server.post(
        "/authentication/register/", ann.person.registration() | {"email": f"x{uuid4().hex}@example.com"}
    )
    again.in_clear().refused(400)
    shouting = Person(
        server,
        ann.person.username.upper(),
        ann.person.password,
        private_key=ann.person.private_key,
        secret_key=ann.person.secret_key,
        sauce=ann.person.sauce,
    )
    assert shouting.login().alive()


@pytest.mark.parametrize(
    "username",
    [
        "",
        "a@example.com",
        "no-at-sign",
        "admin@example.com",
        "info@example.com",
        "b\u00e4r@example.com",
        "a b@example.com",
        "x@",
    ],
)
def test_names_that_are_refused(server: Server, username: str) -> None:
    registration = Person.new(server).registration() | {"username": username}
    server.post("/authentication/register/", registration).in_clear().refused(400)


@pytest.mark.parametrize(
    "members",
    [
        {"authkey": "00" * 63},
        {"authkey": "zz" * 64},
        {"public_key": "00" * 31},
        {"private_key": "00" * 79},
        {"secret_key": "00" * 81},
        {"private_key_nonce": "zz" * 24},
        {"hashing_algorithm": "md5"},
        {"hashing_parameters": {"u": 13, "r": 8, "p": 1, "l": 64}},
        {"hashing_parameters": {"u": 14, "r": 7, "p": 1, "l": 64}},
        {"hashing_parameters": {"u": 14, "r": 8, "p": 0, "l": 64}},
        {"hashing_parameters": {"u": 14, "r": 8, "p": 1, "l": 32}},
        {"hashing_parameters": {"u": "14", "r": 8, "p": 1, "l": 64}},
        {"hashing_parameters": []},
        {"email": "no address"},
        {"authkey": None},
    ],
    ids=short,
)
def test_registrations_that_are_refused(server: Server, members: dict[str, Any]) -> None:
    person = Person.new(server)
    registration = {k: v for k, v in (person.registration() | members).items() if v is not None}
    server.post("/authentication/register/", registration).in_clear().refused(400)
    # A refusal leaves the name free.
    person.register()


def test_stronger_parameters_are_kept(server: Server) -> None:
    person = Person.new(server)
    person.hashing = {"u": 15, "r": 8, "p": 2, "l": 64}
    person.register()
    prelogin = server.post("/authentication/prelogin/", {"username": person.username}).in_clear().expect()
    assert prelogin == {"hashing_algorithm": "scrypt", "hashing_parameters": person.hashing}
    assert person.login().alive()


def test_prelogin_tells_nothing_of_who_exists(server: Server, ann: Member) -> None:
    known, unknown = (
        server.post("/authentication/prelogin/", {"username": name}).in_clear().expect()
        for name in (ann.person.username, Person.new(server).username)
    )
    assert known == unknown == {"hashing_algorithm": "scrypt", "hashing_parameters": {"u": 14, "r": 8, "p": 1, "l": 64}}


def test_a_wrong_password_and_an_unknown_person_are_one_refusal(server: Server, ann: Member) -> None:
    wrong = Person(server, ann.person.username, "wrong")
    unknown = Person.new(server)
    for person in (wrong, unknown):
        person.ask_login(person.login_facts(Device()), crypto.random_hex()).in_clear().refused(400, WRONG)
    # Neither keeps the owner out.
    assert ann.person.login().alive()


def test_boxes_that_do_not_open(server: Server, ann: Member) -> None:
    mine = crypto.random_hex()
    facts = json.dumps(ann.person.login_facts(Device()))
    boxed = crypto.seal_to(mine, server_info(server)["public_key"], facts)
    request = {
        "public_key": crypto.public_key(mine),
        "login_info": boxed.text,
        "login_info_nonce": boxed.nonce,
        "session_duration": 3600,
    }
    unreadable = {"non_field_errors": ["LOGIN_INFO_CANNOT_BE_DECRYPTED"]}
    rows: list[tuple[dict[str, Any], Any]] = [
        ({"login_info": crypto.flip(boxed.text, 20)}, unreadable),
        ({"login_info_nonce": crypto.flip(boxed.nonce, 0)}, unreadable),
        ({"public_key": crypto.public_key(crypto.random_hex())}, unreadable),
        ({"public_key": "zz" * 32}, None),
        ({"public_key": "00" * 32}, None),
        ({"public_key": "00" * 31}, None),
        ({"login_info": "not hex"}, None),
        ({"login_info_nonce": "00"}, None),
    ]
    for changed, body in rows:
        server.post("/authentication/login/", request | changed).in_clear().refused(400, body)
    for missing in request:
        if missing == "session_duration":
            continue
        rest = {name: value for name, value in request.items() if name != missing}
        refused = server.post("/authentication/login/", rest).in_clear().refused(400)
        assert refused.body == {missing: ["This field is required."]}


@pytest.mark.parametrize(
    "text", ["[]", "1", "{", '{"username": 1}', "{}", '{"username":"x","username":"y"}', "[" * 200]
)
def test_boxes_with_something_else_inside(server: Server, text: str) -> None:
    mine = crypto.random_hex()
    boxed = crypto.seal_to(mine, server_info(server)["public_key"], text)
    request = boxed.members("login_info") | {"public_key": crypto.public_key(mine), "session_duration": 3600}
    server.post("/authentication/login/", request).in_clear().refused(400)


def test_until_the_proof_the_token_opens_nothing(ann: Member) -> None:
    pending = ann.person.begin_login()
    pending.session.get("/datastore/").in_clear().refused(401)
    pending.activate(crypto.random_hex()).refused(400, says="VERIFICATION_CODE_INCORRECT")
    again = ann.person.begin_login()
    again.activate().under_seal().expect()
    again.activate().refused(400, says="TOKEN_INCORRECT")
    assert again.session.alive()


def test_a_login_that_names_no_device_needs_no_validator(ann: Member) -> None:
    device = ("device_time", "device_fingerprint", "device_description")
    pending = ann.person.begin_login(without=device)
    assert pending.session.device is None
    pending.activate().under_seal().expect()
    assert pending.session.alive()


def test_a_device_without_a_clock_is_told_by_its_fingerprint(ann: Member) -> None:
    """The reference fails here."""
    pending = ann.person.begin_login(without=("device_time",))
    pending.activate().under_seal().expect()
    assert pending.session.alive()
    headers = pending.session.headers()
    headers["Authorization-Validator"] = pending.session.validator(request_device_fingerprint="another")
    pending.session.send("GET", "/datastore/", None, headers).in_clear().refused(401)
    assert not pending.session.alive()


def test_a_login_may_ask_for_less_time_but_not_for_more(ann: Member) -> None:
    for asked, most in ((60, 61), (10**9, 366 * 86_400)):
        mine = crypto.random_hex()
        boxed = ann.person.ask_login(ann.person.login_facts(Device()), mine, session_duration=asked).expect()
        info = server_info(ann.server)
        sealed = Sealed(boxed["login_info"], boxed["login_info_nonce"])
        opened = json.loads(crypto.unseal_from(mine, info["public_key"], sealed))
        left = datetime.fromisoformat(opened["session_valid_till"]) - datetime.now(UTC)
        assert left.total_seconds() <= most


def test_sessions_are_listed_and_ended(ann: Member) -> None:
    other = ann.person.login(Device(description="another device ☃"))
    listed = ann.session.get("/authentication/sessions/").under_seal().expect()["sessions"]
    assert [entry["current_session"] for entry in listed].count(True) == 1
    entry = next(entry for entry in listed if entry["device_description"] == "another device ☃")
    answer = ann.session.post("/authentication/logout/", {"session_id": entry["id"]}).under_seal().expect()
    assert answer == {"success": "Successfully logged out."}
    assert not other.alive()
    assert ann.session.alive()


def test_a_session_of_somebody_else_is_not_ended(ann: Member, bob: Member) -> None:
    theirs = bob.session.get("/authentication/sessions/").under_seal().expect()["sessions"]
    for id in (theirs[0]["id"], str(uuid4())):
        ann.session.post("/authentication/logout/", {"session_id": id}).under_seal().refused(400, GONE)
    assert bob.session.alive()


def test_logging_out_ends_the_own_session(ann: Member) -> None:
    leaving = ann.person.login()
    leaving.end()
    leaving.get("/datastore/").in_clear().refused(401)
    assert ann.session.alive()


def test_people_are_found_by_name(ann: Member, bob: Member) -> None:
    found = ann.session.post("/user/search/", {"user_username": bob.person.username}).under_seal().expect()
    assert (found["id"], found["public_key"], found["username"]) == (bob.id, bob.person.public_key, bob.person.username)
    assert ann.session.post("/user/search/", {"user_id": bob.id}).expect()["username"] == bob.person.username
    unknown = ann.session.post("/user/search/", {"user_username": Person.new(ann.server).username})
    unknown.under_seal().refused(400, GONE)


def test_an_activation_code_that_nobody_got(server: Server) -> None:
    answer = server.post("/authentication/verify-email/", {"activation_code": crypto.random_hex(32)})
    answer.in_clear().refused(400, says="ACTIVATION_CODE_INCORRECT")
