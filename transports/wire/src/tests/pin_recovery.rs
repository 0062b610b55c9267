//! PIN recovery, to the letter.

use strongroom_primitives::pin_recovery::RecoveryRealmId;

use super::*;

fn realm() -> RecoveryRealmId {
    RecoveryRealmId::from_bytes([7; 16])
}

/// What is written is this text, and is read again as it was in both encodings.
fn says<T>(document: &T, text: &str)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(json(document), text);
    for encoding in [Encoding::Json, Encoding::Cbor] {
        assert_eq!(encoding.read::<T>(&encoding.write(document)).as_ref(), Ok(document), "{encoding:?}");
    }
}

#[test]
fn operations() {
    let realms = Operation::PinRecoveryRealms {};
    assert!(realms.is_open());
    says(&realms, r#"{"pin_recovery.realms":{}}"#);
    let of = r#"{"realm":"07070707070707070707070707070707""#;
    let status = Operation::PinRecoveryStatus { realm: realm(), tenant: Some("acme".to_owned()) };
    assert!(!status.is_open());
    says(&status, &format!(r#"{{"pin_recovery.status":{of},"tenant":"acme"}}}}"#));
    let veto = Operation::VetoPinErasure { realm: realm(), tenant: None };
    assert!(!veto.is_open() && !veto.is_operators());
    says(&veto, &format!(r#"{{"pin_recovery.veto":{of}}}}}"#));
    for bad in ["07", "0707070707070707070707070707070G", "070707070707070707070707070707AA"] {
        let text = format!(r#"{{"pin_recovery.veto":{{"realm":"{bad}"}}}}"#);
        assert!(Encoding::Json.read::<Operation>(text.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn answers() {
    let status =
        PinRecoveryStatus { registered: true, guesses_used: 2, guesses_allowed: 5, ..Default::default() };
    let said =
        r#"{"registered":true,"no_guesses":false,"guesses_used":2,"guesses_allowed":5,"restored":false}"#;
    says(&status, said);
    let full = PinRecoveryStatus { next_guess_at: Some(at()), pending_destruction_at: Some(at()), ..status };
    assert!(json(&full).contains(r#""next_guess_at":1780000000123,"pending_destruction_at":1780000000123"#));
    let one = RealmStatement {
        realm: realm(),
        operator: "Example Ltd".to_owned(),
        epoch: Base64Array([1; 16]),
        restores: 1,
        changes: 9,
    };
    let statement = RealmsStatement { at: at(), software: "strongroom 0.1.0".to_owned(), realms: vec![one] };
    let said = concat!(
        r#"{"at":1780000000123,"software":"strongroom 0.1.0","realms":[{"realm":"#,
        r#""07070707070707070707070707070707","operator":"Example Ltd","epoch":"AQEBAQEBAQEBAQEBAQEBAQ==","#,
        r#""restores":1,"changes":9}]}"#
    );
    says(&statement, said);
    assert_eq!(SignedRealms::message(b"{}"), b"strongroom realms v1\0{}");
}

#[test]
fn events() {
    let (guesses_used, guesses_allowed, veto_until) = (1, 5, Some(at()));
    for (step, said) in [
        (PinRecoveryStep::Registered { guesses_allowed }, r#"{"registered":{"guesses_allowed":5}}"#),
        (
            PinRecoveryStep::Replaced { guesses_allowed, veto_until },
            r#"{"replaced":{"guesses_allowed":5,"veto_until":1780000000123}}"#,
        ),
        (
            PinRecoveryStep::Replaced { guesses_allowed, veto_until: None },
            r#"{"replaced":{"guesses_allowed":5}}"#,
        ),
        (
            PinRecoveryStep::GuessUsed { guesses_used, guesses_allowed },
            r#"{"guess_used":{"guesses_used":1,"guesses_allowed":5}}"#,
        ),
        (PinRecoveryStep::NoGuesses {}, r#"{"no_guesses":{}}"#),
        (PinRecoveryStep::Recovered {}, r#"{"recovered":{}}"#),
        (PinRecoveryStep::Deleted { veto_until }, r#"{"deleted":{"veto_until":1780000000123}}"#),
        (PinRecoveryStep::Deleted { veto_until: None }, r#"{"deleted":{}}"#),
        (
            PinRecoveryStep::BroughtBack { guesses_used, guesses_allowed },
            r#"{"brought_back":{"guesses_used":1,"guesses_allowed":5}}"#,
        ),
        (PinRecoveryStep::Restored {}, r#"{"restored":{}}"#),
    ] {
        let what = What::PinRecoveryChanged { realm: realm(), tenant: "acme".to_owned(), step };
        let head =
            r#"{"pin_recovery.changed":{"realm":"07070707070707070707070707070707","tenant":"acme","step":"#;
        says(&what, &format!("{head}{said}}}}}"));
    }
}
