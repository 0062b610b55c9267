//! Requests that are signed with DC1-HMAC. Source: `dialects/dragonchain.md`, section 3.

use bytes::Bytes;
use strongroom_primitives::{
    dc1::{Authorization, Parts, Paths, verify},
    secret::SecretText,
};

use super::SignatureFault;

/// What was received of a request that is signed with DC1-HMAC, as its transport found it on the wire. A header that
/// came twice is the transport's to refuse.
#[derive(Clone, Default)]
pub struct Dc1Facts {
    /// The `dragonchain` header.
    pub chain: Option<String>,
    /// The `timestamp` header.
    pub timestamp: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The method as received.
    pub verb: String,
    /// The raw request target.
    pub target: String,
    /// The path under which the dialect is served, without a slash at the end.
    pub mount: String,
    /// The `Content-Type` header; empty if there is none.
    pub content_type: String,
    /// The body after transfer decoding and before any content decoding.
    pub body: Bytes,
}

impl Dc1Facts {
    /// Whether this secret has signed. `None` for that of a key that there is not: the work is the same.
    pub(super) fn check(
        &self,
        header: &Authorization,
        secret: Option<&SecretText>,
    ) -> Result<(), SignatureFault> {
        let Self { chain, timestamp, verb, content_type, body, .. } = self;
        let parts = Parts {
            verb,
            chain: chain.as_deref().unwrap_or_default(),
            timestamp: timestamp.as_deref().unwrap_or_default(),
            content_type,
            body,
        };
        let paths = Paths::of(&self.target, &self.mount);
        Ok(verify(header.algorithm, secret, &parts, &paths, &header.mac)?)
    }
}
