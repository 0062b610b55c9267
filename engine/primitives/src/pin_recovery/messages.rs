//! Requests and answers, and their bytes: CBOR, one item, nothing after it. Source: `RECOVERY.md`, section 3.1.
//!
//! A request without fields is a text (`"Recover1"`), one with fields a map of one entry whose value holds them by
//! name. An answer is always such a map; its value is a status, again a text or a map of one entry. What is written is
//! the published client's spelling to the byte. What is read may spell a field as an array of integers, numbers in
//! longer forms and fields in another order, but has definite lengths, no tags, and no field twice. That it is one
//! whole item of this kind is looked at here, before `ciborium` reads it, which is more lenient.
//!
//! A request with a field that is not known is refused: it may ask for what would not be done. In an answer such a
//! field is passed over.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::unlock::{COMMITMENT_BYTES, ENCRYPTED_SECRET_BYTES, SECRET_COMMITMENT_BYTES, TAG_BYTES};
use super::{POINT_BYTES, PinRecoveryError, SCALAR_BYTES, SecretOctets, VERSION_BYTES, octets};

/// Longest message that is read, in bytes. The longest that is written has 663.
pub const MESSAGE_BYTES_MAX: usize = 2048;

/// How deep maps and arrays may be nested. The deepest known message nests four deep.
const DEPTH_MAX: u8 = 6;

/// What a client asks a realm.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// Whether the realm is there and takes the token.
    Register1,
    /// To keep a registration, in place of whatever was there.
    Register2(Box<Registration>),
    /// For the version that is registered.
    Recover1,
    /// To count a guess and evaluate it.
    Recover2(Recover2Request),
    /// For the realm's share, now that the guess was right.
    Recover3(Recover3Request),
    /// To forget the registration.
    Delete,
}

/// What a realm keeps of one secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Which registration it is, the same at all realms.
    #[serde(with = "octets")]
    pub version: [u8; VERSION_BYTES],
    /// The realm's share of the key of the OPRF: a scalar.
    #[serde(with = "octets")]
    pub oprf_private_key: SecretOctets<SCALAR_BYTES>,
    /// The public half of that share.
    pub oprf_signed_public_key: SignedPublicKey,
    /// By which a client sees that its guess was right.
    #[serde(with = "octets")]
    pub unlock_key_commitment: [u8; COMMITMENT_BYTES],
    /// By which the realm sees that the client's guess was right.
    #[serde(with = "octets")]
    pub unlock_key_tag: SecretOctets<TAG_BYTES>,
    /// The realm's share of the scalar that the encryption key is made from.
    #[serde(with = "octets")]
    pub encryption_key_scalar_share: SecretOctets<SCALAR_BYTES>,
    /// The secret, the same at all realms.
    #[serde(with = "octets")]
    pub encrypted_secret: [u8; ENCRYPTED_SECRET_BYTES],
    /// By which a client sees that share and encrypted secret are what it registered.
    #[serde(with = "octets")]
    pub encrypted_secret_commitment: [u8; SECRET_COMMITMENT_BYTES],
    /// What the realm holds the client to.
    pub policy: Policy,
}

/// A public key of the OPRF, signed for one realm by a key that was made for one registration and thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedPublicKey {
    /// The point.
    #[serde(with = "octets")]
    pub public_key: [u8; POINT_BYTES],
    /// An Ed25519 key, the same at all realms.
    #[serde(with = "octets")]
    pub verifying_key: [u8; 32],
    /// Ed25519 over the realm's id and the point.
    #[serde(with = "octets")]
    pub signature: [u8; 64],
}

/// How often a client may guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// After so many wrong guesses in a row the registration is wiped. 0 registers what nobody can recover.
    pub num_guesses: u16,
}

/// A guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recover2Request {
    /// At which registration.
    #[serde(with = "octets")]
    pub version: [u8; VERSION_BYTES],
    /// A point that hides the stretched PIN.
    #[serde(with = "octets")]
    pub oprf_blinded_input: [u8; POINT_BYTES],
}

/// That a guess was right.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recover3Request {
    /// At which registration.
    #[serde(with = "octets")]
    pub version: [u8; VERSION_BYTES],
    /// What only a right guess gives, for this realm.
    #[serde(with = "octets")]
    pub unlock_key_tag: SecretOctets<TAG_BYTES>,
}

/// What a realm answers, by what it was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Request::Register1`].
    Register1(Done),
    /// To [`Request::Register2`].
    Register2(Done),
    /// To [`Request::Recover1`].
    Recover1(Recover1Answer),
    /// To [`Request::Recover2`].
    Recover2(Recover2Answer),
    /// To [`Request::Recover3`].
    Recover3(Recover3Answer),
    /// To [`Request::Delete`].
    Delete(Done),
}

/// The only answer there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// It is done.
    Ok,
}

/// Which registration there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recover1Answer {
    /// This one.
    Ok {
        /// Its version.
        #[serde(with = "octets")]
        version: [u8; VERSION_BYTES],
    },
    /// None.
    NotRegistered,
    /// None any more: all guesses were used.
    NoGuesses,
}

/// What became of a guess.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recover2Answer {
    /// It was counted and evaluated.
    Ok(Box<Evaluated>),
    /// Another version is registered. The guess was not counted.
    VersionMismatch,
    /// Nothing is registered.
    NotRegistered,
    /// All guesses were used.
    NoGuesses,
}

/// A guess, evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The public half of the key that was used.
    pub oprf_signed_public_key: SignedPublicKey,
    /// A point.
    #[serde(with = "octets")]
    pub oprf_blinded_result: [u8; POINT_BYTES],
    /// That the result comes of the key.
    pub oprf_proof: Proof,
    /// By which the client sees whether the guess was right.
    #[serde(with = "octets")]
    pub unlock_key_commitment: [u8; COMMITMENT_BYTES],
    /// How many guesses there are.
    pub num_guesses: u16,
    /// How many of them are used, this one included.
    pub guess_count: u16,
}

/// That the same key makes a public key of the base point and a result of an input (Chaum and Pedersen).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The challenge: a scalar.
    #[serde(with = "octets")]
    pub c: [u8; SCALAR_BYTES],
    /// The response: a scalar.
    #[serde(with = "octets")]
    pub beta_z: [u8; SCALAR_BYTES],
}

/// Whether a realm gives its share.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Recover3Answer {
    /// It does. Its count is 0 again.
    Ok(Box<Released>),
    /// Another version is registered.
    VersionMismatch,
    /// Nothing is registered.
    NotRegistered,
    /// All guesses were used.
    NoGuesses,
    /// The guess was wrong after all.
    BadUnlockKeyTag {
        /// How many guesses are left.
        guesses_remaining: u16,
    },
}

/// What a realm gives for a right guess.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Released {
    /// A scalar.
    #[serde(with = "octets")]
    pub encryption_key_scalar_share: SecretOctets<SCALAR_BYTES>,
    /// The secret.
    #[serde(with = "octets")]
    pub encrypted_secret: [u8; ENCRYPTED_SECRET_BYTES],
    /// As it was registered.
    #[serde(with = "octets")]
    pub encrypted_secret_commitment: [u8; SECRET_COMMITMENT_BYTES],
}

impl Request {
    /// Reads a request of at most [`MESSAGE_BYTES_MAX`].
    ///
    /// # Errors
    /// [`PinRecoveryError::TooLong`], [`PinRecoveryError::Malformed`].
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, PinRecoveryError> {
        read(bytes)
    }

    /// The bytes of the request.
    #[must_use]
    pub fn to_cbor(&self) -> Zeroizing<Vec<u8>> {
        write(self)
    }
}

impl Answer {
    /// Reads an answer of at most [`MESSAGE_BYTES_MAX`].
    ///
    /// # Errors
    /// [`PinRecoveryError::TooLong`], [`PinRecoveryError::Malformed`].
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, PinRecoveryError> {
        read(bytes)
    }

    /// The bytes of the answer.
    #[must_use]
    pub fn to_cbor(&self) -> Zeroizing<Vec<u8>> {
        write(self)
    }
}

fn write(message: &impl Serialize) -> Zeroizing<Vec<u8>> {
    // Room for all of it beforehand: growing would leave copies of secrets behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MESSAGE_BYTES_MAX));
    ciborium::into_writer(message, &mut *bytes).expect("a message is written to memory");
    bytes
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PinRecoveryError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(PinRecoveryError::TooLong);
    }
    // The library takes a text followed by a value for a map of one entry, and stops after what it needs.
    if after_item(bytes, DEPTH_MAX).is_none_or(|rest| !rest.is_empty()) {
        return Err(PinRecoveryError::Malformed);
    }
    let (mut rest, mut scratch) = (bytes, Zeroizing::new([0; MESSAGE_BYTES_MAX]));
    let message = ciborium::de::from_reader_with_buffer(&mut rest, &mut *scratch);
    message.ok().filter(|_| rest.is_empty()).ok_or(PinRecoveryError::Malformed)
}

/// What follows one item of CBOR (RFC 8949) that has definite lengths and no tags, nested `levels` deep at most.
fn after_item(bytes: &[u8], levels: u8) -> Option<&[u8]> {
    let (&first, mut rest) = bytes.split_first()?;
    let value = match first & 0x1f {
        small @ 0..=23 => u64::from(small),
        sized @ 24..=27 => {
            let (value, after) = rest.split_at_checked(1 << (sized - 24))?;
            rest = after;
            value.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
        }
        _ => return None,
    };
    let items = match first >> 5 {
        0 | 1 | 7 => 0,
        2 | 3 => {
            let length = usize::try_from(value).ok()?;
            rest = rest.split_at_checked(length)?.1;
            0
        }
        4 => value,
        5 => value.checked_mul(2)?,
        _ => return None,
    };
    let levels = if items == 0 { levels } else { levels.checked_sub(1)? };
    // Each item takes a byte at least, so this ends with the bytes.
    for _ in 0..items {
        rest = after_item(rest, levels)?;
    }
    Some(rest)
}
