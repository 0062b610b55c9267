"""A running server: keys that its operator makes, and requests to it as they go over the wire."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from peers import theirs
from peers.keys import Key
from peers.messages import JSON_TYPE, Request, Said

TIMEOUT_S = 30
#: What a key may do that may do everything with the keys of its chain.
EVERYTHING = '{"version":"1","default_allow":true,"permissions":{}}'
#: What a refusal offers: what every signature of the profile covers.
OFFER = 'sig=("@method" "@authority" "@path" "@query" "content-type" "content-digest");created;tag="strongroom"'


def required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise LookupError(f"{name} is not set; tests/clients/run sets it")
    return value


def url(target: str) -> str:
    return required("STRONGROOM_URL") + target


def operator(*words: str) -> Any:
    """What `strongroom admin WORDS` prints. It finds the operator's listener and token by STRONGROOM_CONFIG."""
    words = (required("STRONGROOM_BIN"), "admin", "--json", *words)
    done = subprocess.run(words, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout or "null")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def document(self) -> Any:
        return json.loads(self.body)


def send(request: Request) -> Answer:
    """Sends a request to the server, whichever its URL names: that only becomes its `Host`."""
    parts = urlsplit(request.url)
    target = request.url.removeprefix(f"{parts.scheme}://{parts.netloc}")
    body = request.body.encode()
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    server = urlsplit(url(""))
    with socket.create_connection((server.hostname, server.port), TIMEOUT_S) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        response = http.client.HTTPResponse(connection)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


@dataclass(frozen=True)
class Holder:
    """Whoever signs as a key of the server."""

    id: str
    key: Key

    def signed(self, method: str, target: str, body: str = "", /, *, base: str = "", **said: Any) -> Request:
        """A request of the profile, signed now unless `said` has it otherwise."""
        request = Request(method, base + target if base else url(target), JSON_TYPE if body else {}, body)
        return theirs.sign(request, self.key, Said(key_id=self.id, **said))

    def ask(self, method: str, target: str, body: str = "", /, **said: Any) -> Answer:
        return send(self.signed(method, target, body, **said))


class Chain:
    """A chain of the tests' own, and the keys that its operator gives out."""

    @cached_property
    def id(self) -> str:
        chain: str = operator("chain", "create")["chain"]
        return chain

    def key(self, kind: str, *more: str) -> tuple[str, str]:
        """A key of a kind: its id, and its secret if the server drew one."""
        made = operator("service-key", "create", "--chain", self.id, "--kind", kind, *more)
        return made["key"]["id"], made.get("secret", "")

    def holder(self, algorithm: str, permissions: Path | None = None) -> Holder:
        limits = ("--permissions", str(permissions)) if permissions else ()
        if algorithm == "ed25519":
            key = Key.ed25519()
            public = base64.b64encode(key.public).decode()
            return Holder(self.key(algorithm, "--public-key", public, *limits)[0], key)
        key_id, secret = self.key(algorithm, *limits)
        return Holder(key_id, Key.hmac(secret.encode()))

    def delete(self, key_id: str) -> None:
        operator("service-key", "delete", "--chain", self.id, key_id, "--yes")
