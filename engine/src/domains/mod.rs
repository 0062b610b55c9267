//! The rules, one folder per domain.
//!
//! | domain | actor | what it rules | lane |
//! |---|---|---|---|
//! | [`accounts`] | `AccountsActor` | existence, suspension, erasure | the account |
//! | [`admission`] | `AdmissionActor` | tokens that admit a user to another service, once | the account; for spending, the token |
//! | [`escrow`] | `EscrowActor` | shares of root keys that expire, and the secrets that root keys wrap | the account |
//! | [`people`] | `PeopleActor` | people with a password: signing up and in, finding each other | the account; for a code, the code |
//! | [`pin_recovery`] | `PinRecoveryActor` | shares of secrets behind a PIN: counting guesses, wiping, grace copies | the realm of recovery |
//! | [`realms`] | `RealmsActor` | tenants and the keys that sign their tokens | one for all realms |
//! | [`service_keys`] | `ServiceKeysActor` | chains, their keys, and requests signed with them | the chain; for a signature, the signature |
//! | [`sessions`] | `SessionsActor` | bearer sessions, API keys, the engine's identity | the account; for an API key's sign-in, the key |
//! | [`key_hierarchy`] | `KeyHierarchyActor` | wrapped keys: KEK, DEKs, key pairs, rotation | the account |
//! | [`sharing`] | `SharingActor` | datastores, secrets and the tree of shares | the account |
//! | [`records`] | `RecordsActor` | versioned records: compare-and-set, sharing, history, reset | the account |
//! | [`recovery`] | `RecoveryActor` | escrows of shares, and their release under a policy | the escrow; for creating one, the account |
//! | [`vault`] | `VaultActor` | vault users, their items and slots | the account; for enrolling, the token |

pub mod accounts;
pub mod admission;
pub mod escrow;
pub mod key_hierarchy;
pub(crate) mod pause;
pub mod people;
pub mod pin_recovery;
pub mod realms;
pub mod records;
pub mod recovery;
pub mod service_keys;
pub mod sessions;
pub mod sharing;
pub mod vault;
