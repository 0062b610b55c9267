//! Secrets that are really shared, sealed and opened, so that a test notices what a requester would.

use std::time::Duration;

use bytes::Bytes;
use strongroom_primitives::{
    hpke::{HolderPublic, HolderSecret},
    id::{EscrowId, RecoveryRequestId, Subject},
    recovery::{answer_info, approval_statement, payload_place, share_info},
    sharing::{Share, SharedScalar, Sharing, SharingError, combine, split},
    sign::SigningKey,
};

use crate::domains::recovery::{
    ApproveRequest, CreateEscrow, Deal, Holder, HolderKind, RefreshEscrow, Release, ReleasePolicy,
    SealedShare,
};

/// What every escrow here is for.
pub const SECRET: &[u8] = b"the root key";

/// A requester's key.
pub fn requester_secret() -> HolderSecret {
    HolderSecret::derive([200; 32])
}

/// The key of the holder of this index.
pub fn holder_secret(index: u8) -> HolderSecret {
    HolderSecret::derive([index; 32])
}

/// What the device of this index signs with.
pub fn signer(index: u8) -> SigningKey {
    SigningKey::from_seed(&[index; 32])
}

/// The account of this name as a holder.
///
/// # Panics
/// If that is no name.
pub fn account(name: &str) -> HolderKind {
    HolderKind::Account(Subject::new(name).expect("a good subject"))
}

/// The device of this index as a holder.
pub fn device(index: u8) -> HolderKind {
    HolderKind::Device { signer: *signer(index).verifying_key().as_bytes() }
}

/// Two approvals and an hour's delay.
pub fn policy() -> ReleasePolicy {
    ReleasePolicy {
        quorum: 2,
        delay: Duration::from_secs(3_600),
        window: Duration::from_secs(7_200),
        collect: Duration::from_secs(7_200),
        cooldown: Duration::ZERO,
        open_requests_max: 4,
        activity_vetoes: false,
    }
}

/// Bytes that look like chance and are the same for the same seed.
fn chance(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut stream = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    move |bytes| stream.fill(bytes)
}

/// An escrow as its owner's client knows it.
pub struct Dealer {
    /// Which.
    pub escrow: EscrowId,
    /// The present epoch.
    pub epoch: u32,
    scalar: SharedScalar,
    server: [u8; 32],
}

impl Dealer {
    /// A dealer with a secret of their own for each number. `server`: the key of the server's own shares.
    pub fn new(number: u8, server: [u8; 32]) -> Self {
        let scalar = SharedScalar::draw(chance(number.into()));
        Self { escrow: EscrowId::from_bytes([number; 16]), epoch: 1, scalar, server }
    }

    fn sharing(&self, threshold: u8, count: usize) -> Sharing {
        let count = u8::try_from(count).expect("few holders");
        split(&self.scalar, threshold, count, chance(1_000 + u64::from(self.epoch)))
            .expect("a good threshold")
    }

    /// The shares of the present epoch for these holders, whose indices count from 1.
    ///
    /// # Panics
    /// If the threshold is none for so many.
    pub fn deal(&self, threshold: u8, kinds: &[HolderKind]) -> Deal {
        let Sharing { shares, commitments } = self.sharing(threshold, kinds.len());
        let commitments: Bytes = commitments.to_bytes().into();
        let holders = kinds.iter().zip(&shares).map(|(kind, share)| {
            let index = share.index();
            let public_key = match kind {
                HolderKind::Server => self.server,
                _ => *holder_secret(index).public().as_bytes(),
            };
            let info = share_info(self.escrow, self.epoch, index, &commitments);
            let to = HolderPublic::from_bytes(public_key).expect("a good key");
            let text = to.seal(&info, b"", &*share.expose(), [index; 32]).expect("a seal").into();
            let share = (*kind != HolderKind::Paper).then_some(SealedShare { public_key, text });
            Holder { index, kind: kind.clone(), share }
        });
        Deal { holders: holders.collect(), commitments: commitments.clone() }
    }

    /// [`SECRET`], sealed under the shared scalar.
    pub fn payload(&self) -> Bytes {
        let nonce = [9; strongroom_primitives::seal::NONCE_BYTES];
        self.scalar.payload_key().seal(nonce, &payload_place(self.escrow), SECRET).into()
    }

    /// The escrow's creation.
    pub fn create(&self, threshold: u8, kinds: &[HolderKind], policy: ReleasePolicy) -> CreateEscrow {
        let (deal, label) = (self.deal(threshold, kinds), "root key".to_owned());
        CreateEscrow { id: self.escrow, label, payload: self.payload(), deal, policy }
    }

    /// The next epoch: the same secret among these.
    pub fn refresh(&mut self, threshold: u8, kinds: &[HolderKind]) -> RefreshEscrow {
        let epoch = self.epoch;
        self.epoch += 1;
        RefreshEscrow { id: self.escrow, epoch, deal: self.deal(threshold, kinds), payload: None }
    }

    /// A holder's approval: the share of the deal, opened and sealed to the requester.
    ///
    /// # Panics
    /// If the deal has no such share, or it does not open.
    pub fn approve(&self, deal: &Deal, request: RecoveryRequestId, index: u8) -> ApproveRequest {
        let held = deal.holders.iter().find(|holder| holder.index == index);
        let held = held.and_then(|holder| holder.share.as_ref()).expect("a holder with a share");
        let info = share_info(self.escrow, self.epoch, index, &deal.commitments);
        let share = holder_secret(index).open(&info, b"", &held.text).expect("the holder's own share");
        self.approve_with(request, index, &share)
    }

    /// An approval with whatever the holder says is their share.
    ///
    /// # Panics
    /// Never.
    pub fn approve_with(&self, request: RecoveryRequestId, index: u8, share: &[u8]) -> ApproveRequest {
        let info = answer_info(self.escrow, request, self.epoch, index);
        let sealed = requester_secret().public().seal(&info, b"", share, [index; 32]).expect("a seal");
        let (escrow, epoch) = (self.escrow, self.epoch);
        ApproveRequest { escrow, request, epoch, index, sealed: sealed.into(), signature: None }
    }

    /// What the requester makes of a release and of shares that they have from elsewhere.
    ///
    /// # Errors
    /// What [`combine`] says of the shares.
    ///
    /// # Panics
    /// If something does not open.
    pub fn recover(
        &self,
        request: RecoveryRequestId,
        release: &Release,
        brought: &[Share],
    ) -> Result<Vec<u8>, SharingError> {
        let opened = release.shares.iter().map(|(index, sealed)| {
            let info = answer_info(self.escrow, request, release.epoch, *index);
            let share = requester_secret().open(&info, b"", sealed).expect("sealed to the requester");
            Share::from_bytes(&share)
        });
        let mut shares = opened.collect::<Result<Vec<Share>, _>>()?;
        shares.extend_from_slice(brought);
        let commitments = strongroom_primitives::sharing::Commitments::from_bytes(&release.commitments)?;
        let key = combine(&shares, &commitments)?.payload_key();
        Ok(key.open(&payload_place(self.escrow), &release.payload).expect("the payload").to_vec())
    }

    /// The plain share of an index, as paper has it.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn plain(&self, threshold: u8, count: usize, index: u8) -> Share {
        self.sharing(threshold, count).shares[usize::from(index) - 1].clone()
    }
}

/// The same approval with the signature of the device of its index.
#[must_use]
pub fn signed(mut approval: ApproveRequest) -> ApproveRequest {
    let ApproveRequest { escrow, request, epoch, index, ref sealed, .. } = approval;
    let statement = approval_statement(escrow, request, epoch, index, sealed);
    approval.signature = Some(Bytes::copy_from_slice(&signer(index).sign(&statement)));
    approval
}
