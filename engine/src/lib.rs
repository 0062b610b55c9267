//! The engine of Strongroom: what may happen to accounts, sessions and records, and nothing about how the request
//! arrived or where the rows lie.
//!
//! A guided tour, from the outside in:
//!
//! 1. [`Engine::builder`] takes the ports (storage, clock, entropy) and gives a running engine; its
//!    [`EngineHandle`] is the front door.
//! 2. [`EngineHandle::ask`] takes a [`Credential`] and a [`Command`]. Every command of every domain is a plain struct
//!    in [`domains`].
//! 3. A command is a pure function from rows to a decision ([`command`]). The runtime commits the decision as one
//!    batch, guarded by every row that the decision was shown.
//! 4. What happened is told through the [`feed`]: rows written in the same batch, read by followers at their own pace.
//!
//! The one thing to believe: **storage is the truth and actors are couriers.** Losing an actor loses nothing, and
//! several engines over one store are correct by the same argument as one.

mod boxed;
mod bus;
mod change;
mod codec;
pub mod command;
pub mod credential;
pub mod domains;
mod engine;
mod error;
pub mod feed;
mod handle;
mod keyspace;
mod limits;
mod login_nonce;
pub mod observe;
mod page_token;
pub mod ports;
mod runtime;
mod secrets;
mod server_identity;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use boxed::{Boxed, KeyBytes};
pub use bus::Placement;
pub use change::Change;
pub use codec::Stored;
pub use command::{Command, Domain};
pub use credential::{Access, ApiKeyFlags, Credential, Identity, Right, Rights};
pub use domains::{
    accounts::Accounts, admission::Admission, escrow::Escrow, key_hierarchy::KeyHierarchy, people::People,
    pin_recovery::PinRecovery, realms::Realms, records::Records, recovery::Recovery,
    service_keys::ServiceKeys, sessions::Sessions, sharing::Sharing, vault::Vault,
};
pub use engine::{Engine, EngineBuilder, SpawnedEngine, StartError};
pub use error::{EngineError, ErrorKind, Quota};
pub use handle::{Asking, EngineHandle, Health, Routed};
pub use keyspace::{Keyspace, RecordId};
pub use limits::Limits;
pub use login_nonce::LoginNonce;
pub use runtime::Shard;
pub use server_identity::Identities;

/// The actor of accounts.
pub type AccountsActor = Shard<Accounts>;
/// The actor of admission tokens.
pub type AdmissionActor = Shard<Admission>;
/// The actor of shares of root keys and of what is wrapped by these.
pub type EscrowActor = Shard<Escrow>;
/// The actor of wrapped keys.
pub type KeyHierarchyActor = Shard<KeyHierarchy>;
/// The actor of people.
pub type PeopleActor = Shard<People>;
/// The actor of PIN recovery.
pub type PinRecoveryActor = Shard<PinRecovery>;
/// The actor of realms and their keys.
pub type RealmsActor = Shard<Realms>;
/// The actor of records.
pub type RecordsActor = Shard<Records>;
/// The actor of escrows and of requests for what they hold.
pub type RecoveryActor = Shard<Recovery>;
/// The actor of chains and service keys.
pub type ServiceKeysActor = Shard<ServiceKeys>;
/// The actor of sessions.
pub type SessionsActor = Shard<Sessions>;
/// The actor of datastores, secrets and shares.
pub type SharingActor = Shard<Sharing>;
/// The actor of vaults.
pub type VaultActor = Shard<Vault>;
