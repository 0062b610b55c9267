//! The `Authorization` header and the age of a request: steps 4 to 7 of the vendor's order, in that order.

use std::fmt;
use std::time::Duration;

use super::{Algorithm, KeyId, read_stamp};
use crate::encoding::{from_base64, to_base64};
use crate::time::Timestamp;

/// Longest header that is looked at, in bytes.
pub const AUTHORIZATION_BYTES_MAX: usize = 4 * 1024;

/// Why a signed request is refused, one variant for each of the vendor's wordings and one for a bad timestamp, which
/// the vendor words like [`Refusal::Malformed`]. Source: `dialects/dragonchain.md`, section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Steps 4 and 7: the header is absent, of another scheme, or not `<key id>:<base64>` after it.
    #[error("authorization header is malformed")]
    Malformed,
    /// Step 4: the scheme is `DC<v>-HMAC` of another version than 1.
    #[error("authorization header is of another version")]
    Version,
    /// Step 5: no algorithm has exactly this name.
    #[error("hash algorithm is not known")]
    Algorithm,
    /// Step 6: the timestamp has another form.
    #[error("timestamp is malformed")]
    Timestamp,
    /// Step 6: the timestamp is further from the server's time than the window.
    #[error("timestamp is too far from the server's time")]
    Skewed,
    /// Step 8: the key is unknown or the HMAC is not its own. One answer for both.
    #[error("signature does not verify")]
    Mac,
}

/// A header taken apart. Nothing in it is to be believed before [`super::verify`] has agreed.
#[derive(Clone)]
pub struct Authorization {
    /// The named algorithm.
    pub algorithm: Algorithm,
    /// The named key. `None` when the text has not the form of an id, so that it names nobody: refuse it where an
    /// unknown key is refused, by giving [`super::verify`] no key.
    pub key_id: Option<KeyId>,
    /// The HMAC bytes, of any length.
    pub mac: Vec<u8>,
    /// The request's own time, cut to milliseconds.
    pub at: Timestamp,
}

impl Authorization {
    /// Reads the header and checks `timestamp`, a header that is known to be there, against `now`: it may be `window`
    /// away either way, ends included. The first failure in the vendor's order wins.
    ///
    /// # Errors
    /// [`Refusal`], all but [`Refusal::Mac`].
    pub fn read(
        header: Option<&str>,
        timestamp: &str,
        now: Timestamp,
        window: Duration,
    ) -> Result<Self, Refusal> {
        let header = header.filter(|header| header.len() <= AUTHORIZATION_BYTES_MAX);
        let (algorithm, credentials) = read_scheme(header.ok_or(Refusal::Malformed)?)?;
        let at = read_stamp(timestamp).map_err(|_| Refusal::Timestamp)?;
        if at.since(now).max(now.since(at)) > window {
            return Err(Refusal::Skewed);
        }
        let (key_id, mac) = credentials.rsplit_once(':').ok_or(Refusal::Malformed)?;
        let mac = from_base64(mac).map_err(|_| Refusal::Malformed)?;
        Ok(Self { algorithm, key_id: KeyId::new(key_id).ok(), mac, at })
    }

    /// Writes the header of a signed request. A client has its id from some server and writes it as it is.
    #[must_use]
    pub fn write(algorithm: Algorithm, key_id: &str, mac: &[u8]) -> String {
        format!("DC1-HMAC-{} {key_id}:{}", algorithm.name(), to_base64(mac))
    }
}

/// Shows no HMAC: whoever reads one in a log before it is spent could spend it.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithm, key_id, mac, at } = self;
        write!(f, "Authorization({algorithm:?} by {key_id:?} at {at:?}, {} bytes)", mac.len())
    }
}

/// `DC<v>-HMAC-<algorithm> <credentials>`.
fn read_scheme(header: &str) -> Result<(Algorithm, &str), Refusal> {
    let (version, rest) =
        header.strip_prefix("DC").and_then(|rest| rest.split_once("-HMAC")).ok_or(Refusal::Malformed)?;
    match version {
        "1" => {}
        _ if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            return Err(Refusal::Version);
        }
        _ => return Err(Refusal::Malformed),
    }
    let (name, credentials) =
        rest.strip_prefix('-').and_then(|rest| rest.split_once(' ')).ok_or(Refusal::Malformed)?;
    Ok((Algorithm::named(name).ok_or(Refusal::Algorithm)?, credentials))
}
