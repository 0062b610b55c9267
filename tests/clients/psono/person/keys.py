"""API keys: making them, logging in with them, and access without a session (dialects/psono.md, 4, 7.4 and 8)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from person import crypto
from person.crypto import Sealed
from person.people import Person
from person.wire import Answer, Server, Session


@dataclass(frozen=True)
class KeySession:
    """A session opened by an API key, and what the server said of it. `user_secret_key`: only of unrestricted keys."""

    session: Session
    facts: dict[str, Any]
    user_private_key: str | None
    user_secret_key: str | None


@dataclass(frozen=True)
class ApiKey:
    """What its holder carries about: three values of the web client's form."""

    id: str
    private_key: str
    secret_key: str

    @classmethod
    def create(cls, person: Person, session: Session, title: str = "a key", **flags: bool) -> ApiKey:
        """Flags: `read`, `write`, `restrict_to_secrets`, `allow_insecure_access`."""
        private_key, secret_key = crypto.random_hex(), crypto.random_hex()
        request = cls.request(person, private_key, secret_key, title) | flags
        made = session.put("/api-key/", request).under_seal().expect(201)
        return cls(made["api_key_id"], private_key, secret_key)

    @staticmethod
    def request(person: Person, private_key: str, secret_key: str, title: str) -> dict[str, Any]:
        return {
            "title": title,
            "public_key": crypto.public_key(private_key),
            "verify_key": crypto.verify_key(private_key),
            **crypto.seal(person.secret_key, private_key).members("private_key"),
            **crypto.seal(person.secret_key, secret_key).members("secret_key"),
            **crypto.seal(secret_key, person.private_key).members("user_private_key"),
            **crypto.seal(secret_key, person.secret_key).members("user_secret_key"),
        }

    def info(self, session_private_key: str, **more: Any) -> str:
        """The text that a login signs. Members given here replace those that are right, `None` leaves one out."""
        members = {
            "api_key_id": self.id,
            "session_public_key": crypto.public_key(session_private_key),
            "device_description": "a test",
        } | more
        return json.dumps({name: value for name, value in members.items() if value is not None})

    def signed(self, info: str) -> dict[str, str]:
        return {"info": info, "signature": crypto.sign(self.private_key, info.encode())}

    def ask_login(self, server: Server, info: str) -> Answer:
        return server.post("/api-key/login/", self.signed(info)).in_clear()

    def login(self, server: Server, **more: Any) -> KeySession:
        mine = crypto.random_hex()
        return self.open(server, mine, self.ask_login(server, self.info(mine, **more)).expect())

    def open(self, server: Server, session_private_key: str, answer: dict[str, str]) -> KeySession:
        """Opens the answer to a login, of the server that `/info/` names."""
        verify_key = server.get("/info/").expect()["verify_key"]
        crypto.verify(verify_key, answer["login_info"].encode("ascii"), answer["login_info_signature"])
        sealed = Sealed(answer["login_info"], answer["login_info_nonce"])
        opened = crypto.unseal_from(session_private_key, answer["server_session_public_key"], sealed)
        facts: dict[str, Any] = json.loads(opened)
        user = facts["user"]

        def user_key(name: str) -> str | None:
            if name not in user:
                return None
            return crypto.unseal(self.secret_key, Sealed(user[name], user[f"{name}_nonce"]))

        session = Session(server, facts["token"], facts["session_secret_key"])
        return KeySession(session, facts, user_key("private_key"), user_key("secret_key"))

    def attach(self, person: Person, session: Session, secret_id: str, secret_key: str) -> Answer:
        """Gives this key the key of a secret."""
        return session.put(
            "/api-key/secret/",
            {
                "api_key_id": self.id,
                "secret_id": secret_id,
                **crypto.seal(self.secret_key, secret_key).members("secret_key"),
                **crypto.seal(person.secret_key, "attached").members("title"),
            },
        )

    def read_attached(self, server: Server, secret_id: str, **more: Any) -> Answer:
        """Access without a session."""
        return server.post("/api-key-access/secret/", {"api_key_id": self.id, "secret_id": secret_id} | more).in_clear()

    def open_attached(self, answer: dict[str, Any]) -> tuple[str, Any]:
        """The secret's key and its content."""
        key = crypto.unseal(self.secret_key, Sealed(answer["secret_key"], answer["secret_key_nonce"]))
        return key, json.loads(crypto.unseal(key, Sealed(answer["data"], answer["data_nonce"])))

    def write_attached(self, server: Server, secret_id: str, **members: Any) -> Answer:
        return server.put(
            "/api-key-access/secret/", {"api_key_id": self.id, "secret_id": secret_id} | members
        ).in_clear()

    def update(self, session: Session, **changed: Any) -> Answer:
        return session.post("/api-key/", {"api_key_id": self.id} | changed)

    def delete(self, session: Session) -> Answer:
        return session.delete("/api-key/", {"api_key_id": self.id})
