mod combining;
mod reading;
mod vectors;

use super::*;
use crate::secret::SecretText;

fn chance(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut stream = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    move |bytes| stream.fill(bytes)
}

fn passphrase(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

/// Two of three, in one group, for a secret of as many bytes.
fn two_of_three(bytes: usize) -> Vec<Mnemonic> {
    let secret = vec![7; bytes];
    let groups = [Group { threshold: 2, count: 3 }];
    split(&secret, &passphrase(""), &plan(1, &groups), chance(1)).unwrap().remove(0)
}

fn plan(group_threshold: u8, groups: &[Group]) -> Plan<'_> {
    Plan { group_threshold, groups, exponent: 0, extendable: true }
}
