//! The Virgil message, cut in two: `meta` says who reads and who signed, `value` is the ciphertext.
//!
//! Sign, then encrypt for every reader. The bytes are those of the published clients for Ed25519 keys; sets are written
//! in DER order and read in any order, an algorithm's NULL is written as the newest clients write it and read either
//! way. Everything else must be exactly as expected, and sizes are bounded before anything is parsed.
//!
//! Believe this: the signature covers the plaintext and nothing else. Neither the readers nor the place of a record is
//! bound to it, so what keeps an old envelope from coming back is the caller's memory of versions, not this module.

use std::collections::BTreeMap;

use aes_gcm::aead::Aead;
use aes_gcm::{Aes256Gcm, KeyInit};
use strongroom_primitives::sign::{SignError, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::der::{
    CONTEXT_0, CONTEXT_2, DerError, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET, UTF8_STRING, element,
    set,
};
use super::ecies::{self, ED25519, WrapChance};
use super::ports::{Entropy, NoEntropy, draw};

/// Longest `meta` that is read, in bytes: about 250 readers.
pub const META_BYTES_MAX: usize = 64 * 1024;
/// Longest `value` that is read, in bytes.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// How much longer a `value` is than its plaintext: the authentication tag.
pub const VALUE_OVERHEAD_BYTES: usize = TAG_BYTES;

const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
/// 1.2.840.113549.1.7.3, enveloped data
const ENVELOPED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
/// 1.2.840.113549.1.7.1, data
const DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 2.16.840.1.101.3.4.1.46, AES-256-GCM
const AES256_GCM: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e];
const SIGNER_ID: &[u8] = b"VIRGIL-DATA-SIGNER-ID";
const SIGNATURE: &[u8] = b"VIRGIL-DATA-SIGNATURE";

/// Why an envelope cannot be made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Longer than [`META_BYTES_MAX`] or [`VALUE_BYTES_MAX`]; nothing was parsed.
    #[error("envelope is too large")]
    TooLarge,
    /// One half is empty and the other is not.
    #[error("only one half of the envelope is there")]
    HalfEmpty,
    /// The bytes are not a message of this kind.
    #[error("envelope is malformed")]
    Malformed,
    /// The message is not for this private key: no access, or a key made from another passphrase.
    #[error("this key is not among the recipients")]
    RecipientNotFound,
    /// A public key with which no secret can be agreed.
    #[error("a public key in the envelope is unusable")]
    UnusableKey,
    /// The wrapped content key was altered, or wrapped for another key under this key's id.
    #[error("wrapped key fails its authentication")]
    BadMac,
    /// The ciphertext was altered or belongs to another message.
    #[error("ciphertext fails its authentication")]
    BadContent,
    /// Signed by a key that the caller did not allow, or by nobody.
    #[error("signer is not among the allowed keys")]
    SignerNotFound,
    /// The signature of an allowed key does not verify.
    #[error("signature does not verify")]
    BadSignature,
    /// Nobody to encrypt to.
    #[error("no recipients given")]
    NoRecipients,
    /// No random bytes; nothing was sealed.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

impl From<DerError> for EnvelopeError {
    fn from(_: DerError) -> Self {
        Self::Malformed
    }
}

/// The two halves of a message, as a record keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Message info, DER: 485 bytes for one recipient, 254 for each further one.
    pub meta: Vec<u8>,
    /// Ciphertext and tag: [`VALUE_OVERHEAD_BYTES`] longer than the plaintext.
    pub value: Vec<u8>,
}

/// Signs `plain` as `writer` and encrypts it for `recipients`. A recipient named twice counts once; the writer is not
/// added by itself.
///
/// Draws, in this order: content key (32 bytes), nonce (12), then for each recipient as given an ephemeral seed (32)
/// and an initial vector (16).
///
/// # Errors
/// [`EnvelopeError::NoRecipients`], [`EnvelopeError::NoEntropy`], [`EnvelopeError::UnusableKey`], or
/// [`EnvelopeError::TooLarge`] for what [`open`] would refuse to read.
pub fn seal(
    plain: &[u8],
    writer: &SigningKey,
    recipients: &[VerifyingKey],
    entropy: &dyn Entropy,
) -> Result<Envelope, EnvelopeError> {
    if recipients.is_empty() {
        return Err(EnvelopeError::NoRecipients);
    }
    let content_key = Zeroizing::new(draw(entropy)?);
    let nonce: [u8; NONCE_BYTES] = draw(entropy)?;
    let mut wraps = BTreeMap::new();
    for recipient in recipients {
        if wraps.contains_key(&recipient.id()) {
            continue;
        }
        let chance = WrapChance { ephemeral_seed: Zeroizing::new(draw(entropy)?), iv: draw(entropy)? };
        wraps.insert(recipient.id(), ecies::wrap(&content_key, recipient, &chance)?);
    }
    let value = Aes256Gcm::new((&*content_key).into())
        .encrypt(&nonce.into(), plain)
        .expect("AES-GCM encrypts anything below 64 GiB");

    let ed25519 = element(SEQUENCE, &[&element(OID, &[&ED25519])]);
    let recipients = wraps.iter().map(|(id, wrap)| {
        let id = element(CONTEXT_0, &[&element(OCTET_STRING, &[id.as_bytes()])]);
        element(SEQUENCE, &[&element(INTEGER, &[&[2]]), &id, &ed25519, &element(OCTET_STRING, &[wrap])])
    });
    let cipher = element(SEQUENCE, &[&element(OID, &[&AES256_GCM]), &element(OCTET_STRING, &[&nonce])]);
    let content = element(SEQUENCE, &[&element(OID, &[&DATA]), &cipher]);
    let enveloped = element(SEQUENCE, &[&element(INTEGER, &[&[2]]), &set(recipients.collect()), &content]);
    let info = element(SEQUENCE, &[&element(OID, &[&ENVELOPED_DATA]), &element(CONTEXT_0, &[&enveloped])]);
    let parameters = set(vec![
        parameter(SIGNER_ID, writer.verifying_key().id().as_bytes()),
        parameter(SIGNATURE, &writer.sign_envelope(plain)),
    ]);
    let meta = element(SEQUENCE, &[&element(INTEGER, &[&[0]]), &info, &element(CONTEXT_0, &[&parameters])]);
    if meta.len() > META_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
        return Err(EnvelopeError::TooLarge);
    }
    Ok(Envelope { meta, value })
}

fn parameter(name: &[u8], contents: &[u8]) -> Vec<u8> {
    let contents = element(CONTEXT_2, &[&element(OCTET_STRING, &[contents])]);
    element(SEQUENCE, &[&element(UTF8_STRING, &[name]), &contents])
}

/// Opens a message for `reader`, written by one of `signers`. Two empty halves are the empty record, which nobody
/// signed: they give an empty plaintext, and a caller that cares tells them apart before it calls.
///
/// # Errors
/// Every variant of [`EnvelopeError`] but `NoRecipients` and `NoEntropy`. Nothing of the plaintext leaves before its
/// signature has verified.
pub fn open(
    meta: &[u8],
    value: &[u8],
    reader: &SigningKey,
    signers: &[VerifyingKey],
) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
    if meta.is_empty() && value.is_empty() {
        return Ok(Zeroizing::new(Vec::new()));
    }
    if meta.is_empty() || value.is_empty() {
        return Err(EnvelopeError::HalfEmpty);
    }
    if meta.len() > META_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
        return Err(EnvelopeError::TooLarge);
    }
    let info = Info::read(meta, reader.verifying_key().id().as_bytes())?;
    let content_key = ecies::unwrap(info.wrapped_key.ok_or(EnvelopeError::RecipientNotFound)?, reader)?;
    let plain = Aes256Gcm::new((&*content_key).into())
        .decrypt(info.nonce.into(), value)
        .map(Zeroizing::new)
        .map_err(|_| EnvelopeError::BadContent)?;
    let signer = signers.iter().find(|key| key.id().as_bytes() == info.signer_id);
    signer
        .ok_or(EnvelopeError::SignerNotFound)?
        .verify_envelope(&plain, info.signature)
        .map_err(|_: SignError| EnvelopeError::BadSignature)?;
    Ok(plain)
}

/// What one reader needs of a message info, borrowed from its DER.
struct Info<'a> {
    wrapped_key: Option<&'a [u8]>,
    nonce: &'a [u8; NONCE_BYTES],
    signer_id: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Info<'a> {
    fn read(meta: &'a [u8], reader_id: &[u8]) -> Result<Self, DerError> {
        let mut outer = Reader::new(meta);
        let mut message = outer.enter(SEQUENCE)?;
        outer.end()?;
        message.expect(INTEGER, &[0])?;

        let mut info = message.enter(SEQUENCE)?;
        info.expect(OID, &ENVELOPED_DATA)?;
        let mut context = info.enter(CONTEXT_0)?;
        info.end()?;
        let mut enveloped = context.enter(SEQUENCE)?;
        context.end()?;
        enveloped.expect(INTEGER, &[2])?;
        let wrapped_key = find_recipient(enveloped.enter(SET)?, reader_id)?;
        let mut content = enveloped.enter(SEQUENCE)?;
        enveloped.end()?;
        content.expect(OID, &DATA)?;
        let mut cipher = content.enter(SEQUENCE)?;
        content.end()?;
        cipher.expect(OID, &AES256_GCM)?;
        let nonce = cipher.read(OCTET_STRING)?.try_into().map_err(|_| DerError)?;
        cipher.end()?;

        let mut context = message.enter(CONTEXT_0)?;
        message.end()?;
        let mut parameters = context.enter(SET)?;
        context.end()?;
        let (mut signer_id, mut signature) = (None, None);
        while !parameters.is_done() {
            let mut pair = parameters.enter(SEQUENCE)?;
            let slot = match pair.read(UTF8_STRING)? {
                SIGNER_ID => &mut signer_id,
                SIGNATURE => &mut signature,
                // Other parameters are the writer's business; they are not signed and nothing here uses them.
                _ => continue,
            };
            let mut contents = pair.enter(CONTEXT_2)?;
            pair.end()?;
            if slot.replace(contents.read(OCTET_STRING)?).is_some() {
                return Err(DerError);
            }
            contents.end()?;
        }
        let (signer_id, signature) = (signer_id.ok_or(DerError)?, signature.ok_or(DerError)?);
        Ok(Self { wrapped_key, nonce, signer_id, signature })
    }
}

/// The wrapped key of the recipient with this id. Recipients with other kinds of key are passed over.
fn find_recipient<'a>(mut recipients: Reader<'a>, id: &[u8]) -> Result<Option<&'a [u8]>, DerError> {
    let mut found = None;
    while !recipients.is_done() {
        let mut recipient = recipients.enter(SEQUENCE)?;
        recipient.expect(INTEGER, &[2])?;
        let mut name = recipient.enter(CONTEXT_0)?;
        let is_ours = name.read(OCTET_STRING)? == id;
        name.end()?;
        if !is_ours {
            recipient.read(SEQUENCE)?;
            recipient.read(OCTET_STRING)?;
        } else {
            recipient.algorithm(&ED25519)?;
            if found.replace(recipient.read(OCTET_STRING)?).is_some() {
                return Err(DerError);
            }
        }
        recipient.end()?;
    }
    Ok(found)
}

#[cfg(test)]
pub(crate) mod testing {
    //! The recorded vectors and their keys.

    use serde_json::Value;
    use strongroom_primitives::encoding::array_from_hex;
    use strongroom_primitives::sign::SigningKey;

    pub(crate) fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../../tests/vectors/keyknox.json")).unwrap()
    }

    pub(crate) fn key(vectors: &Value, name: &str) -> SigningKey {
        let seed = vectors["keys"]["items"][name]["seed_hex"].as_str().unwrap();
        SigningKey::from_seed(&array_from_hex(seed).unwrap())
    }
}

#[cfg(test)]
mod tests;
