mod enrolling;
mod properties;
mod storing;

use strongroom_primitives::id::{Audience, RealmId};
use strongroom_primitives::secret::SecretText;

use super::{templates::Template, *};
use crate::{
    credential::{Identity, Principal},
    domains::{admission::IssueToken, sessions::TokenForm},
    testing::{
        Desk,
        keys::{rsa_pem, wrap},
    },
};

/// A cryppo string with so many bytes in it.
fn wrapped_text(bytes: usize, filled_with: u8) -> String {
    String::from_utf8(wrap(1, vec![filled_with; bytes]).to_vec()).unwrap()
}

fn vault() -> RealmId {
    RealmId::new("vault").unwrap()
}

fn keystore() -> RealmId {
    RealmId::new("test").unwrap()
}

/// A token of a user of this desk's keystore.
fn token(desk: &mut Desk, who: &Principal) -> SecretText {
    if desk.rows_under(b'A') == 0 {
        desk.open_account(who);
    }
    desk.run(who, &IssueToken { audience: Audience::from(&vault()) }).unwrap().token
}

fn create(token: &SecretText, key: String) -> CreateVaultUser {
    let (token, label) = (token.clone(), String::new());
    CreateVaultUser {
        realm: vault(),
        keystore: keystore(),
        token,
        public_key: key,
        label,
        form: TokenForm::Pair,
    }
}

fn open(key: String) -> OpenVaultSession {
    OpenVaultSession {
        realm: vault(),
        public_key: key,
        life: None,
        label: String::new(),
        form: TokenForm::Pair,
    }
}

/// A vault user as a caller.
fn caller(desk: &Desk, identity: &Identity) -> Principal {
    let account = desk.space().account_of(&identity.realm, &identity.subject);
    Principal { account, identity: Some(identity.clone()), ..desk.who("x") }
}

/// A desk with a vault user.
fn desk() -> (Desk, Principal) {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    let token = token(&mut desk, &ann);
    let nobody = desk.nobody();
    let made = desk.run(&nobody, &create(&token, rsa_pem(1))).unwrap();
    let ann = caller(&desk, &made.user.identity);
    desk.events.clear();
    (desk, ann)
}

fn sealed(bytes: usize) -> SlotValue {
    SlotValue::parse(&wrapped_text(bytes, 7)).unwrap()
}

fn custom() -> CreateItem {
    let template = Template::named("custom").unwrap().id;
    CreateItem { template, label: "Thing".to_owned(), name: None, slots: Vec::new() }
}

/// A slot with this label and a value.
fn labelled(label: &str) -> SlotChange {
    SlotChange { label: Some(label.to_owned()), value: Change::Set(sealed(3)), ..SlotChange::default() }
}
