//! What accounts and keys may have so many of.

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// Live records.
    Records,
    /// Bytes of `meta` and `value` of live records.
    Bytes,
    /// Wrapped keys.
    Keys,
    /// API keys.
    ApiKeys,
    /// Secrets attached to one API key.
    AttachedSecrets,
    /// Services that the account asks admission to.
    Audiences,
    /// Items of a vault.
    Items,
    /// Bytes of the items of a vault.
    ItemBytes,
    /// Datastores of an account.
    Datastores,
    /// Secrets that an account has created.
    Secrets,
    /// Shares that an account has created.
    Shares,
    /// Chains.
    Chains,
    /// Service keys of a chain.
    ServiceKeys,
    /// Escrows of an account.
    Escrows,
    /// Requests for one escrow.
    RecoveryRequests,
}

impl std::fmt::Display for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Records => "records",
            Self::Bytes => "bytes",
            Self::Keys => "keys",
            Self::ApiKeys => "API keys",
            Self::AttachedSecrets => "attached secrets",
            Self::Audiences => "services",
            Self::Items => "items",
            Self::ItemBytes => "bytes of items",
            Self::Datastores => "datastores",
            Self::Secrets => "secrets",
            Self::Shares => "shares",
            Self::Chains => "chains",
            Self::ServiceKeys => "service keys",
            Self::Escrows => "escrows",
            Self::RecoveryRequests => "requests",
        })
    }
}
