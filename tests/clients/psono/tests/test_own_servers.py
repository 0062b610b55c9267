"""What takes a server of one's own: restarts, limits, and what the operator leaves off."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from time import monotonic, sleep

import pytest

from person import crypto
from person.daemon import NO_RATES, Daemon
from person.keys import ApiKey
from person.member import Member
from person.objects import Secret
from person.people import Person, server_info
from person.wire import Device


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_restart_forgets_nothing(tmp_path: Path, how: signal.Signals) -> None:
    """A-API-04, A-API-10, A-API-11: sessions go on, and what was spent stays spent."""
    with Daemon(tmp_path) as daemon:
        server = daemon.server
        ann = Member.join(server, "ann")
        datastore = ann.datastore()
        key = ann.key(write=True)
        mine = crypto.random_hex()
        info = key.info(mine)
        session = key.open(server, mine, key.ask_login(server, info).expect()).session
        body = json.dumps(session.sealed({"datastore_id": datastore.id, "description": "sent"})).encode()
        session.send("POST", "/datastore/", body).under_seal().expect()
        headers = ann.session.headers()
        ann.session.send("GET", "/datastore/", None, headers).under_seal().expect()
        left = ann.key_session().session
        left.end()
        before = server.get("/info/").expect()

        daemon.restart(how)
        assert server.get("/info/").expect()["verify_key"] == before["verify_key"]
        session.send("POST", "/datastore/", body).under_seal().refused(400)
        ann.session.send("GET", "/datastore/", None, headers).in_clear().refused(401)
        key.ask_login(server, info).refused(400, {"non_field_errors": ["LOGIN_INFO_REPLAYED"]})
        assert not left.alive()
        # The server's own nonces do not begin again either: the session remembers those it has seen.
        for _ in range(20):
            assert session.alive()
        assert ann.session.alive()
        assert datastore.read(session) == datastore.tree()


def test_the_store_does_not_hold_what_opens_traffic(tmp_path: Path) -> None:
    """A-LEAK-01: neither tokens nor keys nor what was sealed lie in the files, or in a log that leaves nothing out."""
    with Daemon(tmp_path, "insecure_access = true", more='[log]\nlevel = "trace"') as daemon:
        ann = Member.join(daemon.server, "ann")
        datastore = ann.datastore("a description")
        secret = Secret.create(ann.session, datastore.parent, {"note_notes": "in the clear nowhere"})
        key = ann.key(allow_insecure_access=True)
        session = key.login(daemon.server).session
        assert secret.read(session) == {"note_notes": "in the clear nowhere"}
        key.attach(ann.person, ann.session, secret.id, secret.key).expect(201)
        # The server opens this one itself.
        opened = key.read_attached(daemon.server, secret.id, api_key_secret_key=key.secret_key).expect()
        assert opened == {"note_notes": "in the clear nowhere"}
        daemon.end()
        found = daemon.log.read_bytes() + b"".join(
            file.read_bytes() for file in sorted((tmp_path / "data").rglob("*")) if file.is_file()
        )
        hidden = [ann.session.token, ann.session.key, session.token, session.key, ann.person.authkey()]
        hidden += [ann.person.private_key, ann.person.secret_key, secret.key, datastore.key, key.secret_key]
        for text in hidden:
            for spelled in (text.encode(), bytes.fromhex(text)):
                assert spelled not in found, text
        assert b"in the clear nowhere" not in found
        assert b"psono insecure access" in found, "the log left something out"


def test_limits_are_counted_before_any_work(tmp_path: Path) -> None:
    rates = NO_RATES.replace("api_key_logins_per_hour = 0", "api_key_logins_per_hour = 3")
    with Daemon(tmp_path, rates=rates) as daemon:
        ann = Member.join(daemon.server, "ann")
        key = ann.key()
        session = key.login(daemon.server).session
        # Tries that fail count as well.
        for _ in range(2):
            daemon.server.post("/api-key/login/", key.signed("[]")).in_clear().refused(400)
        refused = key.ask_login(daemon.server, key.info(crypto.random_hex())).refused(429)
        assert refused.body["detail"].startswith("Request was throttled. Expected available in ")
        assert int(refused.headers["Retry-After"]) > 0
        assert session.alive()


def test_insecure_access_is_off_unless_the_operator_allows_it(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        ann = Member.join(daemon.server, "ann")
        secret = Secret.create(ann.session, ann.datastore().parent, {"note_notes": "closed"})
        key = ApiKey.create(ann.person, ann.session, "open", allow_insecure_access=True)
        key.attach(ann.person, ann.session, secret.id, secret.key).expect(201)
        refused = key.read_attached(daemon.server, secret.id, api_key_secret_key=key.secret_key)
        refused.refused(400, says="INSECURE_ACCESS_NOT_ALLOWED")
        assert key.open_attached(key.read_attached(daemon.server, secret.id).expect())[1] == {"note_notes": "closed"}


def test_only_listed_domains_may_register(tmp_path: Path) -> None:
    with Daemon(tmp_path, psono='allowed_domains = ["example.com"]') as daemon:
        refused = Person.new(daemon.server, domain="example.org").registration()
        daemon.server.post("/authentication/register/", refused).in_clear().refused(400)
        Person.new(daemon.server).register()
        assert server_info(daemon.server)["type"] == "CE"


def test_browsers_are_answered_from_listed_origins_only(tmp_path: Path) -> None:
    """A-HTTP-08."""
    ours = "https://vault.example.com"
    with Daemon(tmp_path, more=f'[cors]\norigins = ["{ours}"]') as daemon:
        asked = {
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization, authorization-validator, content-type",
        }
        for path in ("/info/", "/datastore/", "/api-key-access/secret/"):
            allowed = daemon.server.send("OPTIONS", path, None, asked | {"Origin": ours}).headers
            assert allowed["Access-Control-Allow-Origin"] == ours
            assert "PUT" in allowed["Access-Control-Allow-Methods"]
            assert "authorization-validator" in allowed["Access-Control-Allow-Headers"].lower()
            assert int(allowed["Access-Control-Max-Age"]) > 0
            for origin in ("https://vault.example.com.evil.example", "null", "http://vault.example.com"):
                other = daemon.server.send("OPTIONS", path, None, asked | {"Origin": origin}).headers
                assert "Access-Control-Allow-Origin" not in other
        answer = daemon.server.send("GET", "/info/", None, {"Origin": ours})
        assert answer.headers["Access-Control-Allow-Origin"] == ours
        # Refusals are readable for the page too.
        refused = daemon.server.send("GET", "/datastore/", None, {"Origin": ours})
        assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, ours)


def test_an_address_is_shown_to_be_ones_own_where_the_operator_asks_for_it(tmp_path: Path) -> None:
    letters = tmp_path / "letters"
    letters.mkdir()
    with Daemon(tmp_path, psono=f'activation_folder = "{letters}"') as daemon:
        server = daemon.server
        ann = Person.new(server).register()
        address, code = letter(letters).splitlines()
        assert address == ann.username
        refused = ann.ask_login(ann.login_facts(Device()), crypto.random_hex()).in_clear()
        refused.refused(400)
        path = "/authentication/verify-email/"
        wrong = {"activation_code": code[:-2] + ("00" if code[-2:] != "00" else "11")}
        server.post(path, wrong).in_clear().refused(400, says="ACTIVATION_CODE_INCORRECT")
        assert server.post(path, {"activation_code": code}).expect() == {"success": "Successfully activated."}
        server.post(path, {"activation_code": code}).in_clear().refused(400, says="ACTIVATION_CODE_INCORRECT")
        assert ann.login().alive()
        # Codes are not kept in a form that would serve a thief.
        daemon.end()
        stored = b"".join(file.read_bytes() for file in sorted((tmp_path / "data").rglob("*")) if file.is_file())
        assert code.encode() not in stored
        assert bytes.fromhex(code) not in stored


def letter(folder: Path) -> str:
    """The one letter that was written, as soon as it is there."""
    patience = monotonic() + 10
    while not (found := list(folder.glob("*.code"))) and monotonic() < patience:
        sleep(0.02)
    (file,) = found
    return file.read_text()


def test_nobody_registers_where_the_operator_does_not_want_it(tmp_path: Path) -> None:
    with Daemon(tmp_path, psono="registration = false") as daemon:
        registration = Person.new(daemon.server).registration()
        daemon.server.post("/authentication/register/", registration).in_clear().refused(400)
        assert daemon.server.get("/info/").status == 200
