//! Whether every interface has a prefix of its own.

use crate::config::{Complaint, Config, Loaded};

/// # Errors
/// The first prefix that paths cannot lie under, or that an earlier interface has.
pub(super) fn check(loaded: &Loaded) -> Result<(), Complaint> {
    let Config { keyknox, meeco, psono, misakey, dragonchain, pin_recovery, .. } = &loaded.config;
    let mounts = [
        ("keyknox.mount", &keyknox.mount, keyknox.enabled),
        ("meeco.keystore_mount", &meeco.keystore_mount, meeco.enabled),
        ("meeco.vault_mount", &meeco.vault_mount, meeco.enabled),
        ("psono.mount", &psono.mount, psono.enabled),
        ("misakey.mount", &misakey.mount, misakey.enabled),
        ("dragonchain.mount", &dragonchain.mount, dragonchain.enabled && dragonchain.listen.is_none()),
        ("pin_recovery.mount", &pin_recovery.mount, pin_recovery.enabled),
    ];
    let enabled: Vec<_> = mounts.into_iter().filter(|(_, _, enabled)| *enabled).collect();
    for (position, (key, mount, _)) in enabled.iter().enumerate() {
        prefix(loaded, key, mount)?;
        if let Some((earlier, _, _)) = enabled.iter().take(position).find(|(_, other, _)| other == mount) {
            return Err(
                loaded.complain(key, format!("{earlier} is the same, and each needs a prefix of its own"))
            );
        }
    }
    Ok(())
}

/// A prefix that paths can lie under, and that is not the native interface's.
fn prefix(loaded: &Loaded, key: &str, mount: &str) -> Result<(), Complaint> {
    let segments = mount.strip_prefix('/').map(|rest| rest.split('/').all(|segment| !segment.is_empty()));
    if segments != Some(true) || mount.contains(['%', '?', '#', ' ']) {
        let what = "a prefix is a slash and names, without a slash at the end: \"/keyknox\"";
        return Err(loaded.complain(key, what));
    }
    if loaded.config.native.enabled && (mount == "/v1" || mount.starts_with("/v1/")) {
        return Err(loaded.complain(key, "/v1 belongs to the native interface"));
    }
    Ok(())
}
