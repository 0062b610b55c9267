//! Creating secrets: all of a command's or none, each with its first link.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::{LinkId, SecretId};

use super::{
    Callback, SECRETS_MAX,
    rows::{StoredNonce, StoredSecret, StoredSecretContent, check_nonce},
};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::pause::{self, Pause},
    domains::sharing::{
        Child, Parent, Sharing, check_data, holdings, rights,
        tree::{self, StoredLink, StoredNode},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
    limits::Limits,
};

/// A secret to be created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewSecret {
    /// What it holds. Its nonce has sealed no other secret.
    pub data: Boxed,
    /// The link at which it hangs; drawn by the client, and no other link's.
    pub link: LinkId,
    /// What the client wants called.
    pub callback: Callback,
}

/// A secret that was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedSecret {
    /// The link by which the client knows it.
    pub link: LinkId,
    /// Its id.
    pub id: SecretId,
}

/// Creates secrets below one datastore or share, in one commit.
#[derive(Debug, Clone, Serialize)]
pub struct CreateSecrets {
    /// At most 1,000.
    pub secrets: Vec<NewSecret>,
    /// What they hang below: a datastore of the caller's, or a share that they may write.
    pub parent: Parent,
}

impl CreateSecrets {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Vec<CreatedSecret>>, Pause> {
        self.check(moment.limits)?;
        let rights = rights::on_parent(view, who.account, moment, self.parent)?;
        rights::check_writable(rights, self.parent)?;
        for secret in &self.secrets {
            tree::check_free(view, secret.link)?;
            check_nonce(view, &secret.data.nonce)?;
        }
        let mut created = Vec::with_capacity(self.secrets.len());
        let mut decision = Decision::reply(());
        for NewSecret { data, link, callback } in &self.secrets {
            let id = SecretId::from_bytes(moment.entropy.array());
            let (now, by, bytes) = (moment.now, who.account, data.text.len() as u64);
            let content = StoredSecretContent { data: data.clone(), callback: callback.clone() };
            decision = decision
                .put(keyspace::secret(id), &StoredSecret { created: now, written: now, owner: by, by, bytes })
                .put(keyspace::secret_content(id), &content)
                .put(keyspace::secret_nonce(&data.nonce), &StoredNonce);
            let hung = StoredLink { child: Child::Secret(id), parent: self.parent, by };
            decision = tree::hang(decision, &mut StoredNode::default(), *link, &hung, now)?;
            created.push(CreatedSecret { link: *link, id });
        }
        let children = created.iter().map(|one| Child::Secret(one.id));
        let decision = holdings::count(decision, view, who.account, children, moment.limits)?;
        Ok(decision.answer(created))
    }

    /// What can be said without looking at rows.
    fn check(&self, limits: &Limits) -> Result<(), EngineError> {
        if self.secrets.len() > SECRETS_MAX {
            return Err(EngineError::TooManySecrets { max: SECRETS_MAX });
        }
        let (mut links, mut nonces) = (BTreeSet::new(), BTreeSet::new());
        for NewSecret { data, link, callback } in &self.secrets {
            check_data(data, limits)?;
            callback.check()?;
            if !links.insert(link) {
                return Err(EngineError::LinkTaken);
            }
            if !nonces.insert(&data.nonce) {
                return Err(EngineError::NonceUsed);
            }
        }
        Ok(())
    }
}

impl Command for CreateSecrets {
    type Domain = Sharing;
    type Reply = Vec<CreatedSecret>;
    const NAME: &'static str = "create_secrets";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let first = self.secrets.iter().take(SECRETS_MAX);
        let own = Reads::one(keyspace::datastores(who.account)).row(keyspace::holdings(who.account));
        first.fold(own, |reads, secret| {
            reads.row(keyspace::link(secret.link)).row(keyspace::secret_nonce(&secret.data.nonce))
        })
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<CreatedSecret>>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
