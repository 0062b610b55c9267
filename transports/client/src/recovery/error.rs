//! What can go wrong in a recovery, in one type.

use strongroom_primitives::{hpke::HpkeError, sharing::SharingError, slip39::Slip39Error};

use crate::ClientError;

/// Why a secret was not shared, or not recovered. Never contains any of a secret.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The server, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The shares cannot be made, or do not belong together. Names the holder of a bad one.
    #[error(transparent)]
    Sharing(#[from] SharingError),
    /// A share that is sealed to this holder does not open, or a key cannot be sealed to.
    #[error(transparent)]
    Seal(#[from] HpkeError),
    /// Words that are no share.
    #[error(transparent)]
    Words(#[from] Slip39Error),
    /// There are more than 255 holders, or none.
    #[error("an escrow has 1 to 255 holders")]
    Holders,
    /// The escrow shows no share that is sealed to this key.
    #[error("the escrow has no share for this key")]
    NoShare,
    /// The server shows another key than the one that the requester named.
    #[error("the requester's key is not the one that they named: do not approve")]
    OtherRequester,
    /// What a holder sealed to the requester does not open, or is somebody else's.
    #[error("what holder {index} gave does not open")]
    BadAnswer {
        /// The holder.
        index: u8,
    },
    /// The payload does not open with the secret that the shares make.
    #[error("the payload does not open")]
    Payload,
}
