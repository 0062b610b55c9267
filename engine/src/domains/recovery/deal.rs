//! Who holds which share, and what can be checked of it without opening it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hpke::HolderPublic,
    id::{EscrowId, RealmId, Subject},
    recovery::{SEALED_SHARE_BYTES, share_info},
    sharing::{Commitments, POINT_BYTES, Share},
    sign::VerifyingKey,
};

use super::rows::StoredHolder;
use crate::command::Moment;

/// What kind of holder has a share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HolderKind {
    /// Another account of the owner's realm. It approves by its own sign-in.
    Account(Subject),
    /// A device of the owner's. It approves with a signature, because a session of the owner's proves no device.
    Device {
        /// Its Ed25519 public key.
        signer: [u8; 32],
    },
    /// A realm of PIN recovery. The requester fetches the share there.
    Realm,
    /// Words on paper. The requester brings the share.
    Paper,
    /// This server. Its share is given out with every release, and is no approval.
    Server,
}

/// A share that is sealed to its holder's key, for the `info` of [`share_info`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedShare {
    /// The X25519 public key that it is sealed to.
    pub public_key: [u8; 32],
    /// The seal: 81 bytes.
    pub text: Bytes,
}

/// One holder of an escrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its index, 1 to 255; no two holders have the same.
    pub index: u8,
    /// What it is.
    pub kind: HolderKind,
    /// Its share. May be missing for paper and for a realm, which have it elsewhere.
    pub share: Option<SealedShare>,
}

/// What a dealer has shared, of one epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// The points that the shares are checked by, 32 bytes each: as many as the threshold, 2 to the number of holders.
    pub commitments: Bytes,
    /// The holders, in any order.
    pub holders: Vec<Holder>,
}

/// Why an escrow, or a request for one, is not taken. Only what the server can see: whether a sealed share is good, its
/// holder and the requester find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EscrowFault {
    /// The commitments are not points, are too few, or begin with that of zero.
    #[error("the commitments are not 2 or more points of ristretto255, or the secret is zero")]
    Commitments,
    /// Fewer holders than the threshold, or more than there may be.
    #[error("holders are fewer than the threshold or more than {max}")]
    Holders {
        /// The limit.
        max: usize,
    },
    /// Index 0 is where the secret is.
    #[error("index 0 is no holder's")]
    ZeroIndex,
    /// Two holders have one index.
    #[error("index {index} is there twice")]
    RepeatedIndex {
        /// The index.
        index: u8,
    },
    /// An account holds two shares, is the owner's own, or the server holds two.
    #[error("holder {index} is the owner, or is there twice")]
    RepeatedHolder {
        /// The second index of the two.
        index: u8,
    },
    /// A share is missing, or does not have 81 bytes.
    #[error("holder {index} has no sealed share of 81 bytes")]
    ShareSize {
        /// Whose.
        index: u8,
    },
    /// A holder's key is no usable public key.
    #[error("the public key of holder {index} is not usable")]
    HolderKey {
        /// Whose.
        index: u8,
    },
    /// The server cannot open its own share, or it does not fit the commitments.
    #[error("the server's own share, {index}, does not open or does not fit the commitments")]
    ServerShare {
        /// Its index.
        index: u8,
    },
    /// The requester's key is no usable public key.
    #[error("the requester's public key is not usable")]
    RequesterKey,
    /// A refresh without a new payload is not for the secret that the present payload is sealed under.
    #[error("the commitments are to another secret, and there is no new payload")]
    OtherSecret,
    /// A condition of release is out of bounds.
    #[error("{field} of the policy is out of bounds")]
    Policy {
        /// Which.
        field: &'static str,
    },
}

/// Where and for whom a deal is checked.
pub(super) struct Place<'a> {
    pub(super) escrow: EscrowId,
    pub(super) epoch: u32,
    pub(super) realm: &'a RealmId,
    pub(super) owner: &'a Subject,
}

/// A deal that was checked, as it is kept.
pub(super) struct Checked {
    pub(super) public: [u8; POINT_BYTES],
    pub(super) holders: Vec<StoredHolder>,
    pub(super) sealed: BTreeMap<u8, Bytes>,
}

impl Deal {
    /// Refuses what could not be recovered from, as far as can be seen.
    pub(super) fn check(&self, place: &Place<'_>, moment: &Moment<'_>) -> Result<Checked, EscrowFault> {
        let max = moment.limits.escrow_holders_max;
        if self.holders.len() > max || self.commitments.len() > POINT_BYTES * self.holders.len() {
            return Err(EscrowFault::Holders { max });
        }
        let commitments = Commitments::from_bytes(&self.commitments).map_err(|_| EscrowFault::Commitments)?;
        if commitments.threshold() < 2 {
            return Err(EscrowFault::Commitments);
        }
        let (mut indices, mut accounts, mut served) = (BTreeSet::new(), BTreeSet::new(), false);
        let mut checked =
            Checked { public: commitments.public(), holders: Vec::new(), sealed: BTreeMap::new() };
        for Holder { index, kind, share } in &self.holders {
            let index = *index;
            if index == 0 {
                return Err(EscrowFault::ZeroIndex);
            }
            if !indices.insert(index) {
                return Err(EscrowFault::RepeatedIndex { index });
            }
            let mut account = None;
            let is_new = match kind {
                HolderKind::Account(subject) => {
                    account = Some(moment.space.account_of(place.realm, subject));
                    subject != place.owner && accounts.insert(subject)
                }
                HolderKind::Server => !std::mem::replace(&mut served, true),
                HolderKind::Device { signer } => {
                    VerifyingKey::from_bytes(signer).map_err(|_| EscrowFault::HolderKey { index })?;
                    true
                }
                HolderKind::Realm | HolderKind::Paper => true,
            };
            if !is_new {
                return Err(EscrowFault::RepeatedHolder { index });
            }
            let public_key = share.as_ref().map(|share| share.public_key);
            match share {
                Some(SealedShare { public_key, text }) if text.len() == SEALED_SHARE_BYTES => {
                    HolderPublic::from_bytes(*public_key).map_err(|_| EscrowFault::HolderKey { index })?;
                    checked.sealed.insert(index, text.clone());
                }
                None if matches!(kind, HolderKind::Realm | HolderKind::Paper) => {}
                _ => return Err(EscrowFault::ShareSize { index }),
            }
            if let (HolderKind::Server, Some(share)) = (kind, share) {
                self.check_own(place, index, share, &commitments, moment)?;
            }
            checked.holders.push(StoredHolder { index, kind: kind.clone(), account, public_key });
        }
        Ok(checked)
    }

    /// The server's own share is the one that the server can check.
    fn check_own(
        &self,
        place: &Place<'_>,
        index: u8,
        share: &SealedShare,
        commitments: &Commitments,
        moment: &Moment<'_>,
    ) -> Result<(), EscrowFault> {
        let info = share_info(place.escrow, place.epoch, index, &self.commitments);
        let opened = moment.secrets.recovery().open(&info, b"", &share.text).ok();
        let own = opened.and_then(|bytes| Share::from_bytes(&bytes).ok());
        match own {
            Some(own) if own.index() == index && commitments.check(&own).is_ok() => Ok(()),
            _ => Err(EscrowFault::ServerShare { index }),
        }
    }
}
