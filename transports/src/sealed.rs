//! Tokens that leave sealed: only whoever holds a private key can read them.

use strongroom_engine::EngineError;
use strongroom_primitives::{cryppo, rsa::PublicKey};

/// A session's token, encrypted to a vault user's key: a cryppo string of `Rsa` and the number of bits. Source:
/// dialects/meeco.md, section 3.3.
///
/// # Errors
/// [`EngineError::PublicKeyInvalid`], which the engine has seen to, and [`EngineError::Fault`].
pub(crate) fn token(public_key: &str, token: &str) -> Result<String, EngineError> {
    let key = PublicKey::from_pem(public_key).map_err(|reason| EngineError::PublicKeyInvalid { reason })?;
    cryppo::encrypt_rsa(&key, token.as_bytes()).map_err(|_| EngineError::Fault)
}
