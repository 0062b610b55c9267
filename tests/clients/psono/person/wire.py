"""Requests and answers, plain and sealed (dialects/psono.md, sections 2.2 and 5).

A client that follows no redirect and gives up after a while. Answers are opened where they are sealed and say whether
they were, so that a test can hold the server to both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import requests

from person import crypto
from person.crypto import Sealed

TIMEOUT_S = 30
JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """What came back: `body` is the JSON inside, `sealed` whether it travelled under the session's key."""

    asked: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    body: Any
    sealed: bool

    def expect(self, status: int = 200) -> Any:
        """The body, of an answer with this very status."""
        assert self.status == status, f"{self.asked}: {self.status} {self.text}, not {status}"
        return self.body

    def refused(self, status: int, body: Any = None, *, says: str = "") -> Answer:
        """Holds a refusal to its status, and to its body or to words in it."""
        assert self.status == status, f"{self.asked}: {self.status} {self.text}, not {status}"
        assert self._in_form(), f"{self.asked}: {self.status} {self.text} is in no form of the dialect"
        assert body is None or self.body == body, f"{self.asked}: {self.text}, not {body}"
        assert says in self.text, f"{self.asked}: {self.text} does not say {says}"
        return self

    def denied(self) -> Answer:
        """A refusal of something that is not there for the one who asks: 400 or 403, as each endpoint has it."""
        assert self.status in (400, 403), f"{self.asked}: {self.status} {self.text}, not 400 or 403"
        return self.refused(self.status)

    def _in_form(self) -> bool:
        """Whether a refusal has one of the forms that clients read (section 10). Psonoapi takes `detail` for text."""
        match self.body:
            case {"detail": str(), **rest} | {"message": str(), **rest}:
                return rest.keys() <= {"resource_id", "error"}
            case dict() as fields if fields:
                return all(isinstance(said, list) and said != [] for said in fields.values())
            case _:
                return self.status == 413

    def in_clear(self) -> Answer:
        assert not self.sealed, f"{self.asked}: sealed"
        return self

    def under_seal(self) -> Answer:
        assert self.sealed, f"{self.asked}: {self.status} in clear: {self.text}"
        return self

    @property
    def text(self) -> str:
        """The JSON that was inside, or what came instead of JSON."""
        return json.dumps(self.body) if self.body is not None else repr(self.content[:300])


class Server:
    """The dialect at a base URL. Everything here travels in clear."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._connections = requests.Session()

    def send(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Sends bytes as they are."""
        sent = self._connections.request(
            method,
            self.url + path,
            data=content,
            headers=dict(headers),
            timeout=TIMEOUT_S,
            allow_redirects=False,
        )
        try:
            body = sent.json()
        except ValueError:
            body = None
        return Answer(f"{method} {path}", sent.status_code, sent.headers, sent.content, body, sealed=False)

    def ask(self, method: str, path: str, data: Any = None) -> Answer:
        content = None if data is None else json.dumps(data).encode()
        return self.send(method, path, content, {"Content-Type": JSON})

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, data: Any) -> Answer:
        return self.ask("POST", path, data)

    def put(self, path: str, data: Any) -> Answer:
        return self.ask("PUT", path, data)


@dataclass(frozen=True)
class Device:
    """What a login says of the device. `ahead`: how far its clock is ahead of the true time."""

    description: str = "a test"
    fingerprint: str = field(default_factory=lambda: str(uuid4()))
    ahead: timedelta = timedelta(0)

    def time(self) -> str:
        return date(datetime.now(UTC) + self.ahead)


def date(at: datetime) -> str:
    """As browsers print it: milliseconds and `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


@dataclass
class Session:
    """A token and the key that seals what travels under it. `device`: only sessions that must prove it have one."""

    server: Server
    token: str
    key: str
    device: Device | None = None
    _nonces: set[str] = field(default_factory=set)

    def sealed(self, data: Any) -> dict[str, str]:
        """The body of a request."""
        sealed = crypto.seal(self.key, json.dumps(data))
        return {"text": sealed.text, "nonce": sealed.nonce}

    def validator(self, **changed: Any) -> str:
        """A fresh `Authorization-Validator`; members given here replace those that are right, `None` leaves one out."""
        assert self.device is not None
        facts = {"request_time": self.device.time(), "request_device_fingerprint": self.device.fingerprint}
        facts = {name: value for name, value in (facts | changed).items() if value is not None}
        return json.dumps(self.sealed(facts))

    def headers(self) -> dict[str, str]:
        headers = {"Content-Type": JSON, "Authorization": f"Token {self.token}"}
        if self.device is not None:
            headers["Authorization-Validator"] = self.validator()
        return headers

    def send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends bytes as they are, and opens what comes back. `headers` replaces all of them."""
        answer = self.server.send(method, path, content, self.headers() if headers is None else headers)
        if not isinstance(answer.body, dict) or set(answer.body) != {"text", "nonce"}:
            return answer
        sealed = Sealed(**answer.body)
        assert sealed.nonce not in self._nonces, "the server repeated a nonce"
        self._nonces.add(sealed.nonce)
        body = json.loads(crypto.unseal(self.key, sealed))
        return Answer(answer.asked, answer.status, answer.headers, answer.content, body, sealed=True)

    def ask(self, method: str, path: str, data: Any = None) -> Answer:
        content = None if data is None else json.dumps(self.sealed(data)).encode()
        return self.send(method, path, content)

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, data: Any) -> Answer:
        return self.ask("POST", path, data)

    def put(self, path: str, data: Any) -> Answer:
        return self.ask("PUT", path, data)

    def delete(self, path: str, data: Any) -> Answer:
        return self.ask("DELETE", path, data)

    def alive(self) -> bool:
        """Whether the session still answers. Costs one read."""
        return self.get("/datastore/").status != 401

    def end(self) -> None:
        self.post("/authentication/logout/", {}).expect()
