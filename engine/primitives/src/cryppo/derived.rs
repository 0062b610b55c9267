//! Strings under a key that comes from a passphrase: `Aes256Gcm.DATA.ARTEFACTS.Pbkdf2Hmac.DERIVATION`.
//!
//! No login uses them; files in the wild do. What such a string asks for is bounded before anything is computed,
//! because it decides how long the reader works. Source: `dialects/meeco.md`, 3.4.

use std::fmt;

use sha2::Sha256;
use zeroize::Zeroizing;

use super::artefacts::{ArtefactError, Form, Kind, Map, Value};
use super::fields::{Fields, join};
use super::wrapped::{KEY_BYTES, NONCE_BYTES, Wrapped, WrappingKey};
use super::{CryppoError, Part};
use crate::secret::{Secret, SecretText};

/// Most iterations that are done for a string: about two seconds. Clients write 20,000 to 21,999.
pub const ITERATIONS_MAX: u32 = 10_000_000;

const STRATEGY: &str = "Pbkdf2Hmac";
const HASH: &str = "SHA256";
/// Clients write 20 bytes.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=64;

/// How a key of 32 bytes comes from a passphrase: PBKDF2-HMAC-SHA256 with this salt and number of iterations.
#[derive(Clone, PartialEq, Eq)]
pub struct Derivation {
    salt: Vec<u8>,
    iterations: u32,
}

impl Derivation {
    /// `salt`: 8 to 64 bytes of fresh chance, 20 to do as the clients do. `iterations`: 1 to [`ITERATIONS_MAX`].
    ///
    /// # Errors
    /// [`CryppoError::Artefacts`] naming `iv` for the salt or `i` for the iterations.
    pub fn new(salt: &[u8], iterations: u32) -> Result<Self, CryppoError> {
        let wrong = |name| Err(CryppoError::Artefacts(Part::Derivation, ArtefactError::Value(name)));
        if !SALT_BYTES.contains(&salt.len()) {
            return wrong("iv");
        }
        if !(1..=ITERATIONS_MAX).contains(&iterations) {
            return wrong("i");
        }
        Ok(Self { salt: salt.to_vec(), iterations })
    }

    /// Reads `Pbkdf2Hmac.DERIVATION`. The hash may be missing, then it is SHA-256; the length is always 32.
    ///
    /// # Errors
    /// [`CryppoError`].
    pub fn parse(text: &str) -> Result<Self, CryppoError> {
        let fields = Fields::split(text, 2)?;
        if fields.name(0) != STRATEGY {
            return Err(CryppoError::Strategy);
        }
        let (salt, iterations) = artefacts(Map::read(Kind::Derivation, &fields, 1)?)
            .map_err(|error| CryppoError::Artefacts(Part::Derivation, error))?;
        Self::new(&salt, iterations)
    }

    /// Writes `Pbkdf2Hmac.DERIVATION`.
    #[must_use]
    pub fn to_text(&self, form: Form) -> String {
        let number = |number: u32| Value::Number(number.try_into().expect("bounds are below 2^31"));
        let artefacts = Map::default()
            .with("iv", Value::Binary(self.salt.clone()))
            .with("i", number(self.iterations))
            .with("l", number(KEY_BYTES as u32))
            .with("hash", Value::Text(HASH.to_owned()))
            .write(Kind::Derivation, form);
        join(&[STRATEGY, &artefacts]).expect("a derivation is short")
    }

    /// The key, after up to two seconds of work.
    #[must_use]
    pub fn derive(&self, passphrase: &SecretText) -> WrappingKey {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let passphrase = passphrase.expose().as_bytes();
        pbkdf2::pbkdf2_hmac::<Sha256>(passphrase, &self.salt, self.iterations, &mut *key);
        WrappingKey::from_bytes(&key)
    }
}

impl fmt::Debug for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Derivation({} iterations)", self.iterations)
    }
}

fn artefacts(mut map: Map) -> Result<(Vec<u8>, u32), ArtefactError> {
    let salt = map.binary("iv")?;
    let iterations = map.number("i")?.try_into().map_err(|_| ArtefactError::Value("i"))?;
    if usize::try_from(map.number("l")?) != Ok(KEY_BYTES) {
        return Err(ArtefactError::Value("l"));
    }
    match map.take("hash") {
        None => {}
        Some(Value::Text(hash)) if hash == HASH => {}
        Some(_) => return Err(ArtefactError::Value("hash")),
    }
    map.finish()?;
    Ok((salt, iterations))
}

/// A string that opens with a passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassphraseWrapped {
    wrapped: Wrapped,
    derivation: Derivation,
}

impl PassphraseWrapped {
    /// Checks the shape of a string, and what opening it would cost.
    ///
    /// # Errors
    /// [`CryppoError`].
    pub fn parse(text: &str) -> Result<Self, CryppoError> {
        // Both halves are read on their own, but together they must be of five fields and one alphabet.
        Fields::split(text, 5)?;
        let (at, _) = text.match_indices('.').nth(2).ok_or(CryppoError::Parts)?;
        Ok(Self { wrapped: Wrapped::parse(&text[..at])?, derivation: Derivation::parse(&text[at + 1..])? })
    }

    /// Encrypts `plain` and gives the text. `nonce` and the derivation's salt must be fresh chance.
    ///
    /// # Errors
    /// [`CryppoError::TooLong`].
    pub fn encrypt(
        passphrase: &SecretText,
        derivation: &Derivation,
        nonce: [u8; NONCE_BYTES],
        plain: &[u8],
        form: Form,
    ) -> Result<String, CryppoError> {
        let wrapped = derivation.derive(passphrase).encrypt(nonce, plain, form)?;
        join(&[wrapped.as_str(), &derivation.to_text(form)])
    }

    /// How the key comes from the passphrase.
    #[must_use]
    pub fn derivation(&self) -> &Derivation {
        &self.derivation
    }

    /// Decrypts.
    ///
    /// # Errors
    /// [`CryppoError::DoesNotOpen`], also for another passphrase.
    pub fn decrypt(&self, passphrase: &SecretText) -> Result<Secret, CryppoError> {
        self.derivation.derive(passphrase).decrypt(&self.wrapped)
    }
}
