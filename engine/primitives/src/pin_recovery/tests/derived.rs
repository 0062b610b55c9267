//! Every value that the published client derived, derived again.

use serde_json::Value;

use super::super::oprf::{PrivateKey, map};
use super::super::pin::salt;
use super::super::unlock::{EncryptionKey, SECRET_BYTES_MAX, UnlockKey, pad, unpad};
use super::super::{RecoveryRealmId, SecretOctets, shares};
use super::{array, bytes, configuration, recovery, registrations, stretched, text};
use crate::encoding::to_hex;
use crate::pin_recovery::pin::PinHashing;
use crate::secret::Secret;

/// Every part is read by some test. One that is added is missing here until there is a test for it.
#[test]
fn every_part_of_the_published_run_has_a_test() {
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let recovery = recovery();
    let parts = ["config", "derived", "source", "standard2019_pin_hash", "transcript", "transcript_note"];
    assert_eq!(names(&recovery), parts);
    let derived = [
        "access_key_hex",
        "argon2_out_hex",
        "argon2_salt_hex",
        "encrypted_secret_commitments_hex",
        "encryption_key_hex",
        "encryption_key_seed_hex",
        "encryption_scalar_hex",
        "oprf_input_point_hex",
        "oprf_key_from_shares_1_2_hex",
        "oprf_output_hex",
        "padded_secret_hex",
        "unlock_key_commitment_hex",
        "unlock_key_hex",
        "unlock_key_tags_hex",
        "version_hex",
    ];
    assert_eq!(names(&recovery["derived"]), derived);
}

#[test]
fn a_stretched_pin_agrees_with_the_published_run() {
    let recovery = recovery();
    let (config, derived) = (&recovery["config"], &recovery["derived"]);
    let version = array(derived, "version_hex");
    assert_eq!(salt(&version, text(config, "info_utf8").as_bytes()), bytes(derived, "argon2_salt_hex"));
    let stretched = stretched();
    assert_eq!(stretched.access_key.expose(), &array(derived, "access_key_hex"));
    assert_eq!(stretched.encryption_key_seed.expose(), &array(derived, "encryption_key_seed_hex"));
    let both = [*stretched.access_key.expose(), *stretched.encryption_key_seed.expose()].concat();
    assert_eq!(both, bytes(derived, "argon2_out_hex"));
}

#[test]
fn the_slow_stretching_agrees_with_its_published_hash() {
    let recovery = recovery();
    let vector = &recovery["standard2019_pin_hash"];
    let (pin, info) = (text(vector, "pin_utf8"), text(vector, "info_utf8"));
    let version = array(vector, "version_hex");
    let stretched = PinHashing::Standard2019.stretch(pin.as_bytes(), &version, info.as_bytes()).unwrap();
    assert_eq!(text(vector, "argon2"), "argon2id v19 m=16384 t=32 p=1 out=64");
    assert_eq!(text(vector, "access_key_is"), "first 32 bytes");
    assert_eq!(text(vector, "encryption_key_seed_is"), "last 32 bytes");
    let both = [*stretched.access_key.expose(), *stretched.encryption_key_seed.expose()].concat();
    assert_eq!(both, bytes(vector, "out_hex"));
}

/// Any two of the three realms have the key between them, and the client that registered had it, too.
#[test]
fn key_output_and_unlock_key_agree_with_the_published_run() {
    let recovery = recovery();
    let (derived, configuration) = (&recovery["derived"], configuration());
    let held: Vec<_> = registrations()
        .iter()
        .map(|(realm, kept)| (configuration.index(realm).unwrap(), kept.oprf_private_key.clone()))
        .collect();
    let of = |pair: [usize; 2]| shares::combine(&pair.map(|at| held[at].clone()), 2).unwrap();
    assert_eq!(of([0, 1]).expose(), &array(derived, "oprf_key_from_shares_1_2_hex"));
    assert!(of([0, 2]).matches(&of([0, 1])) && of([2, 1]).matches(&of([0, 1])));

    let input = *stretched().access_key.expose();
    assert_eq!(map(&input).compress().to_bytes(), array(derived, "oprf_input_point_hex"));
    let output = PrivateKey::from_bytes(&of([0, 1])).unwrap().output(&input);
    assert_eq!(output.expose(), &array(derived, "oprf_output_hex"));
    let unlock = UnlockKey::from_output(&output);
    assert_eq!(unlock.commitment(), &array(derived, "unlock_key_commitment_hex"));
    assert_eq!(unlock.expose(), &array(derived, "unlock_key_hex"));

    let listed = |name: &str| derived[name].as_array().unwrap().clone();
    let (tags, commitments) = (listed("unlock_key_tags_hex"), listed("encrypted_secret_commitments_hex"));
    assert_eq!((tags.len(), commitments.len()), (3, 3));
    for (at, (realm, kept)) in registrations().iter().enumerate() {
        let tag = unlock.tag(realm);
        assert_eq!(to_hex(tag.expose()), tags[at]);
        assert!(kept.unlocks(&tag));
        let share = &kept.encryption_key_scalar_share;
        let commitment = unlock.secret_commitment(realm, share, &kept.encrypted_secret);
        assert_eq!(to_hex(&commitment), commitments[at]);
        assert_eq!(commitment, kept.encrypted_secret_commitment);
        assert!(unlock.is_committed(&kept.unlock_key_commitment));
        let nowhere = RecoveryRealmId::from_bytes([9; 16]);
        assert!(!kept.unlocks(&unlock.tag(&nowhere)), "a tag is for one realm");
    }
}

#[test]
fn the_secret_of_the_published_run_opens_and_is_encrypted_alike() {
    let recovery = recovery();
    let (derived, configuration) = (&recovery["derived"], configuration());
    let kept = registrations();
    let held = |(realm, kept): &(RecoveryRealmId, super::Registration)| {
        (configuration.index(realm).unwrap(), kept.encryption_key_scalar_share.clone())
    };
    let scalar = shares::combine(&kept.iter().map(held).collect::<Vec<_>>(), 2).unwrap();
    assert_eq!(scalar.expose(), &array(derived, "encryption_scalar_hex"));
    let key = EncryptionKey::derive(&stretched().encryption_key_seed, &scalar);
    assert_eq!(key.expose(), &array(derived, "encryption_key_hex"));
    let encrypted = kept[0].1.encrypted_secret;
    let secret = key.decrypt(&encrypted).unwrap();
    assert_eq!(secret.expose(), text(&recovery["config"], "secret_utf8").as_bytes());
    assert_eq!(pad(&secret).unwrap().as_slice(), bytes(derived, "padded_secret_hex"));
    assert_eq!(key.encrypt(&secret).unwrap(), encrypted);
}

#[test]
fn secrets_of_every_length_up_to_the_longest_are_encrypted_to_one_length() {
    let key =
        || EncryptionKey::derive(&SecretOctets::from_bytes([1; 32]), &SecretOctets::from_bytes([2; 32]));
    for length in [0, 1, 127, 128] {
        let secret = Secret::new(vec![7; length]);
        let encrypted = key().encrypt(&secret).unwrap();
        assert!(key().decrypt(&encrypted).unwrap().matches(secret.expose()), "{length}");
        let other =
            EncryptionKey::derive(&SecretOctets::from_bytes([3; 32]), &SecretOctets::from_bytes([2; 32]));
        assert!(other.decrypt(&encrypted).is_err(), "{length}");
        for at in [0, 1, 128, 129, 144] {
            let mut bent = encrypted;
            bent[at] ^= 1;
            assert!(key().decrypt(&bent).is_err(), "{length} {at}");
        }
    }
    for length in [129, 256, 300] {
        let refusal = key().encrypt(&Secret::new(vec![7; length])).unwrap_err();
        assert_eq!(refusal, crate::pin_recovery::PinRecoveryError::InputLength, "{length}");
    }
}

#[test]
fn what_is_behind_a_secret_is_zeros() {
    let secret = Secret::new(vec![7; 5]);
    let padded = pad(&secret).unwrap();
    assert!(unpad(&*padded).unwrap().matches(secret.expose()));
    for (at, byte) in [(0, 4), (0, 129), (0, 255), (6, 1), (SECRET_BYTES_MAX, 1)] {
        let mut bent = *padded;
        bent[at] = byte;
        assert!(unpad(&bent).is_err(), "{at} {byte}");
    }
    assert!(unpad(b"").is_err());
}

/// Rows hold registrations as they are.
#[test]
fn a_registration_survives_a_row() {
    for (_, kept) in registrations() {
        let row = postcard::to_allocvec(&kept).unwrap();
        let again: super::Registration = postcard::from_bytes(&row).unwrap();
        let cbor = |kept| super::Request::Register2(Box::new(kept)).to_cbor();
        assert_eq!(cbor(again), cbor(kept));
    }
}

/// A-LEAK-01: nothing secret prints.
#[test]
fn what_is_secret_prints_its_length_only() {
    let (_, kept) = registrations().remove(0);
    let printed = format!("{kept:?} {:?}", stretched());
    for field in ["oprf_private_key", "encryption_key_scalar_share", "access_key", "encryption_key_seed"] {
        assert!(printed.contains(&format!("{field}: SecretOctets(32 bytes)")), "{printed}");
    }
    assert!(printed.contains("unlock_key_tag: SecretOctets(16 bytes)"), "{printed}");
    let key = PrivateKey::from_bytes(&kept.oprf_private_key).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(32 bytes)");
}
