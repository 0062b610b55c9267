"""Logging in with an API key, and the logins that are refused (dialects/psono.md, 4, 10, 11; A-API-01 to 07, 13)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any
from uuid import uuid4

import pytest

from person import crypto
from person.keys import ApiKey
from person.member import Member
from person.naming import short
from person.wire import JSON, Server

REPLAYED = {"non_field_errors": ["LOGIN_INFO_REPLAYED"]}

# The order of the group of Ed25519.
ORDER = 2**252 + 27742317777372353535851937790883648493

# Points of small order on Curve25519: whoever agrees on a key with one gets a key that everybody knows.
SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.fixture(scope="module")
def key(ann: Member) -> ApiKey:
    return ann.key(write=True, allow_insecure_access=True)


def send(server: Server, info: Any, signature: Any) -> Any:
    return server.post("/api-key/login/", {"info": info, "signature": signature}).in_clear()


def test_a_login_tells_what_the_key_may(server: Server, ann: Member, key: ApiKey) -> None:
    opened = key.login(server)
    facts = opened.facts
    assert (opened.user_private_key, opened.user_secret_key) == (ann.person.private_key, ann.person.secret_key)
    assert facts["user"]["username"] == ann.person.username
    assert facts["user"]["public_key"] == ann.person.public_key
    flags = ("api_key_read", "api_key_write", "api_key_restrict_to_secrets", "api_key_allow_insecure_access")
    assert [facts[flag] for flag in flags] == [True, True, False, True]
    assert len(facts["token"]) == 128
    left = datetime.fromisoformat(facts["session_valid_till"]) - datetime.now(UTC)
    assert 500 < left.total_seconds() <= 601
    assert opened.session.alive()


def test_a_restricted_key_gets_no_keys_of_the_user(server: Server, ann: Member) -> None:
    opened = ann.key(restrict_to_secrets=True).login(server)
    assert set(opened.facts["user"]) == {"username", "public_key"}
    assert opened.facts["api_key_restrict_to_secrets"] is True


def test_logins_are_independent(server: Server, key: ApiKey) -> None:
    one, two = key.login(server), key.login(server)
    assert one.session.token != two.session.token
    assert one.session.key != two.session.key
    one.session.end()
    assert not one.session.alive()
    assert two.session.alive()


def test_the_text_is_signed_as_it_is_sent(server: Server, key: ApiKey) -> None:
    """A-API-01: any spacing, order and characters; the server must not write it anew."""
    mine = [crypto.random_hex() for _ in range(5)]
    members = [{"api_key_id": key.id, "session_public_key": crypto.public_key(each)} for each in mine]
    forms = [
        json.dumps(members[0], indent=3),
        json.dumps(dict(reversed(members[1].items())), separators=(",", ":")),
        json.dumps(members[2] | {"device_description": "Grüße ☃"}, ensure_ascii=False),
        "  " + json.dumps(members[3]) + " \n",
        json.dumps(members[4] | {"unknown": [1, {"x": None}]}),
    ]
    for private_key, info in zip(mine, forms, strict=True):
        answer = key.ask_login(server, info).expect()
        assert key.open(server, private_key, answer).session.alive()


def test_hex_and_ids_in_upper_case(server: Server, key: ApiKey) -> None:
    mine = crypto.random_hex()
    members = {"api_key_id": key.id.upper(), "session_public_key": crypto.public_key(mine).upper()}
    signed = key.signed(json.dumps(members))
    answer = send(server, signed["info"], signed["signature"].upper()).expect()
    assert key.open(server, mine, answer).session.alive()


def test_signatures_that_are_none(server: Server, key: ApiKey) -> None:
    """A-API-01, A-API-02."""
    info = key.info(crypto.random_hex())
    good = key.signed(info)["signature"]
    scalar = int.from_bytes(bytes.fromhex(good[64:]), "little") + ORDER
    malleable = good[:64] + scalar.to_bytes(32, "little").hex()
    small = "01" + "00" * 31 + "00" * 32
    rewritten = json.dumps(json.loads(info), separators=(",", ":"))
    rows = [
        (info, crypto.sign(crypto.random_hex(), info.encode())),
        (info, crypto.flip(good, 0)),
        (info, crypto.flip(good, 63)),
        (info, malleable),
        (info, small),
        (info, "00" * 64),
        (rewritten, good),
        (info + " ", good),
        (info.replace("a test", "b test"), good),
    ]
    for text, signature in rows:
        send(server, text, signature).refused(400)
    # None of them spent the session key.
    send(server, info, good).expect()


@pytest.mark.parametrize("signature", ["", "00", "00" * 63, "00" * 65, "zz" * 64, "0" * 127, 1, None, []], ids=short)
def test_signatures_of_another_shape(server: Server, key: ApiKey, signature: Any) -> None:
    send(server, key.info(crypto.random_hex()), signature).refused(400)


def test_keys_that_are_none(server: Server, ann: Member, key: ApiKey) -> None:
    """A-API-13: an unknown, a deleted, a deactivated and a malformed key are one refusal."""
    deleted = ann.key()
    deleted.delete(ann.session).under_seal().expect()
    inactive = ann.key()
    strangers = [
        ApiKey(str(uuid4()), key.private_key, key.secret_key),
        deleted,
        ApiKey("00000000-0000-0000-0000-000000000000", key.private_key, key.secret_key),
    ]
    assert inactive.login(server).session.alive()
    refusals = [stranger.ask_login(server, stranger.info(crypto.random_hex())).refused(400) for stranger in strangers]
    assert len({refused.content for refused in refusals}) == 1, [refused.text for refused in refusals]
    malformed = ApiKey("no uuid", key.private_key, key.secret_key)
    malformed.ask_login(server, malformed.info(crypto.random_hex())).refused(400)


@pytest.mark.parametrize(
    "info",
    [
        "",
        "no json",
        "[]",
        "1",
        "null",
        '"text"',
        "{}",
        '{"api_key_id":',
        '{"a":1e999}',
        '{"a":NaN}',
        "[" * 500 + "]" * 500,
        '{"a":' * 40 + "1" + "}" * 40,
        "\ufeff{}",
    ],
    ids=short,
)
def test_texts_that_are_no_login(server: Server, key: ApiKey, info: str) -> None:
    """A-API-03."""
    signed = key.signed(info)
    send(server, info, signed["signature"]).refused(400)


def test_a_text_that_is_no_json_is_named(server: Server, key: ApiKey) -> None:
    signed = key.signed("no json")
    refused = send(server, signed["info"], signed["signature"])
    refused.refused(400, {"non_field_errors": ["Login info no valid json"]})


@pytest.mark.parametrize("info", [1, None, [], {}, True], ids=short)
def test_infos_of_another_type(server: Server, info: Any) -> None:
    send(server, info, "00" * 64).refused(400)


def test_a_lone_surrogate_and_a_member_twice(server: Server, key: ApiKey) -> None:
    """A-API-03."""
    mine = crypto.random_hex()
    twice = key.info(mine)[:-1] + f', "api_key_id": "{key.id}"}}'
    key.ask_login(server, twice).refused(400)
    body = b'{"info":"\\ud800","signature":"' + b"00" * 64 + b'"}'
    server.send("POST", "/api-key/login/", body, {"Content-Type": JSON}).in_clear().refused(400)


@pytest.mark.parametrize("missing", ["api_key_id", "session_public_key"])
def test_members_that_must_be_there(server: Server, key: ApiKey, missing: str) -> None:
    key.ask_login(server, key.info(crypto.random_hex(), **{missing: None})).refused(400)


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_session_keys_of_small_order(server: Server, key: ApiKey, point: str) -> None:
    """A-API-05."""
    for spelled in (point, point[:62] + f"{int(point[62:], 16) | 0x80:02x}"):
        key.ask_login(server, key.info(crypto.random_hex(), session_public_key=spelled)).refused(400)


@pytest.mark.parametrize("public_key", ["", "00", "11" * 31, "11" * 33, "zz" * 32, 5, [], {}], ids=short)
def test_session_keys_of_another_shape(server: Server, key: ApiKey, public_key: Any) -> None:
    """A-API-05."""
    key.ask_login(server, key.info(crypto.random_hex(), session_public_key=public_key)).refused(400)


@pytest.mark.parametrize("duration", ["60", [], {}, "x"], ids=short)
def test_durations_that_are_no_numbers(server: Server, key: ApiKey, duration: Any) -> None:
    """A-API-06."""
    key.ask_login(server, key.info(crypto.random_hex(), session_duration=duration)).refused(400)


@pytest.mark.parametrize("duration", [-1, 0, 2**63, 10**30, 1.5, 60, 600, 601])
def test_a_session_never_lives_longer_than_allowed(server: Server, key: ApiKey, duration: Any) -> None:
    """A-API-06: clamped or refused."""
    mine = crypto.random_hex()
    answer = key.ask_login(server, key.info(mine, session_duration=duration))
    if answer.status == 400:
        assert duration not in (60, 600, 601)
        return
    opened = key.open(server, mine, answer.expect())
    left = datetime.fromisoformat(opened.facts["session_valid_till"]) - datetime.now(UTC)
    assert left.total_seconds() <= min(max(duration, 0), 600) + 1
    assert opened.session.alive() == (duration > 0)


def test_a_session_ends_on_time(server: Server, key: ApiKey) -> None:
    session = key.login(server, session_duration=2).session
    assert session.alive()
    patience = datetime.now(UTC) + timedelta(seconds=20)
    while session.alive() and datetime.now(UTC) < patience:
        sleep(0.1)
    refused = session.get("/datastore/").in_clear().refused(401)
    assert refused.headers["WWW-Authenticate"].startswith("Token")


def test_descriptions_are_limited_and_harmless(server: Server, ann: Member, key: ApiKey) -> None:
    """A-API-07."""
    for length, status in ((256, 200), (257, 400), (50_000, 400)):
        info = key.info(crypto.random_hex(), device_description="x" * length)
        answer = key.ask_login(server, info)
        assert answer.status == status, (length, answer.text)
    escape = "\x1b[2J\u202eevil"
    answer = key.ask_login(server, key.info(crypto.random_hex(), device_description=escape))
    if answer.status == 200:
        sessions = ann.session.get("/authentication/sessions/").under_seal().expect()["sessions"]
        assert escape in [entry["device_description"] for entry in sessions]


def test_a_login_serves_once(server: Server, ann: Member, key: ApiKey) -> None:
    """A-API-04: for good, and whatever else the text says."""
    mine = crypto.random_hex()
    info = key.info(mine)
    first = key.ask_login(server, info).expect()
    key.ask_login(server, info).refused(400, REPLAYED)
    key.ask_login(server, key.info(mine, device_description="another text")).refused(400, REPLAYED)
    session = key.open(server, mine, first).session
    assert session.alive()
    session.end()
    key.ask_login(server, info).refused(400, REPLAYED)
    # The same session key under another API key is another login.
    other = ann.key()
    other.ask_login(server, other.info(mine)).expect()


def test_bodies_that_are_no_logins(server: Server) -> None:
    for content in (b"", b"{", b"[]", b"null", b"{}", b'{"info":"{}"}', b"\xff\xfe"):
        server.send("POST", "/api-key/login/", content, {"Content-Type": JSON}).in_clear().refused(400)
    server.send("POST", "/api-key/login/", b"info=x", {"Content-Type": "text/plain"}).in_clear().refused(415)
    server.get("/api-key/login/").in_clear().refused(405)
