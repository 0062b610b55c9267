//! What is sealed with NaCl for the server to keep. Keys are sealed as their 64 hexadecimal digits, so clients of Psono open
//! them too (`dialects/psono.md`, section 2).

use bytes::Bytes;
use strongroom_primitives::encoding::{from_hex, to_hex};
use strongroom_primitives::nacl::BoxKey;
use strongroom_wire::{Base64Array, Base64Bytes, Boxed};
use zeroize::Zeroizing;

use crate::keyknox::ports::{Entropy, NoEntropy, draw};

/// What is kept does not open: it was changed, or is under another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is kept does not open with this key")]
pub struct DoesNotOpen;

pub(crate) fn seal(entropy: &dyn Entropy, under: &BoxKey, text: &[u8]) -> Result<Boxed, NoEntropy> {
    let nonce = draw(entropy)?;
    let text = Bytes::from(under.seal(&nonce, text));
    Ok(Boxed { text: Base64Bytes(text), nonce: Base64Array(nonce) })
}

pub(crate) fn seal_key(entropy: &dyn Entropy, under: &BoxKey, key: &[u8; 32]) -> Result<Boxed, NoEntropy> {
    seal(entropy, under, Zeroizing::new(to_hex(key)).as_bytes())
}

pub(crate) fn open(under: &BoxKey, boxed: &Boxed) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    under.open(&boxed.nonce.0, &boxed.text.0).map_err(|_| DoesNotOpen)
}

pub(crate) fn open_key(under: &BoxKey, boxed: &Boxed) -> Result<Zeroizing<[u8; 32]>, DoesNotOpen> {
    let digits = open(under, boxed)?;
    let digits = std::str::from_utf8(&digits).map_err(|_| DoesNotOpen)?;
    let bytes = Zeroizing::new(from_hex(digits).map_err(|_| DoesNotOpen)?);
    bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| DoesNotOpen)
}
