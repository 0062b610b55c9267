//! Who has signed: a service key as a caller, and what it may do.

use std::sync::Arc;

use strongroom_primitives::{
    dc1::{
        ChainId, KeyId,
        permissions::{Endpoint, PermissionsDocument},
    },
    time::Timestamp,
};

use super::Form;
use crate::{
    credential::{Principal, Role},
    error::EngineError,
    keyspace::Keyspace,
};

/// What a service key may do.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    /// Everything.
    Root,
    /// What a document says.
    Limited(Arc<PermissionsDocument>),
    /// Nothing: nobody has looked yet.
    Nothing,
}

/// A service key that has signed.
#[derive(Debug, Clone)]
pub(crate) struct ServiceCaller {
    pub(crate) chain: ChainId,
    pub(crate) key: KeyId,
    pub(crate) grant: Grant,
    /// The last instant at which the key signs, if limited.
    pub(crate) expires: Option<Timestamp>,
    /// The last instant at which the secret or public key signs that it has signed with, if limited.
    pub(crate) ends: Option<Timestamp>,
    /// The form of its request.
    pub(crate) form: Form,
    /// Its signature, as it is remembered.
    pub(crate) signature: [u8; 16],
    /// The time that the request says.
    pub(crate) at: Timestamp,
    /// Whether its signature was taken for this request.
    pub(crate) spent: bool,
}

impl ServiceCaller {
    pub(crate) fn is_root(&self) -> bool {
        matches!(self.grant, Grant::Root)
    }

    /// Whether it may use an endpoint: step 10.
    ///
    /// # Errors
    /// [`EngineError::EndpointRefused`].
    pub(crate) fn require(&self, endpoint: Endpoint) -> Result<(), EngineError> {
        let allowed = match &self.grant {
            Grant::Root => true,
            Grant::Limited(document) => document.allows(endpoint),
            Grant::Nothing => false,
        };
        if allowed { Ok(()) } else { Err(EngineError::EndpointRefused { endpoint: endpoint.name() }) }
    }

    pub(crate) fn principal(self, space: &Keyspace) -> Principal {
        let account = space.service_account(&self.chain, &self.key);
        Principal {
            account,
            expires: self.ends,
            service: Some(Arc::new(self)),
            ..Principal::of_role(Role::Service)
        }
    }
}
