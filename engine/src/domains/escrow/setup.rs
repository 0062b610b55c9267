//! Setting up the secret storage, for the first time or anew.

use std::collections::BTreeSet;

use serde::Serialize;
use strongroom_primitives::{id::BoxId, time::Timestamp};

use super::{
    Escrow, account_of, drop_all, drop_reads,
    rows::{AsymKey, BoxShare, IdentityKeys, StoredStorage, WrappedRoot},
    storage::{check_count, reads_of},
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// A share of a box's key to be stored.
#[derive(Debug, Clone, Serialize)]
pub struct NewBoxShare {
    /// Of which box.
    pub in_box: BoxId,
    /// SHA-512 of the share, at most 64 bytes.
    pub share_hash: Vec<u8>,
    /// The share, sealed by the client.
    pub encrypted: String,
}

impl NewBoxShare {
    /// As a row; `chance` makes the id.
    pub(super) fn row(&self, now: Timestamp, mut chance: [u8; 16]) -> BoxShare {
        // Version 4, variant of RFC 9562.
        chance[6] = chance[6] & 0x0f | 0x40;
        chance[8] = chance[8] & 0x3f | 0x80;
        let Self { in_box, share_hash, encrypted } = self.clone();
        BoxShare { id: chance, in_box, share_hash, encrypted, created: now, updated: now }
    }
}

/// Sets up the secret storage of the caller's account. What it kept before is gone, and with it all shares of its
/// former root key; the public keys of the identity are stored in the same commit.
///
/// Source: dialects/misakey.md, sections 7 and 9 (`migration/v2`).
#[derive(Debug, Clone, Serialize)]
pub struct SetUpSecretStorage {
    /// The root key under the password's key.
    pub root: WrappedRoot,
    /// The vault key under the root key. Its hash need not be its own: clients send that of the root key.
    pub vault: WrappedRoot,
    /// Public halves of key pairs, and the secret halves as the client sealed them.
    pub asym_keys: Vec<(String, String)>,
    /// Shares of keys of boxes.
    pub box_shares: Vec<NewBoxShare>,
    /// The public keys of the identity, exactly if it has none yet.
    pub identity_keys: Option<IdentityKeys>,
}

impl SetUpSecretStorage {
    fn check(&self, moment: &Moment<'_>) -> Result<(), EngineError> {
        let limits = moment.limits;
        self.root.check(limits)?;
        self.vault.check(limits)?;
        check_count((self.asym_keys.len() + self.box_shares.len()) as u64, moment)?;
        self.asym_keys.iter().try_for_each(|(public, secret)| AsymKey::check(public, secret, limits))?;
        let mut shares = self.box_shares.iter();
        shares.try_for_each(|new| BoxShare::check(&new.share_hash, &new.encrypted, limits))?;
        self.identity_keys.iter().try_for_each(IdentityKeys::check)
    }
}

impl Command for SetUpSecretStorage {
    type Domain = Escrow;
    type Reply = ();
    const NAME: &'static str = "set_up_secret_storage";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let reads = reads_of(who.account).and(drop_reads(who.account));
        match who.assurance.as_deref() {
            Some(assurance) => reads.row(space.escrow_identity(who.account, &assurance.identity)),
            None => reads,
        }
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let account = account_of(who)?;
        self.check(moment)?;
        let assurance = who.assurance.as_deref().ok_or(EngineError::CredentialInvalid)?;
        let identity = moment.space.escrow_identity(account, &assurance.identity);
        if let Some(more) = view.lacks(Reads::one(identity.clone())) {
            return Ok(Step::Need(more));
        }
        let keys = match (view.is_there(&identity)?, &self.identity_keys) {
            (false, None) => return Err(EngineError::IdentityKeysMissing),
            (true, Some(_)) => return Err(EngineError::IdentityKeysExist),
            (_, keys) => keys,
        };
        let decision = drop_all(Decision::reply(()), view, account)?;
        let (asym_keys, _) = view.keys(&keyspace::escrow_asym_keys(account))?;
        let (box_shares, _) = view.keys(&keyspace::escrow_box_shares(account))?;
        let mut decision = asym_keys.into_iter().chain(box_shares).fold(decision, Decision::delete);
        let now = moment.now;
        let mut secrets = BTreeSet::new();
        for (public_key, encrypted) in &self.asym_keys {
            let key = moment.space.escrow_asym_key(account, public_key);
            let (public_key, encrypted) = (public_key.clone(), encrypted.clone());
            decision = decision.put(key.clone(), &AsymKey { public_key, encrypted, created: now });
            secrets.insert(key);
        }
        for new in &self.box_shares {
            let key = keyspace::escrow_box_share(account, new.in_box);
            decision = decision.put(key.clone(), &new.row(now, moment.entropy.array()));
            secrets.insert(key);
        }
        let storage = StoredStorage {
            root: self.root.clone(),
            vault: self.vault.clone(),
            secrets: secrets.len() as u64,
            since: now,
        };
        let decision = keys.iter().fold(decision, |decision, keys| decision.put(identity.clone(), keys));
        decision
            .put(keyspace::escrow_storage(account), &storage)
            .tell(account, Event::SecretStorageChanged {})
            .done()
    }
}
