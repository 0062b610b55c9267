//! Who asks: a token in direct mode, preset headers in gateway mode. Never both.
//!
//! Whether the peer is a gateway is for the transport to know, from a listener, a certificate or a shared secret. A
//! peer that is none cannot name an identity: the preset headers are then not even looked at (THREATS A-REC-06).

use std::net::IpAddr;

use strongroom_engine::{Credential, Identity};
use strongroom_primitives::id::{RealmId, Subject};

use super::{
    problem::{self, Problem},
    token,
};
use crate::exchange::{Request, header};

const APPLICATION: &str = "x-application-id";
const ACCOUNT: &str = "x-account-id";
const IDENTITY: &str = "x-virgil-identity";
/// The longest value of a preset header, in bytes of UTF-8.
const PRESET_BYTES_MAX: usize = 1_024;

/// A caller, not yet believed by the engine.
#[derive(Debug)]
pub(super) struct Caller {
    /// What is presented.
    pub(super) credential: Credential,
    /// Where its limits are counted.
    pub(super) standing: Standing,
}

/// What limits are counted by.
#[derive(Debug)]
pub(super) enum Standing {
    /// A token that names nobody until it is verified, from this address.
    Token {
        /// SHA-256 of the token's text.
        digest: [u8; 32],
        /// Where it came from, if the transport knows.
        address: Option<IpAddr>,
    },
    /// An identity that a gateway vouches for. The gateway's address stands for all of its users, so it is not
    /// counted.
    Vouched(Identity),
}

impl Caller {
    /// Reads the caller from a request's headers.
    ///
    /// # Errors
    /// 20300 in direct mode; 50000, 50001, 50003 and 50011 in gateway mode, in the order of the headers.
    pub(super) fn of(request: &Request) -> Result<Self, Problem> {
        if request.peer.gateway { Self::vouched_by_gateway(request) } else { Self::with_token(request) }
    }

    fn with_token(request: &Request) -> Result<Self, Problem> {
        let value = request.header(header::AUTHORIZATION).ok_or(problem::TOKEN_MISSING)?;
        let credential = token::credential(value).ok_or(problem::TOKEN_MISSING)?;
        let Credential::Token(token) = &credential else { return Err(problem::TOKEN_MISSING) };
        let standing = Standing::Token { digest: token.digest, address: request.peer.address };
        Ok(Self { credential, standing })
    }

    fn vouched_by_gateway(request: &Request) -> Result<Self, Problem> {
        let application = preset(request, APPLICATION, problem::APPLICATION_MISSING)?;
        let realm = RealmId::new(application).map_err(|_| problem::APPLICATION_INVALID)?;
        let account = preset(request, ACCOUNT, problem::ACCOUNT_MISSING)?;
        let identity = preset(request, IDENTITY, problem::GATEWAY_IDENTITY_MISSING)?;
        let subject = Subject::new(identity).map_err(|_| problem::GATEWAY_IDENTITY_MISSING)?;
        // The account id decides nothing; it is kept for whoever asks later who sent what. Debug form, so that it
        // cannot write lines of its own.
        tracing::info!(
            target: "strongroom::audit",
            request = &*request.request_id, application, account_id = ?account, method = %request.method,
            path = &*request.path, "keyknox request through a gateway"
        );
        let standing = Standing::Vouched(Identity { realm: realm.clone(), subject: subject.clone() });
        Ok(Self { credential: Credential::Gateway { realm, subject }, standing })
    }
}

/// A header that appears once, with 1 to [`PRESET_BYTES_MAX`] bytes of UTF-8.
fn preset<'a>(request: &'a Request, name: &'static str, missing: Problem) -> Result<&'a str, Problem> {
    let value = request.header(name).map(|value| value.trim_matches([' ', '\t']));
    value.filter(|value| (1..=PRESET_BYTES_MAX).contains(&value.len())).ok_or(missing)
}
