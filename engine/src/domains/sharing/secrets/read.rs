//! Reading secrets. A read is counted, so it is a write; it is counted in one of several rows, so readers do not wait
//! for each other.

use serde::Serialize;
use strongroom_primitives::id::{AccountId, SecretId};

use super::{
    SECRETS_MAX, SecretState, attached,
    rows::{STRIPES, StoredReads, StoredSecret, StoredSecretContent},
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::{
        pause::{self, Pause, seen},
        sharing::{Child, Sharing, rights},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// What one answer holds of secrets, in bytes of their ciphertexts.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

fn stripe_of(account: AccountId) -> u8 {
    account.as_bytes()[0] % STRIPES
}

/// The rows that say whether an account may read a secret, as far as they are known beforehand.
pub(crate) fn reads_of_rights(account: AccountId, secret: SecretId) -> Reads {
    Reads::one(keyspace::datastores(account))
        .row(keyspace::node(Child::Secret(secret)))
        .row(keyspace::secret(secret))
}

/// The rows of what a reader is shown, and of what is counted.
fn reads_of_content(account: AccountId, secret: SecretId) -> Reads {
    Reads::one(keyspace::secret(secret))
        .row(keyspace::secret_content(secret))
        .row(keyspace::secret_reads(secret, stripe_of(account)))
        .range_hint(keyspace::all_secret_reads(secret), None, STRIPES.into())
}

/// Whether an account may read a secret, and what is said of it.
fn readable(
    view: &View<'_>,
    account: AccountId,
    moment: &mut Moment<'_>,
    secret: SecretId,
) -> Result<Option<StoredSecret>, Pause> {
    seen(view, [keyspace::secret(secret)])?;
    if !rights::on_secret(view, account, moment, secret)?.read {
        return Ok(None);
    }
    Ok(view.row(&keyspace::secret(secret))?)
}

/// Refuses a secret that an account may not read, as one that there is not. For those who speak for an account.
///
/// # Errors
/// [`EngineError::UnknownSecret`].
pub(crate) fn check_readable(
    view: &View<'_>,
    account: AccountId,
    moment: &mut Moment<'_>,
    secret: SecretId,
) -> Result<(), Pause> {
    readable(view, account, moment, secret)?.map(drop).ok_or(EngineError::UnknownSecret.into())
}

/// Shows a secret that may be read, and counts that.
fn show(
    view: &View<'_>,
    account: AccountId,
    id: SecretId,
    stored: &StoredSecret,
) -> Result<Decision<SecretState>, Pause> {
    if let Some(reads) = view.lacks(reads_of_content(account, id)) {
        return Err(Pause::Need(reads));
    }
    let content: Option<StoredSecretContent> = view.row(&keyspace::secret_content(id))?;
    let StoredSecretContent { data, callback } = content.ok_or(EngineError::Corrupt)?;
    let stripe = keyspace::secret_reads(id, stripe_of(account));
    let mut own: StoredReads = view.row(&stripe)?.unwrap_or_default();
    own.count = own.count.saturating_add(1);
    let (counted, _) = view.range::<StoredReads>(&keyspace::all_secret_reads(id))?;
    let others = counted.iter().filter(|(key, _)| *key != stripe).map(|(_, reads)| reads.count);
    let reads = others.fold(own.count, u64::saturating_add);
    let StoredSecret { created, written, .. } = *stored;
    let state = SecretState { id, data, callback, created, written, reads };
    Ok(Decision::reply(state).put(stripe, &own))
}

/// Reads a secret as `account`, and counts that. For those who speak for an account.
///
/// # Errors
/// [`EngineError::UnknownSecret`] if there is none that the account may read.
pub(crate) fn read(
    view: &View<'_>,
    account: AccountId,
    moment: &mut Moment<'_>,
    secret: SecretId,
) -> Result<Decision<SecretState>, Pause> {
    let stored = readable(view, account, moment, secret)?.ok_or(EngineError::UnknownSecret)?;
    show(view, account, secret, &stored)
}

/// Reads a secret, and counts that.
#[derive(Debug, Clone, Serialize)]
pub struct ReadSecret {
    /// Which.
    pub id: SecretId,
}

impl Command for ReadSecret {
    type Domain = Sharing;
    type Reply = SecretState;
    const NAME: &'static str = "read_secret";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Attached(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of_rights(who.account, self.id)
            .and(reads_of_content(who.account, self.id))
            .and(attached::reads_of(who, self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<SecretState>, EngineError> {
        pause::step(
            attached::check(view, who, self.id).and_then(|()| read(view, who.account, moment, self.id)),
        )
    }
}

/// Reads several secrets, and counts that. What may not be read is left out, and so is what was named before.
#[derive(Debug, Clone, Serialize)]
pub struct ReadSecrets {
    /// Which; at most 1,000, that hold 16 MiB together.
    pub ids: Vec<SecretId>,
}

impl ReadSecrets {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Vec<SecretState>>, Pause> {
        let max = SECRETS_MAX;
        if self.ids.len() > max {
            return Err(EngineError::TooManySecrets { max }.into());
        }
        let looked = self.ids.iter().map(|id| Ok((*id, readable(view, who.account, moment, *id)?)));
        let mut readable: Vec<(SecretId, StoredSecret)> = Vec::new();
        for (id, stored) in pause::all(looked)? {
            readable.extend(stored.filter(|_| readable.iter().all(|(one, _)| *one != id)).map(|it| (id, it)));
        }
        if readable.iter().map(|(_, stored)| stored.bytes).sum::<u64>() > ANSWER_BYTES_MAX {
            return Err(EngineError::TooLarge.into());
        }
        let shown = readable.iter().map(|(id, stored)| show(view, who.account, *id, stored));
        let mut states = Vec::new();
        let mut all = Decision::reply(());
        for decision in pause::all(shown)? {
            let (state, counted) = decision.split()?;
            states.push(state);
            all = all.with(counted);
        }
        Ok(all.answer(states))
    }
}

impl Command for ReadSecrets {
    type Domain = Sharing;
    type Reply = Vec<SecretState>;
    const NAME: &'static str = "read_secrets";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let first = self.ids.iter().take(SECRETS_MAX);
        first.fold(Reads::none(), |reads, id| reads.and(reads_of_rights(who.account, *id)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<SecretState>>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
