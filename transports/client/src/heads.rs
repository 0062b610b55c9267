//! What was shown of records before: the evidence against a server that goes back, or shows two histories.
//!
//! Every head carries a chain: SHA-256 over the chain before it, its sequence number (64-bit big endian) and its tag.
//! Who remembers one link can tell whether a later one descends from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_primitives::hash::{RecordTag, sha256};
use strongroom_primitives::id::Subject;
use strongroom_wire::{RecordHead, VersionInfo};

use crate::ClientError;

/// The newest head of every record that was ever shown. To be kept between runs: what is forgotten cannot be missed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Link>", into = "Vec<Link>")]
pub struct SeenHeads(BTreeMap<(Subject, Vec<String>), Link>);

/// One link of a record's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    owner: Subject,
    name: Vec<String>,
    sequence: u64,
    chain: [u8; 32],
}

impl From<Vec<Link>> for SeenHeads {
    fn from(links: Vec<Link>) -> Self {
        Self(links.into_iter().map(|link| ((link.owner.clone(), link.name.clone()), link)).collect())
    }
}

impl From<SeenHeads> for Vec<Link> {
    fn from(seen: SeenHeads) -> Self {
        seen.0.into_values().collect()
    }
}

impl SeenHeads {
    /// The newest sequence number that was shown of a record.
    pub fn sequence(&self, owner: &Subject, name: &[String]) -> Option<u64> {
        self.0.get(&(owner.clone(), name.to_vec())).map(|link| link.sequence)
    }

    /// Forgets a record, after the user has confirmed that it really went back (a restored server, say).
    pub fn forget(&mut self, owner: &Subject, name: &[String]) {
        self.0.remove(&(owner.clone(), name.to_vec()));
    }

    /// Whether the versions between the newest head seen and this one are needed to tell that it descends from it:
    /// then, after which sequence number.
    pub(crate) fn needs_history(&self, head: &RecordHead) -> Option<u64> {
        self.sequence(&head.owner, &head.name).filter(|seen| head.sequence > seen + 1)
    }

    /// Takes in a head, which must be the newest one seen or descend from it. `between`: versions after that one, in
    /// order, as far as they are known; without them a head that is further on is taken on trust.
    ///
    /// # Errors
    /// [`ClientError::RolledBack`] or [`ClientError::Forked`].
    pub fn admit(&mut self, head: &RecordHead, between: &[VersionInfo]) -> Result<(), ClientError> {
        let chain: [u8; 32] = head
            .chain
            .0
            .as_ref()
            .try_into()
            .map_err(|_| ClientError::protocol("its chain is not 32 bytes long"))?;
        let place = (head.owner.clone(), head.name.clone());
        if let Some(seen) = self.0.get(&place) {
            if head.sequence < seen.sequence {
                return Err(ClientError::RolledBack { seen: seen.sequence, shown: head.sequence });
            }
            descends(seen, head, &chain, between)?;
        }
        let link =
            Link { owner: head.owner.clone(), name: head.name.clone(), sequence: head.sequence, chain };
        self.0.insert(place, link);
        Ok(())
    }
}

/// Follows the chain from what was seen to what is shown.
fn descends(
    seen: &Link,
    head: &RecordHead,
    shown: &[u8; 32],
    between: &[VersionInfo],
) -> Result<(), ClientError> {
    let (mut sequence, mut chain) = (seen.sequence, seen.chain);
    let between =
        between.iter().filter(|version| version.sequence > seen.sequence).map(|v| (v.sequence, &v.tag));
    let steps = between.take_while(|(sequence, _)| *sequence < head.sequence);
    for (next, tag) in steps {
        if next != sequence + 1 {
            // History no longer reaches back to what was seen: what is gone cannot be held against anybody. A hole
            // further on is another matter.
            return if sequence == seen.sequence {
                Ok(())
            } else {
                Err(ClientError::Forked { sequence: sequence + 1 })
            };
        }
        (sequence, chain) = (next, link(&chain, next, tag));
    }
    if head.sequence == sequence + 1 {
        (sequence, chain) = (head.sequence, link(&chain, head.sequence, &head.tag));
    }
    if head.sequence == sequence && chain != *shown {
        return Err(ClientError::Forked { sequence });
    }
    Ok(())
}

fn link(before: &[u8; 32], sequence: u64, tag: &RecordTag) -> [u8; 32] {
    let mut link = Vec::with_capacity(32 + 8 + 64);
    link.extend_from_slice(before);
    link.extend_from_slice(&sequence.to_be_bytes());
    link.extend_from_slice(tag.as_bytes());
    sha256(&link)
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::time::Timestamp;
    use strongroom_wire::Base64Bytes;

    use super::*;

    /// The heads of a record whose states have these contents.
    fn heads(contents: &[&[u8]]) -> Vec<RecordHead> {
        let mut chain = [0; 32];
        let head = |(at, content): (usize, &&[u8])| {
            let (sequence, tag) = (at as u64 + 1, RecordTag::v2(content, content));
            chain = link(&chain, sequence, &tag);
            RecordHead {
                name: vec!["r".to_owned()],
                owner: "alice".parse().unwrap(),
                sequence,
                version: format!("{sequence}.0"),
                tag,
                chain: Base64Bytes(chain.to_vec().into()),
                written: Timestamp::from_ms(1),
                recipients: Vec::new(),
            }
        };
        contents.iter().enumerate().map(head).collect()
    }

    fn versions(heads: &[RecordHead]) -> Vec<VersionInfo> {
        let version = |head: &RecordHead| VersionInfo {
            sequence: head.sequence,
            version: head.version.clone(),
            tag: head.tag,
            written: head.written,
            deleted: false,
            meta_bytes: 1,
            value_bytes: 1,
        };
        heads.iter().map(version).collect()
    }

    fn seen(head: &RecordHead) -> SeenHeads {
        let mut seen = SeenHeads::default();
        seen.admit(head, &[]).unwrap();
        seen
    }

    /// A-SRV-05: an older head than was shown before is told as a rollback, and a record that was forgotten is not.
    #[test]
    fn a_head_that_goes_back_is_refused_until_it_is_forgotten() {
        let heads = heads(&[b"1", b"2", b"3"]);
        let mut memory = seen(&heads[2]);
        let error = memory.admit(&heads[1], &[]).unwrap_err();
        assert!(matches!(error, ClientError::RolledBack { seen: 3, shown: 2 }), "{error}");
        memory.admit(&heads[2], &[]).unwrap();
        memory.forget(&heads[1].owner, &heads[1].name);
        memory.admit(&heads[1], &[]).unwrap();
        assert_eq!(memory.sequence(&heads[1].owner, &heads[1].name), Some(2));
    }

    /// A-SRV-05: another history is told at the head itself, one step on and several steps on.
    #[test]
    fn a_head_of_another_history_is_refused_as_a_fork() {
        let (ours, theirs) = (heads(&[b"1", b"2", b"3", b"4"]), heads(&[b"1", b"x", b"3", b"4"]));
        for (at, shown) in [(1, 1), (1, 2), (1, 3)] {
            let error = seen(&ours[at]).admit(&theirs[shown], &versions(&theirs)).unwrap_err();
            assert!(matches!(error, ClientError::Forked { .. }), "{at} {shown} {error}");
            seen(&ours[at]).admit(&ours[shown], &versions(&ours)).unwrap();
        }
    }

    /// A-SRV-05: a history with a hole in it is a fork; one that no longer reaches back is not.
    #[test]
    fn a_missing_revision_is_told() {
        let heads = heads(&[b"1", b"2", b"3", b"4", b"5"]);
        let mut holed = versions(&heads);
        holed.remove(2);
        let error = seen(&heads[0]).admit(&heads[4], &holed).unwrap_err();
        assert!(matches!(error, ClientError::Forked { sequence: 3 }), "{error}");
        let trimmed = &versions(&heads)[2..];
        seen(&heads[0]).admit(&heads[4], trimmed).unwrap();
        assert_eq!(seen(&heads[0]).needs_history(&heads[4]), Some(1));
        assert_eq!(seen(&heads[0]).needs_history(&heads[1]), None);
    }

    #[test]
    fn evidence_survives_being_written_down() {
        let memory = seen(&heads(&[b"1", b"2"])[1]);
        let text = serde_json::to_string(&memory).unwrap();
        assert_eq!(serde_json::from_str::<SeenHeads>(&text).unwrap(), memory);
    }
}
