//! Strings that somebody made up.

use super::*;
use crate::cryppo::fields::to_field;

const BSON_ARTEFACTS: &str =
    "QUAAAAAFaXYADAAAAAB6VE79p2JZ1gz-nzYFYXQAEAAAAAA9siS7b71OqpreuVgFMxEeAmFkAAUAAABub25lAAA=";
const IV: &str = "elRO/adiWdYM/p82";
const AT: &str = "PbIku2+9Tqqa3rlYBTMRHg==";

fn with_artefacts(bytes: &[u8]) -> String {
    format!("Aes256Gcm.JZOog9KwFg==.{}", to_field(bytes))
}

fn refusal(text: &str) -> CryppoError {
    Wrapped::parse(text).unwrap_err()
}

fn artefact_error(bytes: &[u8]) -> ArtefactError {
    match refusal(&with_artefacts(bytes)) {
        CryppoError::Artefacts(Part::Artefacts, error) => error,
        other => panic!("{other:?}"),
    }
}

fn yaml(lines: &str) -> Result<Wrapped, CryppoError> {
    Wrapped::parse(&with_artefacts(lines.replace("IV", IV).replace("AT", AT).as_bytes()))
}

/// A-KEY-03: strategy names are matched whole; a plain key, a PEM or nothing at all is no string.
#[test]
fn unknown_strategies_and_other_numbers_of_parts_are_refused() {
    for name in ["Aes256Ofb", "Aes256Cbc", "aes256gcm", "Aes256Gcm ", "Aes128Gcm", "Rsa4096", "Sign", ""] {
        let text = format!("{name}.JZOog9KwFg==.{BSON_ARTEFACTS}");
        assert_eq!(refusal(&text), CryppoError::Strategy, "{name}");
    }
    let parts =
        ["", "Aes256Gcm", "Aes256Gcm.", "a.b", "a.b.c.d", "a.b.c.d.e", "-----BEGIN RSA PRIVATE KEY-----"];
    for text in parts {
        assert_eq!(refusal(text), CryppoError::Parts, "{text:?}");
    }
    assert_eq!(
        refusal(&format!("Aes256Gcm.JZOog9KwFg==.{BSON_ARTEFACTS}\n")),
        CryppoError::Base64(Part::Artefacts)
    );
}

/// A-KEY-03: unpadded, over-padded, stray bits, white space; and one string has one alphabet.
#[test]
fn bad_base64_is_refused() {
    let data = |data: &str| refusal(&format!("Aes256Gcm.{data}.{BSON_ARTEFACTS}"));
    for bad in
        ["JZOog9KwFg", "JZOog9KwFg=", "JZOog9KwFg===", "JZOog9KwFh==", "JZOog9KwFg==\n", " ", "=", "é", "%3D"]
    {
        assert_eq!(data(bad), CryppoError::Base64(Part::Data), "{bad:?}");
    }
    // The artefacts contain a '-'.
    assert_eq!(data("+/+/"), CryppoError::MixedAlphabets);
    let standard = format!("Aes256Gcm.+/+/.{}", BSON_ARTEFACTS.replace('-', "+"));
    assert_eq!(Wrapped::parse(&standard).unwrap().as_str(), standard);
}

/// A-KEY-03: megabytes are refused before they are looked at, long artefacts before they are decoded.
#[test]
fn long_strings_are_refused_early() {
    assert_eq!(refusal(&".".repeat(1024 * 1024)), CryppoError::TooLong);
    let nested = "---\n".to_owned() + &"[".repeat(1024 * 1024);
    assert_eq!(refusal(&with_artefacts(nested.as_bytes())), CryppoError::TooLong);
    assert_eq!(artefact_error("---\n[".repeat(300).as_bytes()), ArtefactError::TooLong);
    assert_eq!(artefact_error(&[b'A'; 1027]), ArtefactError::TooLong);
    let head = "Aes256Gcm..".len() + BSON_ARTEFACTS.len();
    let data = |bytes: usize| format!("Aes256Gcm.{}.{BSON_ARTEFACTS}", "A".repeat(bytes - head));
    let longest = (TEXT_BYTES_MAX - head) / 4 * 4 + head;
    assert_eq!(Wrapped::parse(&data(longest)).unwrap().as_str().len(), longest);
    assert_eq!(refusal(&data(longest + 4)), CryppoError::TooLong);
    let key = WrappingKey::from_bytes(&[1; 32]);
    let longest = vec![0; (TEXT_BYTES_MAX - head) / 4 * 3];
    assert!(Wrapped::parse(key.encrypt([0; 12], &longest, Form::Bson).unwrap().as_str()).is_ok());
    let longer = [&longest[..], &[0]].concat();
    assert_eq!(key.encrypt([0; 12], &longer, Form::Bson), Err(CryppoError::TooLong));
}

/// A-KEY-03: every shape that known producers write is read, in any order, and nothing else of YAML is.
#[test]
fn yaml_is_read_in_the_known_shapes_only() {
    for good in [
        "---\niv: !binary |-\n  IV\nat: !binary |-\n  AT\nad: none\n",
        "---\nad: none\nat: !!binary |\n  AT\niv: !binary IV\n",
        "---\n\"ad\": \"none\"\n'at': !!binary AT\n'iv': !binary |-\n  IV\n",
    ] {
        yaml(good).unwrap();
    }
    for bad in [
        "---",
        "---\n",
        "---\n\n",
        "--- {}\n",
        "---\n{}",
        "---\n{iv: !binary IV, at: !binary AT, ad: none}\n",
        "---\niv: !binary IV\nat: !binary AT\nad: none",
        "---\niv: !binary IV\nat: !binary AT\nad: none\n...\n",
        "---\niv: !binary IV\nat: !binary AT\nad: none\n---\n",
        "---\r\niv: !binary IV\r\nat: !binary AT\r\nad: none\r\n",
        "---\niv: !binary IV # comment\nat: !binary AT\nad: none\n",
        "---\niv: &a !binary IV\nat: !binary AT\nad: none\n",
        "---\niv: !binary IV\nat: *a\nad: none\n",
        "---\niv: !ruby/object:Gem::Requirement IV\nat: !binary AT\nad: none\n",
        "---\niv: !!python/object/apply:os.system [id]\nat: !binary AT\nad: none\n",
        "---\niv: !!js/function IV\nat: !binary AT\nad: none\n",
        "---\niv: !!!binary IV\nat: !binary AT\nad: none\n",
        "---\niv: !binary \"IV\"\nat: !binary AT\nad: none\n",
        "---\niv: !binary |-\n    IV\nat: !binary AT\nad: none\n",
        "---\niv: !binary |-\nIV\nat: !binary AT\nad: none\n",
        "---\niv: !binary |-\n",
        "---\niv: !binary >-\n  IV\nat: !binary AT\nad: none\n",
        "---\niv:\t!binary IV\nat: !binary AT\nad: none\n",
        "---\n<<: *a\niv: !binary IV\nat: !binary AT\nad: none\n",
        "---\niv: !binary IV\nat: !binary AT\nad: 'none\n",
        "---\niv: !binary IV\nat: !binary AT\nad: \"no\\x6ee\"\n",
        "---\niv: !binary IV\nat: !binary AT\nad: \n",
        "---\niv: !binary IV\nat: !binary AT\nad: 00\n",
        "---\niv: !binary IV\nat: !binary AT\nad: 99999999999\n",
    ] {
        let wrong = CryppoError::Artefacts(Part::Artefacts, ArtefactError::Malformed);
        assert_eq!(yaml(bad), Err(wrong), "{bad}");
    }
    assert_eq!(artefact_error(b"---\n\xff\n"), ArtefactError::Malformed);
}

#[test]
fn maps_with_wrong_entries_are_refused_by_name() {
    use ArtefactError::{Missing, Unexpected, Value};
    for (bad, error) in [
        ("---\n{}\n", Missing("iv")),
        ("---\n  iv: !binary IV\n  at: !binary AT\n  ad: none\n", Unexpected),
        ("---\niv: !binary IV\nad: none\n", Missing("at")),
        ("---\niv: !binary IV\nat: !binary AT\n", Missing("ad")),
        ("---\niv: !binary IV\niv: !binary IV\nat: !binary AT\nad: none\n", Unexpected),
        ("---\niv: !binary IV\n'iv': !binary IV\nat: !binary AT\nad: none\n", Unexpected),
        ("---\niv: !binary IV\nat: !binary AT\nad: none\nkey: x\n", Unexpected),
        ("---\niv: !binary IV\nat: !binary AT\nad: none\ni: 1\n", Unexpected),
        ("---\niv: none\nat: !binary AT\nad: none\n", Value("iv")),
        ("---\niv: !binary AT\nat: !binary AT\nad: none\n", Value("iv")),
        ("---\niv: !binary IV\nat: !binary IV\nad: none\n", Value("at")),
        ("---\niv: !binary IV\nat: !binary AT\nad: ''\n", Value("ad")),
        ("---\niv: !binary IV\nat: !binary AT\nad: None\n", Value("ad")),
        ("---\niv: !binary IV\nat: !binary AT\nad: 0\n", Value("ad")),
    ] {
        assert_eq!(yaml(bad), Err(CryppoError::Artefacts(Part::Artefacts, error)), "{bad}");
    }
}

#[test]
fn bson_is_read_in_the_known_shape_only() {
    let good = from_hex(text(&vectors()["aes_gcm"]["artefact_bytes"]["bson_with_version_byte"])).unwrap();
    Wrapped::parse(&with_artefacts(&good)).unwrap();
    for cut in 0..good.len() {
        let error = artefact_error(&good[..cut]);
        assert_eq!(error, if cut == 0 { ArtefactError::Version } else { ArtefactError::Malformed }, "{cut}");
    }
    assert_eq!(artefact_error(&[&good[..], &[0]].concat()), ArtefactError::Malformed);
    let with = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        artefact_error(&bad)
    };
    assert_eq!(with(0, b'K'), ArtefactError::Version);
    assert_eq!(with(0, b'B'), ArtefactError::Version);
    assert_eq!(with(4, 0x80), ArtefactError::Malformed, "a negative length");
    assert_eq!(with(5, 0x03), ArtefactError::Malformed, "a nested document");
    assert_eq!(with(6, b'j'), ArtefactError::Unexpected);
    assert_eq!(with(12, 0xff), ArtefactError::Malformed, "a negative length within");
    assert_eq!(with(13, 0x02), ArtefactError::Malformed, "another subtype");
    assert_eq!(with(60, 0), ArtefactError::Malformed, "a zero byte within a text");
    assert_eq!(with(60, 0xff), ArtefactError::Malformed, "a text that is not UTF-8");
    assert_eq!(with(64, 1), ArtefactError::Malformed, "no end");
}

/// What a string asks for is bounded before anything is computed.
#[test]
fn derivations_out_of_bounds_are_refused() {
    let wrong = |name| CryppoError::Artefacts(Part::Derivation, ArtefactError::Value(name));
    for (salt, iterations, expected) in [
        (8, 1, Ok(())),
        (64, ITERATIONS_MAX, Ok(())),
        (7, 1, Err(wrong("iv"))),
        (65, 1, Err(wrong("iv"))),
        (20, 0, Err(wrong("i"))),
        (20, ITERATIONS_MAX + 1, Err(wrong("i"))),
        (20, u32::MAX, Err(wrong("i"))),
    ] {
        let made = Derivation::new(&vec![1; salt], iterations);
        assert_eq!(made.clone().map(|_| ()), expected);
        if let Ok(made) = made {
            assert_eq!(Derivation::parse(&made.to_text(Form::Bson)).unwrap(), made);
            assert_eq!(Derivation::parse(&made.to_text(Form::Yaml)).unwrap(), made);
        }
    }
    let parse = |lines: &str| {
        let salt = lines.replace("IV", "2V2w6OdmX6iOcrRIfJk537zbAug=");
        Derivation::parse(&format!("Pbkdf2Hmac.{}", to_field(salt.as_bytes())))
    };
    parse("---\niv: !binary IV\ni: 20003\nl: 32\n").unwrap();
    for (bad, error) in [
        ("---\niv: !binary IV\ni: 10000001\nl: 32\n", ArtefactError::Value("i")),
        ("---\niv: !binary IV\ni: 0\nl: 32\n", ArtefactError::Value("i")),
        ("---\niv: !binary IV\ni: -1\nl: 32\n", ArtefactError::Malformed),
        ("---\niv: !binary IV\ni: '20003'\nl: 32\n", ArtefactError::Value("i")),
        ("---\niv: !binary IV\ni: 20003\nl: 33\n", ArtefactError::Value("l")),
        ("---\niv: !binary IV\ni: 20003\nl: 2147483647\n", ArtefactError::Value("l")),
        ("---\niv: !binary IV\ni: 20003\nl: 32\nhash: SHA1\n", ArtefactError::Value("hash")),
        ("---\niv: !binary IV\ni: 20003\nl: 32\nhash: 256\n", ArtefactError::Value("hash")),
        ("---\niv: !binary IV\ni: 20003\nl: 32\nad: none\n", ArtefactError::Unexpected),
        ("---\ni: 20003\nl: 32\n", ArtefactError::Missing("iv")),
    ] {
        assert_eq!(parse(bad), Err(CryppoError::Artefacts(Part::Derivation, error)), "{bad}");
    }
    let vectors = vectors();
    let good = text(&vectors["derived_key"]["cases"][0]["serialized"]);
    let parse = |text: &str| PassphraseWrapped::parse(text).unwrap_err();
    assert_eq!(parse(&good.replace("Pbkdf2Hmac", "Scrypt")), CryppoError::Strategy);
    assert_eq!(parse(&good.replace("Aes256Gcm", "Aes256Ofb")), CryppoError::Strategy);
    assert_eq!(parse(&format!("{good}.x")), CryppoError::Parts);
    assert_eq!(parse(&good[..good.len() - 1]), CryppoError::Base64(Part::Derivation));
    assert_eq!(refusal(good), CryppoError::Parts);
    // One half in each alphabet.
    let (sealed, derivation) = good.split_at(good.find(".Pbkdf2Hmac").unwrap());
    let mixed =
        format!("{}{}", sealed.replace('-', "+").replace('_', "/"), derivation.replacen("S0E", "-0E", 1));
    assert_eq!(parse(&mixed), CryppoError::MixedAlphabets);
}

#[test]
fn rsa_strings_and_signatures_out_of_shape_are_refused() {
    let vectors = vectors();
    let key = private(&vectors, "rsa2048");
    let other = private(&vectors, "rsa4096");
    let good = encrypt_rsa(key.public_key(), b"session").unwrap();
    let with = |artefacts: &str| good.replace("QQUAAAAA", artefacts);
    let error = |text: &str| decrypt_rsa(&key, text).unwrap_err();
    assert_eq!(decrypt_rsa(&other, &good).unwrap_err(), CryppoError::Strategy);
    for name in ["Rsa02048", "Rsa", "Rsa2049", "rsa2048", "Rsa2048 ", "Aes256Gcm"] {
        assert_eq!(error(&good.replacen("Rsa2048", name, 1)), CryppoError::Strategy, "{name}");
    }
    let wrong = |error| CryppoError::Artefacts(Part::Artefacts, error);
    assert_eq!(error(&with("")), wrong(ArtefactError::Version));
    assert_eq!(error(&with("QgUAAAAA")), wrong(ArtefactError::Version));
    assert_eq!(error(&with(&to_field(b"---\nad: ''\n"))), wrong(ArtefactError::Missing("iv")));
    let filled = to_field(b"---\niv: ''\nat: ''\nad: none\n");
    assert_eq!(error(&with(&filled)), wrong(ArtefactError::Value("ad")));
    let more = to_field(b"---\niv: ''\nat: ''\nad: ''\nhash: SHA256\n");
    assert_eq!(error(&with(&more)), wrong(ArtefactError::Unexpected));
    assert_eq!(error("Rsa2048..QQUAAAAA"), CryppoError::DoesNotOpen);
    assert_eq!(encrypt_rsa(key.public_key(), &[0; 215]), Err(CryppoError::Rsa(RsaError::PlainTooLong)));

    let signed = sign(&key, b"sign me").unwrap();
    let error = |text: &str| verify(key.public_key(), text).unwrap_err();
    assert_eq!(verify(other.public_key(), &signed).unwrap_err(), CryppoError::Strategy);
    assert_eq!(error(&signed.replacen("Sign", "sign", 1)), CryppoError::Strategy);
    assert_eq!(error(&signed.replacen("Rsa", "Dsa", 1)), CryppoError::Strategy);
    assert_eq!(error("Sign.Rsa2048.."), CryppoError::Rsa(RsaError::Signature));
    assert_eq!(error("Sign.Rsa2048.x."), CryppoError::Base64(Part::Signature));
    assert_eq!(error("Sign.Rsa2048..x"), CryppoError::Base64(Part::Data));
    assert_eq!(error("Sign.Rsa2048."), CryppoError::Parts);
    let forged = signed.replace("c2lnbiBtZQ==", &to_field(b"sign you"));
    assert_eq!(error(&forged), CryppoError::Rsa(RsaError::Signature));
}
