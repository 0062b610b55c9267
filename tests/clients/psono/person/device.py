"""Device codes: a device without a password asks, a person with one approves (dialects/psono.md, section 9)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from person import crypto
from person.crypto import Sealed
from person.people import Person
from person.wire import Answer, Device, Server, Session


@dataclass
class Onboarding:
    """A device on its way to a session."""

    server: Server
    device: Device = field(default_factory=Device)
    private_key: str = field(default_factory=crypto.random_hex)
    # Reaches the person through the address that the device shows, and the server never.
    credentials_key: str = field(default_factory=crypto.random_hex)

    def request(self) -> dict[str, str]:
        return {
            "device_description": self.device.description,
            "device_fingerprint": self.device.fingerprint,
            "device_date": self.device.time(),
            "user_public_key": crypto.public_key(self.private_key),
        }

    def begin(self) -> dict[str, Any]:
        code: dict[str, Any] = self.server.post("/device-code/", self.request()).in_clear().expect(201)
        assert code["state"] == "pending", code
        datetime.fromisoformat(code["valid_till"])
        return code

    def poll(self, code: dict[str, Any]) -> Answer:
        return self.server.post(f"/device-code/{code['id']}/token/", {}).in_clear()

    def claim(self, code: dict[str, Any], person: Person, session: Session) -> Answer:
        """What the person does in the web client."""
        credentials = {
            "user_private_key": person.private_key,
            "user_secret_key": person.secret_key,
            "user_sauce": person.sauce,
        }
        sealed = crypto.seal(self.credentials_key, json.dumps(credentials))
        members = {
            "encrypted_credentials_input": sealed.text,
            "encrypted_credentials_nonce": sealed.nonce,
        }
        return session.put(f"/device-code/{code['id']}/claim/", members)

    def open(self, code: dict[str, Any], answer: dict[str, str]) -> tuple[Session, dict[str, str]]:
        """The session, and the person's credentials."""
        boxed = Sealed(answer["boxed_payload"], answer["nonce"])
        payload = json.loads(crypto.unseal_from(self.private_key, code["server_public_key"], boxed))
        assert payload["id"] == code["id"], payload
        session = Session(self.server, payload["token"], payload["session_secret_key"], self.device)
        sealed = Sealed(payload["encrypted_credentials"], payload["encrypted_credentials_nonce"])
        credentials: dict[str, str] = json.loads(crypto.unseal(self.credentials_key, sealed))
        return session, credentials
