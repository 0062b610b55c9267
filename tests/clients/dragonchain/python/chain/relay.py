"""A socket between a client and the server that keeps what the client sent, as somebody on the way would."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from chain.client import Key

TIMEOUT_S = 30


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def read(self) -> dict[str, Any]:
        """In the form in which the SDK gives answers."""
        return {"status": self.status, "ok": self.status // 100 == 2, "response": json.loads(self.body)}


def server_of(endpoint: str) -> tuple[str, int]:
    parts = urlsplit(endpoint)
    assert parts.hostname and parts.port
    return parts.hostname, parts.port


class Relay:
    """Takes connections one after the other: the SDK opens one for each request, and closes it."""

    def __init__(self, endpoint: str) -> None:
        self._server = server_of(endpoint)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}{urlsplit(endpoint).path}"
        self._requests: list[bytes] = []
        # Held while a client is connected.
        self._busy = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._busy, client, socket.create_connection(self._server, TIMEOUT_S) as server:
                client.settimeout(TIMEOUT_S)
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                self._requests.append(_copy(client, server))
                back.join(TIMEOUT_S)

    @property
    def requests(self) -> list[bytes]:
        """The bytes of each request that was answered."""
        with self._busy:
            return list(self._requests)

    def again(self, sent: bytes) -> Answer:
        """Sends to the server what somebody has seen on the way."""
        return send(self._server, sent)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Closing alone would not wake a thread that waits in `accept`.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()


def _copy(source: socket.socket, target: socket.socket) -> bytes:
    """Passes on what comes until there is no more, and returns it."""
    copied = b""
    while read := source.recv(65_536):
        copied += read
        target.sendall(read)
    target.shutdown(socket.SHUT_WR)
    return copied


def send(server: tuple[str, int], sent: bytes) -> Answer:
    """The answer to the bytes of one request."""
    with socket.create_connection(server, TIMEOUT_S) as connection:
        connection.sendall(sent)
        response = http.client.HTTPResponse(connection)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


def written(key: Key, verb: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request whose headers the caller has made, to the endpoint of a key."""
    parts = urlsplit(key.endpoint)
    lines = [f"{verb} {parts.path}{path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def request(key: Key, verb: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
    """The answer to it."""
    return send(server_of(key.endpoint), written(key, verb, path, headers, body))
