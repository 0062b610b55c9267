//! The rules of escrow on a desk.

mod life;
mod misses;
mod shares;
mod storage;
mod tokens;

use std::{sync::Arc, time::Duration};

use strongroom_primitives::{hash::sha512, id::Subject};

use super::*;
use crate::{
    credential::Role,
    domains::sessions::assured::{Assurance, AssuredFor},
    testing::Desk,
};

const DAY: Duration = Duration::from_secs(86_400);

/// What a token of `identity` and `account` says.
fn assurance(identity: &str, account: Option<&str>, level: u8) -> Assurance {
    Assurance {
        identity: Subject::new(identity).unwrap(),
        account: account.map(|account| Subject::new(account).unwrap()),
        level,
        client: "web".into(),
        good_for: AssuredFor::Access,
    }
}

/// Somebody with such a token.
fn with(desk: &Desk, assurance: Assurance) -> Principal {
    let subject = assurance.account.as_ref().unwrap_or(&assurance.identity).clone();
    Principal { assurance: Some(Arc::new(assurance)), ..desk.who(subject.as_str()) }
}

/// Somebody who has signed in to an account by its password.
fn holder(desk: &Desk, account: &str) -> Principal {
    with(desk, assurance("ident", Some(account), 2))
}

fn operator() -> Principal {
    Principal::of_role(Role::Operator)
}

/// A share of 32 bytes, to be filed under the hash of another.
fn deposit(number: u8) -> DepositShare {
    DepositShare {
        kind: ShareKind::RootKey,
        hash: sha512(&[number, 1]).to_vec(),
        share: ShareBytes::new(vec![number; 32]),
        note: Vec::new(),
    }
}

fn drop_it(number: u8) -> DropShare {
    DropShare { kind: ShareKind::RootKey, hash: fetch(number).hash }
}

fn fetch(number: u8) -> FetchShare {
    FetchShare { kind: ShareKind::RootKey, hash: sha512(&[number, 1]).to_vec() }
}

fn wrapped(number: u8) -> WrappedRoot {
    WrappedRoot { key_hash: vec![number; 64], encrypted: format!("wrapped-{number}") }
}

fn identity_keys() -> IdentityKeys {
    let (identified, non_identified) = ("one".into(), "other".into());
    IdentityKeys { identified, non_identified, identified_rsa: None, non_identified_rsa: None }
}

/// A set-up under the root key of this number.
fn set_up(number: u8, first: bool) -> SetUpSecretStorage {
    SetUpSecretStorage {
        root: wrapped(number),
        vault: wrapped(number),
        asym_keys: vec![("public".into(), format!("secret-{number}"))],
        box_shares: Vec::new(),
        identity_keys: first.then(identity_keys),
    }
}
