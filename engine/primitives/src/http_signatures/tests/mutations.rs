//! Signed once, then changed anywhere.

use proptest::prelude::*;

use super::*;

/// One printable character of a text replaced by another.
fn altered(text: &str, place: prop::sample::Index, by: u8) -> String {
    let mut bytes = text.to_owned().into_bytes();
    let at = place.index(bytes.len());
    bytes[at] = b' ' + (bytes[at] - b' ' + by) % 0x5f;
    String::from_utf8(bytes).unwrap()
}

proptest! {
    /// A-MAC-01 and A-MAC-05: any character of the method, authority, path, query, type, digest, parameters, signature
    /// or body.
    #[test]
    fn a_request_that_is_changed_anywhere_is_refused(
        which in 0_usize..9,
        place in any::<prop::sample::Index>(),
        by in 1_u8..=0x5e,
        with_ed25519: bool,
    ) {
        let (secret, private) = (secret(), private());
        let public = private.verifying_key();
        let (signer, verifier) = if with_ed25519 {
            (SigningKey::Ed25519(&private), VerifyingKey::Ed25519(&public))
        } else {
            (SigningKey::HmacSha256(&secret), VerifyingKey::HmacSha256(&secret))
        };
        let letter = Letter::new().signed(&signer, Some(CREATED.saturating_add(PROFILE.life_max)), &[]);
        prop_assert!(letter.accept(verifier).is_ok());
        let mut changed = letter.clone();
        let text = match which {
            0 => &mut changed.method,
            1 => &mut changed.authority,
            2 => &mut changed.path,
            3 => changed.query.as_mut().unwrap(),
            4 => &mut changed.body,
            at => &mut changed.fields[at - 5].1,
        };
        *text = altered(text, place, by);
        // Names are read in any case: that is no other request.
        let same = changed.authority.eq_ignore_ascii_case(&letter.authority) && which == 1;
        prop_assert_eq!(changed.accept(verifier).is_ok(), same, "{:?}", changed);
    }

    /// White space around a value, and the case of a field's name, are not part of it.
    #[test]
    fn what_is_no_part_of_a_value_changes_nothing(before in "[ \t]{0,3}", after in "[ \t]{0,3}", which in 0_usize..4) {
        let secret = secret();
        let mut letter = Letter::new().signed(&SigningKey::HmacSha256(&secret), None, &[]);
        let (name, value) = &mut letter.fields[which];
        *name = name.to_ascii_uppercase();
        *value = format!("{before}{value}{after}");
        prop_assert!(letter.accept(VerifyingKey::HmacSha256(&secret)).is_ok());
    }

    #[test]
    fn whatever_can_be_signed_is_accepted(
        method in "[A-Z]{1,7}",
        path in "(/[!-~&&[^?#]]{0,8}){0,3}",
        query in prop::option::of("[!-~&&[^#]]{0,12}"),
        body in "\\PC{0,24}",
        key_id in "[ -~]{1,24}",
        nonce in "[ -~]{16,64}",
        ahead in 0_u64..=60,
    ) {
        let secret = secret();
        let mut letter = Letter { method, path, query, ..Letter::new() };
        letter.fields[1].1 = content_digest(DigestAlgorithm::Sha512, body.as_bytes());
        letter.body = body;
        let created = CREATED.saturating_add(Duration::from_secs(ahead));
        let parameters = Parameters { key_id: &key_id, nonce: &nonce, created, expires: None };
        let signer = SigningKey::HmacSha256(&secret);
        let made = letter.with(|request| sign_request(request, true, &[], &parameters, &signer)).unwrap();
        let letter = letter.add("signature-input", &made.input).add("signature", &made.signature);
        let accepted = letter.accept(VerifyingKey::HmacSha256(&secret)).unwrap();
        prop_assert_eq!((accepted.key_id, accepted.nonce, accepted.created), (key_id, nonce, created));
    }

    /// Whatever stands in the fields, it is an answer and no panic.
    #[test]
    fn no_field_is_too_odd_to_refuse(
        input in "sig=\\((\"[a-z@;=\" -]{0,12}\" ?){0,4}\\)(;[a-z]{1,7}(=[\"a-z0-9?:-]{0,12})?){0,6}|\\PC{0,64}",
        signature in "(sig|[a-z]{1,3})=(:[A-Za-z0-9+/=]{0,44}:|[a-z0-9\"?]{0,8})|\\PC{0,32}",
        digest in "(sha-256|sha-512|md5)=:[A-Za-z0-9+/=]{0,44}:|\\PC{0,32}",
    ) {
        let mut letter = Letter::new().add("Signature-Input", &input).add("Signature", &signature);
        letter.fields[1].1 = digest;
        prop_assert!(letter.accept(VerifyingKey::HmacSha256(&secret())).is_err());
    }
}
