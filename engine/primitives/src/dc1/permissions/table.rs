//! What a document of version "1" can speak of: resources, their endpoints, and each endpoint's class of operation.

use Class::{Create, Delete, Read, Update};

/// The class of operation that an endpoint belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Makes something.
    Create,
    /// Changes nothing.
    Read,
    /// Changes what is there.
    Update,
    /// Removes something.
    Delete,
}

impl Class {
    /// The member that allows or denies the class.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Create => "allow_create",
            Read => "allow_read",
            Update => "allow_update",
            Delete => "allow_delete",
        }
    }

    pub(super) fn allowed_by(member: &str) -> Option<Self> {
        [Create, Read, Update, Delete].into_iter().find(|class| class.member() == member)
    }
}

/// An operation that can be allowed or denied by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    resource: &'static str,
    name: &'static str,
    class: Class,
}

impl Endpoint {
    /// Makes a key.
    pub const CREATE_API_KEY: Self = Self::new("api_keys", "create_api_key", Create);
    /// Shows a key.
    pub const GET_API_KEY: Self = Self::new("api_keys", "get_api_key", Read);
    /// Lists keys.
    pub const LIST_API_KEYS: Self = Self::new("api_keys", "list_api_keys", Read);
    /// Deletes a key.
    pub const DELETE_API_KEY: Self = Self::new("api_keys", "delete_api_key", Delete);
    /// Changes a key.
    pub const UPDATE_API_KEY: Self = Self::new("api_keys", "update_api_key", Update);
    /// Shows the state of the chain.
    pub const GET_STATUS: Self = Self::new("misc", "get_status", Read);
    /// Creates a transaction: the one endpoint that is allowed by type.
    pub const CREATE_TRANSACTION: Self = Self::new("transactions", "create_transaction", Create);

    const fn new(resource: &'static str, name: &'static str, class: Class) -> Self {
        Self { resource, name, class }
    }

    /// The one of this name. Names are unique over all resources.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ENDPOINTS.into_iter().find(|endpoint| endpoint.name == name)
    }

    /// The resource that it belongs to.
    #[must_use]
    pub const fn resource(self) -> &'static str {
        self.resource
    }

    /// As refusals and documents name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The class of operation.
    #[must_use]
    pub const fn class(self) -> Class {
        self.class
    }
}

/// The resource of this name, as the table spells it.
pub(super) fn resource(name: &str) -> Option<&'static str> {
    ENDPOINTS.iter().map(|endpoint| endpoint.resource).find(|resource| *resource == name)
}

/// All endpoints.
pub const ENDPOINTS: [Endpoint; 37] = [
    Endpoint::CREATE_API_KEY,
    Endpoint::GET_API_KEY,
    Endpoint::LIST_API_KEYS,
    Endpoint::DELETE_API_KEY,
    Endpoint::UPDATE_API_KEY,
    Endpoint::new("blocks", "get_block", Read),
    Endpoint::new("blocks", "query_blocks", Read),
    Endpoint::new("interchains", "create_interchain", Create),
    Endpoint::new("interchains", "update_interchain", Update),
    Endpoint::new("interchains", "create_interchain_transaction", Create),
    Endpoint::new("interchains", "publish_interchain_transaction", Create),
    Endpoint::new("interchains", "list_interchains", Read),
    Endpoint::new("interchains", "get_interchain", Read),
    Endpoint::new("interchains", "delete_interchain", Delete),
    Endpoint::new("interchains", "get_default_interchain", Read),
    Endpoint::new("interchains", "set_default_interchain", Create),
    Endpoint::new("interchains", "get_interchain_legacy", Read),
    Endpoint::new("interchains", "create_interchain_transaction_legacy", Create),
    Endpoint::GET_STATUS,
    Endpoint::new("contracts", "get_contract", Read),
    Endpoint::new("contracts", "get_contract_logs", Read),
    Endpoint::new("contracts", "list_contracts", Read),
    Endpoint::new("contracts", "create_contract", Create),
    Endpoint::new("contracts", "update_contract", Update),
    Endpoint::new("contracts", "delete_contract", Delete),
    Endpoint::new("contracts", "get_contract_object", Read),
    Endpoint::new("contracts", "list_contract_objects", Read),
    Endpoint::new("transaction_types", "create_transaction_type", Create),
    Endpoint::new("transaction_types", "delete_transaction_type", Delete),
    Endpoint::new("transaction_types", "list_transaction_types", Read),
    Endpoint::new("transaction_types", "get_transaction_type", Read),
    Endpoint::CREATE_TRANSACTION,
    Endpoint::new("transactions", "query_transactions", Read),
    Endpoint::new("transactions", "get_transaction", Read),
    Endpoint::new("verifications", "get_verifications", Read),
    Endpoint::new("verifications", "get_pending_verifications", Read),
    Endpoint::new("verifications", "query_interchain_verifications", Read),
];
