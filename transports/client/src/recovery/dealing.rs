//! Splitting: for a new escrow, and for the next epoch of one.

use strongroom_primitives::{
    hpke::HolderPublic,
    id::EscrowId,
    recovery::{payload_place, share_info},
    seal::NONCE_BYTES,
    sharing::{Share, SharedScalar, Sharing, split},
};
use strongroom_wire::{
    Base64Array, Base64Bytes, Deal, EscrowRefresh, EscrowSummary, Holder, HolderKind, NewEscrow, Operation,
    ReleasePolicy, SealedShare,
};

use super::{Recovery, RecoveryError};
use crate::error::ClientError;
use crate::keyknox::ports::{Entropy, NoEntropy, draw};

/// Who is to hold a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHolder {
    /// What it is.
    pub kind: HolderKind,
    /// Its X25519 public key, from the holder; `None` for paper and realms, whose shares [`Split::plain`] has.
    pub public_key: Option<[u8; 32]>,
}

/// How a secret is to be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitPlan {
    /// What people know the escrow by.
    pub label: String,
    /// How many shares make the secret: 2 to the number of holders.
    pub threshold: u8,
    /// The holders, by index from 1.
    pub holders: Vec<NewHolder>,
    /// When shares are given out.
    pub policy: ReleasePolicy,
}

/// A secret that was shared.
#[derive(Debug)]
pub struct Split {
    /// The escrow.
    pub escrow: EscrowSummary,
    /// The shares of holders without a key, which are nowhere else: write them down.
    pub plain: Vec<Share>,
}

/// A deal that was made here.
struct Made {
    deal: Deal,
    payload: Base64Bytes,
    plain: Vec<Share>,
}

/// Chance for a library that cannot be told that there is none.
fn drawing<T>(
    entropy: &dyn Entropy,
    make: impl FnOnce(&mut dyn FnMut(&mut [u8])) -> T,
) -> Result<T, NoEntropy> {
    let mut failed = Ok(());
    let made = make(&mut |buffer| {
        if failed.is_ok() {
            failed = entropy.fill(buffer);
        }
    });
    failed.map(|()| made)
}

fn make(
    entropy: &dyn Entropy,
    id: EscrowId,
    epoch: u32,
    threshold: u8,
    holders: &[NewHolder],
    secret: &[u8],
) -> Result<Made, RecoveryError> {
    let count = u8::try_from(holders.len()).map_err(|_| RecoveryError::Holders)?;
    let made = drawing(entropy, |draw| {
        let scalar = SharedScalar::draw(&mut *draw);
        split(&scalar, threshold, count, draw).map(|sharing| (scalar, sharing))
    });
    let (scalar, Sharing { shares, commitments }) = made.map_err(ClientError::from)??;
    let commitments = commitments.to_bytes();
    let nonce: [u8; NONCE_BYTES] = draw(entropy).map_err(ClientError::from)?;
    let payload = scalar.payload_key().seal(nonce, &payload_place(id), secret);
    let (mut sealed, mut plain) = (Vec::new(), Vec::new());
    for (holder, share) in holders.iter().zip(shares) {
        let (index, kind) = (share.index(), holder.kind.clone());
        let share = match holder.public_key {
            Some(public_key) => {
                let info = share_info(id, epoch, index, &commitments);
                let drawn = draw(entropy).map_err(ClientError::from)?;
                let text = HolderPublic::from_bytes(public_key)?.seal(&info, b"", &*share.expose(), drawn)?;
                let public_key = Base64Array(public_key);
                Some(SealedShare { public_key, text: Base64Bytes(text.into()) })
            }
            None => {
                plain.push(share);
                None
            }
        };
        sealed.push(Holder { index, kind, share });
    }
    let deal = Deal { commitments: Base64Bytes(commitments.into()), holders: sealed };
    Ok(Made { deal, payload: Base64Bytes(payload.into()), plain })
}

impl Recovery {
    /// Shares a secret, of any size up to the server's limit, in a new escrow.
    ///
    /// # Errors
    /// [`RecoveryError::Sharing`] for a threshold out of bounds, [`RecoveryError::Seal`] for a key of low order,
    /// [`RecoveryError::Client`], among it `escrow-invalid` and `quota-exceeded`.
    pub async fn split(&self, plan: SplitPlan, secret: &[u8]) -> Result<Split, RecoveryError> {
        let entropy = &*self.client.options.ports.entropy;
        let id = EscrowId::from_bytes(draw(entropy).map_err(ClientError::from)?);
        let Made { deal, payload, plain } = make(entropy, id, 1, plan.threshold, &plan.holders, secret)?;
        let new = NewEscrow { id, label: plan.label, payload, deal, policy: plan.policy };
        let escrow = self.dealt(Operation::CreateEscrow(Box::new(new))).await?;
        Ok(Split { escrow, plain })
    }

    /// Shares the secret of an escrow anew: a new scalar, with other holders if wished. What was shared before is worth
    /// nothing once this is done, and requests that are under way are over. `epoch`: the one that this follows.
    ///
    /// # Errors
    /// As of [`Recovery::split`], and `stale-epoch` if somebody else was first.
    pub async fn refresh(
        &self,
        id: EscrowId,
        epoch: u32,
        threshold: u8,
        holders: &[NewHolder],
        secret: &[u8],
    ) -> Result<Split, RecoveryError> {
        let entropy = &*self.client.options.ports.entropy;
        let Made { deal, payload, plain } =
            make(entropy, id, epoch.saturating_add(1), threshold, holders, secret)?;
        let next = EscrowRefresh { id, epoch, deal, payload: Some(payload) };
        let escrow = self.dealt(Operation::RefreshEscrow(Box::new(next))).await?;
        Ok(Split { escrow, plain })
    }
}
