"""The published package, used by the profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier

from peers.keys import Key
from peers.messages import Request, Response, Said

COVERS = ("@method", "@authority", "@path", "@query")
BODY_COVERS = ("content-type", "content-digest")
#: For what was signed at a time that is long over.
EVER = timedelta(days=36_500)


def at(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def sign(
    request: Request,
    key: Key,
    said: Said,
    covers: Sequence[str] | None = None,
    **options: Any,
) -> Request:
    """`options` go to the package as they are."""
    if covers is None:
        covers = (*COVERS, *(BODY_COVERS if request.body else ()))
    signed = replace(request, headers=dict(request.headers))
    options = {"tag": "strongroom", "label": "any", "created": at(said.created), "expires": at(said.expires)} | options
    HTTPMessageSigner(signature_algorithm=key.algorithm, key_resolver=key.resolver(said.key_id)).sign(
        signed,
        key_id=said.key_id,
        nonce=said.nonce,
        covered_component_ids=covers,
        body=request.body.encode() if request.body else None,
        **options,
    )
    return signed


def verify(message: Request | Response, key: Key, key_id: str, requires: Sequence[str], age: timedelta = EVER) -> None:
    """Raises unless the signature and the digest of the body are good."""
    verifier = HTTPMessageVerifier(signature_algorithm=key.algorithm, key_resolver=key.resolver(key_id))
    results = verifier.verify(message, max_age=age, expect_tag="strongroom", require_components=requires)
    if message.body:
        verifier.verify_body(message, results, message.body.encode())


def sign_response(response: Response, label: str, key: Key) -> Response:
    covers = ("@status", f'"signature";req;key="{label}"', *(BODY_COVERS if response.body else ()))
    signed = replace(response, headers=dict(response.headers))
    HTTPMessageSigner(signature_algorithm=key.algorithm, key_resolver=key.resolver("server")).sign(
        signed,
        key_id="server",
        tag="strongroom",
        covered_component_ids=covers,
        body=response.body.encode() if response.body else None,
    )
    return signed
