//! Realms that lie: what they say is as good as silence.

use super::super::messages::{
    Evaluated, Recover2Answer, Recover3Answer, Registration, Released, SignedPublicKey,
};
use super::super::recovering::RecoverError;
use super::rounds::{INFO, PIN, as_it_is, evaluated, first_round, recover, registered, secret, setup};
use super::*;
use crate::sign::SigningKey;

/// One realm lies in the second round, in every way it can: it is left out. Two of three that lie are too many.
#[test]
fn a_realm_that_lies_about_its_result_is_left_out() {
    let configuration = setup(3, 2);
    let realms = registered(&configuration, 1);
    let other = registered(&configuration, 2);
    let liar = configuration.realms()[1];
    let bent = |answer: Recover2Answer, change: &dyn Fn(&mut Evaluated)| {
        let Recover2Answer::Ok(mut evaluated) = answer else { panic!("the guess was evaluated") };
        change(&mut evaluated);
        Recover2Answer::Ok(evaluated)
    };
    let its_own = SigningKey::from_seed(&[6; 32]);
    let by_its_own = |realm: &RecoveryRealmId, oprf_signed_public_key| {
        let unlock_key_commitment = realms[realm].unlock_key_commitment;
        let kept = Registration { oprf_signed_public_key, unlock_key_commitment, ..other[realm].clone() };
        let blinded = configuration.agree(&first_round(&realms)).unwrap().blind(PIN, INFO, [9; 64]);
        evaluated(&kept, &blinded.unwrap().request(), 1)
    };
    type Lie<'a> = &'a dyn Fn(&RecoveryRealmId, Recover2Answer) -> Recover2Answer;
    let lies: [(&str, Lie<'_>); 5] = [
        ("another result", &|_, answer| {
            bent(answer, &|told| told.oprf_blinded_result = told.oprf_signed_public_key.public_key)
        }),
        ("no point", &|_, answer| bent(answer, &|told| told.oprf_blinded_result = [0xff; 32])),
        ("a key of its own under the signature of the right one", &|realm, _| {
            let public_key = other[realm].oprf_signed_public_key.public_key;
            by_its_own(realm, SignedPublicKey { public_key, ..realms[realm].oprf_signed_public_key })
        }),
        ("a key of its own, signed by itself", &|realm, _| {
            let public_key = other[realm].oprf_signed_public_key.public_key;
            by_its_own(realm, SignedPublicKey::sign(realm, public_key, &its_own))
        }),
        ("another version", &|_, _| Recover2Answer::VersionMismatch),
    ];
    for (name, lie) in lies {
        let one =
            |realm: &RecoveryRealmId, answer| Some(if *realm == liar { lie(realm, answer) } else { answer });
        let found = recover(&configuration, &realms, PIN, &one, &as_it_is).unwrap();
        assert!(found.matches(secret().expose()), "{name}");
        let first = configuration.realms()[0];
        let two =
            |realm: &RecoveryRealmId, answer| Some(if *realm != first { lie(realm, answer) } else { answer });
        // Two that sign by one key are enough to be believed, and not enough to learn or to unlock anything.
        let expected = match name {
            "a key of its own, signed by itself" => RecoverError::WrongPin { guesses_remaining: 4 },
            _ => RecoverError::TooFew,
        };
        let refusal = recover(&configuration, &realms, PIN, &two, &as_it_is).unwrap_err();
        assert_eq!(refusal, expected, "{name}");
    }
}

/// A-SHR-09: a bad share, or a bad secret, is noticed by its commitment, whoever it comes from.
#[test]
fn a_realm_that_lies_about_its_share_is_left_out() {
    let configuration = setup(3, 2);
    let realms = registered(&configuration, 1);
    let other = registered(&configuration, 2);
    let [first, liar, _] = configuration.realms() else { panic!("three realms") };
    type Lie<'a> = &'a dyn Fn(&mut Registration, &Registration);
    let lies: [(&str, Lie<'_>); 3] = [
        ("share", &|kept, other| {
            kept.encryption_key_scalar_share = other.encryption_key_scalar_share.clone()
        }),
        ("secret", &|kept, other| kept.encrypted_secret = other.encrypted_secret),
        ("commitment", &|kept, _| kept.encrypted_secret_commitment[0] ^= 1),
    ];
    for (name, lie) in lies {
        let told = |realm: &RecoveryRealmId| {
            let mut kept = realms[realm].clone();
            lie(&mut kept, &other[realm]);
            Recover3Answer::Ok(Box::new(Released {
                encryption_key_scalar_share: kept.encryption_key_scalar_share,
                encrypted_secret: kept.encrypted_secret,
                encrypted_secret_commitment: kept.encrypted_secret_commitment,
            }))
        };
        let one = |realm: &RecoveryRealmId, answer| Some(if realm == liar { told(realm) } else { answer });
        let found = recover(&configuration, &realms, PIN, &as_it_is, &one).unwrap();
        assert!(found.matches(secret().expose()), "{name}");
        let two = |realm: &RecoveryRealmId, answer| Some(if realm != first { told(realm) } else { answer });
        let refused = recover(&configuration, &realms, PIN, &as_it_is, &two).unwrap_err();
        assert_eq!(refused, RecoverError::TooFew, "{name}");
    }
}
