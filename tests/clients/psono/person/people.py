"""People: registering, and logging in with a password as the web client does (dialects/psono.md, section 6)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from person import crypto
from person.crypto import DEFAULT_SCRYPT, Scrypt, Sealed
from person.wire import Answer, Device, Server, Session

SESSION_S = 86_400


def server_info(server: Server) -> dict[str, Any]:
    """`GET /info/`, of a server that signed it."""
    answer = server.get("/info/").expect()
    crypto.verify(answer["verify_key"], answer["info"].encode(), answer["signature"])
    info: dict[str, Any] = json.loads(answer["info"])
    return info


@dataclass
class Pending:
    """A session whose user has not proved yet to hold the private key."""

    session: Session
    validator: str
    answer: dict[str, Any]

    def activate(self, validator: str | None = None) -> Answer:
        proof = crypto.seal(self.session.key, validator or self.validator)
        body = proof.members("verification") | {"zoneinfo": "Europe/Vienna"}
        return self.session.post("/authentication/activate-token/", body)


@dataclass
class Person:
    """Somebody with a password and keys. The keys are made here and reach the server sealed only."""

    server: Server
    username: str
    password: str
    hashing: Scrypt = field(default_factory=lambda: DEFAULT_SCRYPT)
    private_key: str = field(default_factory=crypto.random_hex)
    secret_key: str = field(default_factory=crypto.random_hex)
    sauce: str = field(default_factory=crypto.random_hex)

    @classmethod
    def new(cls, server: Server, name: str = "ann", domain: str = "example.com") -> Person:
        """A person that the server has not seen."""
        return cls(server, f"{name}.{uuid4().hex[:12]}@{domain}", f"correct horse {uuid4()} ☃")

    @property
    def public_key(self) -> str:
        return crypto.public_key(self.private_key)

    def authkey(self) -> str:
        return crypto.authkey(self.username, self.password, self.hashing)

    def registration(self) -> dict[str, Any]:
        wrapping = crypto.wrapping_key(self.password, self.sauce, self.hashing)
        return {
            "username": self.username,
            "email": self.username,
            "authkey": self.authkey(),
            "public_key": self.public_key,
            **crypto.seal(wrapping, self.private_key).members("private_key"),
            **crypto.seal(wrapping, self.secret_key).members("secret_key"),
            "user_sauce": self.sauce,
            "hashing_algorithm": "scrypt",
            "hashing_parameters": dict(self.hashing),
        }

    def register(self) -> Person:
        answer = self.server.post("/authentication/register/", self.registration()).expect(201)
        assert answer == {"success": "REGISTRATION_SUCCESSFUL"}, answer
        return self

    def login_facts(self, device: Device) -> dict[str, Any]:
        """What travels inside the box of a login."""
        return {
            "username": self.username,
            "authkey": self.authkey(),
            "device_time": device.time(),
            "device_fingerprint": device.fingerprint,
            "device_description": device.description,
        }

    def ask_login(self, facts: dict[str, Any], private_key: str, **changed: Any) -> Answer:
        """Sends a login with these facts from a session key of this private half."""
        boxed = crypto.seal_to(private_key, server_info(self.server)["public_key"], json.dumps(facts))
        request = boxed.members("login_info") | {
            "public_key": crypto.public_key(private_key),
            "session_duration": SESSION_S,
        }
        return self.server.post("/authentication/login/", request | changed)

    def begin_login(self, device: Device | None = None, *, without: tuple[str, ...] = ()) -> Pending:
        """Everything up to the proof. Keys are taken from the answer, not from memory, as on a new device.

        `without`: members that the login leaves out.
        """
        device = device or Device()
        mine = crypto.random_hex()
        facts = {name: value for name, value in self.login_facts(device).items() if name not in without}
        boxed = self.ask_login(facts, mine).expect()
        info = server_info(self.server)
        sealed = Sealed(boxed["login_info"], boxed["login_info_nonce"])
        answer: dict[str, Any] = json.loads(crypto.unseal_from(mine, info["public_key"], sealed))
        assert answer["required_multifactors"] == [], answer["required_multifactors"]
        theirs = answer["session_public_key"]
        key = Sealed(answer["session_secret_key"], answer["session_secret_key_nonce"])
        validator = Sealed(answer["user_validator"], answer["user_validator_nonce"])
        user = answer["user"]
        wrapping = crypto.wrapping_key(self.password, user["user_sauce"], user["hashing_parameters"])
        private_key = crypto.unseal(wrapping, Sealed(user["private_key"], user["private_key_nonce"]))
        proves = "device_time" in facts or "device_fingerprint" in facts
        opened_key = crypto.unseal_from(mine, theirs, key)
        session = Session(self.server, answer["token"], opened_key, device if proves else None)
        return Pending(session, crypto.unseal_from(private_key, theirs, validator), answer)

    def login(self, device: Device | None = None) -> Session:
        pending = self.begin_login(device)
        user = pending.activate().under_seal().expect()["user"]
        wrapping = crypto.wrapping_key(self.password, self.sauce, self.hashing)
        assert crypto.unseal(wrapping, Sealed(user["secret_key"], user["secret_key_nonce"])) == self.secret_key
        return pending.session

    def id(self, session: Session) -> str:
        """The server's name for this person."""
        found: dict[str, str] = session.post("/user/search/", {"user_username": self.username}).expect()
        return found["id"]
