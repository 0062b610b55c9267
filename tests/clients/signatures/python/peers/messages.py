"""Messages as both sides take them: the package as objects, ours as documents."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Any

AUTHORITY = "keys.example"
JSON_TYPE = {"Content-Type": "application/json"}


def now() -> int:
    return int(time.time())


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def document(self) -> dict[str, Any]:
        return {"method": self.method, "url": self.url, "fields": list(self.headers.items()), "body": self.body}

    def with_fields(self, fields: list[list[str]]) -> Request:
        return replace(self, headers={name: value for name, value in fields})


@dataclass(frozen=True)
class Response:
    status_code: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    #: The package looks here for the components that are of the request.
    request: Request | None = None

    def document(self) -> dict[str, Any]:
        return {"status": self.status_code, "fields": list(self.headers.items()), "body": self.body}

    def with_fields(self, fields: list[list[str]]) -> Response:
        return replace(self, headers={name: value for name, value in fields})


@dataclass(frozen=True)
class Said:
    """The parameters of one signature."""

    key_id: str = "EAYRMSXDOSWY"
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    created: int = field(default_factory=now)
    expires: int | None = None


#: Where a request can be read in two ways.
REQUESTS = {
    "a body and a query": Request(
        "POST", f"https://{AUTHORITY}/v1/api-key?x=1&y=%20a+b", JSON_TYPE, '{"nickname": "ключ 🔑"}'
    ),
    "neither body nor query": Request("GET", f"https://{AUTHORITY}/v1/api-key"),
    "an empty query": Request("DELETE", f"https://{AUTHORITY}/v1/api-key/ABC?"),
    "an escaped path": Request("GET", f"https://{AUTHORITY}/a%2Fb/%C3%A9;v=1"),
    "a port that is the own one": Request("GET", f"https://{AUTHORITY}:443/"),
}
