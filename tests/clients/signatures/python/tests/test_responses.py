"""Answers that are signed and bound to the request that they answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from http_message_signatures import InvalidSignature

from peers import ours, theirs
from peers.keys import Key
from peers.messages import JSON_TYPE, REQUESTS, Response, Said

CLIENT = Key.hmac()
BOTH = pytest.mark.parametrize("server", [Key.ed25519(), Key.hmac()], ids=lambda key: key.name)
REQUEST = REQUESTS["a body and a query"]
CREATED = Response(201, JSON_TYPE, '{"success":true}')
EMPTY = Response(204)


def requires(label: str) -> list[str]:
    return ["@status", f'"signature";req;key="{label}"']


@BOTH
@pytest.mark.parametrize("response", [CREATED, EMPTY], ids=lambda response: str(response.status_code))
def test_each_side_checks_an_answer_of_the_other(server: Key, response: Response) -> None:
    asked = theirs.sign(REQUEST, CLIENT, Said(), label="mine")
    answered = ours.sign_response(replace(response, request=asked), "mine", server)
    theirs.verify(answered, server, "server", requires("mine"))

    asked = ours.sign(REQUEST, CLIENT, Said())
    answered = theirs.sign_response(replace(response, request=asked), "sig", server)
    assert ours.check_response(answered, "sig", server) == {"accepted": {}}


def with_field(name: str, old: str, new: str) -> Callable[[Response], Response]:
    def change(answer: Response) -> Response:
        assert old in answer.headers[name]
        return replace(answer, headers=answer.headers | {name: answer.headers[name].replace(old, new, 1)})

    return change


CHANGES: dict[str, Callable[[Response], Response]] = {
    "another status": lambda answer: replace(answer, status_code=200),
    "another type": with_field("Content-Type", "application/json", "text/plain"),
    "another time": with_field("Signature-Input", "created=1", "created=2"),
    "another request": lambda answer: replace(answer, request=ours.sign(REQUEST, CLIENT, Said())),
}


@BOTH
@pytest.mark.parametrize("what", CHANGES)
def test_an_answer_is_to_one_request_as_it_was_signed(server: Key, what: str) -> None:
    response = replace(CREATED, request=ours.sign(REQUEST, CLIENT, Said()))
    for answer in (ours.sign_response(response, "sig", server), theirs.sign_response(response, "sig", server)):
        assert ours.check_response(answer, "sig", server) == {"accepted": {}}
        met = CHANGES[what](answer)
        refused = "signature was not created within the window" if "time" in what else "signature does not verify"
        assert ours.check_response(met, "sig", server) == {"refused": refused}
        with pytest.raises(InvalidSignature):
            theirs.verify(met, server, "server", requires("sig"))


@BOTH
def test_an_answer_is_by_one_server_with_one_body(server: Key) -> None:
    response = replace(CREATED, request=ours.sign(REQUEST, CLIENT, Said()))
    for answer in (ours.sign_response(response, "sig", server), theirs.sign_response(response, "sig", server)):
        other = type(server).ed25519() if server.name == "ed25519" else type(server).hmac()
        assert ours.check_response(answer, "sig", other) == {"refused": "signature does not verify"}
        body = replace(answer, body="{}")
        assert ours.check_response(body, "sig", server) == {"refused": "content digest does not match the body"}
        for met, key in ((answer, other), (body, server)):
            with pytest.raises(InvalidSignature):
                theirs.verify(met, key, "server", requires("sig"))
