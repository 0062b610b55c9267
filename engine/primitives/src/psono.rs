//! What Psono's clients and servers compute: keys from passwords, sealed texts, and both halves of an API key's login.
//!
//! | here | is |
//! |---|---|
//! | [`authkey`], [`wrapping_key`] | scrypt of a password, for the server and for the user's own keys |
//! | [`Sealed`] | a text and its nonce, as bodies and headers of a session carry it |
//! | [`seal_key`], [`open_key`] | a key under another key, which seals its hexadecimal text |
//! | [`login`] | what an API key signs, and what the server answers |
//!
//! Believe this: a signature of this protocol is over a text as it was sent, never over one that was written anew. So
//! texts are kept as they came. Hexadecimal is read in either case, because the vendor's server does. Source:
//! `dialects/psono.md`, sections 2 and 4.

pub mod login;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::encoding::{from_hex_of_either_case, to_hex};
use crate::hash::sha512;
use crate::json::parse_object;
use crate::nacl::{BoxKey, KEY_BYTES, NONCE_BYTES, OpenError, TAG_BYTES};
use crate::secret::SecretText;

/// Length of a key that is sealed by [`seal_key`], in bytes: a tag and 64 hexadecimal digits.
pub const SEALED_KEY_BYTES: usize = TAG_BYTES + 2 * KEY_BYTES;
/// Length of an authkey, in bytes of its text: 64 bytes in hexadecimal.
pub const AUTHKEY_CHARS: usize = 128;

/// What is wrong with what a user or a peer gave. Never contains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PsonoError {
    /// Parameters of scrypt below the floor, or beyond what anybody should compute.
    #[error("scrypt parameters are outside u 14 to 20, r 8 to 32, p 1 to 16, l 64")]
    Scrypt,
    /// A user name without an at sign, or a salt of keys with one: the two must never be taken for each other.
    #[error("a user name contains an @, and the sauce of keys does not")]
    Salt,
    /// A document has another form than the protocol gives it.
    #[error("document is malformed")]
    Form,
    /// A signature is not that of the key it should be of.
    #[error("signature does not verify")]
    Signature,
    /// A sealed text does not open.
    #[error("sealed text does not open")]
    Sealed,
}

impl From<OpenError> for PsonoError {
    fn from(_: OpenError) -> Self {
        Self::Sealed
    }
}

/// How much work a guess at a password is: scrypt with N = 2^u, r and p, and l bytes of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScryptParameters {
    u: u8,
    r: u8,
    p: u8,
}

impl ScryptParameters {
    /// Checks the parameters: u 14 to 20, r 8 to 32, p 1 to 16, and l 64, because an authkey has 128 hexadecimal digits.
    /// The lower ends are the floor of `dialects/psono.md`, section 2.1; the upper ones bound the work to 4 GiB.
    ///
    /// # Errors
    /// [`PsonoError::Scrypt`].
    pub fn new(u: u64, r: u64, p: u64, l: u64) -> Result<Self, PsonoError> {
        let within = |value: u64, range: std::ops::RangeInclusive<u8>| {
            u8::try_from(value).ok().filter(|value| range.contains(value)).ok_or(PsonoError::Scrypt)
        };
        within(l, 64..=64)?;
        Ok(Self { u: within(u, 14..=20)?, r: within(r, 8..=32)?, p: within(p, 1..=16)? })
    }

    /// Binary logarithm of the cost.
    #[must_use]
    pub const fn u(&self) -> u8 {
        self.u
    }

    /// Block size.
    #[must_use]
    pub const fn r(&self) -> u8 {
        self.r
    }

    /// Parallelism.
    #[must_use]
    pub const fn p(&self) -> u8 {
        self.p
    }

    /// Bytes of output.
    #[must_use]
    pub const fn l(&self) -> u8 {
        64
    }

    /// Scrypt over a password, salted by the hexadecimal text of a hash: 128 hexadecimal digits.
    fn derive(&self, password: &str, salt: &str) -> Zeroizing<String> {
        let salt = to_hex(&sha512(salt.as_bytes()));
        let params = scrypt::Params::new(self.u, u32::from(self.r), u32::from(self.p));
        let params = params.expect("the parameters were checked when they were made");
        let mut output = Zeroizing::new([0; AUTHKEY_CHARS / 2]);
        scrypt::scrypt(password.as_bytes(), salt.as_bytes(), &params, &mut *output)
            .expect("64 bytes are an output that scrypt can give");
        Zeroizing::new(to_hex(&*output))
    }
}

impl Default for ScryptParameters {
    /// What clients use: u 14, r 8, p 1.
    fn default() -> Self {
        Self { u: 14, r: 8, p: 1 }
    }
}

/// What a user shows the server in place of the password: 128 hexadecimal digits. Takes a tenth of a second and 16 MiB
/// with the default parameters.
///
/// # Errors
/// [`PsonoError::Salt`] for a user name without an `@`.
pub fn authkey(
    username: &str,
    password: &str,
    parameters: &ScryptParameters,
) -> Result<SecretText, PsonoError> {
    if !username.contains('@') {
        return Err(PsonoError::Salt);
    }
    let mut derived = parameters.derive(password, &username.to_lowercase());
    Ok(SecretText::new(std::mem::take(&mut *derived)))
}

/// The key that a user's private key and secret key are sealed by. Costs as much as [`authkey`].
///
/// # Errors
/// [`PsonoError::Salt`] for a sauce with an `@`.
pub fn wrapping_key(
    password: &str,
    user_sauce: &str,
    parameters: &ScryptParameters,
) -> Result<BoxKey, PsonoError> {
    if user_sauce.contains('@') {
        return Err(PsonoError::Salt);
    }
    let derived = parameters.derive(password, user_sauce);
    Ok(BoxKey::from_bytes(Sha256::digest(derived.as_bytes()).into()))
}

/// Hexadecimal of either case, as Psono reads it. `None` for anything else.
#[must_use]
pub fn hex(text: &str) -> Option<Vec<u8>> {
    from_hex_of_either_case(text).ok()
}

/// `N` bytes in hexadecimal of either case. The length is looked at first.
#[must_use]
pub fn hex_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    hex(text)?.try_into().ok()
}

/// A key under another key: what is sealed is its text of 64 hexadecimal digits. Gives [`SEALED_KEY_BYTES`].
#[must_use]
pub fn seal_key(under: &BoxKey, nonce: &[u8; NONCE_BYTES], key: &[u8; KEY_BYTES]) -> Vec<u8> {
    under.seal(nonce, Zeroizing::new(to_hex(key)).as_bytes())
}

/// The key that [`seal_key`] sealed.
///
/// # Errors
/// [`PsonoError::Sealed`]; [`PsonoError::Form`] if what opens is not 64 hexadecimal digits.
pub fn open_key(
    under: &BoxKey,
    nonce: &[u8; NONCE_BYTES],
    sealed: &[u8],
) -> Result<Zeroizing<[u8; KEY_BYTES]>, PsonoError> {
    let opened = under.open(nonce, sealed)?;
    let text = std::str::from_utf8(&opened).map_err(|_| PsonoError::Form)?;
    hex_array(text).map(Zeroizing::new).ok_or(PsonoError::Form)
}

/// A sealed text and its nonce: a body of a session, or its validator. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// A tag and the encrypted text.
    pub text: Vec<u8>,
    /// What it was sealed with.
    pub nonce: [u8; NONCE_BYTES],
}

impl Sealed {
    /// Seals a text with a nonce that is used for nothing else.
    #[must_use]
    pub fn seal(key: &BoxKey, nonce: [u8; NONCE_BYTES], plain: &[u8]) -> Self {
        Self { text: key.seal(&nonce, plain), nonce }
    }

    /// The text.
    ///
    /// # Errors
    /// [`PsonoError::Sealed`].
    pub fn open(&self, key: &BoxKey) -> Result<Zeroizing<Vec<u8>>, PsonoError> {
        Ok(key.open(&self.nonce, &self.text)?)
    }

    /// Reads `{"text": hex, "nonce": hex}`. Other members are ignored.
    ///
    /// # Errors
    /// [`PsonoError::Form`].
    pub fn read(document: &[u8]) -> Result<Self, PsonoError> {
        let members = parse_object(document).map_err(|_| PsonoError::Form)?;
        let member = |name: &str| members.get(name).and_then(Value::as_str).ok_or(PsonoError::Form);
        let (text, nonce) = (hex(member("text")?), hex_array(member("nonce")?));
        Ok(Self { text: text.ok_or(PsonoError::Form)?, nonce: nonce.ok_or(PsonoError::Form)? })
    }

    /// The document that [`Sealed::read`] reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        json!({ "text": to_hex(&self.text), "nonce": to_hex(&self.nonce) }).to_string()
    }
}
