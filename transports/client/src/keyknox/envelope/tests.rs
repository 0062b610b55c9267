//! Messages of every published client, the deterministic construction, and what must not open.

use serde_json::Value;
use strongroom_primitives::encoding::{from_base64, from_hex, to_base64, to_hex};

use super::testing::{key, vectors};
use super::*;
use crate::keyknox::ports::testing::{Counted, Scripted};

fn bytes(item: &Value, name: &str) -> Vec<u8> {
    from_base64(item[name].as_str().unwrap()).unwrap()
}

fn names<'a>(item: &'a Value, name: &str) -> Vec<&'a str> {
    item[name].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

/// Alice's message to herself and Bob, with counted chance.
fn sample() -> (SigningKey, SigningKey, Envelope) {
    let vectors = vectors();
    let (alice, bob) = (key(&vectors, "alice"), key(&vectors, "bob"));
    let readers = [alice.verifying_key(), bob.verifying_key()];
    let envelope = seal(b"sample", &alice, &readers, &Counted).unwrap();
    (alice, bob, envelope)
}

#[test]
fn messages_of_every_published_client_open_for_each_recipient_and_nobody_else() {
    let vectors = vectors();
    let items = vectors["envelopes"]["items"].as_array().unwrap();
    assert_eq!(items.len(), 12);
    for item in items {
        let (meta, value) = (bytes(item, "meta_b64"), bytes(item, "value_b64"));
        assert_eq!(
            (meta.len() as u64, value.len() as u64),
            (item["meta_len"].as_u64().unwrap(), item["value_len"].as_u64().unwrap())
        );
        let plain = from_hex(item["plaintext_hex"].as_str().unwrap()).unwrap();
        let signer = key(&vectors, item["signer"].as_str().unwrap());
        let recipients = names(item, "recipients");
        for name in ["alice", "bob", "carol", "dave", "mallory"] {
            let opened = open(&meta, &value, &key(&vectors, name), &[signer.verifying_key()]);
            if recipients.contains(&name) {
                assert_eq!(*opened.unwrap(), plain);
            } else {
                assert_eq!(opened.unwrap_err(), EnvelopeError::RecipientNotFound);
            }
        }
        let info = Info::read(&meta, &[]).unwrap();
        assert_eq!(to_hex(info.nonce), item["steps_common"]["gcm_nonce"].as_str().unwrap());
        assert_eq!(to_hex(info.signer_id), item["steps_common"]["signer_id"].as_str().unwrap());
        assert_eq!(to_hex(info.signature), item["steps_common"]["signature_der"].as_str().unwrap());
        assert_eq!(signer.sign_envelope(&plain).as_slice(), info.signature);
    }
}

#[test]
fn a_message_built_from_the_listed_chance_is_the_listed_message() {
    let vectors = vectors();
    let item = &vectors["envelope_construction"];
    let hex = |item: &Value, name: &str| from_hex(item[name].as_str().unwrap()).unwrap();
    let mut chance = [hex(item, "content_key_hex"), hex(item, "gcm_nonce_hex")].concat();
    for recipient in item["per_recipient"].as_array().unwrap() {
        chance.extend([hex(recipient, "ephemeral_seed_hex"), hex(recipient, "wrap_iv_hex")].concat());
    }
    let readers: Vec<_> =
        names(item, "recipients").iter().map(|name| key(&vectors, name).verifying_key()).collect();
    let writer = key(&vectors, item["signer"].as_str().unwrap());
    let envelope = seal(&hex(item, "plaintext_hex"), &writer, &readers, &Scripted::new(chance)).unwrap();
    assert_eq!(to_base64(&envelope.meta), item["meta_b64"].as_str().unwrap());
    assert_eq!(to_base64(&envelope.value), item["value_b64"].as_str().unwrap());
}

#[test]
fn what_the_published_clients_refuse_is_refused_by_name() {
    let vectors = vectors();
    let items = vectors["envelope_negative"]["items"].as_array().unwrap();
    assert_eq!(items.len(), 6);
    for item in items {
        let name = item["name"].as_str().unwrap();
        let expected = match name {
            "value bit flipped" | "tag bit flipped" | "meta of another message" => EnvelopeError::BadContent,
            "signature bit flipped in meta" => EnvelopeError::BadSignature,
            "not a recipient" => EnvelopeError::RecipientNotFound,
            "signer not in the allowed list" => EnvelopeError::SignerNotFound,
            unknown => panic!("a case without a verdict: {unknown}"),
        };
        let reader = key(&vectors, item["private_key"].as_str().unwrap());
        let signers: Vec<_> =
            names(item, "allowed_signers").iter().map(|name| key(&vectors, name).verifying_key()).collect();
        let opened = open(&bytes(item, "meta_b64"), &bytes(item, "value_b64"), &reader, &signers);
        assert_eq!(opened.unwrap_err(), expected, "{name}");
    }
}

#[test]
fn a_meta_grows_by_the_stated_bytes_for_each_recipient() {
    let vectors = vectors();
    let alice = key(&vectors, "alice");
    let others = (1..=99).map(|seed| SigningKey::from_seed(&[seed; 32]).verifying_key());
    let readers: Vec<_> = std::iter::once(alice.verifying_key()).chain(others).collect();
    let entropy = Counted;
    for (count, length) in [(1, 485), (2, 740), (3, 994)] {
        let envelope = seal(b"x", &alice, &readers[..count], &entropy).unwrap();
        assert_eq!((envelope.meta.len(), envelope.value.len()), (length, 1 + VALUE_OVERHEAD_BYTES));
    }
    // 39 recipients fit the 10,240 bytes of a v1 record, and a group of 100 the 65,536 of a v2 record.
    assert!(seal(b"x", &alice, &readers[..39], &entropy).unwrap().meta.len() <= 10_240);
    assert!(seal(b"x", &alice, &readers[..40], &entropy).unwrap().meta.len() > 10_240);
    assert!(seal(b"x", &alice, &readers, &entropy).unwrap().meta.len() < META_BYTES_MAX);
}

#[test]
fn a_recipient_named_twice_counts_once_and_none_at_all_is_an_error() {
    let alice = SigningKey::from_seed(&[1; 32]);
    let own = alice.verifying_key();
    // Chance for one recipient only: a second wrap would find none left.
    let chance = Scripted::new((0..32 + 12 + 32 + 16).collect());
    let envelope = seal(b"x", &alice, &[own, own], &chance).unwrap();
    assert_eq!(envelope.meta.len(), 485);
    assert_eq!(open(&envelope.meta, &envelope.value, &alice, &[own]).unwrap().as_slice(), b"x");
    assert_eq!(seal(b"x", &alice, &[], &Counted).unwrap_err(), EnvelopeError::NoRecipients);
}

#[test]
fn without_chance_nothing_is_sealed() {
    let alice = SigningKey::from_seed(&[1; 32]);
    let sealed = seal(b"x", &alice, &[alice.verifying_key()], &Scripted::new(vec![7; 60]));
    assert_eq!(sealed.unwrap_err(), EnvelopeError::NoEntropy(NoEntropy));
}

#[test]
fn sets_are_read_in_any_order() {
    let (alice, bob, envelope) = sample();
    let mut outer = Reader::new(&envelope.meta);
    let mut message = outer.enter(SEQUENCE).unwrap();
    message.read(INTEGER).unwrap();
    let info = message.read(SEQUENCE).unwrap();
    let mut parameters = message.enter(CONTEXT_0).unwrap().enter(SET).unwrap();
    let first = element(SEQUENCE, &[parameters.read(SEQUENCE).unwrap()]);
    let second = element(SEQUENCE, &[parameters.read(SEQUENCE).unwrap()]);
    let unknown = element(
        SEQUENCE,
        &[&element(UTF8_STRING, &[b"X"]), &element(CONTEXT_0, &[&element(INTEGER, &[&[1]])])],
    );
    let rebuilt = |members: &[&[u8]]| {
        let parameters = element(CONTEXT_0, &[&element(SET, members)]);
        element(SEQUENCE, &[&element(INTEGER, &[&[0]]), &element(SEQUENCE, &[info]), &parameters])
    };
    let opens =
        |meta: &[u8]| open(meta, &envelope.value, &bob, &[alice.verifying_key()]).map(|plain| plain.to_vec());
    assert_eq!(opens(&rebuilt(&[&first, &second])).unwrap(), b"sample");
    assert_eq!(opens(&rebuilt(&[&second, &unknown, &first])).unwrap(), b"sample");
    assert_eq!(opens(&rebuilt(&[&first, &second, &second])).unwrap_err(), EnvelopeError::Malformed);
    assert_eq!(opens(&rebuilt(&[&first])).unwrap_err(), EnvelopeError::Malformed);
    assert_eq!(opens(&rebuilt(&[])).unwrap_err(), EnvelopeError::Malformed);
}

#[test]
fn an_empty_record_is_empty_and_half_of_one_is_an_error() {
    let (alice, _, envelope) = sample();
    let signers = [alice.verifying_key()];
    assert!(open(&[], &[], &alice, &signers).unwrap().is_empty());
    assert_eq!(open(&envelope.meta, &[], &alice, &signers).unwrap_err(), EnvelopeError::HalfEmpty);
    assert_eq!(open(&[], &envelope.value, &alice, &signers).unwrap_err(), EnvelopeError::HalfEmpty);
}

/// A-SRV-06: a reply beyond the bounds is refused before it is parsed, at the exact byte.
#[test]
fn halves_beyond_their_bounds_are_refused_unread() {
    let alice = SigningKey::from_seed(&[1; 32]);
    let signers = [alice.verifying_key()];
    let refusal =
        |meta: usize, value: usize| open(&vec![0; meta], &vec![0; value], &alice, &signers).unwrap_err();
    assert_eq!(refusal(META_BYTES_MAX, VALUE_BYTES_MAX), EnvelopeError::Malformed);
    assert_eq!(refusal(META_BYTES_MAX + 1, 1), EnvelopeError::TooLarge);
    assert_eq!(refusal(1, VALUE_BYTES_MAX + 1), EnvelopeError::TooLarge);
    let large = vec![0; VALUE_BYTES_MAX - VALUE_OVERHEAD_BYTES];
    let envelope = seal(&large, &alice, &signers, &Counted).unwrap();
    assert_eq!(*open(&envelope.meta, &envelope.value, &alice, &signers).unwrap(), large);
    let larger = vec![0; VALUE_BYTES_MAX - VALUE_OVERHEAD_BYTES + 1];
    assert_eq!(seal(&larger, &alice, &signers, &Counted).unwrap_err(), EnvelopeError::TooLarge);
}

#[test]
fn no_flipped_bit_and_no_cut_opens_to_another_text() {
    let (alice, bob, envelope) = sample();
    let signers = [alice.verifying_key()];
    for at in 0..envelope.meta.len() {
        let mut meta = envelope.meta.clone();
        meta[at] ^= 1;
        // Bits of the other recipient's part do not concern this reader, so the text may come out; never another one.
        if let Ok(plain) = open(&meta, &envelope.value, &bob, &signers) {
            assert_eq!(plain.as_slice(), b"sample", "byte {at}");
        }
        assert!(open(&envelope.meta[..at], &envelope.value, &bob, &signers).is_err(), "cut at {at}");
    }
    for at in 0..envelope.value.len() {
        let mut value = envelope.value.clone();
        value[at] ^= 1;
        assert_eq!(open(&envelope.meta, &value, &bob, &signers).unwrap_err(), EnvelopeError::BadContent);
    }
}

/// A-SRV-04: halves of two messages do not make a third, even between the same people.
#[test]
fn halves_of_different_messages_do_not_open_together() {
    let alice = SigningKey::from_seed(&[1; 32]);
    let signers = [alice.verifying_key()];
    let entropy = Counted;
    let one = seal(b"one", &alice, &signers, &entropy).unwrap();
    let two = seal(b"two", &alice, &signers, &entropy).unwrap();
    assert_eq!(open(&one.meta, &two.value, &alice, &signers).unwrap_err(), EnvelopeError::BadContent);
}
