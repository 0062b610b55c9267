//! Shares of root keys: filed under the hash of the other half, read, and dropped.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strongroom_primitives::{
    hash::sha512,
    id::AccountId,
    misakey::{SHARE_BYTES_MAX, SHARE_HASH_BYTES_MAX},
    seal::Place,
    secret::Secret,
    time::Timestamp,
};
use strongroom_storage::Key;
use zeroize::Zeroizing;

use super::{
    Escrow, SHARES_MAX, account_of, check_size, drop_all, drop_reads, misses::missed, rows::StoredShare,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// What a client may say of a share, in bytes.
const NOTE_BYTES_MAX: usize = 256;

/// Which of the two sets of shares. A hash in one says nothing of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShareKind {
    /// Halves of root keys.
    RootKey,
    /// What older clients kept in their place.
    Backup,
}

impl ShareKind {
    pub(super) const ALL: [Self; 2] = [Self::RootKey, Self::Backup];

    pub(super) const fn letter(self) -> u8 {
        match self {
            Self::RootKey => b'r',
            Self::Backup => b'k',
        }
    }
}

/// Secret bytes in a command or an answer. Serialized only for a fingerprint, and to be kept sealed under the caller's
/// idempotency key.
#[derive(Debug, Clone)]
pub struct ShareBytes(Secret);

impl ShareBytes {
    /// Wraps them.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Secret::new(bytes))
    }

    /// The bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl Serialize for ShareBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.expose().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ShareBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::new)
    }
}

/// A share as it is handed back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldShare {
    /// The share.
    pub share: ShareBytes,
    /// What its client said of it.
    pub note: Vec<u8>,
    /// The last instant at which it is handed out.
    pub expires: Timestamp,
}

/// Where a share belongs: what its seal is bound to.
struct Filed<'a> {
    account: AccountId,
    kind: ShareKind,
    hash: &'a [u8],
    expires: Timestamp,
}

impl Filed<'_> {
    fn place(&self) -> Place {
        let expires = self.expires.as_ms().to_be_bytes();
        Place::new("escrow share", &[self.account.as_bytes(), &[self.kind.letter()], self.hash, &expires])
    }

    fn seal(&self, share: &ShareBytes, note: &[u8], moment: &Moment<'_>) -> Vec<u8> {
        let mut plain = Zeroizing::new(Vec::with_capacity(1 + share.expose().len() + note.len()));
        plain.push(u8::try_from(share.expose().len()).expect("a share has at most 128 bytes"));
        plain.extend_from_slice(share.expose());
        plain.extend_from_slice(note);
        moment.secrets.escrow().seal(moment.entropy.array(), &self.place(), &plain)
    }

    fn open(&self, sealed: &[u8], moment: &Moment<'_>) -> Result<HeldShare, EngineError> {
        let plain = moment.secrets.escrow().open(&self.place(), sealed).map_err(|_| EngineError::Corrupt)?;
        let (len, rest) = plain.split_first().ok_or(EngineError::Corrupt)?;
        let (share, note) = rest.split_at_checked(usize::from(*len)).ok_or(EngineError::Corrupt)?;
        let share = ShareBytes::new(share.to_vec());
        Ok(HeldShare { share, note: note.to_vec(), expires: self.expires })
    }
}

/// The shares of one kind. The ledger is their generation row: whoever files or drops one tells of it.
pub(super) fn reads_of(account: AccountId, kind: ShareKind) -> Reads {
    let shares = keyspace::escrow_shares(account, kind.letter());
    Reads::none().range(shares, None, SHARES_MAX + 1, keyspace::ledger(account))
}

/// One share, and what is counted if there is none.
fn reads_of_one(who: &Principal, space: &Keyspace, kind: ShareKind, hash: &[u8]) -> Reads {
    Reads::one(space.escrow_share(who.account, kind.letter(), hash)).row(keyspace::escrow_misses(who.account))
}

/// Files a share under the hash of the other half. Under the same hash again it replaces the earlier one and its time
/// begins anew. Where there are as many live shares as there may be, the oldest goes.
#[derive(Debug, Clone, Serialize)]
pub struct DepositShare {
    /// In which set.
    pub kind: ShareKind,
    /// SHA-512 of the other half as a rule, 1 to 64 bytes; opaque, matched byte for byte.
    pub hash: Vec<u8>,
    /// The share, 1 to 128 bytes.
    pub share: ShareBytes,
    /// What the client says of it, at most 256 bytes; handed back with it.
    pub note: Vec<u8>,
}

impl DepositShare {
    fn check(&self) -> Result<(), EngineError> {
        check_size("share", self.share.expose().len(), SHARE_BYTES_MAX)?;
        check_size("hash", self.hash.len(), SHARE_HASH_BYTES_MAX)?;
        check_size("note", self.note.len() + 1, NOTE_BYTES_MAX + 1)?;
        if sha512(self.share.expose())[..] == self.hash[..] {
            return Err(EngineError::ShareNamesItself);
        }
        Ok(())
    }

    /// The other shares that go: those that are over, and the oldest of the rest beyond the limit.
    fn going(&self, mut others: Vec<(Key, StoredShare)>, moment: &Moment<'_>) -> (Vec<Key>, u64) {
        let max = moment.limits.escrow_shares_max.clamp(1, SHARES_MAX);
        others.sort_by_key(|(_, share)| (!share.is_over(moment), share.filed));
        let over = others.iter().filter(|(_, share)| share.is_over(moment)).count();
        let going = over.max((others.len() + 1).saturating_sub(max));
        others.truncate(going);
        (others.into_iter().map(|(key, _)| key).collect(), (going - over) as u64)
    }
}

impl Command for DepositShare {
    type Domain = Escrow;
    type Reply = Timestamp;
    const NAME: &'static str = "deposit_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let key = space.escrow_share(who.account, self.kind.letter(), &self.hash);
        reads_of(who.account, self.kind).row(key)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Timestamp>, EngineError> {
        let account = account_of(who)?;
        self.check()?;
        let key = moment.space.escrow_share(account, self.kind.letter(), &self.hash);
        let (mut others, _) =
            view.range::<StoredShare>(&keyspace::escrow_shares(account, self.kind.letter()))?;
        others.retain(|(other, _)| *other != key);
        let (going, dropped) = self.going(others, moment);
        let expires = moment.now.saturating_add(moment.limits.escrow_share_life);
        let filed = Filed { account, kind: self.kind, hash: &self.hash, expires };
        let sealed = filed.seal(&self.share, &self.note, moment);
        let decision = going.into_iter().fold(Decision::reply(expires), Decision::delete);
        let decision = decision.put(key, &StoredShare { filed: moment.now, expires, reads: 0, sealed });
        let decision = match dropped {
            0 => decision,
            count => decision.tell(account, Event::EscrowSharesDropped { count }),
        };
        decision.tell(account, Event::EscrowShareFiled {}).done()
    }
}

/// Reads a share. It stays, for as long as it would have, unless [`Limits::escrow_share_reads_max`] says how often it may
/// be read: then the last read drops it. The read is counted and the owner told before the share is handed out, so two
/// who ask at once never get more than there is.
///
/// One that expired, one that was read too often, one of another account and one that never was are one answer after
/// the same look: the row's key names the account, so nobody else's is found.
///
/// [`Limits::escrow_share_reads_max`]: crate::Limits::escrow_share_reads_max
#[derive(Debug, Clone, Serialize)]
pub struct FetchShare {
    /// Of which set.
    pub kind: ShareKind,
    /// What it is filed under.
    pub hash: Vec<u8>,
}

impl Command for FetchShare {
    type Domain = Escrow;
    type Reply = HeldShare;
    const NAME: &'static str = "fetch_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        reads_of_one(who, space, self.kind, &self.hash)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<HeldShare>, EngineError> {
        let account = account_of(who)?;
        let key = moment.space.escrow_share(account, self.kind.letter(), &self.hash);
        let stored = view.row::<StoredShare>(&key)?.filter(|stored| !stored.is_over(moment));
        let Some(stored) = stored else { return missed(view, account, moment) };
        moment.relies_on(stored.expires);
        let filed = Filed { account, kind: self.kind, hash: &self.hash, expires: stored.expires };
        let held = filed.open(&stored.sealed, moment)?;
        let read = StoredShare { reads: stored.reads.saturating_add(1), ..stored };
        let decision = Decision::reply(held).tell(account, Event::EscrowShareRead {});
        if read.is_used_up(moment.limits) {
            decision.delete(key).tell(account, Event::EscrowSharesDropped { count: 1 }).done()
        } else {
            decision.put(key, &read).done()
        }
    }
}

/// Drops one share.
#[derive(Debug, Clone, Serialize)]
pub struct DropShare {
    /// Of which set.
    pub kind: ShareKind,
    /// What it is filed under.
    pub hash: Vec<u8>,
}

impl Command for DropShare {
    type Domain = Escrow;
    type Reply = ();
    const NAME: &'static str = "drop_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        reads_of_one(who, space, self.kind, &self.hash)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let account = account_of(who)?;
        let key = moment.space.escrow_share(account, self.kind.letter(), &self.hash);
        if view.row::<StoredShare>(&key)?.is_none_or(|stored| stored.is_over(moment)) {
            return missed(view, account, moment);
        }
        Decision::reply(()).delete(key).tell(account, Event::EscrowSharesDropped { count: 1 }).done()
    }
}

/// Drops all shares of the caller's account, of both sets.
#[derive(Debug, Clone, Serialize)]
pub struct DropShares {}

impl Command for DropShares {
    type Domain = Escrow;
    type Reply = ();
    const NAME: &'static str = "drop_shares";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        drop_reads(who.account)
    }

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        let account = account_of(who)?;
        drop_all(Decision::reply(()), view, account)?.done()
    }
}
