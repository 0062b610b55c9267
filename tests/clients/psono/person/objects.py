"""Datastores, secrets and shares (dialects/psono.md, sections 7.1 to 7.3).

Each is an id and the key of its content. A method that must succeed returns what it made; one whose answer a test may
want to look at returns the answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from person import crypto
from person.crypto import Sealed
from person.people import Person
from person.wire import Answer, Session

Parent = dict[str, str]


def opened(key: str, answer: dict[str, Any]) -> Any:
    """The content of an answer with `data` and `data_nonce`."""
    return json.loads(crypto.unseal(key, Sealed(answer["data"], answer["data_nonce"])))


def content(key: str, value: Any) -> dict[str, str]:
    return crypto.seal(key, json.dumps(value)).members("data")


@dataclass(frozen=True)
class Datastore:
    """The root of a tree of folders: only its owner ever reads it."""

    id: str
    key: str

    @classmethod
    def create(
        cls, person: Person, session: Session, kind: str = "password", description: str = "Default"
    ) -> Datastore:
        """Makes it and saves the empty tree, as the web client does."""
        key = crypto.random_hex()
        request = cls.request(person, key, kind, description)
        made = session.put("/datastore/", request).under_seal().expect(201)
        datastore = cls(made["datastore_id"], key)
        datastore.save(session, datastore.tree())
        return datastore

    @staticmethod
    def request(person: Person, key: str, kind: str, description: str) -> dict[str, Any]:
        sealed_key = crypto.seal(person.secret_key, key).members("secret_key")
        return {"type": kind, "description": description, "data": "", "data_nonce": "", **sealed_key}

    @classmethod
    def find(cls, person_secret_key: str, session: Session, kind: str = "password") -> Datastore:
        """The first of a kind, its key opened with the user's secret key."""
        listed = session.get("/datastore/").under_seal().expect()["datastores"]
        id = next(entry["id"] for entry in listed if entry["type"] == kind)
        answer = session.get(f"/datastore/{id}/").under_seal().expect()
        sealed = Sealed(answer["secret_key"], answer["secret_key_nonce"])
        return cls(id, crypto.unseal(person_secret_key, sealed))

    @property
    def parent(self) -> Parent:
        return {"parent_datastore_id": self.id}

    @property
    def new_parent(self) -> Parent:
        return {"new_parent_datastore_id": self.id}

    def tree(self, folders: list[Any] | None = None, items: list[Any] | None = None) -> dict[str, Any]:
        """Content of a `password` datastore; the shares among the folders get their place in the index."""
        folders = folders or []
        index = {
            folder["share_id"]: {"paths": [[folder["id"]]], "secret_key": folder["share_secret_key"]}
            for folder in folders
            if "share_id" in folder
        }
        return {"datastore_id": self.id, "share_index": index, "folders": folders, "items": items or []}

    def look(self, session: Session) -> dict[str, Any]:
        answer: dict[str, Any] = session.get(f"/datastore/{self.id}/").under_seal().expect()
        return answer

    def read(self, session: Session) -> Any:
        return opened(self.key, self.look(session))

    def update(self, session: Session, **members: Any) -> Answer:
        return session.post("/datastore/", {"datastore_id": self.id} | members)

    def save(self, session: Session, value: Any, **more: Any) -> str:
        """Saves the tree and returns its write date."""
        answer = self.update(session, **content(self.key, value), **more).under_seal().expect()
        assert answer["success"] == "Data updated.", answer
        return str(answer["write_date"])


@dataclass(frozen=True)
class Secret:
    """One encrypted record, reached through a link."""

    id: str
    key: str
    link_id: str

    @classmethod
    def create(cls, session: Session, parent: Parent, value: Any) -> Secret:
        key, link_id = crypto.random_hex(), str(uuid4())
        made = session.put("/secret/", cls.request(key, link_id, parent, value)).under_seal().expect(201)
        return cls(made["secret_id"], key, link_id)

    @staticmethod
    def request(key: str, link_id: str, parent: Parent, value: Any) -> dict[str, Any]:
        empty = {"callback_url": "", "callback_user": "", "callback_pass": ""}
        return content(key, value) | empty | {"link_id": link_id} | parent

    def item(self, name: str, kind: str = "website_password", **more: Any) -> dict[str, Any]:
        """Its entry in a tree."""
        entry = {"id": self.link_id, "name": name, "type": kind}
        return entry | {"secret_id": self.id, "secret_key": self.key} | more

    def ask(self, session: Session) -> Answer:
        return session.get(f"/secret/{self.id}/")

    def read(self, session: Session) -> Any:
        return opened(self.key, self.ask(session).under_seal().expect())

    def update(self, session: Session, value: Any, **more: Any) -> Answer:
        return session.post("/secret/", {"secret_id": self.id} | content(self.key, value) | more)

    def move(self, session: Session, new_parent: Parent) -> Answer:
        return session.post("/secret/link/", {"link_id": self.link_id} | new_parent)

    def unlink(self, session: Session) -> Answer:
        return session.delete("/secret/link/", {"link_id": self.link_id})

    def history(self, session: Session) -> list[dict[str, Any]]:
        found = session.get(f"/secret/history/{self.id}/").under_seal().expect()
        history: list[dict[str, Any]] = found["history"]
        return history


@dataclass(frozen=True)
class Share:
    """A folder with a key of its own, that others may be given rights on."""

    id: str
    key: str
    link_id: str

    @classmethod
    def create(cls, person: Person, session: Session, parent: Parent, name: str) -> Share:
        key, link_id = crypto.random_hex(), str(uuid4())
        made = session.post("/share/", cls.request(person, key, link_id, parent, name)).under_seal().expect(201)
        return cls(made["share_id"], key, link_id)

    @staticmethod
    def request(person: Person, key: str, link_id: str, parent: Parent, name: str) -> dict[str, Any]:
        return {
            **content(key, {"name": name, "folders": [], "items": []}),
            **crypto.seal(person.secret_key, key).members("key"),
            "key_type": "symmetric",
            "link_id": link_id,
            **parent,
        }

    @property
    def parent(self) -> Parent:
        return {"parent_share_id": self.id}

    @property
    def new_parent(self) -> Parent:
        return {"new_parent_share_id": self.id}

    def folder(self, name: str) -> dict[str, Any]:
        """Its entry in a tree."""
        place = {"id": self.link_id, "name": name, "folders": [], "items": []}
        return place | {"share_id": self.id, "share_secret_key": self.key}

    def ask(self, session: Session) -> Answer:
        return session.get(f"/share/{self.id}/")

    def look(self, session: Session) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask(session).under_seal().expect()
        return answer

    def read(self, session: Session) -> Any:
        return opened(self.key, self.look(session))

    def save(self, session: Session, value: Any, **more: Any) -> Answer:
        return session.put("/share/", {"share_id": self.id} | content(self.key, value) | more)

    def offer(self, giver: Person, session: Session, taker_id: str, taker_public_key: str, **flags: Any) -> Answer:
        """Offers rights on it to another. Flags: `read`, `write`, `grant`, `expiration_date`."""
        members = {"share_id": self.id, "user_id": taker_id, "read": True, "write": False, "grant": False}
        for name, text in (("key", self.key), ("title", "a share"), ("type", "folder")):
            members |= crypto.seal_to(giver.private_key, taker_public_key, text).members(name)
        return session.put("/share/right/", members | flags)

    def change_right(self, session: Session, taker_id: str, **flags: bool) -> Answer:
        return session.post("/share/right/", {"share_id": self.id, "user_id": taker_id} | flags)

    def place(self, session: Session, link_id: str, parent: Parent) -> Answer:
        return session.put("/share/link/", {"link_id": link_id, "share_id": self.id} | parent)

    def move(self, session: Session, new_parent: Parent) -> Answer:
        return session.post("/share/link/", {"link_id": self.link_id} | new_parent)

    def unlink(self, session: Session) -> Answer:
        return session.delete("/share/link/", {"link_id": self.link_id})


def offers(session: Session) -> list[dict[str, Any]]:
    """Shares that wait to be accepted or declined."""
    listed = session.get("/share/").under_seal().expect()["shares"]
    return [entry for entry in listed if entry["share_right_accepted"] is None]


def accept(taker: Person, session: Session, offer: dict[str, Any]) -> Share:
    """Takes an offer: opens the key with the giver's public key and seals it with one's own."""
    sealed = Sealed(offer["share_right_key"], offer["share_right_key_nonce"])
    key = crypto.unseal_from(taker.private_key, offer["share_right_create_user_public_key"], sealed)
    own = crypto.seal(taker.secret_key, key).members("key") | {"key_type": "symmetric"}
    answer = session.post("/share/right/accept/", {"share_right_id": offer["share_right_id"]} | own)
    answer.under_seal().expect()
    return Share(offer["id"], key, str(uuid4()))


def revoke(session: Session, right_id: str) -> Answer:
    return session.delete("/share/right/", {"user_share_right_id": right_id})
