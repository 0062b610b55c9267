use proptest::prelude::*;

use super::*;
use crate::encoding::to_hex;

const SERVER: [u8; 32] = [0x51; 32];
const CLIENT: [u8; 32] = [0x52; 32];
const PROLOGUE: &[u8] = b"strongroom test";
const FRAME_MAX: usize = 1024 * 1024;

fn begin(pattern: Pattern, payload: &[u8]) -> (Initiator, Vec<u8>) {
    let server = public_key(&SERVER);
    Initiator::begin(pattern, PROLOGUE, &server, Some(&CLIENT), [0x61; 32], payload).unwrap()
}

fn receive(pattern: Pattern, message: &[u8]) -> Result<Responder, NoiseError> {
    Responder::receive(pattern, PROLOGUE, &SERVER, [0x62; 32], message)
}

fn channels(pattern: Pattern) -> (Channel, Channel) {
    let (client, first) = begin(pattern, b"hello");
    let (server, second) = receive(pattern, &first).unwrap().answer(b"welcome").unwrap();
    (client.finish(&second).unwrap().0, server)
}

#[test]
fn both_sides_come_to_one_channel_and_know_each_other() {
    for pattern in [Pattern::Anonymous, Pattern::Known] {
        let (client, first) = begin(pattern, b"hello");
        let responder = receive(pattern, &first).unwrap();
        assert_eq!(responder.payload, b"hello");
        assert_eq!(responder.client, (pattern == Pattern::Known).then(|| public_key(&CLIENT)));
        let (mut server, second) = responder.answer(b"welcome").unwrap();
        let (mut client, said) = client.finish(&second).unwrap();
        assert_eq!(said, b"welcome");
        assert_eq!(client.handshake_hash(), server.handshake_hash());
        let [message] = client.seal(b"ping").unwrap().try_into().unwrap();
        assert_eq!(server.open(&message, FRAME_MAX).unwrap().unwrap().as_slice(), b"ping");
        let [message] = server.seal(b"pong").unwrap().try_into().unwrap();
        assert_eq!(client.open(&message, FRAME_MAX).unwrap().unwrap().as_slice(), b"pong");
    }
}

/// The same handshakes by `noiseprotocol` 0.3.1 (PyPI): first and second message, handshake hash, and a frame each way.
#[test]
fn another_implementation_says_the_same() {
    held_to(
        Pattern::Anonymous,
        [
            concat!(
                "4049502db92ca2342c3f92dac5d6de7c85db5df5407a5b4996ce39f2efb7e827735fc408afa64777c0f986e0fd6afd48",
                "1f0eeef684",
            ),
            concat!(
                "4a4f8ccde198d66e99b4c014418a3223ce256c98900ae4a6811fd10f7eb84c2c41e3f0c493a707da1d32be7c91ad75ae",
                "a18e3bb8fec398",
            ),
            "e9b1be4c1649344641492ecabf14ee57cc138d246bd577b8bbb917e857325782",
            "3a2f6d87fa0667517fdffbd9866e005911ba3b9cb0",
            "99f40ff80c85d8c09f2b9d63c763c17d4e040ee094",
        ],
    );
    held_to(
        Pattern::Known,
        [
            concat!(
                "4049502db92ca2342c3f92dac5d6de7c85db5df5407a5b4996ce39f2efb7e827ba6968c772313783478984c34204bb8c",
                "c8e8d7ac56e7540da37b8b6b95a01c60030f26c5f307e3ca8e169abafb355c181c97bd270b171ff3db864f5b087da985",
                "30d01864cb",
            ),
            concat!(
                "4a4f8ccde198d66e99b4c014418a3223ce256c98900ae4a6811fd10f7eb84c2caf1a1f9e204329caf1a4b9e6126598f1",
                "db9070fa9f03cf",
            ),
            "57b8835cbe93158a967fe16064a8078d079f126ed0d852ed7e625d521c18d0a1",
            "9b3f9630f9aa5170eb615941431c8bc9e280e6fce9",
            "ab5bc57eb3da0fdaafaec9c92dc407270d954789fa",
        ],
    );
}

fn held_to(pattern: Pattern, [first, second, hash, ping, pong]: [&str; 5]) {
    let (client, message) = begin(pattern, b"hello");
    assert_eq!(to_hex(&message), first);
    let (mut server, message) = receive(pattern, &message).unwrap().answer(b"welcome").unwrap();
    assert_eq!(to_hex(&message), second);
    let (mut client, _) = client.finish(&message).unwrap();
    assert_eq!(to_hex(client.handshake_hash()), hash);
    assert_eq!(to_hex(&client.seal(b"ping").unwrap().concat()), ping);
    assert_eq!(to_hex(&server.seal(b"pong").unwrap().concat()), pong);
}

/// A-API-11: a message opens once, in its place, in its channel and its direction, and whole.
#[test]
fn a_message_opens_once_and_in_its_place() {
    let (mut client, mut server) = channels(Pattern::Known);
    let (mut one, mut two) = (client.seal(b"one").unwrap(), client.seal(b"two").unwrap());
    let (one, two) = (one.remove(0), two.remove(0));
    assert_eq!(server.open(&two, FRAME_MAX).unwrap_err(), NoiseError::Message, "out of order");
    let (mut client, mut server) = channels(Pattern::Known);
    let first = client.seal(b"one").unwrap().remove(0);
    assert_eq!(client.open(&first, FRAME_MAX).unwrap_err(), NoiseError::Message, "back to its sender");
    assert!(server.open(&first, FRAME_MAX).unwrap().is_some());
    assert_eq!(server.open(&first, FRAME_MAX).unwrap_err(), NoiseError::Message, "a second time");
    let (_, mut server) = channels(Pattern::Anonymous);
    assert_eq!(server.open(&one, FRAME_MAX).unwrap_err(), NoiseError::Message, "of another channel");
    for at in [0, 10, one.len() - 1] {
        let (mut client, mut server) = channels(Pattern::Known);
        let mut bent = client.seal(b"one").unwrap().remove(0);
        bent[at] ^= 1;
        assert_eq!(server.open(&bent, FRAME_MAX).unwrap_err(), NoiseError::Message, "a bit at {at}");
    }
}

/// A-API-01, A-API-05: a handshake for another server, another prologue or another pattern, bent or cut anywhere, comes
/// to nothing.
#[test]
fn a_handshake_is_for_one_server_and_one_purpose() {
    let (_, first) = begin(Pattern::Known, b"hello");
    let other = Responder::receive(Pattern::Known, PROLOGUE, &CLIENT, [1; 32], &first);
    assert_eq!(other.unwrap_err(), NoiseError::Message);
    let other = Responder::receive(Pattern::Known, b"another", &SERVER, [1; 32], &first);
    assert_eq!(other.unwrap_err(), NoiseError::Message);
    assert_eq!(receive(Pattern::Anonymous, &first).unwrap_err(), NoiseError::Message);
    for at in 0..first.len() {
        let mut bent = first.clone();
        bent[at] ^= 1;
        // The highest bit of a public key is not looked at, but it is hashed.
        assert_eq!(receive(Pattern::Known, &bent).unwrap_err(), NoiseError::Message, "a bit of byte {at}");
        assert_eq!(receive(Pattern::Known, &first[..at]).unwrap_err(), NoiseError::Message, "cut at {at}");
    }
    let (client, first) = begin(Pattern::Known, b"hello");
    let (_, mut second) = receive(Pattern::Known, &first).unwrap().answer(b"welcome").unwrap();
    second[5] ^= 1;
    assert_eq!(client.finish(&second).unwrap_err(), NoiseError::Message);
}

/// A-API-04: a first message that is sent again is answered, and nobody but who began can go on.
#[test]
fn a_first_message_sent_again_opens_no_channel() {
    let (client, first) = begin(Pattern::Known, b"hello");
    let (mut one, second) = receive(Pattern::Known, &first).unwrap().answer(b"").unwrap();
    let again = Responder::receive(Pattern::Known, PROLOGUE, &SERVER, [0x63; 32], &first).unwrap();
    let (mut other, _) = again.answer(b"").unwrap();
    let (mut client, _) = client.finish(&second).unwrap();
    let message = client.seal(b"mine").unwrap().remove(0);
    assert_eq!(other.open(&message, FRAME_MAX).unwrap_err(), NoiseError::Message);
    assert!(one.open(&message, FRAME_MAX).unwrap().is_some());
}

#[test]
fn nothing_is_longer_than_it_may_be() {
    let (mut client, mut server) = channels(Pattern::Anonymous);
    let exact = client.seal(&[7; 1_000]).unwrap().remove(0);
    assert_eq!(server.open(&exact, 999).unwrap_err(), NoiseError::TooLong { max: 999 });
    let (mut client, mut server) = channels(Pattern::Anonymous);
    let parts = client.seal(&vec![7; 3 * PART_BYTES_MAX]).unwrap();
    assert!(parts.len() == 3 && parts.iter().all(|part| part.len() == MESSAGE_BYTES_MAX));
    assert!(server.open(&parts[0], 2 * PART_BYTES_MAX).unwrap().is_none());
    assert!(server.open(&parts[1], 2 * PART_BYTES_MAX).unwrap().is_none());
    let refused = server.open(&parts[2], 2 * PART_BYTES_MAX).unwrap_err();
    assert_eq!(refused, NoiseError::TooLong { max: 2 * PART_BYTES_MAX });
    let long = vec![0; PAYLOAD_BYTES_MAX + 1];
    let refused = Initiator::begin(Pattern::Anonymous, b"", &public_key(&SERVER), None, [1; 32], &long);
    assert_eq!(refused.unwrap_err(), NoiseError::TooLong { max: PAYLOAD_BYTES_MAX });
    assert!(Initiator::begin(Pattern::Known, b"", &public_key(&SERVER), None, [1; 32], b"").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frames_of_any_length_arrive_as_they_were(
        frames in proptest::collection::vec((any::<u8>(), 0_usize..200_000), 1..6)
    ) {
        let (mut client, mut server) = channels(Pattern::Anonymous);
        for (fill, length) in frames {
            let frame = vec![fill; length];
            let mut arrived = None;
            for message in client.seal(&frame).unwrap() {
                prop_assert!(arrived.is_none());
                arrived = server.open(&message, FRAME_MAX).unwrap();
            }
            prop_assert!(arrived.is_some_and(|arrived| *arrived == frame));
        }
    }
}
