//! Shares: ciphertexts that several accounts may see, each by a right of its own.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, LinkId, ShareId, ShareRightId, Subject},
    time::Timestamp,
};

use crate::{Boxed, Parent};

/// What somebody may do with a share and with what hangs below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareRights {
    /// Read it and its secrets.
    #[serde(default)]
    pub read: bool,
    /// Change it, its secrets and what hangs there.
    #[serde(default)]
    pub write: bool,
    /// Say who else may.
    #[serde(default)]
    pub grant: bool,
}

/// How a share's key is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// With the taker's own secret key.
    Symmetric,
    /// By the giver's private key, for the taker's public key: a `box` of NaCl.
    Asymmetric,
}

/// A share to be made. Whoever makes it may do everything with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewShare {
    /// What it holds, under its key.
    pub data: Boxed,
    /// Its key, under the caller's secret key; at most 256 bytes.
    pub key: Boxed,
    /// The link at which it hangs: 16 random bytes that the client draws.
    pub link: LinkId,
    /// What it hangs below: a datastore of the caller's, or a share that they may write.
    pub parent: Parent,
}

/// A share that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareCreated {
    /// Its id.
    pub id: ShareId,
}

/// A share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Which.
    pub id: ShareId,
    /// What it holds, under its key.
    pub data: Boxed,
    /// Who made it.
    pub by: AccountId,
    /// What the caller may do with it.
    pub rights: ShareRights,
    /// When it was written last.
    pub written: Timestamp,
}

/// An offer of a right on a share. It counts once it is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareOffer {
    /// On which share.
    pub share: ShareId,
    /// To whom: another account of the caller's realm.
    pub taker: AccountId,
    /// The share's key, sealed for the taker; at most 256 bytes, like title and kind.
    pub key: Boxed,
    /// What the taker sees it called before they accept, sealed for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Boxed>,
    /// What it is, sealed for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Boxed>,
    /// What they may do with it.
    pub rights: ShareRights,
    /// The last instant at which the right counts; without it, until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A right on a share that was offered or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRightGiven {
    /// Its id.
    pub right: ShareRightId,
}

/// A share that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareAccepted {
    /// Which.
    pub share: ShareId,
    /// What it is, as the giver sealed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Boxed>,
    /// What it holds, if the right is one to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Boxed>,
}

/// A right of the caller's on a share, or an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnShareRight {
    /// On which share.
    pub share: ShareId,
    /// Which right.
    pub right: ShareRightId,
    /// What the share is called, sealed for the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Boxed>,
    /// What it is, sealed for the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Boxed>,
    /// The share's key.
    pub key: Boxed,
    /// How that is sealed.
    pub key_kind: KeyKind,
    /// What the caller may do, or might.
    pub rights: ShareRights,
    /// What the caller answered; left out while the offer waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// When it was offered.
    pub created: Timestamp,
    /// When it was last changed or answered.
    pub written: Timestamp,
    /// The last instant at which it counts, if limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Who gave it.
    pub giver: AccountId,
    /// By what name the giver is known; left out once their account is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub giver_name: Option<Subject>,
}

/// A page of the caller's rights and offers. The order means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharePage {
    /// The rights.
    pub rights: Vec<OwnShareRight>,
    /// The `cursor` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Somebody's right on a share, or an offer to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRight {
    /// Which.
    pub right: ShareRightId,
    /// Whose.
    pub account: AccountId,
    /// By what name they are known; left out once their account is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Subject>,
    /// What they may do, or might.
    pub rights: ShareRights,
    /// What they answered; left out while the offer waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// When it was offered.
    pub created: Timestamp,
    /// The last instant at which it counts, if limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Who gave it.
    pub giver: AccountId,
}

/// The rights and offers on a share. The order means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberList {
    /// All of them for whoever may grant, the caller's own for others.
    pub members: Vec<MemberRight>,
}
