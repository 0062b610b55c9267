"""Reads everything that an unrestricted API key may read, and prints it as JSON.

The session flow of the provider's public example for scripts, step by step and on its own feet: PyNaCl, requests and
nothing of the `person` beside it. Where that example is cut off, `dialects/psono.md` (sections 4 and 7.3) says how it
goes on.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests
from nacl.encoding import HexEncoder
from nacl.public import Box, PrivateKey, PublicKey
from nacl.secret import SecretBox
from nacl.signing import SigningKey, VerifyKey

TIMEOUT_S = 30


@dataclass(frozen=True)
class Settings:
    """What a person copies out of the web client. `server_signature` is a key, despite its name."""

    server_url: str
    server_public_key: str
    server_signature: str
    api_key_id: str
    api_key_private_key: str
    api_key_secret_key: str

    @classmethod
    def from_environment(cls) -> Settings:
        return cls(**{name: os.environ[f"SEED_{name.upper()}"] for name in cls.__annotations__})


@dataclass(frozen=True)
class Login:
    """An open session, and the keys of the user where the API key may have them."""

    token: str
    session_secret_key: str
    username: str
    restricted: bool
    user_private_key: str = ""
    user_secret_key: str = ""


def decrypt(text: str, nonce: str, key: str) -> str:
    box = SecretBox(key.encode(), encoder=HexEncoder)
    return box.decrypt(bytes.fromhex(text), bytes.fromhex(nonce)).decode()


class Client:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shares: list[str] = []
        self.skipped: list[str] = []
        self.login = self.log_in()

    def log_in(self) -> Login:
        mine = PrivateKey.generate()
        info = json.dumps(
            {
                "api_key_id": self.settings.api_key_id,
                "session_public_key": mine.public_key.encode(HexEncoder).decode(),
                "device_description": f"Console Client {socket.gethostname()}",
            }
        )
        signer = SigningKey(self.settings.api_key_private_key.encode(), encoder=HexEncoder)
        request = {"info": info, "signature": signer.sign(info.encode()).signature.hex()}
        answer = requests.post(
            f"{self.settings.server_url}/api-key/login/",
            data=json.dumps(request),
            headers={"content-type": "application/json"},
            timeout=TIMEOUT_S,
        )
        if answer.status_code != 200:
            sys.exit(f"the login was refused: {answer.status_code} {answer.text}")
        return self.open(answer.json(), mine)

    def open(self, answer: dict[str, str], mine: PrivateKey) -> Login:
        # Raises when whoever answered does not hold the server's key.
        server = VerifyKey(self.settings.server_signature.encode(), encoder=HexEncoder)
        server.verify(answer["login_info"].encode(), bytes.fromhex(answer["login_info_signature"]))
        box = Box(mine, PublicKey(answer["server_session_public_key"].encode(), encoder=HexEncoder))
        text = box.decrypt(bytes.fromhex(answer["login_info"]), bytes.fromhex(answer["login_info_nonce"]))
        facts = json.loads(text)
        user = facts["user"]
        login = Login(
            token=facts["token"],
            session_secret_key=facts["session_secret_key"],
            username=user["username"],
            restricted=facts["api_key_restrict_to_secrets"],
        )
        if login.restricted:
            return login
        key = self.settings.api_key_secret_key
        return Login(
            token=login.token,
            session_secret_key=login.session_secret_key,
            username=login.username,
            restricted=False,
            user_private_key=decrypt(user["private_key"], user["private_key_nonce"], key),
            user_secret_key=decrypt(user["secret_key"], user["secret_key_nonce"], key),
        )

    def request(self, method: str, path: str, data: Any = None) -> tuple[int, Any]:
        """Status, and the content of the sealed answer."""
        headers = {"content-type": "application/json", "authorization": f"Token {self.login.token}"}
        body = None
        if data is not None:
            sealed = SecretBox(self.login.session_secret_key.encode(), encoder=HexEncoder).encrypt(
                json.dumps(data).encode()
            )
            body = json.dumps({"text": sealed.ciphertext.hex(), "nonce": sealed.nonce.hex()})
        answer = requests.request(
            method, self.settings.server_url + path, data=body, headers=headers, timeout=TIMEOUT_S
        )
        if answer.status_code == 401:
            sys.exit(f"the session ended: {answer.text}")
        sealed_answer = answer.json()
        text = decrypt(sealed_answer["text"], sealed_answer["nonce"], self.login.session_secret_key)
        return answer.status_code, json.loads(text)

    def datastores(self) -> Iterator[tuple[str, Any]]:
        """Id and content of every datastore of passwords."""
        _, listed = self.request("GET", "/datastore/")
        for entry in listed["datastores"]:
            if entry["type"] != "password":
                continue
            _, found = self.request("GET", f"/datastore/{entry['id']}/")
            key = decrypt(found["secret_key"], found["secret_key_nonce"], self.login.user_secret_key)
            if found["data"]:
                yield entry["id"], json.loads(decrypt(found["data"], found["data_nonce"], key))

    def walk(self, place: Any, above: list[str]) -> Iterator[Any]:
        """Items of a tree, depth first, each share read once on the way down. `above`: the shares entered so far."""
        yield from place.get("items", [])
        index = place.get("share_index", {})
        for folder in place.get("folders", []):
            if folder.get("deleted"):
                continue
            id = folder.get("share_id")
            if id is None:
                yield from self.walk(folder | {"share_index": index | folder.get("share_index", {})}, above)
                continue
            if id in above:
                continue
            key = folder.get("share_secret_key") or index.get(id, {}).get("secret_key")
            status, share = self.request("GET", f"/share/{id}/")
            if status != 200 or key is None:
                self.skipped.append(id)
                continue
            self.shares.append(id)
            yield from self.walk(json.loads(decrypt(share["data"], share["data_nonce"], key)), [*above, id])

    def read_secret(self, item: Any) -> Any:
        status, secret = self.request("GET", f"/secret/{item['secret_id']}/")
        if status != 200:
            return None
        return json.loads(decrypt(secret["data"], secret["data_nonce"], item["secret_key"]))

    def read_all(self) -> dict[str, Any]:
        secrets: dict[str, Any] = {}
        datastores = []
        for id, content in self.datastores():
            datastores.append(id)
            for item in self.walk(content, []):
                if not item.get("deleted"):
                    secrets[item["name"]] = self.read_secret(item)
        return {
            "username": self.login.username,
            "datastores": datastores,
            "shares": self.shares,
            "skipped": self.skipped,
            "secrets": secrets,
        }

    def log_out(self) -> None:
        self.request("POST", "/authentication/logout/", {})


def main() -> None:
    client = Client(Settings.from_environment())
    if client.login.restricted:
        found: dict[str, Any] = {"username": client.login.username, "restricted": True}
    else:
        found = client.read_all()
    client.log_out()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
