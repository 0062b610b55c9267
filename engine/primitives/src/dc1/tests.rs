//! Dragonchain's signatures against what its own clients and server made.

pub(super) mod vectors;

use std::time::Duration;

use proptest::prelude::*;

use self::vectors::{ReceivedRequest, SigningCase, TimestampCase, VerificationCase, vectors};
use super::*;
use crate::encoding::{from_hex, to_hex};
use crate::time::Timestamp;

const CHAIN: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";
const KEY_ID: &str = "EAYRMSXDOSWY";
const WINDOW: Duration = Duration::from_secs(600);

fn key(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

#[test]
fn signatures_agree_with_every_published_vector() {
    let file = vectors();
    assert_eq!((file.dialect.as_str(), file.signing.cases.len()), ("dragonchain", 35));
    for SigningCase { name, input, expected, .. } in &file.signing.cases {
        let algorithm = Algorithm::named(&input.algorithm).unwrap();
        let body = from_hex(&input.body_hex).unwrap();
        if let Some(text) = &input.body_utf8 {
            assert_eq!(text.as_bytes(), body, "{name}");
        }
        let parts = Parts {
            verb: &input.verb,
            chain: &input.dragonchain_id,
            timestamp: &input.timestamp,
            content_type: &input.content_type,
            body: &body,
        };
        let upper = input.verb.to_uppercase();
        let message = Frame::new(algorithm, &Parts { verb: &upper, ..parts }).unwrap().around(&input.path);
        assert_eq!(
            (message.as_str(), to_hex(message.as_bytes())),
            (expected.message.as_str(), expected.message_hex.clone()),
            "{name}"
        );
        assert!(message.ends_with(&format!("\n{}", expected.body_hash_base64)), "{name}");
        let mac = sign(algorithm, &key(&input.auth_key), &parts, &input.path).unwrap();
        assert_eq!(to_hex(&mac), expected.hmac_hex, "{name}");
        assert_eq!(
            Authorization::write(algorithm, &input.auth_key_id, &mac),
            expected.authorization,
            "{name}"
        );
        // The vendor's own tests make up their names; the rest are those of a chain and a key.
        if !name.starts_with("javascript-sdk-own-test") {
            assert!(ChainId::new(&input.dragonchain_id).unwrap().public_key().is_some(), "{name}");
            assert!(KeyId::new(&input.auth_key_id).is_ok(), "{name}");
        }
    }
}

#[test]
fn every_request_that_the_published_clients_send_is_accepted() {
    let file = vectors();
    assert_eq!(file.whole_requests.cases.len(), 27);
    for request in &file.whole_requests.cases {
        let name = &request.name;
        let (origin, mount) = request.endpoint.split_at(request.endpoint.rfind('/').unwrap());
        let target = request.url.strip_prefix(origin).unwrap();
        let mut headers = request.headers.clone();
        let mut header = |name: &str| headers.remove(name);
        let (chain, timestamp) = (header("dragonchain").unwrap(), header("timestamp").unwrap());
        let content_type = header("Content-Type").unwrap_or_default();
        let authorization = header("Authorization").unwrap();
        assert!(headers.is_empty(), "{name}: {headers:?}");
        let now = read_stamp(&timestamp).unwrap();
        let read = Authorization::read(Some(&authorization), &timestamp, now, WINDOW).unwrap();
        let parts = Parts {
            verb: &request.verb,
            chain: &chain,
            timestamp: &timestamp,
            content_type: &content_type,
            body: request.body_utf8.as_bytes(),
        };
        let key = key(&file.whole_requests.auth_key);
        verify(read.algorithm, Some(&key), &parts, &Paths::of(target, mount), &read.mac).unwrap();
        let signed = sign(read.algorithm, &key, &parts, target.strip_prefix(mount).unwrap()).unwrap();
        assert_eq!(Authorization::write(read.algorithm, KEY_ID, &signed), authorization, "{name}");
    }
}

/// What the dialect makes of the pieces, with the vendor's words.
fn receive(request: &ReceivedRequest) -> Result<(), &'static str> {
    let present = |header: &Option<String>| header.clone().filter(|text| !text.is_empty());
    let chain = present(&request.dragonchain).ok_or("Missing Dragonchain ID in request header")?;
    let timestamp = present(&request.timestamp).ok_or("Missing timestamp in request header")?;
    if chain != CHAIN {
        return Err("Incorrect Dragonchain ID");
    }
    let word = |refusal: Refusal| match refusal {
        Refusal::Malformed | Refusal::Timestamp => "Malformed Authorization Header",
        Refusal::Version => "Unsupported DC Authorization Version",
        Refusal::Algorithm => "Unsupported HMAC Hash Type",
        Refusal::Skewed => "Timestamp of request too skewed",
        Refusal::Mac => "Invalid HMAC Authentication",
    };
    let now = read_stamp(&request.server_time).unwrap();
    let read =
        Authorization::read(request.authorization.as_deref(), &timestamp, now, WINDOW).map_err(word)?;
    let parts = Parts {
        verb: &request.verb,
        chain: &chain,
        timestamp: &timestamp,
        content_type: &request.content_type,
        body: request.body_utf8.as_bytes(),
    };
    let key = key("6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj");
    let named = read.key_id.filter(|id| id.as_str() == KEY_ID).map(|_| &key);
    verify(read.algorithm, named, &parts, &Paths::of(&request.target, &request.mount), &read.mac)
        .map_err(word)
}

/// A-MAC-01, A-MAC-03 to A-MAC-06: each decision of the vendor's server, in its own words.
#[test]
fn decisions_agree_with_every_published_vector() {
    let file = vectors();
    assert_eq!(file.verification.cases.len(), 25);
    for VerificationCase { name, request, expected } in &file.verification.cases {
        let expected = match expected["status"].as_str() {
            Some("authenticated") => Ok(()),
            _ => {
                assert_eq!(
                    (&expected["status"], &expected["type"]),
                    (&401.into(), &"AUTHENTICATION_ERROR".into())
                );
                Err(expected["details"].as_str().unwrap())
            }
        };
        assert_eq!(receive(request), expected, "{name}");
    }
}

/// A-MAC-03.
#[test]
fn timestamps_agree_with_every_published_vector() {
    let file = vectors();
    assert_eq!(file.timestamps.cases.len(), 10);
    for TimestampCase { timestamp, accepted } in &file.timestamps.cases {
        assert_eq!(read_stamp(timestamp).is_ok(), *accepted, "{timestamp:?}");
    }
}

const STAMP: &str = "2019-11-14T00:34:25.123456Z";

fn now() -> Timestamp {
    read_stamp(STAMP).unwrap()
}

fn read(header: &str) -> Result<Authorization, Refusal> {
    Authorization::read(Some(header), STAMP, now(), WINDOW)
}

/// A-MAC-04: an algorithm is one of three, spelled exactly.
#[test]
fn an_algorithm_in_another_spelling_is_refused() {
    for name in
        ["none", "", "sha256", "Sha256", "SHA-256", "SHA256 ", "BLAKE2B512", "BLAKE2b", "SHA3-512", "SHA1"]
    {
        assert_eq!(Algorithm::named(name), None, "{name}");
    }
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
        assert_eq!(read(&format!("DC1-HMAC-{} K:AA==", algorithm.name())).unwrap().algorithm, algorithm);
    }
    assert_eq!(read("DC1-HMAC-none K:AA==").unwrap_err(), Refusal::Algorithm);
    assert_eq!(read("DC1-HMAC-sha256 K:AA==").unwrap_err(), Refusal::Algorithm);
    assert_eq!(read("DC1-HMAC-  K:AA==").unwrap_err(), Refusal::Algorithm);
}

#[test]
fn a_header_in_another_form_is_refused() {
    for bad in [
        "",
        "DC",
        "DC1-HMAC",
        "DC1-HMAC-SHA256",
        "DC1-HMACSHA256 K:AA==",
        "DC-HMAC-SHA256 K:AA==",
        "DC -HMAC-SHA256 K:AA==",
        " DC1-HMAC-SHA256 K:AA==",
        "dc1-HMAC-SHA256 K:AA==",
        "Bearer K:AA==",
        "DC1-HMAC-SHA256 KAA==",
        &format!("DC1-HMAC-SHA256 K:{}", "A".repeat(AUTHORIZATION_BYTES_MAX)),
    ] {
        assert_eq!(read(bad).unwrap_err(), Refusal::Malformed, "{bad:?}");
    }
    assert_eq!(Authorization::read(None, STAMP, now(), WINDOW).unwrap_err(), Refusal::Malformed);
    assert_eq!(read("DC01-HMAC-SHA256 K:AA==").unwrap_err(), Refusal::Version);
    assert_eq!(read("DCx-HMAC-md5").unwrap_err(), Refusal::Version);
}

/// A-MAC-05: base64 has one spelling, so that one signature has one, too.
#[test]
fn base64_in_another_spelling_is_refused() {
    assert!(read("DC1-HMAC-SHA256 K:").unwrap().mac.is_empty());
    assert_eq!(read("DC1-HMAC-SHA256 K:+/8=").unwrap().mac, [0xfb, 0xff]);
    for bad in ["+/8", "-_8=", "+/9=", "+/8= ", " +/8=", "+/8=\n", "+/8==", "!", "+/8=="] {
        assert_eq!(read(&format!("DC1-HMAC-SHA256 K:{bad}")).unwrap_err(), Refusal::Malformed, "{bad:?}");
    }
}

#[test]
fn an_id_that_no_key_can_have_names_nobody() {
    for odd in ["", " K", "k", "a/b", &"A".repeat(65), "K:L"] {
        assert_eq!(read(&format!("DC1-HMAC-SHA256 {odd}:AA==")).unwrap().key_id, None, "{odd:?}");
    }
}

/// A-MAC-03: the window holds on both sides, and time does not wrap at either end.
#[test]
fn a_request_is_as_old_as_the_window_and_no_older() {
    let at =
        |now| Authorization::read(Some("DC1-HMAC-SHA256 K:AA=="), STAMP, now, WINDOW).map(|read| read.at);
    let ms = Duration::from_millis(1);
    for edge in [now().saturating_add(WINDOW), now().saturating_sub(WINDOW)] {
        assert_eq!(at(edge), Ok(now()));
    }
    assert_eq!(at(now().saturating_add(WINDOW + ms)), Err(Refusal::Skewed));
    assert_eq!(at(now().saturating_sub(WINDOW + ms)), Err(Refusal::Skewed));
    assert_eq!(at(Timestamp::MAX), Err(Refusal::Skewed));
    assert_eq!(at(Timestamp::from_ms(0)), Err(Refusal::Skewed));
}

/// The vendor's order: a bad algorithm before a bad time, a bad time before a bad signature.
#[test]
fn the_first_failure_wins() {
    let late = now().saturating_add(WINDOW * 2);
    let read = |header, stamp, now| Authorization::read(Some(header), stamp, now, WINDOW).unwrap_err();
    assert_eq!(read("DC2-HMAC-x", "x", late), Refusal::Version);
    assert_eq!(read("DC1-HMAC-x y", "x", late), Refusal::Algorithm);
    assert_eq!(read("DC1-HMAC-SHA256 y", "x", late), Refusal::Timestamp);
    assert_eq!(read("DC1-HMAC-SHA256 y", STAMP, late), Refusal::Skewed);
    assert_eq!(read("DC1-HMAC-SHA256 y", STAMP, now()), Refusal::Malformed);
}

fn parts() -> Parts<'static> {
    Parts { verb: "PUT", chain: CHAIN, timestamp: STAMP, content_type: "application/json", body: b"{}" }
}

/// A-MAC-05 and A-MAC-06: only the whole HMAC under the key's own secret, by the named algorithm.
#[test]
fn only_the_whole_signature_of_a_known_key_verifies() {
    let (secret, other_secret, paths) = (key("secret"), key("Secret"), Paths::of("/v1/x", ""));
    for algorithm in Algorithm::ALL {
        let mac = sign(algorithm, &secret, &parts(), "/v1/x").unwrap();
        let check = |key, mac: &[u8]| verify(algorithm, key, &parts(), &paths, mac);
        assert_eq!(check(Some(&secret), &mac), Ok(()));
        assert_eq!(check(None, &mac), Err(Refusal::Mac));
        assert_eq!(check(Some(&other_secret), &mac), Err(Refusal::Mac));
        for length in 0..mac.len() {
            assert_eq!(check(Some(&secret), &mac[..length]), Err(Refusal::Mac), "{length}");
        }
        assert_eq!(check(Some(&secret), &[&mac[..], &[0]].concat()), Err(Refusal::Mac));
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            assert_eq!(verify(other, Some(&secret), &parts(), &paths, &mac), Err(Refusal::Mac));
        }
        // Not even whoever knows the secret that stands in for an unknown key's.
        let decoy = sign(algorithm, &key(&"A".repeat(SECRET_CHARS)), &parts(), "/v1/x").unwrap();
        assert_eq!(check(None, &decoy), Err(Refusal::Mac));
    }
}

#[test]
fn a_signature_over_any_candidate_verifies() {
    let secret = key("secret");
    let paths = Paths::of("/d/v1/a%20b?q=%20", "/d");
    for path in ["/v1/a%20b?q=%20", "/v1/a b?q=%20", "/d/v1/a%20b?q=%20", "/d/v1/a b?q=%20"] {
        let mac = sign(Algorithm::Sha256, &secret, &parts(), path).unwrap();
        assert_eq!(verify(Algorithm::Sha256, Some(&secret), &parts(), &paths, &mac), Ok(()), "{path}");
    }
    for path in ["/v1/a+b?q=%20", "/v1/a%20b?q= ", "/v1/a%20b", "/V1/a%20b?q=%20", "v1/a%20b?q=%20"] {
        let mac = sign(Algorithm::Sha256, &secret, &parts(), path).unwrap();
        assert_eq!(
            verify(Algorithm::Sha256, Some(&secret), &parts(), &paths, &mac),
            Err(Refusal::Mac),
            "{path}"
        );
    }
}

/// A line feed would let the end of one part read as the beginning of the next.
#[test]
fn a_part_with_a_control_character_is_neither_signed_nor_verified() {
    let secret = key("secret");
    let paths = Paths::of("/v1/x", "");
    for bad in [
        Parts { verb: "PUT\n/v1", ..parts() },
        Parts { chain: "a\nb", ..parts() },
        Parts { timestamp: "\n", ..parts() },
        Parts { content_type: "text/plain\r\n", ..parts() },
    ] {
        assert_eq!(sign(Algorithm::Sha256, &secret, &bad, "/v1/x"), Err(ControlCharacter));
        assert_eq!(verify(Algorithm::Sha256, Some(&secret), &bad, &paths, &[]), Err(Refusal::Mac));
    }
    assert_eq!(sign(Algorithm::Sha256, &secret, &parts(), "/v1/x\n"), Err(ControlCharacter));
}

/// A-LEAK-01: neither the secret nor an unspent signature is printed.
#[test]
fn a_header_prints_without_its_signature() {
    let printed = format!("{:?}", read("DC1-HMAC-SHA256 K:3q2+7w==").unwrap());
    assert_eq!(printed, format!("Authorization(Sha256 by Some(KeyId(\"K\")) at {:?}, 4 bytes)", now()));
}

proptest! {
    /// A-MAC-01: a change of one character anywhere in a request is refused.
    #[test]
    fn a_request_that_is_changed_anywhere_is_refused(
        which in 0_usize..6,
        place in any::<prop::sample::Index>(),
        by in 1_u8..=0x5e,
        algorithm in prop::sample::select(&Algorithm::ALL[..]),
    ) {
        let texts = ["POST", CHAIN, STAMP, "application/json", "{\"nickname\":\"x\"}", "/v1/api-key?a=1"];
        let mut changed = texts.map(str::to_owned);
        let mut bytes = changed[which].clone().into_bytes();
        let at = place.index(bytes.len());
        bytes[at] = b' ' + (bytes[at] - b' ' + by) % 0x5f;
        changed[which] = String::from_utf8(bytes).unwrap();
        let [verb, chain, timestamp, content_type, body, path] = texts;
        let parts = Parts { verb, chain, timestamp, content_type, body: body.as_bytes() };
        let secret = key("secret");
        let mac = sign(algorithm, &secret, &parts, path).unwrap();
        prop_assert_eq!(verify(algorithm, Some(&secret), &parts, &Paths::of(path, ""), &mac), Ok(()));
        let [verb, chain, timestamp, content_type, body, path] = &changed;
        let parts = Parts { verb, chain, timestamp, content_type, body: body.as_bytes() };
        let refused = verify(algorithm, Some(&secret), &parts, &Paths::of(path, ""), &mac);
        prop_assert_eq!(refused, Err(Refusal::Mac));
    }

    /// A-MAC-05: whatever stands in the header, it is read or refused, and what is read is written the same.
    #[test]
    fn a_header_that_is_read_has_one_spelling(
        tail in "[A-Z:]{0,6}:[A-Za-z0-9+/=_-]{0,12}|\\PC{0,20}",
        name in "SHA256|SHA3-256|BLAKE2b512|[A-Za-z0-9-]{0,6}",
    ) {
        let header = format!("DC1-HMAC-{name} {tail}");
        if let Ok(Authorization { algorithm, key_id: Some(key_id), mac, .. }) = read(&header) {
            prop_assert_eq!(Authorization::write(algorithm, key_id.as_str(), &mac), header);
        }
    }
}
