//! One content key, wrapped for one reader: ECIES over the X25519 form of Ed25519 keys.
//!
//! Built from library primitives in the order that the published clients use: X25519, KDF2 with SHA-384, AES-256-CBC,
//! HMAC-SHA-384 over the wrapped key. The MAC is checked in constant time before anything is decrypted, so the padding
//! of a forged key is never looked at. Chance is handed in.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use curve25519_dalek::edwards::CompressedEdwardsY;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha384};
use strongroom_primitives::hash::sha512;
use strongroom_primitives::sign::{SigningKey, VerifyingKey};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::der::{BIT_STRING, DerError, INTEGER, NULL, OCTET_STRING, OID, Reader, SEQUENCE, element};
use super::envelope::EnvelopeError;

/// 1.3.101.112, Ed25519
pub(super) const ED25519: [u8; 3] = [0x2b, 0x65, 0x70];
/// 1.0.18033.2.5.2, KDF2
const KDF2: [u8; 7] = [0x28, 0x81, 0x8c, 0x71, 0x02, 0x05, 0x02];
/// 2.16.840.1.101.3.4.2.2, SHA-384
const SHA384: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
/// 2.16.840.1.101.3.4.1.42, AES-256-CBC
const AES256_CBC: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// Length of a content key, in bytes.
pub(super) const CONTENT_KEY_BYTES: usize = 32;
/// A content key with its padding: one block more.
const WRAPPED_BYTES: usize = 48;
const IV_BYTES: usize = 16;
const MAC_BYTES: usize = 48;

/// The secrets of one wrap: 32 random bytes for the ephemeral key, 16 for the initial vector.
pub(super) struct WrapChance {
    pub(super) ephemeral_seed: Zeroizing<[u8; 32]>,
    pub(super) iv: [u8; IV_BYTES],
}

/// The two keys that a shared secret gives.
struct WrapKeys {
    cipher: Zeroizing<[u8; 32]>,
    mac: Zeroizing<[u8; MAC_BYTES]>,
}

/// Wraps the content key so that only `reader` unwraps it.
pub(super) fn wrap(
    content_key: &[u8; CONTENT_KEY_BYTES],
    reader: &VerifyingKey,
    chance: &WrapChance,
) -> Result<Vec<u8>, EnvelopeError> {
    let ephemeral = SigningKey::from_seed(&chance.ephemeral_seed);
    let keys = agree(&ephemeral, reader).ok_or(EnvelopeError::UnusableKey)?;
    let mut wrapped = [0; WRAPPED_BYTES];
    cbc::Encryptor::<aes::Aes256>::new((&*keys.cipher).into(), &chance.iv.into())
        .encrypt_padded_b2b::<Pkcs7>(content_key, &mut wrapped)
        .expect("a content key and its padding fill three blocks");
    let mac = mac_over(&keys, &wrapped).finalize().into_bytes();

    let ed25519 = element(SEQUENCE, &[&element(OID, &[&ED25519])]);
    let sha384 = element(SEQUENCE, &[&element(OID, &[&SHA384]), &element(NULL, &[])]);
    let public = element(BIT_STRING, &[&[0], ephemeral.verifying_key().as_bytes()]);
    let cipher = element(SEQUENCE, &[&element(OID, &[&AES256_CBC]), &element(OCTET_STRING, &[&chance.iv])]);
    Ok(element(
        SEQUENCE,
        &[
            &element(INTEGER, &[&[0]]),
            &element(SEQUENCE, &[&ed25519, &public]),
            &element(SEQUENCE, &[&element(OID, &[&KDF2]), &sha384]),
            &element(SEQUENCE, &[&sha384, &element(OCTET_STRING, &[&mac])]),
            &element(SEQUENCE, &[&cipher, &element(OCTET_STRING, &[&wrapped])]),
        ],
    ))
}

/// Unwraps a content key that was wrapped for `reader`.
pub(super) fn unwrap(
    der: &[u8],
    reader: &SigningKey,
) -> Result<Zeroizing<[u8; CONTENT_KEY_BYTES]>, EnvelopeError> {
    let parts = Parts::read(der)?;
    let ephemeral = VerifyingKey::from_bytes(parts.ephemeral).map_err(|_| EnvelopeError::UnusableKey)?;
    let keys = agree(reader, &ephemeral).ok_or(EnvelopeError::UnusableKey)?;
    mac_over(&keys, parts.wrapped).verify_slice(parts.mac).map_err(|_| EnvelopeError::BadMac)?;
    let mut padded = Zeroizing::new([0; WRAPPED_BYTES]);
    let unpadded = cbc::Decryptor::<aes::Aes256>::new((&*keys.cipher).into(), parts.iv.into())
        .decrypt_padded_b2b::<Pkcs7>(parts.wrapped, &mut *padded)
        .map_err(|_| EnvelopeError::Malformed)?;
    let content_key: [u8; CONTENT_KEY_BYTES] = unpadded.try_into().map_err(|_| EnvelopeError::Malformed)?;
    Ok(Zeroizing::new(content_key))
}

/// The fields of a wrapped key, borrowed from its DER.
struct Parts<'a> {
    ephemeral: &'a [u8; 32],
    mac: &'a [u8; MAC_BYTES],
    iv: &'a [u8; IV_BYTES],
    wrapped: &'a [u8; WRAPPED_BYTES],
}

impl<'a> Parts<'a> {
    fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let mut outer = Reader::new(der);
        let mut body = outer.enter(SEQUENCE)?;
        outer.end()?;
        body.expect(INTEGER, &[0])?;

        let mut public = body.enter(SEQUENCE)?;
        public.algorithm(&ED25519)?;
        let ephemeral = public.read(BIT_STRING)?.strip_prefix(&[0]).ok_or(DerError)?;
        public.end()?;

        let mut kdf = body.enter(SEQUENCE)?;
        kdf.expect(OID, &KDF2)?;
        kdf.algorithm(&SHA384)?;
        kdf.end()?;

        let mut authentication = body.enter(SEQUENCE)?;
        authentication.algorithm(&SHA384)?;
        let mac = authentication.read(OCTET_STRING)?;
        authentication.end()?;

        let mut encryption = body.enter(SEQUENCE)?;
        let mut cipher = encryption.enter(SEQUENCE)?;
        cipher.expect(OID, &AES256_CBC)?;
        let iv = cipher.read(OCTET_STRING)?;
        cipher.end()?;
        let wrapped = encryption.read(OCTET_STRING)?;
        encryption.end()?;
        body.end()?;

        Ok(Self { ephemeral: sized(ephemeral)?, mac: sized(mac)?, iv: sized(iv)?, wrapped: sized(wrapped)? })
    }
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], DerError> {
    bytes.try_into().map_err(|_| DerError)
}

/// X25519 of both keys in their Montgomery form, then KDF2. `None` when the shared secret would be all zero, which a
/// key of small order brings about whatever the other side chose.
fn agree(ours: &SigningKey, theirs: &VerifyingKey) -> Option<WrapKeys> {
    let point = CompressedEdwardsY(*theirs.as_bytes()).decompress()?;
    let shared = montgomery_secret(ours).diffie_hellman(&PublicKey::from(point.to_montgomery().to_bytes()));
    shared.was_contributory().then(|| kdf2(shared.as_bytes()))
}

/// The X25519 private key that belongs to an Ed25519 seed: the first half of its SHA-512, clamped on use.
fn montgomery_secret(key: &SigningKey) -> StaticSecret {
    let digest = Zeroizing::new(sha512(key.expose_seed()));
    let mut secret = Zeroizing::new([0; 32]);
    secret.copy_from_slice(&digest[..32]);
    StaticSecret::from(*secret)
}

/// KDF2 of ISO 18033-2 with SHA-384: the hash of the secret and a counter from 1, as often as it takes for 80 bytes.
fn kdf2(secret: &[u8; 32]) -> WrapKeys {
    let mut output = Zeroizing::new([0; 96]);
    for (counter, block) in (1u32..).zip(output.chunks_exact_mut(48)) {
        let mut hasher = Sha384::new();
        hasher.update(secret);
        hasher.update(counter.to_be_bytes());
        block.copy_from_slice(&hasher.finalize());
    }
    let mut keys = WrapKeys { cipher: Zeroizing::new([0; 32]), mac: Zeroizing::new([0; MAC_BYTES]) };
    keys.cipher.copy_from_slice(&output[..32]);
    keys.mac.copy_from_slice(&output[32..80]);
    keys
}

fn mac_over(keys: &WrapKeys, wrapped: &[u8]) -> Hmac<Sha384> {
    let mut mac =
        <Hmac<Sha384> as KeyInit>::new_from_slice(&*keys.mac).expect("HMAC takes a key of any length");
    mac.update(wrapped);
    mac
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::encoding::{array_from_hex, from_hex, to_hex};

    use super::*;
    use crate::keyknox::envelope::testing::{key, vectors};

    #[test]
    fn every_intermediate_value_agrees_with_every_recorded_message() {
        let vectors = vectors();
        let mut seen = 0;
        for item in vectors["envelopes"]["items"].as_array().unwrap() {
            for (name, steps) in item["steps_per_recipient"].as_object().unwrap() {
                let step = |name: &str| steps[name].as_str().unwrap();
                let reader = key(&vectors, name);
                let der = from_hex(step("encrypted_key_der")).unwrap();
                let parts = Parts::read(&der).unwrap();
                assert_eq!(to_hex(parts.ephemeral), step("ephemeral_public"));
                assert_eq!(to_hex(parts.mac), step("mac"));
                assert_eq!(to_hex(parts.iv), step("wrap_iv"));
                assert_eq!(to_hex(parts.wrapped), step("wrapped_key"));
                let secret = montgomery_secret(&reader);
                let point = CompressedEdwardsY(*parts.ephemeral).decompress().unwrap().to_montgomery();
                assert_eq!(to_hex(point.as_bytes()), step("x25519_ephemeral_public"));
                let shared = secret.diffie_hellman(&PublicKey::from(point.to_bytes()));
                assert_eq!(to_hex(shared.as_bytes()), step("shared_secret"));
                let keys = kdf2(shared.as_bytes());
                assert_eq!(to_hex(&*keys.cipher), step("wrap_key"));
                assert_eq!(to_hex(&*keys.mac), step("mac_key"));
                let content_key = unwrap(&der, &reader).unwrap();
                assert_eq!(to_hex(&*content_key), item["steps_common"]["content_key"].as_str().unwrap());
                seen += 1;
            }
        }
        assert_eq!(seen, 21);
    }

    #[test]
    fn montgomery_forms_of_both_halves_of_a_key_agree_with_the_vectors() {
        let vectors = vectors();
        for (name, item) in vectors["keys"]["items"].as_object().unwrap() {
            let key = key(&vectors, name);
            let secret = montgomery_secret(&key);
            // The published form is clamped; the library clamps on use, so it is done here by hand.
            let mut clamped = secret.to_bytes();
            clamped[0] &= 248;
            clamped[31] = clamped[31] & 127 | 64;
            assert_eq!(clamped, array_from_hex(item["x25519_private_hex"].as_str().unwrap()).unwrap());
            assert_eq!(
                to_hex(PublicKey::from(&secret).as_bytes()),
                item["x25519_public_hex"].as_str().unwrap()
            );
        }
    }

    #[test]
    fn a_forged_wrap_is_refused_before_it_is_decrypted() {
        let vectors = vectors();
        let (alice, bob) = (key(&vectors, "alice"), key(&vectors, "bob"));
        let chance = WrapChance { ephemeral_seed: Zeroizing::new([1; 32]), iv: [2; 16] };
        let der = wrap(&[3; 32], &alice.verifying_key(), &chance).unwrap();
        assert_eq!(*unwrap(&der, &alice).unwrap(), [3; 32]);
        assert_eq!(unwrap(&der, &bob).unwrap_err(), EnvelopeError::BadMac);
        for at in 0..der.len() {
            let mut bad = der.clone();
            bad[at] ^= 1;
            match unwrap(&bad, &alice) {
                // The initial vector is not under the MAC: a flip there changes the key, and the content then fails
                // its own tag.
                Ok(content_key) => assert_ne!(*content_key, [3; 32], "byte {at}"),
                Err(error) => assert!(
                    matches!(
                        error,
                        EnvelopeError::BadMac | EnvelopeError::Malformed | EnvelopeError::UnusableKey
                    ),
                    "byte {at}: {error:?}"
                ),
            }
            assert!(unwrap(&der[..at], &alice).is_err(), "cut at {at}");
        }
    }

    /// A-API-05: an ephemeral key of small order would make the shared secret known to everybody.
    #[test]
    fn a_wrap_under_a_key_of_small_order_is_refused() {
        let alice = SigningKey::from_seed(&[1; 32]);
        let chance = WrapChance { ephemeral_seed: Zeroizing::new([1; 32]), iv: [2; 16] };
        let der = wrap(&[3; 32], &alice.verifying_key(), &chance).unwrap();
        let at = der.windows(32).position(|window| window == Parts::read(&der).unwrap().ephemeral).unwrap();
        let mut neutral = [0; 32];
        neutral[0] = 1;
        for weak in [neutral, [0; 32]] {
            let mut bad = der.clone();
            bad[at..at + 32].copy_from_slice(&weak);
            assert_eq!(unwrap(&bad, &alice).unwrap_err(), EnvelopeError::UnusableKey);
        }
    }
}
