//! The sweeper: removes what has expired and delivers what waits to be told. Garbage only, never correctness: whatever
//! it has not come to yet is refused, passed over or still to come all the same.
//!
//! It walks the whole store in key order, a page per step, and asks of every row whether it is garbage. Deletions are
//! guarded, so that several nodes may sweep one store.

use std::collections::BTreeSet;

use strongroom_primitives::{
    id::{AccountId, EscrowId, RecoveryRequestId, ShareId},
    time::Timestamp,
};
use strongroom_storage::{Batch, Guard, Key, Page, Range, Row, StorageError, Write};

use crate::{
    codec,
    command::Command,
    credential::Credential,
    domains::{
        accounts::{AccountState, PurgeAccount, StoredAccount},
        admission::{StoredForeignToken, StoredToken},
        escrow::{StoredMisses, StoredShare},
        people::StoredActivation,
        pin_recovery::StoredPinGrace,
        records::{DeliverGrants, StoredHead, StoredVersion},
        recovery::{EndRequest, StoredRecoveryRequest},
        service_keys::StoredSignature,
        sessions::{
            ExpireSession, StoredSession,
            api_key::{StoredAttachedPlace, api_key_of},
            device_code::StoredDeviceCode,
            sealed::StoredNonce,
            srp::{StoredGuesses, StoredHandshake, StoredReservation},
        },
        sharing::{DropLink, DropLoose, DropShareRight, StoredChild, StoredNode, StoredShareRight},
    },
    error::EngineError,
    feed::StoredEvent,
    handle::{EngineHandle, Routed},
    keyspace,
    runtime::replay::StoredSlot,
};

/// Outboxes that one step looks at.
const OUTBOXES: usize = 16;

/// How far the store's idea of the time may lag behind before it is told, in milliseconds: a minute. A write tells it
/// anyway; this is for a store that nobody writes to, which would else start again with the time of its last write,
/// and believe a clock that was set back meanwhile (THREATS F-10).
const TIME_LAG_MAX_MS: u64 = 60_000;

/// Walks one store.
pub(crate) struct Sweeper {
    handle: EngineHandle,
    cursor: Option<Key>,
    /// Whether owners may have to be told that a store was restored, which is found when an engine starts.
    restored: bool,
}

impl Sweeper {
    pub(crate) fn new(handle: EngineHandle) -> Self {
        Self { handle, cursor: None, restored: true }
    }

    /// Sweeps until the task is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::time::sleep(self.handle.limits().sweep_interval).await;
            if let Err(error) = self.step().await
                && !matches!(error, EngineError::Draining)
            {
                tracing::warn!(%error, "the sweeper could not take a step; it goes on with the next");
            }
        }
    }

    /// Delivers what waits, then looks at one page.
    pub(crate) async fn step(&mut self) -> Result<(), EngineError> {
        self.tell_the_time().await?;
        self.deliver().await?;
        if self.restored {
            self.restored = self.handle.tell_restored(None).await?;
        }
        let rows_max = self.handle.limits().sweep_rows_max;
        let mut range = Range::all(rows_max);
        if let Some(cursor) = self.cursor.take() {
            range = range.from(cursor);
        }
        let page = self.handle.storage().scan(range).await.map_err(EngineError::of_read)?;
        let (garbage, next) = self.garbage(&page).await?;
        self.cursor = next;
        self.discard(garbage).await
    }

    async fn node<C: Command>(&self, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        self.handle.ask(Credential::Node, command).await
    }

    async fn tell_the_time(&self) -> Result<(), EngineError> {
        let lag_ms = self.handle.now().as_ms().saturating_sub(self.handle.storage().info().high_water_ms);
        if lag_ms >= TIME_LAG_MAX_MS {
            self.handle.storage().commit(Batch::default()).await.map_err(EngineError::of_commit)?;
        }
        Ok(())
    }

    async fn deliver(&self) -> Result<(), EngineError> {
        let range = Range::prefix(&keyspace::outboxes(), OUTBOXES);
        let page = self.handle.storage().scan(range).await.map_err(EngineError::of_read)?;
        for (key, _) in page.rows {
            if let (Some(owner), Some(record)) = (keyspace::sixteen(&key, 1), keyspace::sixteen(&key, 17)) {
                let owner = AccountId::from_bytes(owner);
                while self.node(DeliverGrants { owner, record }).await? {}
            }
        }
        Ok(())
    }

    async fn garbage(&self, page: &Page) -> Result<(Vec<(Key, Row)>, Option<Key>), EngineError> {
        let now = self.handle.now();
        let limits = self.handle.limits();
        let erased = self.erased_accounts(page).await?;
        let mut garbage = Vec::new();
        for (key, row) in &page.rows {
            let Some(prefix) = key.as_bytes().first() else { continue };
            if account_of(key).is_some_and(|account| erased.contains(&account)) {
                continue;
            }
            let old = match prefix {
                b'i' => codec::decode::<StoredSlot>(&row.value)?.expires < now,
                b'f' => {
                    let event: StoredEvent = codec::decode(&row.value)?;
                    event.at.saturating_add(limits.feed_retention) < now
                }
                b't' => codec::decode::<StoredToken>(&row.value)?.is_garbage(now),
                // By the clock of the store, which refuses by the same clock to spend a token that has expired. With a
                // clock of our own that is ahead, a token could be spent again on another node. Nonces likewise.
                b'u' => {
                    let spent: StoredForeignToken = codec::decode(&row.value)?;
                    spent.expires < self.store_time()
                }
                b'r' => {
                    let head: StoredHead = codec::decode(&row.value)?;
                    let Some(account) = keyspace::sixteen(key, 1).map(AccountId::from_bytes) else {
                        continue;
                    };
                    garbage.extend(self.old_versions(account, &head, now).await?);
                    self.tombstone_is_old(account, &head, now).await?
                }
                b'h' => codec::decode::<StoredNonce>(&row.value)?.is_garbage(self.store_time()),
                b'C' if keyspace::is_signature(key) => {
                    codec::decode::<StoredSignature>(&row.value)?.until < self.store_time()
                }
                // By the clock of the store, which takes them back by the same clock.
                b'O' if keyspace::is_pin_grace(key) => {
                    codec::decode::<StoredPinGrace>(&row.value)?.until < self.store_time()
                }
                b'Y' => codec::decode::<StoredActivation>(&row.value)?.expires < now,
                b'G' => codec::decode::<StoredDeviceCode>(&row.value)?.expires < now,
                b'N' => codec::decode::<StoredReservation>(&row.value)?.expires < now,
                b'H' => codec::decode::<StoredHandshake>(&row.value)?.expires < now,
                b'T' => codec::decode::<StoredGuesses>(&row.value)?.is_forgotten(now),
                b'U' if keyspace::is_escrow_share(key) => {
                    codec::decode::<StoredShare>(&row.value)?.has_expired(now)
                }
                b'U' if keyspace::is_escrow_misses(key) => {
                    codec::decode::<StoredMisses>(&row.value)?.is_forgotten(now)
                }
                b'3' => self.end_request(key, row).await?,
                b'S' => {
                    self.expire(row, now).await?;
                    false
                }
                b'a' => {
                    self.drop_share_right(key, row, now).await?;
                    false
                }
                b'y' => {
                    self.tidy_tree(key, row, now).await?;
                    false
                }
                _ => false,
            };
            if old {
                garbage.push((key.clone(), row.clone()));
            }
        }
        garbage.extend(self.orphans(page, &erased).await?);
        garbage.sort_by(|(one, _), (other, _)| one.cmp(other));
        garbage.dedup_by(|(later, _), (earlier, _)| later == earlier);
        for account in erased {
            while self.node(PurgeAccount { account }).await?.more {}
        }
        Ok((garbage, page.next.clone()))
    }

    /// The time that the store has last been told.
    fn store_time(&self) -> Timestamp {
        Timestamp::from_ms(self.handle.storage().info().high_water_ms)
    }

    /// The rows of a page that hang on another row which is gone. Those rows are never written again under the same
    /// key, because their ids are drawn, so what hangs on them is garbage for good.
    async fn orphans(
        &self,
        page: &Page,
        erased: &BTreeSet<AccountId>,
    ) -> Result<Vec<(Key, Row)>, EngineError> {
        let mut hanging = Vec::new();
        for (key, row) in &page.rows {
            if account_of(key).is_some_and(|account| erased.contains(&account)) {
                continue;
            }
            let on = match key.as_bytes().first() {
                Some(b'h') => StoredNonce::session_of(key),
                Some(b'q' | b'Q' | b'w') => api_key_of(key),
                Some(b'c') => codec::decode::<StoredAttachedPlace>(&row.value)?.api_key_of(key),
                _ => None,
            };
            hanging.extend(on.map(|on| (on, (key.clone(), row.clone()))));
        }
        let keys: Vec<Key> = hanging.iter().map(|(on, _)| on.clone()).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.handle.storage().get(&keys).await.map_err(EngineError::of_read)?;
        Ok(hanging.into_iter().zip(found).filter(|(_, on)| on.is_none()).map(|((_, row), _)| row).collect())
    }

    /// The versions of a record that are old. One is old once it has not been the head for as long as history keeps
    /// it; a deletion has no successor, and is old by itself.
    async fn old_versions(
        &self,
        account: AccountId,
        head: &StoredHead,
        now: Timestamp,
    ) -> Result<Vec<(Key, Row)>, EngineError> {
        if head.is_live() && head.oldest() == head.sequence {
            return Ok(Vec::new());
        }
        let record = self.handle.space().record(&head.name);
        let is_old = |since: Timestamp| since.saturating_add(self.handle.limits().history_retention) < now;
        let mut old = Vec::new();
        let mut waiting: Option<(Key, Row)> = None;
        // Oldest first, one at a time: most records have nothing that is old, and contents are large.
        for sequence in head.oldest()..=head.sequence {
            let Some(key) = head.key_of(sequence, account, record) else { continue };
            let mut found =
                self.handle.storage().get(std::slice::from_ref(&key)).await.map_err(EngineError::of_read)?;
            let Some(row) = found.pop().flatten() else { continue };
            let stored: StoredVersion = codec::decode(&row.value)?;
            if stored.sequence != sequence {
                // The record has been written since its head was read, and the slot taken again.
                return Ok(old);
            }
            if let Some(superseded) = waiting.take() {
                if !is_old(stored.written) {
                    return Ok(old);
                }
                old.push(superseded);
            }
            waiting = Some((key, row));
        }
        old.extend(waiting.filter(|_| !head.is_live() && is_old(head.written)));
        Ok(old)
    }

    /// A deleted record's head goes last, once history holds nothing of it, so that no sequence number is used twice
    /// while anybody could still see the first use.
    async fn tombstone_is_old(
        &self,
        account: AccountId,
        head: &StoredHead,
        now: Timestamp,
    ) -> Result<bool, EngineError> {
        if head.is_live() || head.written.saturating_add(self.handle.limits().history_retention) >= now {
            return Ok(false);
        }
        let record = self.handle.space().record(&head.name);
        let versions = Range::prefix(&keyspace::versions(account, record), 1);
        let page = self.handle.storage().scan(versions).await.map_err(EngineError::of_read)?;
        Ok(page.rows.is_empty())
    }

    async fn expire(&self, row: &Row, now: Timestamp) -> Result<(), EngineError> {
        let session: StoredSession = codec::decode(&row.value)?;
        if session.ends().is_some_and(|ends| ends < now) {
            let expire =
                ExpireSession { account: session.account, session: StoredSession::id_of(&session.digest) };
            self.node(expire).await?;
        }
        Ok(())
    }

    /// Ends a recovery request whose time is over, by the clock of the store, and says whether it is kept no longer.
    async fn end_request(&self, key: &Key, row: &Row) -> Result<bool, EngineError> {
        let (request, told): (StoredRecoveryRequest, _) = (codec::decode(&row.value)?, self.store_time());
        if request.is_to_end(told) {
            let (escrow, id) = (keyspace::sixteen(key, 17), keyspace::sixteen(key, 33));
            let (Some(escrow), Some(id)) = (escrow, id) else { return Ok(false) };
            let (escrow, request) = (EscrowId::from_bytes(escrow), RecoveryRequestId::from_bytes(id));
            self.node(EndRequest { escrow, request }).await?;
            return Ok(false);
        }
        let kept_for = self.handle.limits().recovery_request_retention;
        Ok(request.over_since().saturating_add(kept_for) < told)
    }

    async fn drop_share_right(&self, key: &Key, row: &Row, now: Timestamp) -> Result<(), EngineError> {
        if !codec::decode::<StoredShareRight>(&row.value)?.has_expired(now) {
            return Ok(());
        }
        let (account, share) = (keyspace::sixteen(key, 1), keyspace::sixteen(key, 17));
        let (Some(account), Some(share)) = (account, share) else { return Ok(()) };
        let (account, share) = (AccountId::from_bytes(account), ShareId::from_bytes(share));
        self.node(DropShareRight { account, share }).await
    }

    /// Takes down what hangs below something that is gone, and removes what nobody can reach.
    async fn tidy_tree(&self, key: &Key, row: &Row, now: Timestamp) -> Result<(), EngineError> {
        if let Some(parent) = keyspace::parent_of_child(key) {
            let StoredChild { link, by, .. } = codec::decode(&row.value)?;
            let stands = keyspace::stands(parent, by);
            let found = self.handle.storage().get(&[stands]).await.map_err(EngineError::of_read)?;
            if found.into_iter().all(|row| row.is_none()) {
                self.node(DropLink { link }).await?;
            }
        }
        if let Some(child) = keyspace::child_of_node(key) {
            let node: StoredNode = codec::decode(&row.value)?;
            let kept_for = self.handle.limits().unlinked_retention;
            if node.is_loose() && node.since.saturating_add(kept_for) < now {
                self.node(DropLoose { child }).await?;
            }
        }
        Ok(())
    }

    /// The accounts of a page whose tombstones stand while rows are left.
    async fn erased_accounts(&self, page: &Page) -> Result<BTreeSet<AccountId>, EngineError> {
        let accounts: BTreeSet<AccountId> = page.rows.iter().filter_map(|(key, _)| account_of(key)).collect();
        let keys: Vec<Key> = accounts.iter().map(|account| keyspace::account(*account)).collect();
        let rows = self.handle.storage().get(&keys).await.map_err(EngineError::of_read)?;
        let mut erased = BTreeSet::new();
        for (account, row) in accounts.into_iter().zip(rows) {
            let Some(row) = row else { continue };
            if codec::decode::<StoredAccount>(&row.value)?.state == AccountState::Erased {
                erased.insert(account);
            }
        }
        Ok(erased)
    }

    async fn discard(&self, garbage: Vec<(Key, Row)>) -> Result<(), EngineError> {
        if garbage.is_empty() {
            return Ok(());
        }
        let removed = garbage.len();
        let mut batch = Batch::default();
        for (key, row) in garbage {
            batch.guards.push(Guard::At(key.clone(), row.revision));
            batch.writes.push(Write::Delete(key));
        }
        match self.handle.storage().commit(batch).await {
            Ok(_) => {
                self.handle.observer().swept(removed);
                Ok(())
            }
            // Somebody else touched one of them; the next round looks again.
            Err(StorageError::Conflict) => Ok(()),
            Err(error) => Err(EngineError::of_commit(error)),
        }
    }
}

/// The account that a row belongs to, for prefixes that erasure removes.
fn account_of(key: &Key) -> Option<AccountId> {
    let prefix = key.as_bytes().first()?;
    keyspace::ACCOUNT_PREFIXES
        .contains(prefix)
        .then(|| keyspace::sixteen(key, 1))
        .flatten()
        .map(AccountId::from_bytes)
}

#[cfg(test)]
mod tests;
