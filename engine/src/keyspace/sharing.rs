//! Keys of datastores, secrets and shares, which are found by their ids whoever owns them.

use strongroom_primitives::id::{
    AccountId, DatastoreId, LinkId, SecretId, SecretVersionId, ShareId, ShareRightId,
};
use strongroom_storage::Key;

use super::{sixteen, spell};
use crate::domains::sharing::{Child, Parent};

pub(crate) fn datastores(account: AccountId) -> Key {
    spell(b'D', &[account.as_bytes()])
}

pub(crate) fn datastore(account: AccountId, datastore: DatastoreId) -> Key {
    spell(b'b', &[account.as_bytes(), datastore.as_bytes()])
}

pub(crate) fn holdings(account: AccountId) -> Key {
    spell(b'J', &[account.as_bytes()])
}

pub(crate) fn share_right(account: AccountId, share: ShareId) -> Key {
    spell(b'a', &[account.as_bytes(), share.as_bytes()])
}

pub(crate) fn share_rights(account: AccountId) -> Key {
    spell(b'a', &[account.as_bytes()])
}

pub(crate) fn link(link: LinkId) -> Key {
    spell(b'y', &[b"L", link.as_bytes()])
}

fn child_bytes(child: &Child) -> (&'static [u8], &[u8; 16]) {
    match child {
        Child::Secret(secret) => (b"s", secret.as_bytes()),
        Child::Share(share) => (b"f", share.as_bytes()),
    }
}

pub(crate) fn node(child: Child) -> Key {
    let (kind, id) = child_bytes(&child);
    spell(b'y', &[b"N", kind, id])
}

/// What hangs below `parent`.
pub(crate) fn children(parent: Parent) -> Key {
    match &parent {
        Parent::Datastore(datastore) => spell(b'y', &[b"C", b"d", datastore.as_bytes()]),
        Parent::Share(share) => spell(b'y', &[b"C", b"f", share.as_bytes()]),
    }
}

pub(crate) fn child(parent: Parent, child: Child, link: LinkId) -> Key {
    let mut bytes = children(parent).as_bytes().to_vec();
    bytes.extend_from_slice(child_bytes(&child).0);
    bytes.extend_from_slice(link.as_bytes());
    Key::new(bytes)
}

/// What stands as long as `parent` does. `owner`: whose it is, if it is a datastore.
pub(crate) fn stands(parent: Parent, owner: AccountId) -> Key {
    match parent {
        Parent::Datastore(id) => datastore(owner, id),
        Parent::Share(id) => share(id),
    }
}

/// Below what the row of a child stands, if that is what the key is of.
pub(crate) fn parent_of_child(key: &Key) -> Option<Parent> {
    let id = sixteen(key, 3)?;
    match key.as_bytes().first_chunk()? {
        b"yCd" => Some(Parent::Datastore(DatastoreId::from_bytes(id))),
        b"yCf" => Some(Parent::Share(ShareId::from_bytes(id))),
        _ => None,
    }
}

/// What hangs in the tree by this row, if that is what the key is of.
pub(crate) fn child_of_node(key: &Key) -> Option<Child> {
    let id = sixteen(key, 3)?;
    match key.as_bytes().first_chunk()? {
        b"yNs" => Some(Child::Secret(SecretId::from_bytes(id))),
        b"yNf" => Some(Child::Share(ShareId::from_bytes(id))),
        _ => None,
    }
}

pub(crate) fn secret(secret: SecretId) -> Key {
    spell(b'y', &[b"S", secret.as_bytes()])
}

pub(crate) fn secret_content(secret: SecretId) -> Key {
    spell(b'y', &[b"T", secret.as_bytes()])
}

pub(crate) fn secret_reads(secret: SecretId, stripe: u8) -> Key {
    spell(b'y', &[b"R", secret.as_bytes(), &[stripe]])
}

pub(crate) fn all_secret_reads(secret: SecretId) -> Key {
    spell(b'y', &[b"R", secret.as_bytes()])
}

pub(crate) fn secret_history(secret: SecretId) -> Key {
    spell(b'y', &[b"H", secret.as_bytes()])
}

pub(crate) fn secret_version(version: SecretVersionId) -> Key {
    spell(b'y', &[b"V", version.as_bytes()])
}

pub(crate) fn secret_nonce(nonce: &[u8; 24]) -> Key {
    spell(b'y', &[b"U", nonce])
}

pub(crate) fn share(share: ShareId) -> Key {
    spell(b'y', &[b"F", share.as_bytes()])
}

pub(crate) fn share_content(share: ShareId) -> Key {
    spell(b'y', &[b"G", share.as_bytes()])
}

pub(crate) fn share_member(share: ShareId, account: AccountId) -> Key {
    spell(b'y', &[b"M", share.as_bytes(), account.as_bytes()])
}

pub(crate) fn share_members(share: ShareId) -> Key {
    spell(b'y', &[b"M", share.as_bytes()])
}

pub(crate) fn share_right_place(right: ShareRightId) -> Key {
    spell(b'y', &[b"P", right.as_bytes()])
}
