//! Misakey's shares, keys and documents against what its own client made.

use serde_json::Value;

use super::*;
use crate::encoding::{from_base64url, from_hex};
use crate::nacl::{BoxSecret, NONCE_BYTES};

fn vectors() -> Value {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/misakey.json")).unwrap();
    file["misakey"].clone()
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_else(|| panic!("{name}"))
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    array_from_hex(hex).unwrap()
}

fn key(vector: &Value, name: &str) -> Key {
    Key::from_b64u(text(vector, name)).unwrap()
}

fn password(vector: &Value) -> SecretText {
    SecretText::new(text(vector, "password").to_owned())
}

/// Every part of the file is read by some test. One that is added is missing here until there is a test for it.
/// `slip39` is read by the tests of mnemonics.
#[test]
fn every_part_of_the_published_vectors_has_a_test() {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/misakey.json")).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&file), ["format", "misakey", "pin_recovery", "rfc9497_oprf", "slip39"]);
    let here = [
        "box_key_split",
        "documented_example",
        "encrypted_root_key",
        "full_setup",
        "password_key",
        "public_key_cryptogram",
        "root_key_split",
        "secret_under_root_key",
        "source",
        "wire_examples",
    ];
    assert_eq!(names(&file["misakey"]), here);
}

#[test]
fn a_split_root_key_agrees_with_the_published_vector() {
    let vector = &vectors()["root_key_split"];
    let root = key(vector, "key");
    let (local, remote) = root.split(array(text(vector, "pad_hex")));
    assert_eq!(local.to_b64u().expose(), text(vector, "local_share"));
    let upload = &vector["upload"];
    assert_eq!(remote.to_b64u().expose(), text(upload, "share"));
    let hash = local.hash();
    assert_eq!(hash.to_b64u(), text(upload, "user_local_share_hash"));
    assert_eq!(hash.to_b64u(), text(vector, "computeUserLocalShareHash"));
    assert_eq!(to_hex(hash.as_bytes()), text(vector, "hash_hex"));
    assert_eq!(text(upload, "account_id"), text(vector, "account_id"));

    let combined = local.combine(&remote).unwrap();
    assert_eq!(combined.to_b64u().expose(), text(vector, "recombined"));
    assert!(remote.combine(&local).unwrap().matches(&root));
    let stored = Share::from_b64u(text(vector, "local_share")).unwrap();
    assert!(stored.combine(&Share::from_b64u(text(upload, "share")).unwrap()).unwrap().matches(&root));
}

#[test]
fn a_split_box_key_agrees_with_the_published_vector() {
    let vector = &vectors()["box_key_split"];
    let share = |name| Share::from_b64u(text(vector, name)).unwrap();
    let (user, theirs) = (share("user_share"), share("misakey_share"));
    let (first, second) = key(vector, "key").split(user.expose().try_into().unwrap());
    assert_eq!((first.expose(), second.expose()), (user.expose(), theirs.expose()));
    assert_eq!(user.combine(&theirs).unwrap().to_b64u().expose(), text(vector, "recombined"));
    assert_eq!(user.box_hash().unwrap().to_b64u(), text(vector, "hashShare"));
    assert_eq!(user.box_hash().unwrap().to_b64u(), text(vector, "user_share_hash"));
    assert_eq!(text(vector, "hashShare_of_16_bytes_error"), "key share length (16) is not 32");
    let short = Share::from_b64u("o0hYlc2RurzJTiXldnnOMw").unwrap();
    assert_eq!(short.box_hash(), Err(MisakeyError::Length));
}

/// The sizes in the documentation are not those of a hash, and a server takes them all the same.
#[test]
fn the_documented_example_and_what_the_client_sends_are_taken() {
    let vectors = vectors();
    let example = &vectors["documented_example"];
    let share = Share::from_b64u(text(example, "share")).unwrap();
    assert_eq!(to_hex(share.expose()), text(example, "share_hex"));
    let hash = ShareHash::from_b64u(text(example, "user_local_share_hash")).unwrap();
    assert_eq!(to_hex(hash.as_bytes()), text(example, "hash_hex"));
    assert_eq!(hash.to_b64u(), text(example, "user_local_share_hash"));
    assert_eq!(share.combine(&share).unwrap_err(), MisakeyError::Length, "no half of a key");

    let [post, get] = vectors["wire_examples"].as_array().unwrap().as_slice() else { panic!("two examples") };
    let body: Value = serde_json::from_str(text(post, "body")).unwrap();
    let hash = ShareHash::from_b64u(text(&body, "user_local_share_hash")).unwrap();
    assert_eq!(hash.as_bytes().len(), SHARE_HASH_BYTES_MAX);
    assert_eq!(Share::from_b64u(text(&body, "share")).unwrap().expose(), [0xa0; 32]);
    let segment = text(get, "path").rsplit_once('/').unwrap().1;
    assert_eq!(ShareHash::from_b64u(segment).unwrap(), hash);
}

/// A-SHR-05: one spelling, within its bounds, or none.
#[test]
fn shares_hashes_and_keys_have_one_spelling_within_bounds() {
    for bad in ["gIGCgw==", "+/8", "-_9", "-_8\n", "A", "gIG%2F", "gIG/"] {
        assert_eq!(Share::from_b64u(bad).unwrap_err(), MisakeyError::Encoding, "{bad:?}");
        assert_eq!(ShareHash::from_b64u(bad).unwrap_err(), MisakeyError::Encoding, "{bad:?}");
        assert_eq!(Key::from_b64u(bad).unwrap_err(), MisakeyError::Encoding, "{bad:?}");
    }
    let of = |bytes| to_base64url(&vec![7; bytes]);
    for (bytes, share, hash) in [(1, true, true), (64, true, true), (65, true, false), (128, true, false)] {
        assert_eq!(Share::from_b64u(&of(bytes)).is_ok(), share, "{bytes}");
        assert_eq!(ShareHash::from_b64u(&of(bytes)).is_ok(), hash, "{bytes}");
    }
    for bytes in [0, 129, 1 << 20] {
        assert_eq!(Share::from_b64u(&of(bytes)).unwrap_err(), MisakeyError::Length, "{bytes}");
        assert_eq!(ShareHash::from_b64u(&of(bytes)).unwrap_err(), MisakeyError::Length, "{bytes}");
    }
    for bytes in [31, 33] {
        assert_eq!(Key::from_b64u(&of(bytes)).unwrap_err(), MisakeyError::Length, "{bytes}");
        let short = Share::from_b64u(&of(bytes)).unwrap();
        assert_eq!(short.combine(&short).unwrap_err(), MisakeyError::Length, "{bytes}");
    }
}

#[test]
fn the_key_of_a_password_agrees_with_the_published_vector() {
    let vector = &vectors()["password_key"];
    let salt = Salt::from_bytes(array(text(vector, "salt_bytes_hex")));
    assert_eq!(salt.to_hex(), text(vector, "salt_hex"));
    let number = |name: &str| vector[name].as_u64().unwrap();
    let said = ["version", "t", "m_kib", "p", "hash_len"].map(number);
    assert_eq!((text(vector, "type"), said), ("argon2i", [0x13, 1, 1024, 1, 32]));
    let derived = password_key(&password(vector), &salt).unwrap();
    assert_eq!(to_hex(derived.expose()), text(vector, "key_hex"));
    assert_eq!(Salt::from_hex(&salt.to_hex()), Ok(salt));
    let bad = salt.to_hex().replace('a', "A");
    assert_eq!(Salt::from_hex(&bad).unwrap_err(), MisakeyError::Encoding);
    assert_eq!(Salt::from_hex("00").unwrap_err(), MisakeyError::Length);
}

#[test]
fn a_wrapped_root_key_agrees_with_the_published_vector() {
    let vector = &vectors()["encrypted_root_key"];
    let (root, password) = (key(vector, "root_key"), password(vector));
    let salt = array(text(vector, "salt_hex"));
    let wrapped = EncryptedRootKey::seal(&root, &password, salt, array(text(vector, "nonce_hex"))).unwrap();
    assert_eq!(wrapped.to_text(), text(vector, "encrypted"));
    let inner = from_base64url(&wrapped.to_text()).unwrap();
    assert_eq!(inner, text(vector, "encrypted_decoded").as_bytes());
    let read = EncryptedRootKey::read(text(vector, "encrypted")).unwrap();
    assert!(read.open(&password).unwrap().matches(&root));
    assert_eq!(root.hash(), text(vector, "key_hash"));
    let wrong = SecretText::new("correct horse battery staple e".to_owned());
    assert_eq!(read.open(&wrong).unwrap_err(), MisakeyError::Sealed);
}

#[test]
fn a_secret_under_a_root_key_agrees_with_the_published_vector() {
    let vector = &vectors()["secret_under_root_key"];
    let (secret, root) = (key(vector, "secret"), key(vector, "root_key"));
    let sealed = EncryptedSecret::seal(&secret, &root, array(text(vector, "nonce_hex")));
    assert_eq!(sealed.to_text(), text(vector, "encrypted"));
    assert_eq!(from_base64url(&sealed.to_text()).unwrap(), text(vector, "encrypted_decoded").as_bytes());
    let read = EncryptedSecret::read(text(vector, "encrypted")).unwrap();
    assert_eq!(read.open(&root).unwrap().to_b64u().expose(), text(vector, "decrypted"));
    assert_eq!(read.open(&secret).unwrap_err(), MisakeyError::Sealed);
}

#[test]
fn a_cryptogram_agrees_with_the_published_vector() {
    let vector = &vectors()["public_key_cryptogram"];
    let recipient = BoxSecret::from_seed(*key(vector, "recipient_secret_key").expose());
    assert_eq!(to_base64url(recipient.public().as_bytes()), text(vector, "recipient_public_key"));
    let plain = text(vector, "plaintext_utf8").as_bytes();
    let (ephemeral, nonce) = (array(text(vector, "ephemeral_secret_hex")), array(text(vector, "nonce_hex")));
    let made = Cryptogram::seal(plain, &recipient.public(), ephemeral, nonce).unwrap();
    assert_eq!(made.to_json(), text(vector, "cryptogram"));
    let read = Cryptogram::read(text(vector, "cryptogram")).unwrap();
    assert_eq!(read.open(&recipient).unwrap().as_slice(), text(vector, "decrypted").as_bytes());
    let nobody = BoxSecret::from_seed([1; 32]);
    assert_eq!(read.open(&nobody).unwrap_err(), MisakeyError::Sealed);
}

/// All that the client makes when it first sets up an account, from the chance that it drew.
#[test]
fn a_whole_set_up_agrees_with_the_published_vector() {
    let vector = &vectors()["full_setup"];
    let draws: Vec<Vec<u8>> = vector["rng_draws"].as_array().unwrap().iter().map(drawn).collect();
    let [root, vault, first, second, salt, nonces @ ..] = draws.as_slice() else { panic!("draws") };
    let key = |bytes: &Vec<u8>| Key::try_from(bytes.as_slice()).unwrap();
    let nonces: Vec<[u8; NONCE_BYTES]> =
        nonces.iter().map(|nonce| nonce.as_slice().try_into().unwrap()).collect();
    let [root_nonce, vault_nonce, first_nonce, second_nonce] = nonces[..] else { panic!("nonces") };
    let (root, vault, payload) = (key(root), key(vault), &vector["payload_camel_case"]);

    let salt = salt.as_slice().try_into().unwrap();
    let wrapped = EncryptedRootKey::seal(&root, &password(vector), salt, root_nonce).unwrap();
    assert_eq!(wrapped.to_text(), text(&payload["accountRootKey"], "encryptedKey"));
    assert_eq!(root.hash(), text(&payload["accountRootKey"], "keyHash"));
    assert_eq!(root.hash(), text(&payload["vaultKey"], "keyHash"), "the client sends the root key's");
    let sealed = EncryptedSecret::seal(&vault, &root, vault_nonce);
    assert_eq!(sealed.to_text(), text(&payload["vaultKey"], "encryptedKey"));

    let storage = &vector["secret_storage"];
    assert_eq!(root.to_b64u().expose(), text(storage, "rootKey"));
    assert_eq!(vault.to_b64u().expose(), text(storage, "vaultKey"));
    for (secret, nonce, name) in
        [(key(first), first_nonce, "pubkey"), (key(second), second_nonce, "nonIdentifiedPubkey")]
    {
        let public = to_base64url(BoxSecret::from_seed(*secret.expose()).public().as_bytes());
        assert_eq!(public, text(payload, name));
        let sealed = EncryptedSecret::seal(&secret, &root, nonce);
        assert_eq!(sealed.to_text(), text(&payload["asymKeys"][&public], "encryptedSecretKey"));
        assert_eq!(secret.to_b64u().expose(), text(&storage["asymKeys"], &public));
    }
    for part in [payload, storage] {
        assert_eq!(part["asymKeys"].as_object().unwrap().len(), 2);
        assert_eq!(part["boxKeyShares"].as_object().unwrap().len(), 0);
    }
    assert_eq!(vector["decrypts_to_same"], true);
}

fn drawn(draw: &Value) -> Vec<u8> {
    let bytes = from_hex(text(draw, "hex")).unwrap();
    assert_eq!(draw["n"], bytes.len());
    bytes
}

#[test]
fn a_document_in_another_form_is_refused() {
    let vectors = vectors();
    let root = text(&vectors["encrypted_root_key"], "encrypted_decoded");
    let secret = text(&vectors["secret_under_root_key"], "encrypted_decoded");
    let cryptogram = text(&vectors["public_key_cryptogram"], "cryptogram");
    let read = |kind: &str, json: &str| match kind {
        "root" => EncryptedRootKey::read(&to_base64url(json.as_bytes())).map(drop),
        "secret" => EncryptedSecret::read(&to_base64url(json.as_bytes())).map(drop),
        _ => Cryptogram::read(json).map(drop),
    };
    for (kind, good) in [("root", root), ("secret", secret), ("cryptogram", cryptogram)] {
        read(kind, good).unwrap();
        read(kind, &good.replace(',', " ,\n")).unwrap();
        for bad in [
            "",
            "{}",
            "null",
            &format!("[{good}]"),
            &format!("{good}{good}"),
            &good.replace("\"nonce\"", "\"once\""),
            &good.replacen('{', "{\"more\":1,", 1),
            &good.replacen('{', "{\"nonce\":1,", 1),
            &good.replace("Uint8Array", "Array"),
            &good.replace("\"base64\"", "\"hex\""),
            &good.replace("\"value\":\"", "\"value\":\"AAAA"),
            &good.replace("\"value\":\"", "\"value\":\"="),
            &good.replacen('{', &format!("{{{}", " ".repeat(DOCUMENT_BYTES_MAX)), 1),
        ] {
            assert_eq!(read(kind, bad), Err(MisakeyError::Form), "{kind} {bad}");
        }
    }
    assert_eq!(read("root", &root.replace("0c0d", "0C0D")), Err(MisakeyError::Form));
    assert_eq!(EncryptedSecret::read(secret), Err(MisakeyError::Form), "not in base64url");
    let low = cryptogram
        .replace("JE/juWPomd0pW6/84kjTUw86mnR5ugYwAmgOv+etrUk=", &crate::encoding::to_base64(&[0; 32]));
    assert_eq!(Cryptogram::read(&low), Err(MisakeyError::Form), "a key of low order");
}

/// A-LEAK-01: nothing secret prints.
#[test]
fn keys_and_shares_print_their_lengths_only() {
    let key = Key::from_bytes([0xab; 32]);
    let (local, _) = key.split([0xcd; 32]);
    let printed = format!("{key:?} {local:?} {:?}", key.to_b64u());
    assert_eq!(printed, "Key(Secret(32 bytes)) Share(Secret(32 bytes)) SecretText(43 bytes)");
}
