"""What sessions refuse: tokens, validators, bodies, methods (dialects/psono.md, sections 5, 10, 11; A-API-08 to 11)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from person import crypto
from person.member import Member
from person.naming import short
from person.wire import JSON, Device, Server, Session, date

INVALID = {"detail": "Invalid request"}


@pytest.fixture
def key_session(ann: Member) -> Session:
    """A session of an API key: no device, no validator."""
    return ann.key_session(write=True).session


@pytest.mark.parametrize(
    "authorization",
    ["", "Token", "Token ", "Token  ", "Bearer {}", "Basic {}", "Token {} {}", "Token " + "00" * 64, "Token zz", "{}"],
)
def test_tokens_that_are_none(key_session: Session, authorization: str) -> None:
    """A-API-08."""
    headers = {"Content-Type": JSON, "Authorization": authorization.format(key_session.token, key_session.token)}
    refused = key_session.send("GET", "/datastore/", None, headers).in_clear().refused(401)
    assert isinstance(refused.body["detail"], str)
    assert refused.headers["WWW-Authenticate"].startswith("Token")
    assert key_session.alive()


def test_no_token(key_session: Session) -> None:
    refused = key_session.send("GET", "/datastore/", None, {"Content-Type": JSON}).in_clear().refused(401)
    assert isinstance(refused.body["detail"], str)


def test_the_scheme_is_read_in_any_case(key_session: Session) -> None:
    for scheme in ("token", "TOKEN", "Token"):
        headers = {"Authorization": f"{scheme} {key_session.token}"}
        key_session.send("GET", "/datastore/", None, headers).under_seal().expect()


def test_open_endpoints_stay_in_clear_under_a_token(key_session: Session) -> None:
    for path in ("/info/", "/healthcheck/"):
        key_session.get(path).in_clear().expect()
    key_session.ask("POST", "/api-key-access/inspect/", {}).in_clear().refused(400)


def test_another_session_does_not_open_an_answer(ann: Member) -> None:
    """A-API-09."""
    one, two = ann.key_session().session, ann.key_session().session
    mixed = Session(one.server, one.token, two.key)
    with pytest.raises(crypto.CryptoError):
        mixed.get("/datastore/")
    body = json.dumps(two.sealed({"session_id": "x"})).encode()
    one.send("POST", "/authentication/logout/", body).under_seal().refused(400, INVALID)
    assert one.alive()


def with_validator(session: Session, value: str | None) -> dict[str, str]:
    headers = {"Content-Type": JSON, "Authorization": f"Token {session.token}"}
    return headers if value is None else headers | {"Authorization-Validator": value}


def test_validators_that_cannot_be_read_leave_the_session(ann: Member) -> None:
    session = ann.person.login()
    good = json.loads(session.validator())
    tampered = good | {"text": crypto.flip(good["text"], 3)}
    other = Session(session.server, session.token, crypto.random_hex(), session.device).validator()
    for value in (
        None,
        "",
        "no json",
        "[]",
        "{}",
        '{"text":"00"}',
        '{"text":"zz","nonce":"zz"}',
        json.dumps(tampered),
        other,
    ):
        session.send("GET", "/datastore/", None, with_validator(session, value)).in_clear().refused(401)
        assert session.alive(), value


@pytest.mark.parametrize(
    "members",
    [
        {"request_device_fingerprint": "another device"},
        {"request_device_fingerprint": ""},
        {"request_device_fingerprint": None},
        {"request_time": None},
    ],
    ids=short,
)
def test_validators_of_another_device_end_the_session(ann: Member, members: dict[str, Any]) -> None:
    session = ann.person.login()
    assert session.alive()
    header = with_validator(session, session.validator(**members))
    session.send("GET", "/datastore/", None, header).in_clear().refused(401)
    assert not session.alive()
    assert ann.session.alive()


@pytest.mark.parametrize("off_s", [-40, -25, 25, 40, 10**6])
def test_a_clock_that_moved_ends_the_session(ann: Member, off_s: int) -> None:
    session = ann.person.login()
    at = date(datetime.now(UTC) + timedelta(seconds=off_s))
    header = with_validator(session, session.validator(request_time=at))
    session.send("GET", "/datastore/", None, header).in_clear().refused(401)
    assert not session.alive()


@pytest.mark.parametrize("ahead_s", [-86_400, -10, 10, 86_400])
def test_a_clock_that_is_wrong_by_the_same_measure_is_fine(ann: Member, ahead_s: int) -> None:
    session = ann.person.login(Device(ahead=timedelta(seconds=ahead_s)))
    assert session.alive()
    assert session.device is not None
    drifted = date(datetime.now(UTC) + timedelta(seconds=ahead_s + 15))
    headers = with_validator(session, session.validator(request_time=drifted))
    session.send("GET", "/datastore/", None, headers).under_seal().expect()


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%f+00:00", "%Y-%m-%dT%H:%M:%S.%fZ"])
def test_dates_are_read_in_every_form(ann: Member, form: str) -> None:
    session = ann.person.login()
    headers = with_validator(session, session.validator(request_time=datetime.now(UTC).strftime(form)))
    session.send("GET", "/datastore/", None, headers).under_seal().expect()


def test_the_older_name_of_the_fingerprint_is_read_first(ann: Member) -> None:
    session = ann.person.login()
    assert session.device is not None
    members = {"request_device_session": session.device.fingerprint, "request_device_fingerprint": None}
    session.send("GET", "/datastore/", None, with_validator(session, session.validator(**members))).expect()


def test_a_validator_serves_once(ann: Member) -> None:
    """A-API-11."""
    session = ann.person.login()
    headers = with_validator(session, session.validator())
    session.send("GET", "/datastore/", None, headers).under_seal().expect()
    session.send("GET", "/datastore/", None, headers).in_clear().refused(401)
    session.send("GET", "/authentication/sessions/", None, headers).in_clear().refused(401)
    assert session.alive()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b'"text"',
        b"{}",
        b'{"text":"00"}',
        b'{"nonce":"00"}',
        b'{"text":1,"nonce":2}',
        b"\xff",
    ],
)
def test_bodies_that_are_not_sealed(key_session: Session, content: bytes) -> None:
    key_session.send("POST", "/datastore/", content).under_seal().refused(400)
    assert key_session.alive()


def test_bodies_that_do_not_open(key_session: Session) -> None:
    """A-API-09. The reference answers these with 500."""
    good = key_session.sealed({"datastore_id": "x"})
    bad = [
        good | {"text": crypto.flip(good["text"], 0)},
        good | {"text": crypto.flip(good["text"], -1)},
        good | {"text": good["text"][:-2]},
        good | {"text": good["text"][:20]},
        good | {"text": ""},
        good | {"text": "zz"},
        good | {"text": good["text"][:-1]},
        good | {"nonce": crypto.flip(good["nonce"], 0)},
        good | {"nonce": good["nonce"][:-2]},
        good | {"nonce": ""},
        Session(key_session.server, "", crypto.random_hex()).sealed({}),
    ]
    for body in bad:
        key_session.send("POST", "/datastore/", json.dumps(body).encode()).under_seal().refused(400, INVALID)
    assert key_session.alive()


@pytest.mark.parametrize("text", ["", "{", "no json", "{}{}", '{"a":NaN}', "[" * 300, '{"a":1,"a":2}'])
def test_sealed_bodies_that_are_not_json(key_session: Session, text: str) -> None:
    """A-API-03, A-HTTP-11."""
    sealed = crypto.seal(key_session.key, text)
    body = json.dumps({"text": sealed.text, "nonce": sealed.nonce}).encode()
    key_session.send("POST", "/datastore/", body).under_seal().refused(400)


def test_a_sealed_list(key_session: Session) -> None:
    refused = key_session.post("/datastore/", []).under_seal().refused(400)
    assert "Invalid data. Expected a dictionary, but got list." in refused.text


def test_a_body_travels_once(ann: Member) -> None:
    """A-API-11. The reference takes it again."""
    session = ann.key_session(write=True).session
    datastore = ann.datastore("replayed")
    body = json.dumps(session.sealed({"datastore_id": datastore.id, "description": "renamed"})).encode()
    session.send("POST", "/datastore/", body).under_seal().expect()
    session.send("POST", "/datastore/", body).under_seal().refused(400)
    session.send("POST", "/secret/", body).under_seal().refused(400)
    session.send("PUT", "/datastore/", body).under_seal().refused(400)
    session.post("/datastore/", {"datastore_id": datastore.id, "description": "again"}).expect()


def test_a_body_travels_once_under_a_fresh_validator_too(ann: Member) -> None:
    """A-API-11."""
    datastore = ann.datastore("replayed by a person")
    body = json.dumps(ann.session.sealed({"datastore_id": datastore.id, "description": "renamed by a person"})).encode()
    ann.session.send("POST", "/datastore/", body).under_seal().expect()
    ann.session.send("POST", "/datastore/", body).under_seal().refused(400)
    assert ann.session.alive()


def test_a_nonce_seals_one_body(key_session: Session) -> None:
    nonce = crypto.random_hex(24)
    answers = []
    for name in ("one", "two"):
        sealed = crypto.seal(key_session.key, json.dumps({"user_username": name}), nonce)
        body = json.dumps({"text": sealed.text, "nonce": sealed.nonce}).encode()
        answers.append(key_session.send("POST", "/user/search/", body).under_seal().refused(400))
    assert "NO_PERMISSION_OR_NOT_EXIST" in answers[0].text
    assert "NO_PERMISSION_OR_NOT_EXIST" not in answers[1].text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_other_types_of_content(key_session: Session, kind: str) -> None:
    """A-HTTP-11."""
    headers = key_session.headers() | {"Content-Type": kind}
    body = json.dumps(key_session.sealed({"datastore_id": "x"})).encode()
    refused = key_session.send("POST", "/datastore/", body, headers).under_seal().refused(415)
    assert isinstance(refused.body["detail"], str)


@pytest.mark.parametrize("path", ["/datastore/", "/secret/", "/share/", "/authentication/logout/"])
def test_patch_is_no_method(key_session: Session, path: str) -> None:
    refused = key_session.ask("PATCH", path, {}).under_seal().refused(405)
    assert isinstance(refused.body["detail"], str)
    assert key_session.alive()


def test_a_method_in_a_header_changes_nothing(key_session: Session) -> None:
    """A-HTTP-07."""
    headers = key_session.headers() | {"X-HTTP-Method-Override": "DELETE"}
    answer = key_session.send("GET", "/datastore/", None, headers).under_seal().expect()
    assert "datastores" in answer


@pytest.mark.parametrize("path", ["/", "/nothing/", "/secret/x/y/z/", "/datastores/", "/admin/"])
def test_paths_that_lead_nowhere(key_session: Session, path: str) -> None:
    refused = key_session.get(path).refused(404)
    assert refused.headers["Content-Type"].startswith(JSON)
    key_session.server.get(path).refused(404)


def test_paths_without_the_slash_are_served(key_session: Session, server: Server) -> None:
    """A redirect would turn PUT into GET, and two of the published clients follow none."""
    key_session.get("/datastore").under_seal().expect()
    server.get("/info").in_clear().expect()


def test_an_oversized_body_is_not_read(server: Server, key_session: Session) -> None:
    """64 KiB where nobody has logged in, 16 MiB in a session."""
    headers = {"Content-Type": JSON}
    fits = b'{"username":"' + b"x" * 60_000 + b'"}'
    assert server.send("POST", "/authentication/prelogin/", fits, headers).status != 413
    big = b'{"username":"' + b"x" * 70_000 + b'"}'
    server.send("POST", "/authentication/prelogin/", big, headers).in_clear().refused(413)
    huge = b'{"text":"' + b"00" * (9 << 20) + b'"}'
    key_session.send("POST", "/datastore/", huge).refused(413)
    assert key_session.alive()


def test_the_key_that_a_browser_stores_under_is_the_one_of_the_login(ann: Member) -> None:
    pending = ann.person.begin_login()
    pending.activate().under_seal().expect()
    told = pending.session.get("/session-key/").under_seal().expect()
    assert told == {"session_key": pending.answer["session_key"]}
    assert len(told["session_key"]) == 64
    # It is not the one that seals what travels.
    assert told["session_key"] != pending.session.key
