//! Making, changing and deleting API keys. Never with an API key.

use serde::Serialize;
use strongroom_primitives::{id::ApiKeyId, nacl::BoxPublic, sign, time::Timestamp};
use strongroom_storage::Key;

use super::{
    ApiKeyInfo, SEALED_BYTES_MAX, SEALED_BYTES_MIN, Sessions, StoredApiKey, StoredApiKeyPlace, check_title,
};
use crate::{
    boxed::Boxed,
    change::Change,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{ApiKeyFlags, Need, Principal, Rights},
    domains::sessions::{
        StoredSession,
        identity::IdentityGenerations,
        revoke::{Indexed, all_of, end_in, reads_of},
    },
    error::{EngineError, Quota},
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
};

/// The session that a key is made with, if there is one.
fn maker(who: &Principal) -> Option<Key> {
    who.session.map(keyspace::session)
}

/// Whether somebody may give these rights to a key: nobody gives more than they have, and no session that is to end soon
/// leaves something behind that does not. [`maker`] has been read.
///
/// # Errors
/// [`EngineError::PermissionRefused`], [`EngineError::ChildSession`].
fn check_maker(view: &View<'_>, who: &Principal, given: Rights) -> Result<(), EngineError> {
    if let Some(right) = given.iter().find(|right| !who.rights.has(*right)) {
        return Err(EngineError::PermissionRefused { right });
    }
    let session: Option<StoredSession> = maker(who).map(|key| view.row(&key)).transpose()?.flatten();
    let is_child = session.is_some_and(|session| session.parent.is_some());
    if is_child { Err(EngineError::ChildSession) } else { Ok(()) }
}

/// Makes an API key. Its holder is set up with the present generation of the engine's identity.
#[derive(Debug, Clone, Serialize)]
pub struct CreateApiKey {
    /// What its owner calls it; at most 1,024 bytes.
    pub title: String,
    /// X25519.
    pub public_key: [u8; 32],
    /// Ed25519: what its sign-ins are verified with.
    pub verify_key: [u8; 32],
    /// Its private key under the owner's secret key. This and the next three have at most 256 bytes.
    pub private_key: Boxed,
    /// Its secret key under the owner's secret key.
    pub secret_key: Boxed,
    /// The owner's private key under its secret key.
    pub user_private_key: Boxed,
    /// The owner's secret key under its secret key.
    pub user_secret_key: Boxed,
    /// What it may do.
    pub flags: ApiKeyFlags,
    /// The last instant at which it is good; `None` until it is deleted.
    pub expires: Option<Timestamp>,
}

impl CreateApiKey {
    fn check(&self) -> Result<(), EngineError> {
        check_title(&self.title)?;
        for (field, sealed) in [
            ("private_key", &self.private_key),
            ("secret_key", &self.secret_key),
            ("user_private_key", &self.user_private_key),
            ("user_secret_key", &self.user_secret_key),
        ] {
            sealed.check(field, SEALED_BYTES_MIN, SEALED_BYTES_MAX)?;
        }
        BoxPublic::from_bytes(self.public_key).map_err(|_| EngineError::KeyInvalid)?;
        sign::VerifyingKey::from_bytes(&self.verify_key).map_err(|_| EngineError::KeyInvalid)?;
        Ok(())
    }

    fn stored(&self, identity: u32, created: Timestamp) -> StoredApiKey {
        StoredApiKey {
            title: self.title.clone(),
            flags: self.flags,
            active: true,
            created,
            expires: self.expires,
            identity,
            public_key: self.public_key,
            verify_key: self.verify_key,
            private_key: self.private_key.clone(),
            secret_key: self.secret_key.clone(),
            user_private_key: self.user_private_key.clone(),
            user_secret_key: self.user_secret_key.clone(),
        }
    }
}

impl Command for CreateApiKey {
    type Domain = Sessions;
    type Reply = ApiKeyInfo;
    const NAME: &'static str = "create_api_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        // Which generation is told does not have to be the very last one: each answers for long enough.
        let reads = Reads::none().hint(keyspace::server_identity()).row(keyspace::ledger(who.account));
        maker(who).into_iter().fold(reads, Reads::row)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ApiKeyInfo>, EngineError> {
        self.check()?;
        check_maker(view, who, self.flags.rights())?;
        let (all_key, max) = (keyspace::api_keys(who.account), moment.limits.api_keys_max);
        let ledger_key = keyspace::ledger(who.account);
        if !view.has_range(&all_key) {
            return Ok(Step::Need(Reads::none().range(all_key, None, max, ledger_key)));
        }
        if view.keys(&all_key)?.0.len() >= max {
            return Err(EngineError::QuotaExceeded { what: Quota::ApiKeys, max: max as u64 });
        }
        let id = ApiKeyId::from_bytes(moment.entropy.array());
        let identity = IdentityGenerations::now(view, moment.now)?.current;
        let stored = self.stored(identity, moment.now);
        let ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        Decision::reply(stored.info(id))
            .put(keyspace::api_key_place(id), &StoredApiKeyPlace { account: who.account })
            .put(keyspace::api_key(who.account, id), &stored)
            .put(ledger_key, &ledger)
            .tell(who.account, Event::ApiKeyPut { api_key: id })
            .done()
    }
}

/// The sessions that an API key has signed in for.
fn sessions_of(view: &View<'_>, who: &Principal, api_key: ApiKeyId) -> Result<Indexed, EngineError> {
    let mut sessions = all_of(view, who.account)?;
    sessions.retain(|(_, index)| index.api_key == Some(api_key));
    Ok(sessions)
}

/// Changes an API key. What is `None` stays as it is.
///
/// What it may no longer do, its sessions may not from the next commit on. One that is no longer active has none.
#[derive(Debug, Clone, Serialize)]
pub struct UpdateApiKey {
    /// Which.
    pub id: ApiKeyId,
    /// What its owner calls it; at most 1,024 bytes.
    pub title: Option<String>,
    /// Whether it may look.
    pub read: Option<bool>,
    /// Whether it may change something.
    pub write: Option<bool>,
    /// Whether it reaches only what is attached to it.
    pub restrict: Option<bool>,
    /// Whether the server may be given the key of its secrets.
    pub insecure: Option<bool>,
    /// Whether it signs in at all.
    pub active: Option<bool>,
    /// The last instant at which it is good. A later one, or none, is a right given anew: whoever lacks what the key may
    /// do does not prolong it.
    pub expires: Change<Timestamp>,
}

impl UpdateApiKey {
    /// Changes nothing of this one.
    pub const fn of(id: ApiKeyId) -> Self {
        let (title, expires) = (None, Change::Keep);
        Self { id, title, read: None, write: None, restrict: None, insecure: None, active: None, expires }
    }
}

/// Whether a key that ended at one instant ends at a later one now; `None` is never.
fn is_prolonged(before: Option<Timestamp>, now: Option<Timestamp>) -> bool {
    before.is_some_and(|before| now.is_none_or(|now| now > before))
}

impl Command for UpdateApiKey {
    type Domain = Sessions;
    type Reply = ApiKeyInfo;
    const NAME: &'static str = "update_api_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let reads = reads_of(who.account).row(keyspace::api_key(who.account, self.id));
        maker(who).into_iter().fold(reads, Reads::row)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ApiKeyInfo>, EngineError> {
        let key = keyspace::api_key(who.account, self.id);
        let mut stored: StoredApiKey = view.row(&key)?.ok_or(EngineError::UnknownApiKey)?;
        if let Some(title) = &self.title {
            check_title(title)?;
            stored.title.clone_from(title);
        }
        let flags = stored.flags;
        stored.flags = ApiKeyFlags {
            read: self.read.unwrap_or(flags.read),
            write: self.write.unwrap_or(flags.write),
            restrict: self.restrict.unwrap_or(flags.restrict),
            insecure: self.insecure.unwrap_or(flags.insecure),
        };
        let ended = stored.expires;
        self.expires.apply(&mut stored.expires);
        let keeps = stored.active && !is_prolonged(ended, stored.expires);
        let had = if keeps { flags.rights() } else { Rights::NONE };
        let given = stored.flags.rights().iter().filter(|right| !had.has(*right)).collect();
        check_maker(view, who, given)?;
        stored.active = self.active.unwrap_or(stored.active);
        let ending = if stored.active { Vec::new() } else { sessions_of(view, who, self.id)? };
        let ledger_key = keyspace::ledger(who.account);
        let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        end_in(Decision::reply(stored.info(self.id)), &mut ledger, who.account, ending, moment.now)
            .put(key, &stored)
            .put(ledger_key, &ledger)
            .tell(who.account, Event::ApiKeyPut { api_key: self.id })
            .done()
    }
}

/// Deletes an API key, and with it its sessions and what is attached to it.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteApiKey {
    /// Which.
    pub id: ApiKeyId,
}

impl Command for DeleteApiKey {
    type Domain = Sessions;
    type Reply = ();
    const NAME: &'static str = "delete_api_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account).row(keyspace::api_key(who.account, self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let key = keyspace::api_key(who.account, self.id);
        view.row::<StoredApiKey>(&key)?.ok_or(EngineError::UnknownApiKey)?;
        let ending = sessions_of(view, who, self.id)?;
        let ledger_key = keyspace::ledger(who.account);
        let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        // What hangs on the key, and is found through it only, goes with the sweeper: it may be much.
        end_in(Decision::reply(()), &mut ledger, who.account, ending, moment.now)
            .delete(key)
            .delete(keyspace::api_key_place(self.id))
            .put(ledger_key, &ledger)
            .tell(who.account, Event::ApiKeyDeleted { api_key: self.id })
            .done()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use strongroom_primitives::nacl::BoxSecret;

    use super::*;
    use crate::{
        credential::{Identity, Right},
        domains::sessions::{BearerIssued, IssueBearer, OpenChild},
        testing::Desk,
    };

    fn create(write: bool) -> CreateApiKey {
        let boxed = || Boxed { text: Bytes::from_static(&[7; 16]), nonce: [1; 24] };
        CreateApiKey {
            title: "backup".to_owned(),
            public_key: *BoxSecret::from_seed([1; 32]).public().as_bytes(),
            verify_key: *sign::SigningKey::from_seed(&[1; 32]).verifying_key().as_bytes(),
            private_key: boxed(),
            secret_key: boxed(),
            user_private_key: boxed(),
            user_secret_key: boxed(),
            flags: ApiKeyFlags { read: true, write, restrict: false, insecure: false },
            expires: None,
        }
    }

    /// A-API-12: a key is no way round what its maker may not do.
    #[test]
    fn nobody_gives_a_key_more_than_they_have() {
        let mut desk = Desk::new();
        let ann = desk.who("ann");
        desk.open_account(&ann);
        let reader = Principal { rights: Rights::NONE.with(Right::Get), ..ann.clone() };
        let refused = Err(EngineError::PermissionRefused { right: Right::Create });
        assert_eq!(desk.run(&reader, &create(true)).map(drop), refused);
        let id = desk.run(&reader, &create(false)).unwrap().id;
        let widen = UpdateApiKey { write: Some(true), ..UpdateApiKey::of(id) };
        assert_eq!(desk.run(&reader, &widen).map(drop), refused);
        desk.run(&ann, &widen).unwrap();
        let rename = UpdateApiKey { title: Some("nightly".to_owned()), ..UpdateApiKey::of(id) };
        assert!(desk.run(&reader, &rename).unwrap().flags.write, "what it has, it keeps");
        let rest = UpdateApiKey { active: Some(false), ..UpdateApiKey::of(id) };
        desk.run(&reader, &rest).unwrap();
        let wake = UpdateApiKey { active: Some(true), ..UpdateApiKey::of(id) };
        assert_eq!(desk.run(&reader, &wake).map(drop), refused);
        desk.run(&ann, &wake).unwrap();
        let until =
            |ms| UpdateApiKey { expires: Change::Set(Timestamp::from_ms(ms)), ..UpdateApiKey::of(id) };
        let forever = UpdateApiKey { expires: Change::Clear, ..UpdateApiKey::of(id) };
        for sooner in [2_000, 1_000, 1_000] {
            assert_eq!(desk.run(&reader, &until(sooner)).unwrap().expires, Some(Timestamp::from_ms(sooner)));
        }
        for longer in [until(1_001), forever.clone()] {
            assert_eq!(
                desk.run(&reader, &longer).map(drop),
                refused,
                "it would last longer than they gave it"
            );
        }
        assert_eq!(
            desk.run(&reader, &UpdateApiKey::of(id)).unwrap().expires,
            Some(Timestamp::from_ms(1_000))
        );
        desk.run(&ann, &until(1_001)).unwrap();
        assert_eq!(desk.run(&ann, &forever).unwrap().expires, None);
    }

    #[test]
    fn a_session_that_ends_soon_leaves_no_key_behind() {
        let mut desk = Desk::new();
        let ann = desk.who("ann");
        let identity: Identity = ann.identity().unwrap().clone();
        let operator = Principal::of_role(crate::credential::Role::Operator);
        let issue = IssueBearer { identity, rights: Rights::ALL, life: None, label: String::new() };
        let with = |issued: &BearerIssued| Principal { session: Some(issued.session), ..ann.clone() };
        let own = with(&desk.run(&operator, &issue).unwrap());
        let open = OpenChild { life: Duration::from_secs(60), label: String::new() };
        let child = with(&desk.run(&own, &open).unwrap());
        assert_eq!(desk.run(&child, &create(false)).map(drop), Err(EngineError::ChildSession));
        let id = desk.run(&own, &create(false)).unwrap().id;
        let widen = UpdateApiKey { write: Some(true), ..UpdateApiKey::of(id) };
        assert_eq!(desk.run(&child, &widen).map(drop), Err(EngineError::ChildSession));
    }
}
