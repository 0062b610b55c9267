//! Keys that need both a passphrase and a Secret Key: who has only one of the two has nothing to guess with.
//!
//! Two derivations live here. [`meeco`] is the one that Meeco's clients are built on: PBKDF2-HMAC-SHA256, 100,000
//! iterations, fixed by those clients and weak by today's measure. [`native`] is the one for accounts of our own
//! clients: Argon2id over the passphrase, then HKDF keyed with the secret. Each gives two values that say nothing about
//! each other: the key that wraps the account's keys, and the password of the SRP login.
//!
//! Believe this: all of it runs on the client. A server never sees a passphrase, a secret or a derived value, but it
//! does say which [`WorkFactors`] to use; they are checked when they are made, so a lying server can neither make the
//! passphrase cheap to guess nor make the client burn its memory.
//!
//! # The native derivation, byte for byte
//!
//! `len(x)` is the length of `x` in bytes as 64-bit little endian; texts in quotes are ASCII without a terminator.
//!
//! ```text
//! passphrase' = UTF-8 of NFKC(passphrase)
//! salt        = SHA-256("strongroom/2skd/v1/salt" | len(version) | version | len(username) | username)
//! stretched   = Argon2id v1.3 (password = passphrase', salt, work factors, 32 bytes, no secret, no associated data)
//! prk         = HKDF-SHA256-Extract(salt = the 32 bytes of the secret, input = stretched)
//! pdk         = HKDF-SHA256-Expand(prk, "strongroom/2skd/v1/pdk", 32 bytes)
//! srp         = HKDF-SHA256-Expand(prk, "strongroom/2skd/v1/srp", 32 bytes)
//! ```
//!
//! Extract is HMAC keyed with the secret. Without the secret (256 random bits) its output is unpredictable however weak
//! the passphrase is; with the secret, each guess at the passphrase costs one Argon2id. An XOR of two derived values
//! would do that much too, but the XOR of values from related inputs has no proof behind it.
//!
//! NFKC, because the same passphrase typed on two systems arrives composed on one and decomposed on the other, or in
//! full-width letters, and a user locked out for that has no remedy. What it merges costs no more than a few bits. Code
//! points that the table does not know yet are refused, because a later table may treat them differently and the
//! passphrase would no longer fit. Meeco's clients do not normalise, so [`meeco`] does not.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Params, Version};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_public_assigned;
use zeroize::Zeroizing;

use crate::cryppo::WrappingKey;
use crate::secret::{Secret, SecretText};
use crate::secret_key::{self, SecretKey};

/// Longest passphrase that is stretched, in bytes of UTF-8 before normalising.
pub const PASSPHRASE_BYTES_MAX: usize = 4096;

/// How many times longer NFKC can make a text, in bytes of UTF-8. Unicode Standard Annex 15.
const GROWTH_MAX: usize = 11;

/// What the text of work factors begins with: the function that they are for.
const WORK_PREFIX: &str = "argon2id$";

/// Which part of a derivation's input is refused. Never contains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// The passphrase is empty or longer than [`PASSPHRASE_BYTES_MAX`].
    #[error("passphrase is empty or too long")]
    PassphraseLength,
    /// The passphrase contains a code point without a meaning so far, which a later table might read differently.
    #[error("passphrase contains a character that is not assigned")]
    PassphraseCharacter,
    /// There was not as much memory as the work factors ask for.
    #[error("not enough memory to stretch the passphrase")]
    Memory,
}

/// The two values of one derivation.
#[derive(Debug, Clone)]
pub struct DerivedKeys {
    /// The passphrase derived key, which wraps the key encryption key.
    pub pdk: WrappingKey,
    /// The password that goes into SRP, as the bytes that are hashed there.
    pub srp: Secret,
}

pub mod meeco {
    //! The derivation of Meeco's clients. Source: `dialects/meeco.md`, 1.2 and 1.3.

    use super::{DerivedKeys, Secret, SecretKey, SecretText, Sha256, WrappingKey, Zeroizing};

    /// Iterations of PBKDF2. The clients know no other number.
    pub const ITERATIONS: u32 = 100_000;

    /// Both values; about 17 ms each.
    #[must_use]
    pub fn derive(passphrase: &SecretText, secret_key: &SecretKey) -> DerivedKeys {
        DerivedKeys {
            pdk: passphrase_derived_key(passphrase, secret_key),
            srp: srp_password(passphrase, secret_key),
        }
    }

    /// PBKDF2 over the UTF-8 bytes of the passphrase as they are, salted with the dash-free base58 text.
    #[must_use]
    pub fn passphrase_derived_key(passphrase: &SecretText, secret_key: &SecretKey) -> WrappingKey {
        WrappingKey::from_bytes(&stretch(passphrase, secret_key.expose_base58()))
    }

    /// The same, salted with that text reversed, and then as the clients hand it on: every byte read as the character
    /// of that number and written as UTF-8, so that bytes from 0x80 up become two. 32 to 64 bytes.
    #[must_use]
    pub fn srp_password(passphrase: &SecretText, secret_key: &SecretKey) -> Secret {
        let base58 = secret_key.expose_base58();
        let mut reversed = Zeroizing::new(String::with_capacity(base58.len()));
        reversed.extend(base58.chars().rev());
        let raw = stretch(passphrase, &reversed);
        let mut utf8 = Vec::with_capacity(2 * raw.len());
        for byte in raw.iter() {
            utf8.extend_from_slice(char::from(*byte).encode_utf8(&mut [0; 2]).as_bytes());
        }
        Secret::new(utf8)
    }

    fn stretch(passphrase: &SecretText, salt: &str) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        pbkdf2::pbkdf2_hmac::<Sha256>(passphrase.expose().as_bytes(), salt.as_bytes(), ITERATIONS, &mut *out);
        out
    }
}

/// How much work Argon2id does, within bounds that the client holds whatever the server says.
///
/// As text: `argon2id$m=65536,t=3,p=1`, memory in KiB, passes and lanes, in the letters of the Argon2 paper. There is
/// one spelling; reading it holds the same bounds as [`WorkFactors::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkFactors {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Work factors outside the bounds of [`WorkFactors`]: somebody else's mistake, or an attempt to weaken a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// Less work than the floor.
    #[error("work factors are below the floor")]
    TooLittle,
    /// More than a client will spend.
    #[error("work factors are above the ceiling")]
    TooMuch,
    /// Not the one text of any work factors, or of another function than Argon2id.
    #[error("work factors are not written as argon2id$m=65536,t=3,p=1")]
    Malformed,
}

impl WorkFactors {
    /// The least that is accepted: 19 MiB, 2 passes, 1 lane.
    pub const FLOOR: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
    /// What new accounts get: 64 MiB, 3 passes, 1 lane. One lane, because the library works through them one by one.
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
    /// The most that is accepted: 1 GiB, 16 passes, 8 lanes.
    pub const CEILING: Self = Self { memory_kib: 1024 * 1024, passes: 16, lanes: 8 };

    /// `memory_kib` in KiB, `passes` over the whole of it, `lanes` (Argon2's m, t and p).
    ///
    /// # Errors
    /// [`WorkError`] when any of the three is below [`WorkFactors::FLOOR`] or above [`WorkFactors::CEILING`].
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, WorkError> {
        let (floor, ceiling) = (Self::FLOOR, Self::CEILING);
        if memory_kib < floor.memory_kib || passes < floor.passes || lanes < floor.lanes {
            return Err(WorkError::TooLittle);
        }
        if memory_kib > ceiling.memory_kib || passes > ceiling.passes || lanes > ceiling.lanes {
            return Err(WorkError::TooMuch);
        }
        Ok(Self { memory_kib, passes, lanes })
    }

    /// Memory, in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }
}

impl fmt::Display for WorkFactors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{WORK_PREFIX}m={},t={},p={}", self.memory_kib, self.passes, self.lanes)
    }
}

impl FromStr for WorkFactors {
    type Err = WorkError;

    fn from_str(text: &str) -> Result<Self, WorkError> {
        let rest = text.strip_prefix(WORK_PREFIX).ok_or(WorkError::Malformed)?;
        let mut fields = rest.split(',');
        let mut number = |name| work_number(fields.next().and_then(|field| field.strip_prefix(name)));
        let (memory_kib, passes, lanes) = (number("m=")?, number("t=")?, number("p=")?);
        if fields.next().is_some() {
            return Err(WorkError::Malformed);
        }
        Self::new(memory_kib, passes, lanes)
    }
}

/// A decimal number without a sign and without leading zeros.
fn work_number(text: Option<&str>) -> Result<u32, WorkError> {
    let text = text.ok_or(WorkError::Malformed)?;
    let canonical = !text.starts_with('0') || text == "0";
    if text.is_empty() || !canonical || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(WorkError::Malformed);
    }
    // All that is left to be wrong is a number beyond any ceiling.
    text.parse().map_err(|_| WorkError::TooMuch)
}

/// The derivation of our own clients, as the module's text describes it. Takes a good part of a second.
///
/// # Errors
/// [`DeriveError`].
pub fn native(
    passphrase: &SecretText,
    secret_key: &SecretKey,
    work: WorkFactors,
) -> Result<DerivedKeys, DeriveError> {
    let stretched = stretch(&normalise(passphrase)?, &salt(secret_key.username()), work)?;
    let keys = Hkdf::<Sha256>::new(Some(&*secret_key.expose_bytes()), &*stretched);
    let expand = |purpose: &str| {
        let mut out = Zeroizing::new([0; 32]);
        keys.expand(purpose.as_bytes(), &mut *out).expect("HKDF gives 32 bytes");
        out
    };
    Ok(DerivedKeys {
        pdk: WrappingKey::from_bytes(&expand("strongroom/2skd/v1/pdk")),
        srp: Secret::from(&expand("strongroom/2skd/v1/srp")[..]),
    })
}

fn normalise(passphrase: &SecretText) -> Result<Zeroizing<String>, DeriveError> {
    let given = passphrase.expose();
    if given.is_empty() || given.len() > PASSPHRASE_BYTES_MAX {
        return Err(DeriveError::PassphraseLength);
    }
    if !given.chars().all(is_public_assigned) {
        return Err(DeriveError::PassphraseCharacter);
    }
    // Room for all of it beforehand: growing would leave copies behind.
    let mut normal = Zeroizing::new(String::with_capacity(GROWTH_MAX * given.len()));
    normal.extend(given.nfkc());
    Ok(normal)
}

fn salt(username: &str) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix("strongroom/2skd/v1/salt");
    for part in [secret_key::VERSION, username] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn stretch(passphrase: &str, salt: &[u8; 32], work: WorkFactors) -> Result<Zeroizing<[u8; 32]>, DeriveError> {
    let params = Params::new(work.memory_kib, work.passes, work.lanes, Some(32))
        .expect("the bounds of WorkFactors are within Argon2's");
    let mut out = Zeroizing::new([0; 32]);
    // Lengths are within Argon2's own bounds, so memory is all that can be missing.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *out)
        .map_err(|_| DeriveError::Memory)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
