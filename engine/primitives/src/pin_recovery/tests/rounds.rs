//! A client and its realms, all rounds, with realms that are gone, wiped or re-registered.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::messages::{
    Evaluated, Policy, Recover1Answer, Recover2Answer, Recover2Request, Recover3Answer, Recover3Request,
    Registration, Released,
};
use super::super::pin::{INPUT_BYTES_MAX, PinHashing};
use super::super::recovering::RecoverError;
use super::*;
use crate::secret::Secret;

pub(super) const PIN: &[u8] = b"a pin of some length";
pub(super) const INFO: &[u8] = b"alice";
const POLICY: Policy = Policy { num_guesses: 5 };

pub(super) type Realms = BTreeMap<RecoveryRealmId, Registration>;

pub(super) fn secret() -> Secret {
    Secret::new(b"the key to everything".to_vec())
}

fn realms(count: u8) -> impl Iterator<Item = RecoveryRealmId> {
    // In no order, so that places are found by sorting.
    (0..count).rev().map(|number| RecoveryRealmId::from_bytes([number.wrapping_mul(77); 16]))
}

pub(super) fn setup(count: u8, threshold: u8) -> Configuration {
    Configuration::new(realms(count), count, threshold, PinHashing::FastInsecure).unwrap()
}

/// Chance that is told apart by where it starts.
fn chance(start: u8) -> impl FnMut(&mut [u8]) {
    let mut next = u64::from(start) << 32;
    move |bytes| {
        for byte in bytes {
            next += 1;
            *byte = crate::hash::sha256(&next.to_le_bytes())[0];
        }
    }
}

pub(super) fn registered(configuration: &Configuration, start: u8) -> Realms {
    configuration.register(PIN, INFO, &secret(), POLICY, &mut chance(start)).unwrap()
}

pub(super) fn first_round(realms: &Realms) -> BTreeMap<RecoveryRealmId, Recover1Answer> {
    realms.iter().map(|(realm, kept)| (*realm, Recover1Answer::Ok { version: kept.version })).collect()
}

pub(super) fn evaluated(kept: &Registration, guess: &Recover2Request, guess_count: u16) -> Recover2Answer {
    let evaluation = kept.evaluate(&guess.oprf_blinded_input, [7; 64]).unwrap();
    Recover2Answer::Ok(Box::new(Evaluated {
        oprf_signed_public_key: kept.oprf_signed_public_key,
        oprf_blinded_result: evaluation.blinded_result,
        oprf_proof: evaluation.proof,
        unlock_key_commitment: kept.unlock_key_commitment,
        num_guesses: kept.policy.num_guesses,
        guess_count,
    }))
}

fn opened(kept: &Registration, opening: &Recover3Request) -> Recover3Answer {
    if !kept.unlocks(&opening.unlock_key_tag) {
        return Recover3Answer::BadUnlockKeyTag { guesses_remaining: 4 };
    }
    Recover3Answer::Ok(Box::new(Released {
        encryption_key_scalar_share: kept.encryption_key_scalar_share.clone(),
        encrypted_secret: kept.encrypted_secret,
        encrypted_secret_commitment: kept.encrypted_secret_commitment,
    }))
}

pub(super) type Twist<'a, A> = &'a dyn Fn(&RecoveryRealmId, A) -> Option<A>;

pub(super) fn as_it_is<A>(_: &RecoveryRealmId, answer: A) -> Option<A> {
    Some(answer)
}

/// All three rounds; `second` and `third` change the answers of realms, or lose them.
pub(super) fn recover(
    configuration: &Configuration,
    realms: &Realms,
    pin: &[u8],
    second: Twist<'_, Recover2Answer>,
    third: Twist<'_, Recover3Answer>,
) -> Result<Secret, RecoverError> {
    let blinded = configuration.agree(&first_round(realms))?.blind(pin, INFO, [9; 64])?;
    let guess = blinded.request();
    let answers = blinded.realms().iter().enumerate().filter_map(|(place, realm)| {
        let count = u16::try_from(place + 1).unwrap();
        Some((*realm, second(realm, evaluated(&realms[realm], &guess, count))?))
    });
    let answers = answers.collect();
    let unlocked = blinded.unlock(&answers)?;
    let answers = unlocked
        .realms()
        .iter()
        .filter_map(|realm| Some((*realm, third(realm, opened(&realms[realm], &unlocked.request(realm)))?)));
    let answers = answers.collect();
    unlocked.open(&answers)
}

fn plainly(configuration: &Configuration, realms: &Realms, pin: &[u8]) -> Result<Secret, RecoverError> {
    recover(configuration, realms, pin, &as_it_is, &as_it_is)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any realms that are as many as the threshold give the secret; one less do not.
    #[test]
    fn a_secret_is_recovered_from_every_large_enough_group(
        count in 1u8..8,
        more in 0u8..8,
        order in prop::collection::vec(any::<u64>(), 8),
        length in 0usize..=128,
    ) {
        let threshold = (count / 2 + 1 + more).min(count);
        let configuration = setup(count, threshold);
        let secret = Secret::new(vec![length as u8; length]);
        let all = configuration.register(PIN, INFO, &secret, POLICY, &mut chance(1)).unwrap();
        for (realm, kept) in &all {
            kept.check(realm).unwrap();
        }
        let mut shuffled: Vec<_> = all.iter().zip(&order).collect();
        shuffled.sort_by_key(|(_, place)| **place);
        let of = |group: usize| -> Realms {
            shuffled[..group].iter().map(|((realm, kept), _)| (**realm, (*kept).clone())).collect()
        };
        for group in usize::from(threshold)..=usize::from(count) {
            let found = plainly(&configuration, &of(group), PIN).unwrap();
            prop_assert!(found.matches(secret.expose()));
        }
        let few = plainly(&configuration, &of(usize::from(threshold) - 1), PIN).unwrap_err();
        prop_assert_eq!(few, RecoverError::TooFew);
    }
}

/// A-SHR-10, the client's part: a wrong guess is told as such, with the least that any realm has left.
#[test]
fn a_wrong_pin_or_another_user_is_told_with_what_is_left() {
    let configuration = setup(3, 2);
    let realms = registered(&configuration, 1);
    let wrong = plainly(&configuration, &realms, b"another pin").unwrap_err();
    assert_eq!(wrong, RecoverError::WrongPin { guesses_remaining: 2 });
    let agreed = configuration.agree(&first_round(&realms)).unwrap();
    let blinded = agreed.blind(PIN, b"bob", [9; 64]).unwrap();
    let guess = blinded.request();
    let answers = realms.iter().map(|(realm, kept)| (*realm, evaluated(kept, &guess, 9))).collect();
    let wrong = blinded.unlock(&answers).unwrap_err();
    assert_eq!(wrong, RecoverError::WrongPin { guesses_remaining: 0 }, "never below zero");
}

/// Registering goes over realms one by one and may stop in between: whatever enough realms have is recovered.
#[test]
fn a_registration_that_reached_some_realms_is_recovered_or_its_predecessor_is() {
    let configuration = setup(3, 2);
    let (old, new) = (registered(&configuration, 1), registered(&configuration, 2));
    let ids = configuration.realms();
    assert_ne!(old[&ids[0]].version, new[&ids[0]].version);
    for taken in 0..=3 {
        let mixed: Realms = ids
            .iter()
            .enumerate()
            .map(|(place, realm)| {
                (*realm, if place < taken { new[realm].clone() } else { old[realm].clone() })
            })
            .collect();
        let agreed = configuration.agree(&first_round(&mixed)).unwrap();
        assert_eq!(agreed.realms().len(), if taken % 3 == 0 { 3 } else { 2 });
        assert!(plainly(&configuration, &mixed, PIN).unwrap().matches(secret().expose()));
    }
    let apart = first_round(&[(ids[0], old[&ids[0]].clone()), (ids[1], new[&ids[1]].clone())].into());
    assert_eq!(configuration.agree(&apart).unwrap_err(), RecoverError::TooFew);
}

/// A single realm cannot make a client believe that all is lost; enough of them can say what is so.
#[test]
fn what_realms_have_lost_counts_when_the_others_are_too_few() {
    let configuration = setup(3, 2);
    let realms = registered(&configuration, 1);
    let say = |said: [Option<Recover1Answer>; 3]| {
        let answers =
            configuration.realms().iter().zip(said).filter_map(|(realm, said)| Some((*realm, said?)));
        configuration.agree(&answers.collect()).map(|agreed| agreed.realms().len())
    };
    let registered = Recover1Answer::Ok { version: realms[&configuration.realms()[0]].version };
    let here = Some(registered);
    let (nothing, wiped) = (Some(Recover1Answer::NotRegistered), Some(Recover1Answer::NoGuesses));
    assert_eq!(say([here, here, wiped]), Ok(2));
    assert_eq!(say([here, None, wiped]), Err(RecoverError::TooFew));
    assert_eq!(say([here, wiped, wiped]), Err(RecoverError::NoGuesses));
    assert_eq!(say([here, nothing, wiped]), Err(RecoverError::NoGuesses));
    assert_eq!(say([here, nothing, nothing]), Err(RecoverError::NotRegistered));
    assert_eq!(say([nothing, None, None]), Err(RecoverError::TooFew));
    assert_eq!(say([None, None, None]), Err(RecoverError::TooFew));

    let stranger = RecoveryRealmId::from_bytes([0xee; 16]);
    let answers = [(stranger, registered), (configuration.realms()[0], registered)].into();
    assert_eq!(configuration.agree(&answers).unwrap_err(), RecoverError::TooFew, "a stranger does not count");

    let gone = |_: &RecoveryRealmId, _: Recover2Answer| Some(Recover2Answer::NoGuesses);
    let refused = recover(&configuration, &realms, PIN, &gone, &as_it_is).unwrap_err();
    assert_eq!(refused, RecoverError::NoGuesses);
    let gone = |_: &RecoveryRealmId, _: Recover3Answer| Some(Recover3Answer::NotRegistered);
    let refused = recover(&configuration, &realms, PIN, &as_it_is, &gone).unwrap_err();
    assert_eq!(refused, RecoverError::NotRegistered);
    let other = |_: &RecoveryRealmId, _: Recover3Answer| Some(Recover3Answer::VersionMismatch);
    let refused = recover(&configuration, &realms, PIN, &as_it_is, &other).unwrap_err();
    assert_eq!(refused, RecoverError::TooFew);
    let counted = |realm: &RecoveryRealmId, _: Recover3Answer| {
        let guesses_remaining = u16::from(realm.as_bytes()[0]);
        Some(Recover3Answer::BadUnlockKeyTag { guesses_remaining })
    };
    let refused = recover(&configuration, &realms, PIN, &as_it_is, &counted).unwrap_err();
    assert_eq!(refused, RecoverError::WrongPin { guesses_remaining: 0 });
}

#[test]
fn a_configuration_is_sound_or_refused() {
    let new = |realms: Vec<RecoveryRealmId>, register, recover| {
        Configuration::new(realms, register, recover, PinHashing::Standard2019).map(drop)
    };
    let some =
        |count: u8| (0..count).map(|number| RecoveryRealmId::from_bytes([number; 16])).collect::<Vec<_>>();
    for (count, register, recover) in [(1, 1, 1), (2, 2, 2), (3, 3, 2), (3, 2, 2), (4, 4, 3), (255, 255, 128)]
    {
        assert_eq!(new(some(count), register, recover), Ok(()), "{count} {register} {recover}");
    }
    let unsound = Err(PinRecoveryError::Configuration);
    for (count, register, recover) in
        [(0, 0, 0), (1, 1, 0), (1, 2, 1), (2, 2, 1), (3, 1, 2), (3, 4, 2), (4, 4, 2), (255, 255, 127)]
    {
        assert_eq!(new(some(count), register, recover), unsound, "{count} {register} {recover}");
    }
    assert_eq!(new([some(3), some(1)].concat(), 4, 3), unsound, "one twice");
    assert_eq!(
        new((0..=255).map(|number| RecoveryRealmId::from_bytes([number; 16])).collect(), 255, 200),
        unsound
    );

    let configuration = setup(3, 2);
    let sorted: Vec<_> = (0..3).map(|place| configuration.index(&configuration.realms()[place])).collect();
    assert_eq!(sorted, [Some(1), Some(2), Some(3)]);
    assert!(configuration.realms().is_sorted());
    assert_eq!(configuration.index(&RecoveryRealmId::from_bytes([0xee; 16])), None);
}

#[test]
fn inputs_beyond_their_bounds_are_refused() {
    let configuration = setup(1, 1);
    let register = |pin: &[u8], info: &[u8], secret: usize, draw: &mut dyn FnMut(&mut [u8])| {
        configuration.register(pin, info, &Secret::new(vec![1; secret]), POLICY, draw).map(drop)
    };
    let longest = vec![1; INPUT_BYTES_MAX];
    let longer = vec![1; INPUT_BYTES_MAX + 1];
    assert_eq!(register(&longest, &longest, 128, &mut chance(1)), Ok(()));
    assert_eq!(register(b"", b"", 0, &mut chance(1)), Ok(()));
    let refused = Err(PinRecoveryError::InputLength);
    assert_eq!(register(&longer, INFO, 1, &mut chance(1)), refused);
    assert_eq!(register(PIN, &longer, 1, &mut chance(1)), refused);
    assert_eq!(register(PIN, INFO, 129, &mut chance(1)), refused);
    assert_eq!(register(PIN, INFO, 1, &mut |bytes| bytes.fill(0)), Err(PinRecoveryError::Chance));
    let realms = registered(&configuration, 1);
    let agreed = configuration.agree(&first_round(&realms)).unwrap();
    assert_eq!(agreed.blind(PIN, INFO, [0; 64]).unwrap_err(), PinRecoveryError::Chance);
}
