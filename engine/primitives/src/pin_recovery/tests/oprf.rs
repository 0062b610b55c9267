//! The function by itself: what blinding hides and a proof proves.

use curve25519_dalek::scalar::Scalar;
use proptest::prelude::*;

use super::super::oprf::{Blinding, PrivateKey};
use super::super::{PinRecoveryError, SecretOctets};
use super::registrations;

fn key() -> PrivateKey {
    PrivateKey::from_bytes(&registrations()[0].1.oprf_private_key).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_blinded_evaluation_comes_to_the_output(
        input in prop::collection::vec(any::<u8>(), 0..80),
        factor in prop::array::uniform32(1u8..),
        nonce in prop::array::uniform32(1u8..),
    ) {
        let key = key();
        let chance = |half: [u8; 32]| [half, half].concat().try_into().unwrap();
        let (blinding, blinded) = Blinding::start(&input, chance(factor)).unwrap();
        let evaluation = key.evaluate(&blinded, chance(nonce)).unwrap();
        evaluation.proof.verify(&blinded, &key.public_key(), &evaluation.blinded_result).unwrap();
        let output = blinding.finish([(&Scalar::ONE, &evaluation.blinded_result)]).unwrap();
        prop_assert!(output.matches(&key.output(&input)));
    }
}

#[test]
fn what_a_realm_sees_is_another_point_each_time() {
    let start = |chance: u8| Blinding::start(b"input", [chance; 64]).unwrap().1;
    assert_ne!(start(1), start(2));
    assert_ne!(Blinding::start(b"other", [1; 64]).unwrap().1, start(1));
    assert_eq!(Blinding::start(b"input", [0; 64]).unwrap_err(), PinRecoveryError::Chance);
}

/// A result by another key, or for another input, is not proved by what is at hand.
#[test]
fn a_proof_is_good_for_one_input_one_key_and_one_result() {
    let (key, kept) = (key(), registrations());
    let other = PrivateKey::from_bytes(&kept[1].1.oprf_private_key).unwrap();
    let blinded = |input: &[u8]| Blinding::start(input, [3; 64]).unwrap().1;
    let (input, elsewhere) = (blinded(b"input"), blinded(b"elsewhere"));
    let good = key.evaluate(&input, [5; 64]).unwrap();
    let public = key.public_key();
    good.proof.verify(&input, &public, &good.blinded_result).unwrap();

    let wrong = Err(PinRecoveryError::Proof);
    let theirs = other.evaluate(&input, [5; 64]).unwrap();
    assert_eq!(good.proof.verify(&elsewhere, &public, &good.blinded_result), wrong);
    assert_eq!(good.proof.verify(&input, &other.public_key(), &good.blinded_result), wrong);
    assert_eq!(good.proof.verify(&input, &public, &theirs.blinded_result), wrong);
    assert_eq!(theirs.proof.verify(&input, &public, &theirs.blinded_result), wrong, "another key");
    for at in [0, 15, 30] {
        let (mut challenge, mut response) = (good.proof, good.proof);
        challenge.c[at] ^= 1;
        response.beta_z[at] ^= 1;
        assert_eq!(challenge.verify(&input, &public, &good.blinded_result), wrong, "byte {at}");
        assert_eq!(response.verify(&input, &public, &good.blinded_result), wrong, "byte {at}");
    }
    let mut longer = good.proof;
    longer.c = [0xff; 32];
    assert_eq!(longer.verify(&input, &public, &good.blinded_result), Err(PinRecoveryError::Scalar));
    for points in [[&[0; 32], &public, &input], [&input, &[0; 32], &input], [&input, &public, &[0; 32]]] {
        let [input, public, result] = points;
        assert_eq!(good.proof.verify(input, public, result), Err(PinRecoveryError::Point));
    }
}

#[test]
fn a_key_has_one_encoding_and_is_not_zero() {
    assert!(PrivateKey::from_bytes(&SecretOctets::from_bytes([1; 32])).is_ok());
    // The order of the group, little endian, is the smallest number that is no scalar.
    let mut order = [0; 32];
    order[..16].copy_from_slice(&[
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    ]);
    order[31] = 0x10;
    for bytes in [[0; 32], order, [0xff; 32]] {
        let refusal = PrivateKey::from_bytes(&SecretOctets::from_bytes(bytes)).unwrap_err();
        assert_eq!(refusal, PinRecoveryError::Scalar);
    }
    order[0] -= 1;
    assert!(PrivateKey::from_bytes(&SecretOctets::from_bytes(order)).is_ok());
}
