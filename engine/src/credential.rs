//! Who is asking: from what a caller presents to a principal, by rows and nothing else.
//!
//! A credential names the rows that vouch for it. The runtime reads them together with the command's own rows, and
//! they are guarded like those: a revocation that lands first wins, even over a write in flight. A cache holds only
//! what is pure — that a signature was verified, which account a session belongs to — and never whether it is still
//! good.

mod cache;
mod resolve;
mod signatures;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    dc1::permissions::Endpoint,
    id::{AccountId, ApiKeyId, RealmId, SessionId, Subject},
    time::Timestamp,
};

pub(crate) use cache::CredentialCache;
pub(crate) use resolve::{Resolved, Resolver};
pub(crate) use signatures::Signatures;

use crate::{
    domains::{
        service_keys::{ServiceCaller, SignedRequest},
        sessions::assured::Assurance,
    },
    error::EngineError,
};

/// What a caller presents. Transports make it from headers and frames; it never holds a bearer secret, only its hash.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Nothing.
    Anonymous,
    /// An opaque bearer token.
    Bearer {
        /// SHA-256 of its text.
        digest: [u8; 32],
        /// The only realm whose sessions count here; `None` where all do. Services that must not take each other's
        /// tokens have accounts of different realms.
        realm: Option<RealmId>,
    },
    /// A token signed by a key of a realm.
    Token(TokenCredential),
    /// A request that a service key has signed, as a whole.
    Signed(Arc<SignedRequest>),
    /// An identity vouched for by a gateway that the transport has authenticated.
    Gateway {
        /// The realm it names.
        realm: RealmId,
        /// The identity in it.
        subject: Subject,
    },
    /// The operator, whom the transport has authenticated.
    Operator,
    /// The engine itself: the sweeper.
    Node,
}

impl Credential {
    /// A bearer token of any realm, by the SHA-256 of its text.
    pub fn bearer(digest: [u8; 32]) -> Self {
        Self::Bearer { digest, realm: None }
    }
}

/// A signed token and the way to read it. The format belongs to a dialect; that it is verified, and against which
/// row, belongs here.
#[derive(Clone)]
pub struct TokenCredential {
    /// SHA-256 of the token's text: the name under which a verification is remembered.
    pub digest: [u8; 32],
    /// The token's text.
    pub text: Bytes,
    /// Reads the text. Called once per token and shard, not once per request.
    pub read: fn(&[u8]) -> Result<TokenFacts, EngineError>,
}

impl fmt::Debug for TokenCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenCredential({} bytes)", self.text.len())
    }
}

/// What a token says, not yet believed.
#[derive(Debug, Clone)]
pub struct TokenFacts {
    /// The realm it is for.
    pub realm: RealmId,
    /// Which of the realm's keys signed it.
    pub key_id: String,
    /// The identity it speaks for.
    pub subject: Subject,
    /// When it was made.
    pub issued: Timestamp,
    /// The last instant at which it is good.
    pub expires: Timestamp,
    /// The rights it is limited to, if it is.
    pub rights: Option<Rights>,
    /// The bytes that were signed with Ed25519.
    pub signed: Vec<u8>,
    /// The signature.
    pub signature: [u8; 64],
}

/// Something an application or an identity may be allowed to do with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Create, replace, share and undo.
    Create,
    /// Read, list and follow.
    Get,
    /// Reset and delete.
    Reset,
}

/// A set of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rights(u8);

impl Rights {
    /// Every right.
    pub const ALL: Self = Self(0b111);
    /// No right.
    pub const NONE: Self = Self(0);

    /// These and `right`.
    #[must_use]
    pub const fn with(self, right: Right) -> Self {
        Self(self.0 | 1 << right as u8)
    }

    /// Whether `right` is among these.
    pub const fn has(self, right: Right) -> bool {
        self.0 & 1 << right as u8 != 0
    }

    /// The rights in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The rights in it.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        [Right::Create, Right::Get, Right::Reset].into_iter().filter(move |right| self.has(*right))
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<T: IntoIterator<Item = Right>>(rights: T) -> Self {
        rights.into_iter().fold(Self::NONE, Self::with)
    }
}

/// Whether a command only looks, as far as API keys are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It looks.
    Read,
    /// It changes something.
    Write,
}

/// What an API key may do. A change reaches the sessions of the key with their next command. Source:
/// dialects/psono.md, sections 7.4 and 11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ApiKeyFlags {
    /// Whether it may look.
    pub read: bool,
    /// Whether it may change something.
    pub write: bool,
    /// Whether it reaches the secrets that are attached to it, and nothing else.
    pub restrict: bool,
    /// Whether the server may be given the key of its secrets, to open them there.
    pub insecure: bool,
}

impl ApiKeyFlags {
    /// Whether the key has this access, to whatever it reaches.
    pub const fn has(self, access: Access) -> bool {
        match access {
            Access::Read => self.read,
            Access::Write => self.write,
        }
    }

    /// What its sessions may do with records: nothing if it is restricted.
    pub(crate) fn rights(self) -> Rights {
        let read = [Right::Get].into_iter().filter(|_| self.read);
        let write = [Right::Create, Right::Reset].into_iter().filter(|_| self.write);
        read.chain(write).filter(|_| !self.restrict).collect()
    }
}

/// The API key that a session was opened with, as its row says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyed {
    /// Which.
    pub id: ApiKeyId,
    /// What it may do.
    pub flags: ApiKeyFlags,
}

/// What a command requires of its caller. Where nothing is said of API keys, their sessions are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: whoever asks, for what the command itself carries decides.
    Anyone,
    /// An account, be its session proved or not, and opened with whatever API key.
    Unproved,
    /// An account, whatever its rights, and whatever API key its session was opened with.
    Own,
    /// An account whose token says how far its sign-in went. Such a token is good for nothing else.
    Assured,
    /// An account, whatever its rights.
    Account,
    /// An account, or one of its API keys that has this access and is not restricted.
    Keyed(Access),
    /// An account, or one of its API keys that has this access. Of a restricted one the command checks what is
    /// attached to it.
    Attached(Access),
    /// An account with this right, or an API key of it whose access gives the right.
    Right(Right),
    /// A service key that may use this endpoint, or the operator.
    Service(Endpoint),
    /// A service key whose signature has yet to be taken.
    Signature,
    /// A service key, whatever it may do.
    Signed,
    /// The operator.
    Operator,
    /// The engine itself.
    Node,
}

/// What a caller turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nobody in particular.
    Nobody,
    /// An account.
    Account,
    /// A service key.
    Service,
    /// The operator.
    Operator,
    /// The engine itself.
    Node,
}

/// Who is asking, vouched for by rows that the decision is guarded by.
#[derive(Debug, Clone)]
pub struct Principal {
    /// What the caller is.
    pub role: Role,
    /// The account; what stands for the key if `role` is [`Role::Service`]; otherwise all zeros.
    pub account: AccountId,
    /// Realm and subject by which the caller is known; `None` unless `role` is [`Role::Account`].
    pub identity: Option<Identity>,
    /// What the caller may do with records.
    pub rights: Rights,
    /// The bearer session, if that is how the caller came.
    pub session: Option<SessionId>,
    /// The API key that session was opened with, if it was.
    pub api_key: Option<Keyed>,
    /// How far the sign-in of that session went, if its token says so.
    pub assurance: Option<Arc<Assurance>>,
    /// Whether nobody has shown yet that they can read that session's token.
    pub unproved: bool,
    /// The last instant at which the credential is good, if it is limited.
    pub expires: Option<Timestamp>,
    /// The service key that has signed; `None` unless `role` is [`Role::Service`].
    pub(crate) service: Option<Arc<ServiceCaller>>,
    /// Whether the account has no row yet: its first write makes one.
    pub(crate) new_account: bool,
}

/// An identity: a subject inside a realm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The tenant.
    pub realm: RealmId,
    /// The identity's name there.
    pub subject: Subject,
}

impl Principal {
    pub(crate) fn of_role(role: Role) -> Self {
        Self {
            role,
            account: AccountId::from_bytes([0; 16]),
            identity: None,
            rights: Rights::NONE,
            session: None,
            api_key: None,
            assurance: None,
            unproved: false,
            expires: None,
            service: None,
            new_account: false,
        }
    }

    /// The caller's identity.
    ///
    /// # Errors
    /// [`EngineError::CredentialMissing`] if the caller is not an account.
    pub fn identity(&self) -> Result<&Identity, EngineError> {
        self.identity.as_ref().ok_or(EngineError::CredentialMissing)
    }

    /// Refuses a caller who is not entitled.
    pub(crate) fn require(&self, need: Need) -> Result<(), EngineError> {
        match (need, self.role) {
            (Need::Anyone, _) | (Need::Operator, Role::Operator) | (Need::Node, Role::Node) => Ok(()),
            (Need::Service(_), Role::Operator) => Ok(()),
            (
                Need::Operator | Need::Node | Need::Service(_) | Need::Signature | Need::Signed,
                Role::Account,
            ) => Err(EngineError::CredentialInvalid),
            (_, Role::Account) => self.require_of_account(need),
            (_, Role::Service) => self.require_of_service(need),
            (_, Role::Nobody) => Err(EngineError::CredentialMissing),
            _ => Err(EngineError::CredentialInvalid),
        }
    }

    fn require_of_service(&self, need: Need) -> Result<(), EngineError> {
        let service = self.service.as_ref().ok_or(EngineError::Fault)?;
        match need {
            Need::Signature => Ok(()),
            // Nothing is done for a request before its signature was taken.
            _ if !service.spent => Err(EngineError::Fault),
            Need::Service(endpoint) => service.require(endpoint),
            Need::Signed => Ok(()),
            _ => Err(EngineError::CredentialInvalid),
        }
    }

    fn require_of_account(&self, need: Need) -> Result<(), EngineError> {
        if self.assurance.is_some() != (need == Need::Assured) {
            return Err(EngineError::CredentialInvalid);
        }
        if self.unproved && need != Need::Unproved {
            return Err(EngineError::SessionUnproved);
        }
        let flags = self.api_key.map(|key| key.flags);
        let permitted = match need {
            Need::Keyed(access) => flags.is_none_or(|flags| flags.has(access) && !flags.restrict),
            Need::Attached(access) => flags.is_none_or(|flags| flags.has(access)),
            Need::Right(right) => flags.is_none_or(|flags| flags.rights().has(right)),
            Need::Account => flags.is_none(),
            _ => true,
        };
        match need {
            _ if !permitted => Err(EngineError::ApiKeyRefused),
            Need::Right(right) if !self.rights.has(right) => Err(EngineError::PermissionRefused { right }),
            _ => Ok(()),
        }
    }

    /// The caller as one who came with a session of this API key.
    pub(crate) fn keyed(self, id: ApiKeyId, flags: ApiKeyFlags) -> Self {
        Self { rights: self.rights.and(flags.rights()), api_key: Some(Keyed { id, flags }), ..self }
    }
}

/// How far ahead of us a token's issuer may be.
pub(crate) fn issued_in_the_future(issued: Timestamp, now: Timestamp, tolerance: Duration) -> bool {
    issued > now.saturating_add(tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_held_only_where_it_was_given() {
        let rights: Rights = [Right::Create, Right::Reset].into_iter().collect();
        assert!(rights.has(Right::Create) && rights.has(Right::Reset) && !rights.has(Right::Get));
        assert_eq!(rights.and(Rights::NONE.with(Right::Get)), Rights::NONE);
        assert_eq!(Rights::ALL.iter().count(), 3);
    }

    const NEEDS: [Need; 14] = [
        Need::Own,
        Need::Account,
        Need::Keyed(Access::Read),
        Need::Keyed(Access::Write),
        Need::Attached(Access::Read),
        Need::Attached(Access::Write),
        Need::Right(Right::Get),
        Need::Right(Right::Create),
        Need::Right(Right::Reset),
        Need::Service(Endpoint::GET_STATUS),
        Need::Signature,
        Need::Signed,
        Need::Operator,
        Need::Node,
    ];

    /// A-API-12: what an API key may ask for, for every set of flags.
    #[test]
    fn an_api_key_gets_what_its_flags_give_and_never_the_account() {
        let account = Principal { rights: Rights::ALL, ..Principal::of_role(Role::Account) };
        for bits in 0..16_u8 {
            let has = |bit: u8| bits & 1 << bit != 0;
            let flags = ApiKeyFlags { read: has(0), write: has(1), restrict: has(2), insecure: has(3) };
            let (read, write) = (flags.read, flags.write);
            let (wide_read, wide_write) = (read && !flags.restrict, write && !flags.restrict);
            let key = account.clone().keyed(ApiKeyId::from_bytes([1; 16]), flags);
            let wanted = [
                true, false, wide_read, wide_write, read, write, wide_read, wide_write, wide_write, false,
                false, false, false, false,
            ];
            let given = NEEDS.map(|need| key.require(need).is_ok());
            assert_eq!(given, wanted, "{flags:?}");
            assert_eq!(key.require(Need::Account), Err(EngineError::ApiKeyRefused));
            let unproved = Principal { unproved: true, ..key };
            assert!(NEEDS.iter().all(|need| unproved.require(*need).is_err()));
            assert_eq!(unproved.require(Need::Unproved), Ok(()));
        }
        assert!(NEEDS[..9].iter().all(|need| account.require(*need).is_ok()));
    }
}
