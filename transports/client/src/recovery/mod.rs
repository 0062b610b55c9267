//! Recovery: a secret shared among holders, any few of whom give it back to a requester. All cryptography is here; the
//! server keeps ciphertexts and enforces the policy.
//!
//! ```text
//! owner       Recovery::split        a new scalar, its shares sealed to the holders, the secret sealed under it
//! requester   Recovery::open         a key to seal to
//! holder      Recovery::approve      checks the share, and seals it to the key that the requester named to them
//! requester   Recovery::recover      opens, checks and combines; a bad share is named
//! ```
//!
//! Believe this: public keys come from people. A server could name its own, so the owner takes each holder's key from the
//! holder, and a holder takes the requester's key from the requester: [`Recovery::approve`] wants it from its caller and
//! refuses what the server shows if that is another.

mod dealing;
mod error;
mod paper;

use strongroom_primitives::{
    hpke::HolderSecret,
    id::{EscrowId, RecoveryRequestId},
    recovery::{answer_info, approval_statement, payload_place, share_info},
    sharing::{Commitments, Share, combine},
    sign::SigningKey,
};
use strongroom_wire::{
    Base64Array, Base64Bytes, Escrow, EscrowPage, EscrowSummary, Operation, RecoveryApproval,
    RecoveryRequest, Release, Reply,
};
use zeroize::Zeroizing;

pub use dealing::{NewHolder, Split, SplitPlan};
pub use error::RecoveryError;
pub use paper::{from_words, to_words};

use crate::checks::wrong_kind;
use crate::client::Client;
use crate::error::ClientError;
use crate::keyknox::ports::draw;

/// Escrows that a client's caller owns or holds shares of.
#[derive(Debug, Clone)]
pub struct Recovery {
    client: Client,
}

impl Client {
    /// The caller's escrows, and those that they hold shares of.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        Recovery { client: self.clone() }
    }
}

impl Recovery {
    /// The X25519 public key that a share of the server's own is sealed to.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn server_key(&self) -> Result<[u8; 32], ClientError> {
        match self.client.ask(Operation::RecoveryKey {}).await? {
            Reply::RecoveryKey(key) => Ok(key.public_key.0),
            _ => Err(wrong_kind()),
        }
    }

    /// A page of the caller's own escrows.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn page(
        &self,
        cursor: Option<EscrowId>,
        limit: Option<usize>,
    ) -> Result<EscrowPage, ClientError> {
        match self.client.ask(Operation::ListEscrows { cursor, limit }).await? {
            Reply::Escrows(page) => Ok(page),
            _ => Err(wrong_kind()),
        }
    }

    /// A page of the escrows that the caller holds a share of.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn held(
        &self,
        cursor: Option<EscrowId>,
        limit: Option<usize>,
    ) -> Result<EscrowPage, ClientError> {
        match self.client.ask(Operation::ListHeldEscrows { cursor, limit }).await? {
            Reply::Escrows(page) => Ok(page),
            _ => Err(wrong_kind()),
        }
    }

    /// Shows an escrow.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-escrow`.
    pub async fn get(&self, id: EscrowId) -> Result<Escrow, ClientError> {
        match self.client.ask(Operation::GetEscrow { id }).await? {
            Reply::Escrow(escrow) => Ok(*escrow),
            _ => Err(wrong_kind()),
        }
    }

    /// Deletes an escrow of the caller's.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-escrow`.
    pub async fn delete(&self, id: EscrowId) -> Result<(), ClientError> {
        self.client.ask(Operation::DeleteEscrow { id }).await.map(drop)
    }

    /// Asks that shares be sealed to `key`. Tell holders the key by a way that the server has no part in.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-escrow`, `quota-exceeded` and `cooling-down`.
    pub async fn open(
        &self,
        escrow: EscrowId,
        key: &HolderSecret,
        reason: &str,
    ) -> Result<RecoveryRequest, ClientError> {
        let (public_key, reason) = (Base64Array(*key.public().as_bytes()), reason.to_owned());
        self.request_of(Operation::OpenRecoveryRequest { escrow, public_key, reason }).await
    }

    /// Shows a request.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-recovery-request`.
    pub async fn request(
        &self,
        escrow: EscrowId,
        request: RecoveryRequestId,
    ) -> Result<RecoveryRequest, ClientError> {
        self.request_of(Operation::GetRecoveryRequest { escrow, request }).await
    }

    async fn request_of(&self, operation: Operation) -> Result<RecoveryRequest, ClientError> {
        match self.client.ask(operation).await? {
            Reply::RecoveryRequest(request) => Ok(request),
            _ => Err(wrong_kind()),
        }
    }

    /// The requests of an escrow, oldest first.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-escrow`.
    pub async fn requests(&self, escrow: EscrowId) -> Result<Vec<RecoveryRequest>, ClientError> {
        match self.client.ask(Operation::ListRecoveryRequests { escrow }).await? {
            Reply::RecoveryRequests(list) => Ok(list.requests),
            _ => Err(wrong_kind()),
        }
    }

    /// Refuses a request for an escrow of the caller's.
    ///
    /// # Errors
    /// [`ClientError`], among it `request-closed`: it was collected, or its time is over.
    pub async fn veto(&self, escrow: EscrowId, request: RecoveryRequestId) -> Result<(), ClientError> {
        self.client.ask(Operation::VetoRecovery { escrow, request }).await.map(drop)
    }

    /// Approves a request with the share that is sealed to `holder`. `requester`: the key that the requester named.
    /// `signer`: what a device of the owner's signs with; `None` for an account.
    ///
    /// # Errors
    /// [`RecoveryError::NoShare`], [`RecoveryError::OtherRequester`], [`RecoveryError::Seal`] or
    /// [`RecoveryError::Sharing`] for a share that was damaged, and [`RecoveryError::Client`], among it
    /// `already-approved` and `stale-epoch`.
    pub async fn approve(
        &self,
        escrow: EscrowId,
        request: RecoveryRequestId,
        holder: &HolderSecret,
        requester: &[u8; 32],
        signer: Option<&SigningKey>,
    ) -> Result<RecoveryRequest, RecoveryError> {
        let shown = self.request(escrow, request).await?;
        if shown.public_key.0 != *requester {
            return Err(RecoveryError::OtherRequester);
        }
        let present = self.get(escrow).await?;
        let share = own_share(&present, holder)?;
        let (epoch, index) = (present.summary.epoch, share.index());
        let info = answer_info(escrow, request, epoch, index);
        let requester = strongroom_primitives::hpke::HolderPublic::from_bytes(*requester)?;
        let drawn = draw(&*self.client.options.ports.entropy).map_err(ClientError::from)?;
        let sealed = requester.seal(&info, b"", &*share.expose(), drawn)?;
        let statement = approval_statement(escrow, request, epoch, index, &sealed);
        let signature = signer.map(|signer| Base64Array(signer.sign(&statement)));
        let sealed = Base64Bytes(sealed.into());
        let approval = RecoveryApproval { escrow, request, epoch, index, sealed, signature };
        Ok(self.request_of(Operation::ApproveRecovery(Box::new(approval))).await?)
    }

    /// Takes what was released, as it is.
    ///
    /// # Errors
    /// [`ClientError`], among it `not-released` and `request-closed`.
    pub async fn collect(
        &self,
        escrow: EscrowId,
        request: RecoveryRequestId,
    ) -> Result<Release, ClientError> {
        match self.client.ask(Operation::CollectRelease { escrow, request }).await? {
            Reply::Release(release) => Ok(release),
            _ => Err(wrong_kind()),
        }
    }

    /// Takes what was released and makes the secret of it, with shares that the requester has from elsewhere: their own,
    /// or from paper.
    ///
    /// # Errors
    /// [`RecoveryError::Sharing`] with the holder whose share is bad, or too few; [`RecoveryError::Payload`];
    /// [`RecoveryError::Client`] as of [`Recovery::collect`].
    pub async fn recover(
        &self,
        escrow: EscrowId,
        request: RecoveryRequestId,
        key: &HolderSecret,
        brought: &[Share],
    ) -> Result<Zeroizing<Vec<u8>>, RecoveryError> {
        let release = self.collect(escrow, request).await?;
        make_secret(escrow, request, &release, key, brought)
    }

    async fn dealt(&self, operation: Operation) -> Result<EscrowSummary, ClientError> {
        match self.client.ask(operation).await? {
            Reply::EscrowDealt(summary) => Ok(summary),
            _ => Err(wrong_kind()),
        }
    }
}

/// The secret out of a release of `request` and of shares from elsewhere. All must be good: whoever knows of a bad one
/// takes it out of [`Release::shares`] first.
///
/// # Errors
/// As [`Recovery::recover`], without [`RecoveryError::Client`].
pub fn make_secret(
    escrow: EscrowId,
    request: RecoveryRequestId,
    release: &Release,
    key: &HolderSecret,
    brought: &[Share],
) -> Result<Zeroizing<Vec<u8>>, RecoveryError> {
    let mut shares = brought.to_vec();
    for given in &release.shares {
        let info = answer_info(escrow, request, release.epoch, given.index);
        let bad = RecoveryError::BadAnswer { index: given.index };
        let opened = key.open(&info, b"", &given.sealed.0).map_err(|_| bad)?;
        let share = Share::from_bytes(&opened)?;
        if share.index() != given.index {
            return Err(RecoveryError::BadAnswer { index: given.index });
        }
        shares.push(share);
    }
    let commitments = Commitments::from_bytes(&release.commitments.0)?;
    let scalar = combine(&shares, &commitments)?;
    let opened = scalar.payload_key().open(&payload_place(escrow), &release.payload.0);
    opened.map_err(|_| RecoveryError::Payload)
}

/// The share that is sealed to `holder`, opened and checked.
///
/// # Errors
/// [`RecoveryError::NoShare`], [`RecoveryError::Seal`], [`RecoveryError::Sharing`].
pub fn own_share(escrow: &Escrow, holder: &HolderSecret) -> Result<Share, RecoveryError> {
    let public_key = Base64Array(*holder.public().as_bytes());
    let held = escrow.holders.iter().find_map(|one| {
        let share = one.share.as_ref().filter(|share| share.public_key == public_key)?;
        Some((one.index, share))
    });
    let (index, sealed) = held.ok_or(RecoveryError::NoShare)?;
    let info = share_info(escrow.summary.id, escrow.summary.epoch, index, &escrow.commitments.0);
    let share = Share::from_bytes(&holder.open(&info, b"", &sealed.text.0)?)?;
    if share.index() != index {
        return Err(RecoveryError::NoShare);
    }
    Commitments::from_bytes(&escrow.commitments.0)?.check(&share)?;
    Ok(share)
}
