//! Shares: what several accounts may see, each by a right of its own.

use strongroom_primitives::id::{AccountId, LinkId, ShareId, ShareRightId};
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{
    Boxed, KeyKind, MemberRight, NewShare, Operation, Parent, Reply, Share, ShareAccepted, ShareOffer,
    SharePage, ShareRights,
};

use crate::checks::wrong_kind;
use crate::client::Client;
use crate::error::ClientError;

/// Shares that a client's caller may reach, and their rights on them.
#[derive(Debug, Clone)]
pub struct Shares {
    pub(super) client: Client,
}

impl Shares {
    /// A page of the caller's rights and of offers to them, from the `next` of the page before. The order means nothing.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn page(&self, cursor: Option<String>, limit: Option<usize>) -> Result<SharePage, ClientError> {
        match self.client.ask(Operation::ListShares { cursor, limit }).await? {
            Reply::Shares(page) => Ok(page),
            _ => Err(wrong_kind()),
        }
    }

    /// Makes a share, with which the caller may do everything.
    ///
    /// # Errors
    /// [`ClientError`], among it `link-taken`, `share-too-deep`, `unknown-datastore` and `unknown-share`.
    pub async fn create(&self, new: NewShare) -> Result<ShareId, ClientError> {
        match self.client.ask(Operation::CreateShare(Box::new(new))).await? {
            Reply::ShareCreated(created) => Ok(created.id),
            _ => Err(wrong_kind()),
        }
    }

    /// Reads a share.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-share`.
    pub async fn get(&self, id: ShareId) -> Result<Share, ClientError> {
        match self.client.ask(Operation::GetShare { id }).await? {
            Reply::Share(share) => Ok(share),
            _ => Err(wrong_kind()),
        }
    }

    /// Saves a share, if `previous` is `None` or still says when it was written last. Says when that is now.
    ///
    /// # Errors
    /// [`ClientError`], among it `stale-write`.
    pub async fn update(
        &self,
        id: ShareId,
        data: Boxed,
        previous: Option<Timestamp>,
    ) -> Result<Timestamp, ClientError> {
        match self.client.ask(Operation::UpdateShare { id, data, previous }).await? {
            Reply::Written(written) => Ok(written.written),
            _ => Err(wrong_kind()),
        }
    }

    /// Offers somebody a right, which counts once they accept. Whose public key the share's key is sealed for is the caller's
    /// to verify: a server could name its own.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-taker`, `share-right-exists` and `too-many-members`.
    pub async fn offer(&self, offer: ShareOffer) -> Result<ShareRightId, ClientError> {
        self.right(Operation::OfferShare(Box::new(offer))).await
    }

    /// Accepts an offer. `key` is the share's key, sealed anew in the way that `key_kind` says.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-share-right`: it is no offer to the caller, or was answered, revoked or expired.
    pub async fn accept(
        &self,
        right: ShareRightId,
        key: Boxed,
        key_kind: KeyKind,
    ) -> Result<ShareAccepted, ClientError> {
        match self.client.ask(Operation::AcceptShare { right, key, key_kind }).await? {
            Reply::ShareAccepted(accepted) => Ok(accepted),
            _ => Err(wrong_kind()),
        }
    }

    /// Declines an offer.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-share-right`.
    pub async fn decline(&self, right: ShareRightId) -> Result<(), ClientError> {
        self.client.ask(Operation::DeclineShare { right }).await.map(drop)
    }

    /// The rights and offers on a share; for whoever may not grant, their own only.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-share`.
    pub async fn members(&self, share: ShareId) -> Result<Vec<MemberRight>, ClientError> {
        match self.client.ask(Operation::ListShareRights { share }).await? {
            Reply::Members(list) => Ok(list.members),
            _ => Err(wrong_kind()),
        }
    }

    /// Changes what somebody may do with a share, from their next command on.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-share-right`.
    pub async fn change(
        &self,
        share: ShareId,
        taker: AccountId,
        rights: ShareRights,
    ) -> Result<ShareRightId, ClientError> {
        self.right(Operation::ChangeShareRight { share, taker, rights }).await
    }

    /// Takes a right or an offer back. What its holder has read, they have read: what they must not read again is sealed
    /// anew, with another key.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-share-right`.
    pub async fn revoke(&self, right: ShareRightId) -> Result<(), ClientError> {
        self.client.ask(Operation::RevokeShareRight { right }).await.map(drop)
    }

    /// Hangs a share up in one more place. Who has a right on a share above may do the same with what hangs below.
    ///
    /// # Errors
    /// [`ClientError`], among it `share-cycle` and `share-too-deep`.
    pub async fn place(&self, share: ShareId, link: LinkId, parent: Parent) -> Result<(), ClientError> {
        self.client.ask(Operation::PlaceShare { share, link, parent }).await.map(drop)
    }

    /// Moves a share from where a link has it.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-link`.
    pub async fn move_link(&self, link: LinkId, parent: Parent) -> Result<(), ClientError> {
        self.client.ask(Operation::MoveShare { link, parent }).await.map(drop)
    }

    /// Takes a share down from where a link has it. Whoever has a right of their own on it keeps that.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-link`.
    pub async fn unlink(&self, link: LinkId) -> Result<(), ClientError> {
        self.client.ask(Operation::UnlinkShare { link }).await.map(drop)
    }

    async fn right(&self, operation: Operation) -> Result<ShareRightId, ClientError> {
        match self.client.ask(operation).await? {
            Reply::ShareRight(given) => Ok(given.right),
            _ => Err(wrong_kind()),
        }
    }
}
