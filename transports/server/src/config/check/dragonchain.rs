//! Whether chains can be served: over a store that is encrypted, and with a chain that is whole.

use strongroom_engine::domains::service_keys::ServiceSecret;

use crate::config::{Complaint, Config, Loaded, StorageKind};

/// What begins the ids of keys that no root key is. Source: dialects/dragonchain.md, section 1.
const RESERVED_IDS: [&str; 2] = ["SC_", "INTERCHAIN"];

/// # Errors
/// The first thing that is wrong.
pub(super) fn check(loaded: &Loaded) -> Result<(), Complaint> {
    let Config { dragonchain, storage, .. } = &loaded.config;
    if !dragonchain.enabled {
        return Ok(());
    }
    if storage.kind != StorageKind::Memory && !loaded.has_root_key() {
        let what = "its keys would lie in the store as they are; add `root_key_file = \"...\"` under [storage]: \
                    `strongroom store key new` makes the file, and `strongroom store encrypt` encrypts a store \
                    that is there already";
        return Err(loaded.complain("dragonchain.enabled", what));
    }
    if dragonchain.url.ends_with('/') {
        return Err(loaded.complain("dragonchain.url", "an address without a slash at its end"));
    }
    let chain = [
        ("chain", dragonchain.chain.is_some()),
        ("root_key_id", dragonchain.root_key_id.is_some()),
        ("root_key", dragonchain.root_key.is_some()),
    ];
    let given = chain.iter().find(|(_, given)| *given);
    let missing = chain.iter().find(|(_, given)| !*given);
    if let (Some((given, _)), Some((missing, _))) = (given, missing) {
        let what =
            format!("a chain needs its id, the id of its root key and the key: `{missing}` is missing");
        return Err(loaded.complain(&format!("dragonchain.{given}"), what));
    }
    let id = dragonchain.root_key_id.as_ref().map(|id| id.as_str()).unwrap_or_default();
    if RESERVED_IDS.iter().any(|start| id.starts_with(start)) {
        let what = "ids that begin with SC_ or INTERCHAIN are those of other kinds of keys";
        return Err(loaded.complain("dragonchain.root_key_id", what));
    }
    if let Some(key) = &dragonchain.root_key
        && ServiceSecret::new(key.0.clone()).is_err()
    {
        let what = "32 to 256 letters, digits and ._~:/@+=- are needed";
        return Err(loaded.complain("dragonchain.root_key", what));
    }
    Ok(())
}
