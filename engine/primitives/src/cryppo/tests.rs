//! The published vectors, both ways. What must be refused is in `hostile`, what holds for any input in `properties`.

mod hostile;
mod properties;

use serde_json::Value;

use super::*;
use crate::encoding::{array_from_hex, from_hex, to_hex};
use crate::hash::sha256;
use crate::rsa::{PrivateKey, PublicKey};
use crate::secret::{Secret, SecretText};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/meeco.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn key(value: &Value) -> WrappingKey {
    WrappingKey::from_bytes(&array_from_hex(text(value)).unwrap())
}

fn nonce(value: &Value) -> [u8; NONCE_BYTES] {
    array_from_hex(text(value)).unwrap()
}

fn private(vectors: &Value, name: &str) -> PrivateKey {
    let pem = text(&vectors["rsa"]["keys"][name]["private_pem"]).to_owned();
    PrivateKey::from_pem(&SecretText::new(pem)).unwrap()
}

#[test]
fn strings_agree_with_every_published_vector_in_both_directions() {
    let vectors = vectors();
    let cases = vectors["aes_gcm"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let form = if text(&case["format"]).ends_with("(YAML)") { Form::Yaml } else { Form::Bson };
        let (key, plain) = (key(&case["key"]), from_hex(text(&case["plaintext"])).unwrap());
        let written = key.encrypt(nonce(&case["iv"]), &plain, form).unwrap();
        assert_eq!(written.as_str(), text(&case["serialized"]));
        let read = Wrapped::parse(text(&case["serialized"])).unwrap();
        assert_eq!((read.data_bytes(), &read), (plain.len(), &written));
        assert!(key.decrypt(&read).unwrap().matches(&plain));
        let unwrapped = key.unwrap_key(&read).map(|key| key.expose_bytes().to_vec());
        let unexpected = CryppoError::UnexpectedKeyLength { bytes: plain.len() };
        assert_eq!(unwrapped, if plain.len() == 32 { Ok(plain) } else { Err(unexpected) });
    }
    let bytes = &vectors["aes_gcm"]["artefact_bytes"];
    assert!(
        text(&cases[0]["serialized"])
            .contains(&fields::to_field(&from_hex(text(&bytes["ciphertext"])).unwrap()))
    );
    let bson = from_hex(text(&bytes["bson_with_version_byte"])).unwrap();
    assert!(text(&cases[0]["serialized"]).ends_with(&fields::to_field(&bson)));
    assert!(text(&cases[1]["serialized"]).ends_with(&fields::to_field(text(&bytes["yaml_utf8"]).as_bytes())));
}

#[test]
fn an_empty_plain_text_has_an_empty_field() {
    let vectors = vectors();
    let variants = &vectors["aes_gcm"]["decode_variants"];
    let published = text(&vectors["aes_gcm"]["empty_plaintext"]["@meeco/cryppo@0.6.3"]);
    let key = key(&variants["key"]);
    assert_eq!(key.encrypt(nonce(&variants["iv"]), b"", Form::Bson).unwrap().as_str(), published);
    let read = Wrapped::parse(published).unwrap();
    assert!(key.decrypt(&read).unwrap().is_empty());
    assert_eq!(read.data_bytes(), 0);
    assert_eq!(key.unwrap_key(&read).unwrap_err(), CryppoError::UnexpectedKeyLength { bytes: 0 });
}

/// What old clients make of a text before they encrypt it.
fn low_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect()
}

/// Old clients wrote the low byte of each UTF-16 unit, and lost the rest of it.
#[test]
fn slot_texts_of_old_clients_are_read_as_latin_1() {
    let vectors = vectors();
    let variants = &vectors["aes_gcm"]["decode_variants"];
    let key = key(&variants["key"]);
    let cases = vectors["aes_gcm"]["text_quirks"].as_array().unwrap();
    assert_eq!(cases.len(), 2);
    for (case, old_reading) in cases.iter().zip(["é", "u"]) {
        let plain = text(&case["text"]);
        let raw = text(&case["encryptWithKey (raw, used by sdk <= 0.0.13) plaintext bytes"]);
        assert_eq!(to_hex(&low_bytes(plain)), raw);
        for (bytes, serialized, reading) in [
            (low_bytes(plain), text(&case["raw_serialized"]), old_reading),
            (plain.as_bytes().to_vec(), text(&case["utf8_serialized"]), plain),
        ] {
            assert_eq!(key.encrypt(nonce(&variants["iv"]), &bytes, Form::Bson).unwrap().as_str(), serialized);
            let read = key.decrypt_text(&Wrapped::parse(serialized).unwrap()).unwrap();
            assert_eq!(read.expose(), reading);
        }
    }
}

/// A-KEY-03: what the clients' own readers make of each variant is beside it in the vectors. Ours is stricter with the
/// version byte, the associated data's name and the cipher mode.
#[test]
fn each_variant_is_read_or_refused_for_its_own_reason() {
    use ArtefactError::{Value as Wrong, Version};
    let wrong = |error| Err(CryppoError::Artefacts(Part::Artefacts, error));
    let vectors = vectors();
    let variants = &vectors["aes_gcm"]["decode_variants"];
    let (key, plain) = (key(&variants["key"]), text(&variants["plaintext_utf8"]));
    let cases = variants["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 16);
    for case in cases {
        let read = Wrapped::parse(text(&case["serialized"])).and_then(|wrapped| {
            assert_eq!(wrapped.as_str(), text(&case["serialized"]), "the text stays as it came");
            Ok(key.decrypt_text(&wrapped)?.expose().to_owned())
        });
        let expected = match text(&case["name"]) {
            "bson_wrong_version_byte_B" => wrong(Version),
            "unpadded_base64url" => Err(CryppoError::Base64(Part::Data)),
            "tag_flipped" => Err(CryppoError::DoesNotOpen),
            "tag_truncated_to_4" => wrong(Wrong("at")),
            "aad_changed" => wrong(Wrong("ad")),
            "strategy_Aes256Ofb" => Err(CryppoError::Strategy),
            "two_parts" | "four_parts" => Err(CryppoError::Parts),
            _ => Ok(plain.to_owned()),
        };
        assert_eq!(read, expected, "{}", case["name"]);
    }
}

#[test]
fn strings_under_a_passphrase_agree_with_every_published_vector_in_both_directions() {
    let vectors = vectors();
    let cases = vectors["derived_key"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let passphrase = SecretText::new(text(&case["passphrase_utf8"]).to_owned());
        let iterations = u32::try_from(case["iterations"].as_u64().unwrap()).unwrap();
        let derivation = Derivation::new(&from_hex(text(&case["salt"])).unwrap(), iterations).unwrap();
        let key = derivation.derive(&passphrase);
        assert_eq!(to_hex(key.expose_bytes()), text(&case["derived_key"]));
        let serialized = text(&case["serialized"]);
        let read = PassphraseWrapped::parse(serialized).unwrap();
        assert_eq!(read.derivation(), &derivation);
        assert!(read.decrypt(&passphrase).unwrap().matches(text(&case["plaintext_utf8"]).as_bytes()));
        let other = SecretText::new("another".to_owned());
        assert_eq!(read.decrypt(&other).unwrap_err(), CryppoError::DoesNotOpen);
        // The vectors do not say the nonce apart from the string, so it is read from there.
        let fields = fields::Fields::split(serialized, 5).unwrap();
        let mut map = artefacts::Map::read(artefacts::Kind::Cipher, &fields, 2).unwrap();
        let nonce = map.binary("iv").unwrap().try_into().unwrap();
        let form = if case["format"] == "legacy" { Form::Yaml } else { Form::Bson };
        let plain = text(&case["plaintext_utf8"]).as_bytes();
        let written = PassphraseWrapped::encrypt(&passphrase, &derivation, nonce, plain, form).unwrap();
        assert_eq!(written, serialized);
        let artefacts = match form {
            Form::Bson => from_hex(text(&case["derivation_artefacts"])).unwrap(),
            Form::Yaml => text(&case["derivation_artefacts"]).as_bytes().to_vec(),
        };
        assert_eq!(fields.bytes(4, Part::Derivation).unwrap(), artefacts);
    }
    let options = &vectors["derived_key"]["options"];
    let derivation = Derivation::new(&from_hex(text(&options["salt"])).unwrap(), 20_003).unwrap();
    for (form, published) in [(Form::Bson, &options["latest"]), (Form::Yaml, &options["legacy"])] {
        assert_eq!(derivation.to_text(form), text(published));
        assert_eq!(Derivation::parse(text(published)).unwrap(), derivation);
    }
}

#[test]
fn rsa_strings_of_every_client_and_form_open_and_ours_have_the_one_they_all_read() {
    let vectors = vectors();
    let cases = vectors["rsa"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let key = private(&vectors, text(&case["key"]));
        let plain = text(&case["plaintext_ascii"]).as_bytes();
        assert!(decrypt_rsa(&key, text(&case["serialized"])).unwrap().matches(plain));
        let ours = encrypt_rsa(key.public_key(), plain).unwrap();
        assert!(ours.ends_with(".QQUAAAAA") && ours.len() == cases_length(key.public_key()));
        assert!(decrypt_rsa(&key, &ours).unwrap().matches(plain));
    }
    let key = private(&vectors, "rsa4096");
    let emitted = vectors["rsa"]["server_emitted"].as_array().unwrap();
    assert_eq!(emitted.len(), 5);
    for case in emitted {
        let read = decrypt_rsa(&key, text(&case["serialized"]));
        match text(&case["name"]) {
            // The clients do not look at the size in the name. Nobody writes a wrong one, so here it is an error.
            "strategy_name_wrong_size" => assert_eq!(read.unwrap_err(), CryppoError::Strategy),
            "oaep_sha256_must_fail" => assert_eq!(read.unwrap_err(), CryppoError::DoesNotOpen),
            _ => assert!(read.unwrap().matches(text(&case["plaintext_ascii"]).as_bytes())),
        }
    }
}

fn cases_length(key: &PublicKey) -> usize {
    "Rsa4096.".len() + (key.bits() / 8).div_ceil(3) * 4 + ".QQUAAAAA".len()
}

#[test]
fn a_wrapped_private_key_opens_to_its_pem() {
    let vectors = vectors();
    let item = &vectors["rsa"]["private_key_wrapped_with_key"];
    let wrapped = Wrapped::parse(text(&item["serialized"])).unwrap();
    let pem = key(&item["key"]).decrypt_text(&wrapped).unwrap();
    assert_eq!(to_hex(&sha256(pem.expose().as_bytes())), text(&item["plaintext_sha256"]));
    assert_eq!(PrivateKey::from_pem(&pem).unwrap().expose_pem().expose(), pem.expose());
}

#[test]
fn signatures_agree_with_every_published_vector_in_both_directions() {
    let vectors = vectors();
    let key = private(&vectors, text(&vectors["signatures"]["key"]));
    let cases = vectors["signatures"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let data = text(&case["data_utf8"]).as_bytes();
        assert_eq!(sign(&key, data).unwrap(), text(&case["serialized"]));
        assert_eq!(to_hex(&key.sign(data).unwrap()), text(&case["signature"]));
        assert_eq!(verify(key.public_key(), text(&case["serialized"])).unwrap(), data);
    }
    let signed = sign(&key, &[7; SIGNED_BYTES_MAX]).unwrap();
    assert_eq!(verify(key.public_key(), &signed).unwrap(), [7; SIGNED_BYTES_MAX]);
    assert_eq!(sign(&key, &[7; SIGNED_BYTES_MAX + 1]), Err(CryppoError::TooLong));
}

/// The last vector is beyond Latin-1 and not the hash of any encoding of its text, see `forge_bytes`.
#[test]
fn value_verification_hashes_agree_with_every_published_vector() {
    let vectors = vectors();
    let cases = vectors["value_verification_hash"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let key = array_from_hex(text(&case["key"])).unwrap();
        assert_eq!(value_verification_hash(&key, text(&case["message_utf8"])), text(&case["hmac_hex"]));
    }
}

/// The seed's wrapped key holds the base64 text of a key, and no key in the seed opens it: its shape is all there is.
#[test]
fn the_seeds_wrapped_key_is_read_by_its_shape() {
    let vectors = vectors();
    let wrapped = Wrapped::parse(text(&vectors["seed"]["encrypted_kek_in_seed"])).unwrap();
    assert_eq!(wrapped.data_bytes(), 44);
    assert_eq!(wrapped.into_string(), text(&vectors["seed"]["encrypted_kek_in_seed"]));
}

/// A client that wraps the base64 text of a key gets told so; nothing is guessed.
#[test]
fn the_text_of_a_key_is_no_key() {
    let kek = WrappingKey::from_bytes(&[1; 32]);
    let dek = WrappingKey::from_bytes(&[2; 32]);
    let right = kek.wrap_key([3; NONCE_BYTES], &dek, Form::Bson);
    assert_eq!(kek.unwrap_key(&right).unwrap().expose_bytes(), &[2; 32]);
    let printed = kek.encrypt([3; NONCE_BYTES], dek.expose_text().expose().as_bytes(), Form::Bson).unwrap();
    assert_eq!(kek.unwrap_key(&printed).unwrap_err(), CryppoError::UnexpectedKeyLength { bytes: 44 });
    assert_eq!(dek.unwrap_key(&right).unwrap_err(), CryppoError::DoesNotOpen);
    assert_eq!(read_text(&Secret::from(&b"caf\xe9"[..])).expose(), "café");
}

/// A printed key has one spelling, and the seed prints one.
#[test]
fn a_printed_key_is_read_in_its_one_spelling() {
    let read = |text: &str| WrappingKey::from_text(&SecretText::new(text.to_owned()));
    let seeds = "24rdL_ugryujjDLcvwt00ARWWMCF4kk4gJETJy6yRjs=";
    let key = read(seeds).unwrap();
    assert_eq!(key.expose_text().expose(), seeds);
    assert_eq!(
        to_hex(key.expose_bytes()),
        "db8add2ffba0af2ba38c32dcbf0b74d0045658c085e24938809113272eb2463b"
    );
    let unpadded = seeds.trim_end_matches('=');
    for wrong in [
        unpadded,
        &seeds.replace('_', "/"),
        &seeds.replace("s=", "t="),
        &format!("{seeds}="),
        &format!("{seeds}\n"),
        &format!(" {seeds}"),
        &format!("{unpadded}\0"),
    ] {
        assert_eq!(read(wrong).unwrap_err(), CryppoError::Base64(Part::Key), "{wrong:?}");
    }
    for (text, bytes) in [("", 0), (&fields::to_field(&[7; 31]), 31), (&fields::to_field(&[7; 33]), 33)] {
        assert_eq!(read(text).unwrap_err(), CryppoError::UnexpectedKeyLength { bytes });
    }
    assert_eq!(read(&"A".repeat(TEXT_BYTES_MAX + 4)).unwrap_err(), CryppoError::TooLong);
}

/// A-LEAK-01: neither keys nor strings show themselves.
#[test]
fn debug_output_shows_no_key_and_no_string() {
    let key = WrappingKey::from_bytes(&[1; 32]);
    let wrapped = key.encrypt([3; NONCE_BYTES], b"secret", Form::Bson).unwrap();
    assert_eq!(format!("{key:?} {wrapped:?}"), "WrappingKey Wrapped(107 bytes)");
    let derivation = Derivation::new(&[9; 8], 20_000).unwrap();
    assert_eq!(format!("{derivation:?}"), "Derivation(20000 iterations)");
}
