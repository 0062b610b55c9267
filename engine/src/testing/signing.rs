//! Somebody who signs requests with a service key.

use strongroom_primitives::{
    dc1::{self, Algorithm, Authorization, ChainId, KeyId, Parts, write_stamp},
    secret::SecretText,
    time::Timestamp,
};

use crate::{
    Credential,
    domains::service_keys::{Dc1Facts, NewServiceKey, RootKey, SignedRequest},
};

/// Holds a service key.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The chain.
    pub chain: ChainId,
    /// The key.
    pub id: KeyId,
    /// Its secret.
    pub secret: SecretText,
}

impl Signer {
    /// Who was given a root key.
    pub fn root(root: &RootKey) -> Self {
        let RootKey { chain, id, secret, .. } = root;
        Self { chain: chain.clone(), id: id.clone(), secret: secret.expose().clone() }
    }

    /// Who was given a key of a chain.
    pub fn of(chain: &ChainId, new: &NewServiceKey) -> Self {
        let secret = new.secret.as_ref().expect("a key of a kind that has a secret");
        Self { chain: chain.clone(), id: new.key.id.clone(), secret: secret.expose().clone() }
    }

    /// A signed request at `at`; `chance` (0 to 999) tells two of one millisecond apart.
    ///
    /// # Panics
    /// If that is no time.
    pub fn facts(&self, at: Timestamp, chance: u16) -> Dc1Facts {
        let facts = Dc1Facts {
            chain: Some(self.chain.to_string()),
            timestamp: Some(write_stamp(at, chance).expect("a time that can be written")),
            authorization: None,
            verb: "POST".to_owned(),
            target: "/dragonchain/v1/api-key?x=1".to_owned(),
            mount: "/dragonchain".to_owned(),
            content_type: "application/json".to_owned(),
            body: "{}".into(),
        };
        self.sign(Algorithm::Sha256, facts)
    }

    /// The same facts with a signature.
    ///
    /// # Panics
    /// If they hold control characters.
    pub fn sign(&self, algorithm: Algorithm, facts: Dc1Facts) -> Dc1Facts {
        let parts = Parts {
            verb: &facts.verb,
            chain: facts.chain.as_deref().unwrap_or_default(),
            timestamp: facts.timestamp.as_deref().unwrap_or_default(),
            content_type: &facts.content_type,
            body: &facts.body,
        };
        let path = facts.target.strip_prefix(&facts.mount).unwrap_or(&facts.target);
        let mac = dc1::sign(algorithm, &self.secret, &parts, path).expect("texts without control characters");
        let authorization = Some(Authorization::write(algorithm, self.id.as_str(), &mac));
        Dc1Facts { authorization, ..facts }
    }

    /// The credential of a request that has just arrived.
    pub fn credential(&self, at: Timestamp, chance: u16) -> Credential {
        Credential::Signed(SignedRequest::dc1(self.facts(at, chance)))
    }
}
