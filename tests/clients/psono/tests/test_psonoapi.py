"""`psonoapi` 0.2.5 from PyPI, unmodified: as a library, and its command line in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psonoapi
import pytest
from nacl.exceptions import BadSignatureError
from psonoapi.exceptions import PsonoLoginException, PsonoPathNotFoundException

from person import crypto
from person.keys import ApiKey
from person.member import Member
from person.objects import Datastore, Secret, Share
from person.wire import Server


class Client:
    """One home folder, and the API key that is used in it."""

    def __init__(self, server: Server, key: ApiKey, home: Path) -> None:
        self.home = home
        self.settings = {
            "server_url": server.url,
            "key_id": key.id,
            "private_key": key.private_key,
            "secret_key": key.secret_key,
            "server_signature": server.get("/info/").expect()["verify_key"],
        }

    def start(self, **changed: Any) -> Any:
        config = psonoapi.PsonoServerConfig(**(self.settings | changed))
        return psonoapi.PsonoAPI(serverconfig=config)

    def cached(self) -> list[Path]:
        return sorted(self.home.glob(".psono/cache/session_*.json"))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`psono WORDS`, with everything it needs in the environment."""
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
        environment |= {f"PSONO_API_{name.upper()}": value for name, value in self.settings.items()}
        config = self.home / ".psono" / "config.json"
        config.parent.mkdir(exist_ok=True)
        config.write_text(json.dumps({"server_url": self.settings["server_url"]}))
        return subprocess.run(
            [sys.executable, "-m", "psonoapi", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


class Vault:
    """An account that the web client has filled: a folder with a mail password, and a share `team` with a note."""

    def __init__(self, server: Server, name: str = "ann") -> None:
        self.owner = Member.join(server, name)
        session = self.owner.session
        self.datastore: Datastore = self.owner.datastore()
        self.mail = Secret.create(session, self.datastore.parent, password("mail", "päss ☃"))
        self.team: Share = self.owner.share(self.datastore.parent, "team")
        self.note = Secret.create(session, self.team.parent, {"title": "note", "note_notes": "of the team"})
        entries = {"name": "team", "folders": [], "items": [self.note.item("note", "note")]}
        self.team.save(session, entries).expect()
        mail = self.mail.item("mail", urlfilter="mail.example.com")
        folder = {"id": crypto.random_hex(16), "name": "web", "folders": [], "items": [mail]}
        tree = self.datastore.tree([folder, self.team.folder("team")])
        self.datastore.save(session, tree)

    def tree(self) -> Any:
        return self.datastore.read(self.owner.session)


def password(title: str, text: str) -> dict[str, str]:
    return {
        "website_password_title": title,
        "website_password_username": "ann",
        "website_password_password": text,
        "website_password_url": "https://mail.example.com",
    }


@pytest.fixture(scope="module")
def vault(server: Server) -> Vault:
    return Vault(server)


@pytest.fixture
def client(server: Server, vault: Vault, home: Path) -> Client:
    return Client(server, vault.owner.key(write=True), home)


def test_the_client_is_the_published_one() -> None:
    assert version("psonoapi") == "0.2.5"


def test_it_logs_in_and_reads_a_datastore(client: Client, vault: Vault) -> None:
    api = client.start()
    assert api.session.username == vault.owner.person.username
    assert api.session.user_secret_key.decode() == vault.owner.person.secret_key
    assert [folder.name for folder in api.datastore.folders] == ["web", "team"]
    mail = api.get_path("web/mail")
    assert (mail.username, mail.password) == ("ann", "päss ☃")
    assert api.get_secret(vault.mail.id).password == "päss ☃"
    with pytest.raises(PsonoPathNotFoundException):
        api.get_path("web/nothing")


def test_it_takes_the_first_datastore_that_was_made(server: Server, client: Client, vault: Vault) -> None:
    vault.owner.datastore("Zweiter")
    vault.owner.datastore("Another")
    assert client.start().datastore.datastore_id == vault.datastore.id


def test_it_walks_shares(client: Client, vault: Vault) -> None:
    api = client.start()
    assert api.get_path("team/note").notes == "of the team"
    assert api.get_secret(vault.note.id).notes == "of the team"
    share = api.get_share(vault.team.id)
    assert (share.name, [item.name for item in share.items]) == ("team", ["note"])
    assert [found.password for found in api.search_urlfilter("mail.example.com")] == ["päss ☃"]


def test_a_share_that_may_not_be_read_is_passed_over(server: Server, client: Client, bob: Member) -> None:
    carl = Vault(server, "carl")
    foreign = bob.share(bob.datastore().parent, "foreign")
    tree = carl.tree()
    tree["folders"].append(foreign.folder("foreign"))
    carl.datastore.save(carl.owner.session, tree)
    api = Client(server, carl.owner.key(), client.home).start()
    assert api.get_secret(carl.note.id).notes == "of the team"


def test_it_creates_changes_and_removes_a_secret(client: Client, vault: Vault) -> None:
    api = client.start()
    made = api.generate_new_secret({"type": "website_password", "path": "new/deep/entry", "password": "first"})
    assert api.write_secret(made) == {"updated": False}
    assert api.get_path("new/deep/entry").password == "first"
    secret = Secret(made.secret_id, made.secret_key, made.link_id)
    assert secret.read(vault.owner.session)["website_password_password"] == "first"
    assert next(f for f in vault.tree()["folders"] if f["name"] == "new")["folders"][0]["name"] == "deep"

    made.password = "second"
    assert api.write_secret(made) == {"updated": True}
    assert secret.read(vault.owner.session)["website_password_password"] == "second"
    assert len(secret.history(vault.owner.session)) == 1

    # The client knows where in its tree an entry stands only after a start of its own.
    later = client.start()
    later.delete_secret(later.get_path("new/deep/entry"))
    again = client.start()
    with pytest.raises(PsonoPathNotFoundException):
        again.get_path("new/deep/entry")
    # A second client saw what the first one wrote.
    assert again.get_path("web/mail").password == "päss ☃"


def test_it_creates_a_secret_in_a_share(client: Client, vault: Vault) -> None:
    api = client.start()
    made = api.generate_new_secret({"type": "note", "path": "team/sub/hello", "notes": "from psonoapi"})
    assert api.write_secret(made) == {"updated": False}
    share = vault.team.read(vault.owner.session)
    folder = next(f for f in share["folders"] if f["name"] == "sub")
    assert [item["secret_id"] for item in folder["items"]] == [made.secret_id]
    assert api.get_path("team/sub/hello").notes == "from psonoapi"


def test_a_key_that_only_reads_changes_nothing(server: Server, vault: Vault, home: Path) -> None:
    api = Client(server, vault.owner.key(), home).start()
    before = vault.datastore.look(vault.owner.session)
    mail = api.get_path("web/mail")
    mail.password = "overwritten"
    answer = api.update_secret(mail)
    assert answer == {"detail": "You do not have permission to perform this action."}
    assert vault.mail.read(vault.owner.session)["website_password_password"] == "päss ☃"
    with pytest.raises(KeyError):
        api.write_secret(api.generate_new_secret({"type": "note", "path": "web/no", "notes": "no"}))
    assert vault.datastore.look(vault.owner.session) == before


def test_a_second_start_finds_the_cached_session_and_logs_in_afresh(client: Client) -> None:
    first = client.start()
    assert len(client.cached()) == 1
    # It asks `/info/` with the token it kept. That answer is in clear, which it takes for the end of its session; if it
    # were sealed, the client would go on without a datastore.
    second = client.start()
    assert second.session.token != first.session.token
    assert second.get_path("web/mail").password == "päss ☃"
    # Nobody ended the first session.
    assert first.get_path("web/mail").password == "päss ☃"


def test_a_session_that_ended_meanwhile_does_no_harm(client: Client) -> None:
    first = client.start()
    first._api_request("POST", "/authentication/logout/", "{}")
    with pytest.raises(KeyError):
        first.get_path("web/mail")
    assert client.start().get_path("web/mail").password == "päss ☃"


def test_the_servers_key_is_checked(client: Client) -> None:
    with pytest.raises(BadSignatureError):
        client.start(server_signature=crypto.verify_key(crypto.random_hex()))


def test_a_wrong_key_is_refused_in_words(client: Client) -> None:
    with pytest.raises(PsonoLoginException, match="Login failed"):
        client.start(private_key=crypto.random_hex())


def test_its_command_line(client: Client) -> None:
    status = client.run("status")
    assert "Connected to Psono server" in status.stdout, status.stdout + status.stderr
    listed = client.run("secret", "list", "/web", "--format", "simple")
    assert "web/mail" in listed.stdout, listed.stdout + listed.stderr
    got = client.run("secret", "get", "/web/mail", "--field", "password")
    assert got.stdout.splitlines()[-1] == "päss ☃", got.stdout + got.stderr
