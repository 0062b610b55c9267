//! Whether halves of root keys can be served: somewhere, and within sizes that can be kept.

use super::mount;
use crate::config::{Complaint, Config, Loaded};

/// # Errors
/// The first thing that is wrong.
pub(super) fn check(loaded: &Loaded) -> Result<(), Complaint> {
    let Config { misakey, psono, meeco, keyknox, .. } = &loaded.config;
    if !misakey.enabled {
        return Ok(());
    }
    mount(loaded, "misakey.mount", &misakey.mount)?;
    let others = [
        ("keyknox.mount", &keyknox.mount, keyknox.enabled),
        ("meeco.keystore_mount", &meeco.keystore_mount, meeco.enabled),
        ("meeco.vault_mount", &meeco.vault_mount, meeco.enabled),
        ("psono.mount", &psono.mount, psono.enabled),
    ];
    if let Some((key, _, _)) = others.iter().find(|(_, mount, enabled)| *enabled && **mount == misakey.mount)
    {
        return Err(loaded.complain("misakey.mount", format!("{key} is the same")));
    }
    if !(1..=512).contains(&misakey.client.len()) {
        return Err(loaded.complain("misakey.client", "a name of 1 to 512 bytes"));
    }
    if misakey.share_life_s == 0 {
        return Err(loaded.complain("misakey.share_life_s", "at least a second"));
    }
    let numbers = [
        ("misakey.shares_max", misakey.shares_max, 1_000),
        ("misakey.secrets_max", misakey.secrets_max, 4_000),
        ("misakey.secret_bytes_max", misakey.secret_bytes_max, 64 * 1024),
    ];
    match numbers.into_iter().find(|(_, value, max)| !(1..=*max).contains(value)) {
        Some((key, _, max)) => Err(loaded.complain(key, format!("1 to {max}"))),
        None => Ok(()),
    }
}
