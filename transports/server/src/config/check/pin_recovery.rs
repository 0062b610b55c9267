//! Whether the server can be realms of PIN recovery: over a store that is encrypted, with a mark outside of it, and for
//! tenants whose tokens it can tell.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::{self, Path, PathBuf},
};

use strongroom_engine::domains::pin_recovery::GUESSES_MAX;
use strongroom_primitives::pin_recovery::{
    RecoveryRealmId, tenant_key::TenantKey, tenant_token::is_tenant_name,
};

use crate::config::{Complaint, Config, Loaded, StorageKind};

/// # Errors
/// The first thing that is wrong.
pub(super) fn check(loaded: &mut Loaded) -> Result<(), Complaint> {
    whole(loaded)?;
    if loaded.config.pin_recovery.enabled && loaded.config.pin_recovery.realms.len() > 1 {
        let what = "pin_recovery.realms: there is more than one, and one operator has the shares of all: if they are \
                    the threshold of a configuration, PINs can be guessed without a count; docs/pin-recovery.md says \
                    what to ask of users then";
        loaded.warnings.push(what.to_owned());
    }
    Ok(())
}

fn whole(loaded: &Loaded) -> Result<(), Complaint> {
    let Config { pin_recovery, storage, .. } = &loaded.config;
    if !pin_recovery.enabled {
        return Ok(());
    }
    let keeps = storage.kind != StorageKind::Memory;
    if keeps && !loaded.has_root_key() {
        let what = "its shares would lie in the store as they are; add `root_key_file = \"...\"` under [storage]: \
                    `strongroom store key new` makes the file, and `strongroom store encrypt` encrypts a store \
                    that is there already";
        return Err(loaded.complain("pin_recovery.enabled", what));
    }
    match &pin_recovery.mark_file {
        None if keeps => {
            let what = "without a `mark_file` a backup that is put back gives guesses back; name one that lies \
                        outside of what is backed up";
            return Err(loaded.complain("pin_recovery.enabled", what));
        }
        Some(file) if keeps && lies_in(file, &storage.path) => {
            let what = "it lies in the data folder, so a backup would take it along; name a file elsewhere";
            return Err(loaded.complain("pin_recovery.mark_file", what));
        }
        _ => {}
    }
    if pin_recovery.realms.is_empty() {
        return Err(loaded.complain("pin_recovery.enabled", "there is no [[pin_recovery.realms]]"));
    }
    let mut seen = BTreeSet::new();
    for (position, realm) in pin_recovery.realms.iter().enumerate() {
        let key = |name: &str| format!("pin_recovery.realms.{position}.{name}");
        let Ok(id) = RecoveryRealmId::from_hex(&realm.id) else {
            let what = "a realm needs an `id` of 32 digits of hexadecimal, in lower case";
            return Err(loaded.complain(&key("id"), what));
        };
        if !seen.insert(id) {
            return Err(loaded.complain(&key("id"), "this realm is listed twice"));
        }
        if realm.guesses_max > u32::from(GUESSES_MAX) {
            return Err(loaded.complain(&key("guesses_max"), format!("at most {GUESSES_MAX}")));
        }
    }
    tenants(loaded)
}

fn tenants(loaded: &Loaded) -> Result<(), Complaint> {
    let mut seen = BTreeSet::new();
    let mut accounts = BTreeMap::new();
    for (position, tenant) in loaded.config.pin_recovery.tenants.iter().enumerate() {
        let key = |name: &str| format!("pin_recovery.tenants.{position}.{name}");
        if !is_tenant_name(&tenant.name) {
            let what = "a tenant needs a `name` of letters and digits, with test- before them or not";
            return Err(loaded.complain(&key("name"), what));
        }
        if !seen.insert((&tenant.name, tenant.key_version)) {
            return Err(loaded.complain(&key("key_version"), "this version is listed twice"));
        }
        let Some(secret) = &tenant.key else {
            return Err(loaded.complain(&key("key"), "a tenant needs a `key`"));
        };
        if let Err(error) = TenantKey::read(secret.0.expose().as_bytes()) {
            return Err(loaded.complain(&key("key"), error.to_string()));
        }
        if *accounts.entry(&tenant.name).or_insert(&tenant.accounts) != &tenant.accounts {
            let what = "the versions of a tenant's key have the same accounts";
            return Err(loaded.complain(&key("accounts"), what));
        }
    }
    if seen.is_empty() {
        return Err(loaded.complain("pin_recovery.enabled", "there is no [[pin_recovery.tenants]]"));
    }
    Ok(())
}

/// Links that are followed on the way to one file, as the kernel of Linux does.
const LINKS_MAX: usize = 40;

/// Whether a file lies in a folder, or will.
fn lies_in(file: &Path, folder: &Path) -> bool {
    resolved(file).starts_with(resolved(folder))
}

/// Where a path leads, whether there is anything or not. Links on the way are followed, those to nothing yet as well.
fn resolved(path: &Path) -> PathBuf {
    let parts = |path: &Path| path.components().rev().map(|part| part.as_os_str().to_owned()).collect();
    let mut ahead: Vec<OsString> = parts(&path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    let mut place = PathBuf::new();
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        match part.to_str() {
            Some(".") => continue,
            Some("..") => {
                place.pop();
                continue;
            }
            _ => {}
        }
        let next = place.join(part);
        match fs::read_link(&next) {
            Ok(target) if links < LINKS_MAX => {
                links += 1;
                ahead.extend(parts(&target));
            }
            _ => place = next,
        }
    }
    place
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A-SHR-11: a file of marks that a backup of the data folder takes along is found behind any name.
    #[test]
    fn a_file_lies_where_links_lead() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("data/deep")).unwrap();
        fs::create_dir(at("apart")).unwrap();
        symlink("data/deep", at("in")).unwrap();
        symlink(at("data"), at("all")).unwrap();
        symlink(at("apart"), at("data/out")).unwrap();
        symlink("../data/later", at("apart/dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for (file, within) in [
            ("data/marks", true),
            ("in/marks", true),
            ("all/none/marks", true),
            ("apart/../data/marks", true),
            ("in/../marks", true),
            ("apart/dangling", true),
            ("apart/dangling/marks", true),
            ("data/out/marks", false),
            ("data/../marks", false),
            ("data2/marks", false),
            ("loop/marks", false),
            ("marks", false),
        ] {
            assert_eq!(lies_in(&at(file), &at("data")), within, "{file}");
            assert_eq!(lies_in(&at(file), &at("all")), within, "{file} in all");
        }
    }
}
