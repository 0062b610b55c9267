//! Whether halves of root keys can be served: to a named client, and within sizes that can be kept.

use crate::config::{Complaint, Loaded};

/// # Errors
/// The first thing that is wrong.
pub(super) fn check(loaded: &Loaded) -> Result<(), Complaint> {
    let misakey = &loaded.config.misakey;
    if !misakey.enabled {
        return Ok(());
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
