mod datastores;
mod secrets;
mod shares;
mod tree;

use strongroom_primitives::{
    id::{LinkId, RealmId, SecretId, SecretVersionId, ShareId, ShareRightId},
    secret::SecretText,
};

use super::{
    secrets::{Callback, CreateSecrets, NewSecret},
    shares::{AcceptShare, CreateShare, OfferShare},
    *,
};
use crate::{
    credential::{Principal, Role},
    domains::{
        people::{Hashing, RegisterPerson},
        realms::{PutRealm, SetSignUp, SignUp},
    },
    testing::Desk,
};

/// A ciphertext of this many bytes, under a nonce of its own.
fn sealed(bytes: usize, nonce: u8) -> Boxed {
    Boxed { text: vec![nonce; bytes].into(), nonce: [nonce; 24] }
}

fn create(desk: &mut Desk, who: &Principal, kind: &str, description: &str) -> DatastoreId {
    let command = CreateDatastore {
        kind: kind.to_owned(),
        description: description.to_owned(),
        data: None,
        secret_key: sealed(80, 1),
        is_default: true,
    };
    desk.run(who, &command).unwrap()
}

fn authkey() -> SecretText {
    SecretText::new("ab".repeat(64))
}

/// A person with a password.
fn person(desk: &mut Desk, username: &str) -> Principal {
    let realm = RealmId::new("test").unwrap();
    let operator = Principal::of_role(Role::Operator);
    desk.run(&operator, &PutRealm { realm: realm.clone(), rights: crate::Rights::ALL }).unwrap();
    desk.run(&operator, &SetSignUp { realm: realm.clone(), sign_up: SignUp::Chosen }).unwrap();
    let register = RegisterPerson {
        realm,
        username: username.to_owned(),
        email: username.to_owned(),
        authkey: authkey(),
        public_key: [9; 32],
        private_key: sealed(80, 1),
        secret_key: sealed(80, 2),
        user_sauce: "cd".repeat(32),
        hashing: Hashing::default(),
        verify_email: false,
    };
    desk.run(&desk.nobody(), &register).unwrap();
    desk.who(username)
}

const READ: ShareRights = ShareRights { read: true, ..ShareRights::NONE };
const WRITE: ShareRights = ShareRights { write: true, ..ShareRights::NONE };

fn link(n: u8) -> LinkId {
    LinkId::from_bytes([n; 16])
}

/// A secret whose link and nonce are told by a number.
fn a_secret(n: u8) -> NewSecret {
    NewSecret { data: sealed(40, n), link: link(n), callback: Callback::default() }
}

fn new_secret(desk: &mut Desk, who: &Principal, n: u8, parent: Parent) -> SecretId {
    desk.run(who, &CreateSecrets { secrets: vec![a_secret(n)], parent }).unwrap()[0].id
}

fn new_share(desk: &mut Desk, who: &Principal, n: u8, parent: Parent) -> ShareId {
    desk.run(who, &CreateShare { data: sealed(40, n), key: sealed(80, n), link: link(n), parent }).unwrap()
}

fn offer(share: ShareId, taker: &Principal, rights: ShareRights) -> OfferShare {
    let (key, title, kind) = (sealed(80, 3), Some(sealed(30, 4)), Some(sealed(30, 5)));
    OfferShare { share, taker: taker.account, key, title, kind, rights, expires: None }
}

fn accept(right: ShareRightId) -> AcceptShare {
    AcceptShare { right, key: sealed(80, 6), key_kind: KeyKind::Symmetric }
}

/// Offers a right that is accepted.
fn share_with(
    desk: &mut Desk,
    giver: &Principal,
    taker: &Principal,
    share: ShareId,
    rights: ShareRights,
) -> ShareRightId {
    let right = desk.run(giver, &offer(share, taker, rights)).unwrap();
    desk.run(taker, &accept(right)).unwrap();
    right
}
