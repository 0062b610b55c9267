"""Strongroom's side of every exchange: the example `http_signatures` of tests/kit, which says what its tasks are."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict
from typing import Any

from peers.keys import Key
from peers.messages import AUTHORITY, Request, Response, Said, now


def ask(task: dict[str, Any]) -> dict[str, Any]:
    """Gives one task and returns its answer."""
    program = os.environ.get("STRONGROOM_SIGNATURES")
    if not program:
        raise LookupError("STRONGROOM_SIGNATURES is not set; tests/clients/run sets it")
    done = subprocess.run([program], input=json.dumps(task).encode(), capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def sign(request: Request, key: Key, said: Said, also: tuple[str, ...] = ()) -> Request:
    task = {"request": request.document(), "key": key.to_sign(), "parameters": asdict(said), "also": also}
    return request.with_fields(ask({"sign": task})["fields"])


def verify(request: Request, key: Key, at: int | None = None) -> dict[str, Any]:
    task = {"request": request.document(), "key": key.to_verify(), "now": at or now(), "authorities": [AUTHORITY]}
    return ask({"verify": task})


def sign_response(response: Response, label: str, key: Key) -> Response:
    assert response.request is not None
    task = {
        "request": response.request.document(),
        "response": response.document(),
        "label": label,
        "key": key.to_sign(),
        "parameters": {"key_id": "server", "created": now()},
    }
    return response.with_fields(ask({"sign_response": task})["fields"])


def check_response(response: Response, label: str, key: Key) -> dict[str, Any]:
    assert response.request is not None
    task = {
        "request": response.request.document(),
        "response": response.document(),
        "label": label,
        "key": key.to_verify(),
        "now": now(),
    }
    return ask({"check_response": task})
