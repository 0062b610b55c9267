//! A realm on the transcript: what it is asked, and every byte of what it answers.

use std::collections::BTreeMap;

use super::super::messages::{
    Answer, Done, Evaluated, Recover1Answer, Recover2Answer, Recover2Request, Recover3Answer, Registration,
    Released, Request,
};
use super::super::{PinRecoveryError, RecoveryRealmId};
use super::{array, recovery, registrations, transcript, widened};
use crate::encoding::to_hex;

/// What a realm does with a request but for everything that needs a store.
fn answer(
    kept: Option<&Registration>,
    request: &Request,
    guess_count: u16,
    nonce: Option<[u8; 32]>,
) -> Answer {
    let kept = || kept.expect("something is registered");
    match request {
        Request::Register1 => Answer::Register1(Done::Ok),
        Request::Register2(_) => Answer::Register2(Done::Ok),
        Request::Delete => Answer::Delete(Done::Ok),
        Request::Recover1 => Answer::Recover1(Recover1Answer::Ok { version: kept().version }),
        Request::Recover2(guess) => {
            assert_eq!(guess.version, kept().version);
            let chance = widened(nonce.expect("the realm's nonce is known"));
            let evaluation = kept().evaluate(&guess.oprf_blinded_input, chance).unwrap();
            Answer::Recover2(Recover2Answer::Ok(Box::new(Evaluated {
                oprf_signed_public_key: kept().oprf_signed_public_key,
                oprf_blinded_result: evaluation.blinded_result,
                oprf_proof: evaluation.proof,
                unlock_key_commitment: kept().unlock_key_commitment,
                num_guesses: kept().policy.num_guesses,
                guess_count,
            })))
        }
        Request::Recover3(opening) => {
            assert!(kept().unlocks(&opening.unlock_key_tag));
            Answer::Recover3(Recover3Answer::Ok(Box::new(Released {
                encryption_key_scalar_share: kept().encryption_key_scalar_share.clone(),
                encrypted_secret: kept().encrypted_secret,
                encrypted_secret_commitment: kept().encrypted_secret_commitment,
            })))
        }
    }
}

#[test]
fn every_answer_of_the_published_run_is_given_to_the_byte() {
    let mut realms = BTreeMap::<RecoveryRealmId, Registration>::new();
    let (mut kinds, mut verified) = (BTreeMap::<String, usize>::new(), 0);
    for exchange in transcript() {
        *kinds.entry(exchange.kind.clone()).or_default() += 1;
        let request = Request::from_cbor(&exchange.request).unwrap();
        assert_eq!(to_hex(&request.to_cbor()), to_hex(&exchange.request), "{}", exchange.kind);
        assert!(format!("{request:?}").starts_with(&exchange.kind));
        if let Request::Register2(registration) = &request {
            registration.check(&exchange.realm).unwrap();
            assert_eq!(registration.version, array(&recovery()["derived"], "version_hex"));
            realms.insert(exchange.realm, (**registration).clone());
        }
        let answer = answer(realms.get(&exchange.realm), &request, 1, exchange.nonce);
        assert_eq!(to_hex(&answer.to_cbor()), to_hex(&exchange.answer), "{}", exchange.kind);
        let read = Answer::from_cbor(&exchange.answer).unwrap();
        assert_eq!(to_hex(&read.to_cbor()), to_hex(&exchange.answer), "{}", exchange.kind);
        if let (Answer::Recover2(Recover2Answer::Ok(answered)), Request::Recover2(guess)) = (read, request) {
            let key = answered.oprf_signed_public_key;
            key.verify(&exchange.realm).unwrap();
            let (input, result) = (guess.oprf_blinded_input, answered.oprf_blinded_result);
            answered.oprf_proof.verify(&input, &key.public_key, &result).unwrap();
            verified += 1;
        }
    }
    assert_eq!(verified, 3);
    let each = ["Delete", "Recover1", "Recover2", "Recover3", "Register1", "Register2"];
    assert_eq!(kinds, each.map(|kind| (kind.to_owned(), 3)).into());
}

/// A registration whose parts do not belong together, or to this realm, is not taken.
#[test]
fn a_registration_is_checked_before_it_is_kept() {
    let kept = registrations();
    let ((realm, first), (other_realm, other)) = (&kept[0], &kept[1]);
    let bent = |change: &dyn Fn(&mut Registration)| {
        let mut registration = first.clone();
        change(&mut registration);
        registration.check(realm).unwrap_err()
    };
    assert_eq!(first.check(other_realm).unwrap_err(), PinRecoveryError::Signature);
    assert_eq!(
        bent(&|kept| kept.oprf_private_key = other.oprf_private_key.clone()),
        PinRecoveryError::KeyPair
    );
    assert_eq!(
        bent(&|kept| kept.oprf_signed_public_key.public_key = other.oprf_signed_public_key.public_key),
        PinRecoveryError::KeyPair
    );
    assert_eq!(bent(&|kept| kept.oprf_signed_public_key.signature[0] ^= 1), PinRecoveryError::Signature);
    assert_eq!(
        bent(&|kept| kept.oprf_signed_public_key.verifying_key = [0; 32]),
        PinRecoveryError::Signature
    );
    for not_a_key in [[0; 32], [0xff; 32]] {
        let octets = super::SecretOctets::from_bytes(not_a_key);
        assert_eq!(bent(&|kept| kept.oprf_private_key = octets.clone()), PinRecoveryError::Scalar);
        assert_eq!(bent(&|kept| kept.encryption_key_scalar_share = octets.clone()), PinRecoveryError::Scalar);
    }
}

/// A guess that is no guess is known as such before it is counted.
#[test]
fn a_blinded_input_that_is_no_point_is_refused() {
    let (_, kept) = registrations().remove(0);
    for oprf_blinded_input in [[0; 32], [0xff; 32], [1; 32]] {
        let guess = Recover2Request { version: kept.version, oprf_blinded_input };
        assert_eq!(guess.check(), Err(PinRecoveryError::Point));
        assert_eq!(kept.evaluate(&oprf_blinded_input, [1; 64]), Err(PinRecoveryError::Point));
    }
    let guess = Recover2Request {
        version: kept.version,
        oprf_blinded_input: array(&recovery()["derived"], "oprf_input_point_hex"),
    };
    assert_eq!(guess.check(), Ok(()));
    assert_eq!(kept.evaluate(&guess.oprf_blinded_input, [0; 64]), Err(PinRecoveryError::Chance));
}
