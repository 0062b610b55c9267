"""The flow of the provider's example for scripts: everything that an API key may read, from another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from person import crypto
from person.keys import ApiKey
from person.member import Member
from person.objects import Datastore, Secret, Share
from person.people import server_info
from person.wire import Server

SCRIPT = Path(__file__).parents[1] / "seed" / "read_all.py"


def run(server: Server, key: ApiKey, **changed: str) -> subprocess.CompletedProcess[str]:
    info = server_info(server)
    settings = {
        "server_url": server.url,
        "server_public_key": info["public_key"],
        "server_signature": server.get("/info/").expect()["verify_key"],
        "api_key_id": key.id,
        "api_key_private_key": key.private_key,
        "api_key_secret_key": key.secret_key,
    } | changed
    environment = os.environ | {f"SEED_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def read(server: Server, key: ApiKey) -> dict[str, Any]:
    ran = run(server, key)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_an_empty_account(server: Server) -> None:
    eve = Member.join(server, "eve")
    found = read(server, eve.key())
    assert found == {
        "username": eve.person.username,
        "datastores": [],
        "shares": [],
        "skipped": [],
        "secrets": {},
    }


def test_everything_is_found_through_folders_and_shares(server: Server, ann: Member, bob: Member) -> None:
    session = ann.session
    datastore = ann.datastore()
    mail = Secret.create(session, datastore.parent, {"website_password_password": "mäil ☃"})
    outer = ann.share(datastore.parent, "outer")
    inner = ann.share(outer.parent, "inner")
    deep = Secret.create(session, inner.parent, {"note_notes": "deep"})
    foreign = bob.datastore()
    unreachable = bob.share(foreign.parent, "unreachable")

    # The inner share leads back to the outer one: a walk must not run in circles.
    loop = [outer.folder("back")]
    saved = inner.save(session, {"name": "inner", "folders": loop, "items": [deep.item("deep", "note")]})
    saved.under_seal().expect()
    below = inner.folder("inner")
    key = below.pop("share_secret_key")
    index = {inner.id: {"paths": [[inner.link_id]], "secret_key": key}}
    outer.save(session, {"name": "outer", "folders": [below], "items": [], "share_index": index}).expect()
    gone = {"id": str(uuid4()), "name": "gone", "deleted": True, "folders": [unreachable.folder("x")]}
    plain = {"id": str(uuid4()), "name": "plain", "folders": [outer.folder("outer")], "items": [mail.item("mail")]}
    foreign_folder = unreachable.folder("unreachable")
    tree = datastore.tree() | {"folders": [gone, plain, foreign_folder]}
    datastore.save(session, tree)

    found = read(server, ann.key())
    assert found["datastores"] == [datastore.id]
    assert found["shares"] == [outer.id, inner.id]
    assert found["skipped"] == [unreachable.id]
    assert found["secrets"] == {"mail": {"website_password_password": "mäil ☃"}, "deep": {"note_notes": "deep"}}


def test_a_taker_reads_what_was_shared_and_no_longer_after_the_revocation(server: Server) -> None:
    cid, dan = Member.join(server, "cid"), Member.join(server, "dan")
    share, secret = filled_share(cid)
    right = cid.give(share, dan)
    datastore = dan.datastore()
    datastore.save(dan.session, datastore.tree([share.folder("from cid")]))
    key = dan.key()
    assert read(server, key)["secrets"] == {"common": {"note_notes": "common"}}

    cid.session.delete("/share/right/", {"user_share_right_id": right}).under_seal().expect()
    found = read(server, key)
    assert (found["shares"], found["skipped"], found["secrets"]) == ([], [share.id], {})
    assert secret.read(cid.session) == {"note_notes": "common"}


def filled_share(owner: Member) -> tuple[Share, Secret]:
    datastore: Datastore = owner.datastore()
    share = owner.share(datastore.parent, "common")
    secret = Secret.create(owner.session, share.parent, {"note_notes": "common"})
    tree = {"name": "common", "folders": [], "items": [secret.item("common", "note")]}
    share.save(owner.session, tree).under_seal().expect()
    return share, secret


def test_a_restricted_key_learns_who_it_is_and_no_more(server: Server, ann: Member) -> None:
    assert read(server, ann.key(restrict_to_secrets=True)) == {"username": ann.person.username, "restricted": True}


def test_another_servers_key_is_noticed(server: Server, ann: Member) -> None:
    ran = run(server, ann.key(), server_signature=crypto.verify_key(crypto.random_hex()))
    assert ran.returncode != 0
    assert "BadSignatureError" in ran.stderr
    assert ran.stdout == ""


def test_a_login_that_another_key_signed_is_refused(server: Server, ann: Member) -> None:
    ran = run(server, ann.key(), api_key_private_key=crypto.random_hex())
    assert ran.returncode != 0
    assert "the login was refused: 400" in ran.stderr
