use std::time::Duration;

use proptest::prelude::*;
use strongroom_primitives::id::SessionId;

use super::*;
use crate::{
    Credential, EngineError, Limits,
    domains::sessions::{
        RevokeSession,
        api_key::{KeyLoggedIn, LoginFacts},
    },
    testing::{
        Desk,
        bench::{Bench, held},
        people::{Holder, WIDE},
    },
};

const KEY: Holder = Holder { number: 1 };

async fn sign_in(bench: &Bench, device: Device, number: u64) -> KeyLoggedIn {
    let ann = bench.gateway("ann");
    let id = bench.ask(&ann, KEY.creation(WIDE)).await.unwrap().id;
    let facts = KEY.login(&bench.realm, id, number).facts;
    bench.anyone(KEY.signed(&bench.realm, LoginFacts { device, ..facts })).await.unwrap()
}

async fn session(bench: &Bench, number: u64) -> Credential {
    held(&sign_in(bench, Device::default(), number).await.session)
}

fn spend(body: Option<u8>, validator: Option<u8>) -> SpendNonces {
    let of = |number: Option<u8>| number.map(|number| [number; 24]);
    SpendNonces { body: of(body), validator: of(validator) }
}

/// A-API-09: the key of a session opens with that session's token, and no row of the store shows it.
#[actix_rt::test]
async fn a_session_key_needs_the_token() {
    let bench = Bench::new().await;
    let one = sign_in(&bench, Device::default(), 1).await;
    let other = sign_in(&bench, Device::default(), 2).await;
    let seal = bench.ask(&held(&one.session), SealOf {}).await.unwrap();
    assert_eq!(seal.open(&one.session.token).unwrap().expose(), one.session_key.expose());
    for token in ["", &other.session.token, &one.session.token.to_uppercase(), &one.session.token[1..]] {
        assert_eq!(seal.open(token).unwrap_err(), EngineError::CredentialInvalid);
    }
    assert_ne!(one.session_key.expose(), other.session_key.expose());
    for (key, row) in bench.rows().await {
        for secret in [&one.session_key.expose()[..], one.session.token.as_bytes()] {
            assert!(row.windows(secret.len()).all(|window| window != secret), "{key:?}");
        }
    }
    let debug = format!("{one:?} {seal:?}");
    assert!(!debug.contains(&one.session.token) && debug.contains("KeyBytes(32 bytes)"));
}

#[actix_rt::test]
async fn a_session_that_is_not_sealed_says_so() {
    let bench = Bench::new().await;
    let ann = bench.gateway("ann");
    assert_eq!(bench.ask(&ann, SealOf {}).await, Err(EngineError::CredentialInvalid));
    assert_eq!(bench.ask(&ann, spend(Some(1), None)).await, Err(EngineError::CredentialInvalid));
    assert_eq!(bench.anyone(SealOf {}).await, Err(EngineError::CredentialMissing));
}

/// A validator is asked for exactly where the device gave a fingerprint or its time, and only what it gave is compared.
#[actix_rt::test]
async fn a_request_is_of_the_device_and_on_time() {
    let bench = Bench::new().await;
    let start = bench.now();
    // An hour ahead of us.
    let ahead = |time: Timestamp| time.saturating_add(Duration::from_secs(3_600));
    let mut number = 0;
    let mut seal_for = async |fingerprint: &str, time: Option<Timestamp>| {
        number += 1;
        let device = Device { description: String::new(), fingerprint: fingerprint.to_owned(), time };
        let done = sign_in(&bench, device, number).await;
        bench.ask(&held(&done.session), SealOf {}).await.unwrap()
    };
    assert!(!seal_for("", None).await.needs_validator());
    let by_print = seal_for("print", None).await;
    assert!(by_print.needs_validator());
    assert!(by_print.admits("print", Timestamp::default(), start), "this one gave no time");
    assert!(!by_print.admits("Print", start, start) && !by_print.admits("", start, start));

    let by_both = seal_for("print", Some(ahead(start))).await;
    assert!(by_both.needs_validator() && seal_for("", Some(start)).await.needs_validator());
    let now = start.saturating_add(Duration::from_secs(100));
    for (ms, admitted) in [(0, true), (20_000, true), (20_001, false)] {
        let off = Duration::from_millis(ms);
        assert_eq!(by_both.admits("print", ahead(now).saturating_add(off), now), admitted, "{ms} ms late");
        assert_eq!(by_both.admits("print", ahead(now).saturating_sub(off), now), admitted, "{ms} ms early");
        assert!(!by_both.admits("other", ahead(now), now));
    }
    assert!(!by_both.admits("print", now, now), "by its own clock an hour late");
}

proptest! {
    /// No time of a device, however far off, is taken for another or ends in anything but an answer.
    #[test]
    fn a_clock_may_be_off_but_not_move(device: u64, opened: u64, request: u64, now: u64) {
        let at = Timestamp::from_ms;
        let offset_ms = Some(clock_offset_ms(at(device), at(opened)));
        let session = SessionId::from_bytes([1; 16]);
        let seal = SessionSeal { session, keyed: false, wrapped: Vec::new(), device: None, offset_ms };
        let drift = (i128::from(request) - i128::from(now)) - (i128::from(device) - i128::from(opened));
        // Beyond what 64 bits hold, all offsets are one; none of these comes up in the next 292 million years.
        let held = i128::from(i64::MAX);
        let within = [i128::from(request) - i128::from(now), i128::from(device) - i128::from(opened)];
        prop_assume!(within.iter().all(|offset| offset.abs() <= held));
        prop_assert_eq!(seal.admits("", at(request), at(now)), drift.abs() <= 20_000);
    }
}

/// A-API-11: a nonce is good once in its session; of two, both are used up or neither; one of a body is none of a
/// validator.
#[actix_rt::test]
async fn a_nonce_is_good_once() {
    let bench = Bench::new().await;
    let one = session(&bench, 1).await;
    let other = session(&bench, 2).await;
    let replayed = |validator| Err(EngineError::NonceReplayed { validator });
    assert_eq!(bench.ask(&one, spend(Some(1), None)).await, Ok(()));
    assert_eq!(bench.ask(&one, spend(Some(1), None)).await, replayed(false));
    assert_eq!(bench.ask(&other, spend(Some(1), None)).await, Ok(()), "another session, another key");
    assert_eq!(bench.ask(&one, spend(None, Some(1))).await, Ok(()));
    assert_eq!(bench.ask(&one, spend(Some(2), Some(1))).await, replayed(true));
    assert_eq!(bench.ask(&one, spend(Some(1), Some(2))).await, replayed(false));
    assert_eq!(bench.ask(&one, spend(Some(2), Some(2))).await, Ok(()), "neither was used up");
    assert_eq!(bench.ask(&one, spend(None, None)).await, Ok(()));
    // Where they are asked together as well.
    let (first, second) =
        tokio::join!(bench.ask(&one, spend(Some(3), None)), bench.ask(&one, spend(Some(3), None)));
    assert!(first.is_ok() != second.is_ok());
}

/// Nonces of bodies are kept as long as the session, those of validators until their time has long passed.
#[actix_rt::test]
async fn nonces_are_forgotten_when_they_can_no_longer_be_used() {
    let bench = Bench::new().await;
    let device = Device { fingerprint: "print".into(), ..Device::default() };
    let opened = sign_in(&bench, device, 1).await.session;
    let who = held(&opened);
    bench.ask(&who, spend(Some(1), Some(1))).await.unwrap();
    for (seconds, left) in [(40, 2), (559, 2)] {
        bench.wait(Duration::from_secs(seconds));
        // Somebody writes, so that the store knows of the time.
        bench.ask(&who, spend(Some(2), None)).await.ok();
        bench.sweep().await;
        assert_eq!(bench.count(b"h").await, [left + 1]);
    }
    bench.ask(&who, RevokeSession { identity: None, session: None }).await.unwrap();
    bench.sweep().await;
    assert_eq!(bench.count(b"h").await, [0]);
}

/// A-API-11: what cannot become too old is remembered for as long as it would be taken.
#[actix_rt::test]
async fn a_validator_without_a_time_to_compare_is_never_taken_again() {
    for (dated, kept) in [(false, 2), (true, 1)] {
        let hour = Duration::from_secs(3_600);
        let bench = Bench::with(Limits { api_session_life_max: hour, ..Limits::default() }).await;
        let time = dated.then(|| bench.now());
        let device = Device { fingerprint: "print".into(), time, ..Device::default() };
        let who = held(&sign_in(&bench, device, 1).await.session);
        bench.ask(&who, spend(Some(1), Some(1))).await.unwrap();
        bench.wait(Duration::from_secs(601));
        bench.ask(&who, spend(Some(1), None)).await.unwrap_err();
        bench.ask(&who, spend(Some(2), None)).await.unwrap();
        bench.sweep().await;
        assert_eq!(bench.count(b"h").await, [kept + 1], "dated: {dated}");
        let again = bench.ask(&who, spend(None, Some(1))).await;
        assert_eq!(again.is_ok(), dated, "one that has a time is refused for that");
    }
}

/// The rule alone: a nonce that ages is garbage after ten minutes, another never while its session lasts.
#[test]
fn only_nonces_that_age_are_garbage() {
    let desk = Desk::new();
    let (minute, at) = (Duration::from_secs(60), desk.now);
    let of = |ages| StoredNonce::of(ages, at);
    let ages = [9, 10, 11, 60 * 24 * 365].map(|minutes| at.saturating_add(minute * minutes));
    assert_eq!(ages.map(|now| of(true).is_garbage(now)), [false, false, true, true]);
    assert_eq!(ages.map(|now| of(false).is_garbage(now)), [false; 4]);
}
