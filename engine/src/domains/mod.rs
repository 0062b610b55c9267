//! The rules, one folder per domain.
//!
//! | domain | actor | what it rules | lane |
//! |---|---|---|---|
//! | [`accounts`] | `AccountsActor` | existence, suspension, erasure | the account |
//! | [`admission`] | `AdmissionActor` | tokens that admit a user to another service, once | the account; for spending, the token |
//! | [`realms`] | `RealmsActor` | tenants and the keys that sign their tokens | one for all realms |
//! | [`sessions`] | `SessionsActor` | bearer sessions | the account |
//! | [`key_hierarchy`] | `KeyHierarchyActor` | wrapped keys: KEK, DEKs, key pairs, rotation | the account |
//! | [`records`] | `RecordsActor` | versioned records: compare-and-set, sharing, history, reset | the account |
//! | [`vault`] | `VaultActor` | vault users, their items and slots | the account; for enrolling, the token |

pub mod accounts;
pub mod admission;
pub mod key_hierarchy;
pub mod realms;
pub mod records;
pub mod sessions;
pub mod vault;
