//! The one cloud record of a user, as a server shows it, and what a client remembers of it.
//!
//! A server can serve an old envelope, or different ones to different devices; nothing in the envelope tells. What does
//! is memory: [`Seen`] keeps the newest state that was ever shown, and every later one must come after it or be it.
//! Whoever carries the bytes implements [`RecordStore`]; no network lives here.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::str::FromStr;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};
use strongroom_primitives::hash::RecordTag;

use super::envelope::{Envelope, META_BYTES_MAX, VALUE_BYTES_MAX};

/// A record's version: two 64-bit counters, written `major.minor` in decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Grows with every change of contents and every reset; starts at 1.
    pub major: u64,
    /// Grows when only `meta` changes; starts at 0 in every major version.
    pub minor: u64,
}

/// The text is not two decimal numbers and a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("version is not two decimal numbers and a dot")]
pub struct BadVersion;

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let (major, minor) = text.split_once('.').ok_or(BadVersion)?;
        let number = |digits: &str| digits.parse().map_err(|_| BadVersion);
        let version = Self { major: number(major)?, minor: number(minor)? };
        // Leading zeros and signs read as numbers too, but are another spelling.
        if version.to_string() == text { Ok(version) } else { Err(BadVersion) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// One state of the record, as a server shows it. Absent and reset records have two empty halves.
#[derive(Clone)]
pub struct CloudRecord {
    /// Message info, or nothing.
    pub meta: Vec<u8>,
    /// Ciphertext, or nothing.
    pub value: Vec<u8>,
    /// Which state it is; an absent record shows 1.0.
    pub version: Version,
    /// What a writer must show to replace this state; opaque.
    pub tag: RecordTag,
}

impl CloudRecord {
    /// Whether there are no contents: never written, or reset.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.meta.is_empty() && self.value.is_empty()
    }

    /// Whether the contents are exactly this envelope.
    #[must_use]
    pub fn holds(&self, envelope: &Envelope) -> bool {
        self.meta == envelope.meta && self.value == envelope.value
    }
}

impl fmt::Debug for CloudRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (meta, value) = (self.meta.len(), self.value.len());
        write!(f, "CloudRecord({}, {meta} and {value} bytes)", self.version)
    }
}

/// Whatever carries the record of one identity to a server and back.
///
/// An implementation bounds what it reads before it holds it in memory, follows no redirect with its credentials, and
/// answers every call once. A write of unknown outcome may be sent again by it with the same `previous`: the caller
/// recognises its own envelope when the second try is refused as stale.
pub trait RecordStore: Send + Sync {
    /// The record as it stands; an absent one is empty and not an error.
    fn get(&self) -> impl Future<Output = Result<CloudRecord, StoreError>> + Send;

    /// Replaces the state that `previous` names, and no other; answers with the new one.
    fn put(
        &self,
        envelope: &Envelope,
        previous: &RecordTag,
    ) -> impl Future<Output = Result<CloudRecord, StoreError>> + Send;

    /// Empties the record, whatever its state; answers with the new one.
    fn reset(&self) -> impl Future<Output = Result<CloudRecord, StoreError>> + Send;
}

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The record has moved on since `previous`; read it again.
    #[error("record has changed since it was read")]
    Stale,
    /// Anything else: refused, unreachable, unreadable.
    #[error("record store failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// What a cloud answer may measure. The server is asked for nothing larger, and believed in nothing larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloudLimits {
    /// Longest `meta`, in bytes.
    pub meta_bytes_max: usize,
    /// Longest `value`, in bytes.
    pub value_bytes_max: usize,
    /// Most keys in one document.
    pub entries_max: usize,
}

impl Default for CloudLimits {
    fn default() -> Self {
        Self { meta_bytes_max: META_BYTES_MAX, value_bytes_max: VALUE_BYTES_MAX, entries_max: 10_000 }
    }
}

/// The newest state of the record that was ever shown: the evidence against a server that goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    version: Version,
    /// Whether it had contents. Absent and just created records both say 1.0, and only one way leads between them.
    stored: bool,
    tag: RecordTag,
}

/// A server showed a state that cannot follow the newest one seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WentBack {
    /// An older state than was shown before.
    #[error("record was rolled back: version {shown} is older than {seen}, seen before")]
    RolledBack {
        /// The newest version ever shown.
        seen: Version,
        /// The version shown now.
        shown: Version,
    },
    /// Another state under a version shown before.
    #[error("record was forked: version {version} is another state than the one seen before")]
    Forked {
        /// The version that names two states.
        version: Version,
    },
}

impl Seen {
    /// The evidence that this state gives.
    #[must_use]
    pub fn of(record: &CloudRecord) -> Self {
        Self { version: record.version, stored: !record.is_empty(), tag: record.tag }
    }

    /// The newest version shown.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whether the newest state had contents.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        self.stored
    }

    /// Whether `self` was shown before `other`, by their versions.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        self.rank() < other.rank()
    }

    /// The evidence after `shown`, which must be the same state or a later one.
    ///
    /// # Errors
    /// [`WentBack`].
    pub fn admit(&self, shown: &CloudRecord) -> Result<Self, WentBack> {
        let shown = Self::of(shown);
        if shown.is_before(self) {
            return Err(WentBack::RolledBack { seen: self.version, shown: shown.version });
        }
        if !self.is_before(&shown) && shown.tag != self.tag {
            return Err(WentBack::Forked { version: shown.version });
        }
        Ok(shown)
    }

    // Beyond 1.0 the version alone orders states: a reset and the write after it each raise it.
    fn rank(&self) -> (Version, bool) {
        let first = Version { major: 1, minor: 0 };
        (self.version, self.version == first && self.stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(version: &str, contents: &[u8]) -> CloudRecord {
        let tag = RecordTag::v1(contents, contents, version);
        CloudRecord {
            meta: contents.to_vec(),
            value: contents.to_vec(),
            version: version.parse().unwrap(),
            tag,
        }
    }

    #[test]
    fn a_version_has_one_spelling_and_counts_in_numbers() {
        assert!("10.0".parse::<Version>().unwrap() > "9.7".parse().unwrap());
        assert_eq!("18446744073709551615.0".parse::<Version>().unwrap().major, u64::MAX);
        for bad in
            ["", "1", "1.", ".1", "01.0", "1.00", "+1.0", "1.0.0", "1,0", "-1.0", "18446744073709551616.0"]
        {
            assert_eq!(bad.parse::<Version>(), Err(BadVersion), "{bad:?}");
        }
    }

    /// A-SRV-05: going back is told from going on, in every step that a record can take.
    #[test]
    fn states_are_admitted_forward_only() {
        let forward = [
            record("1.0", b""),
            record("1.0", b"created"),
            record("1.1", b"only meta changed"),
            record("2.0", b"changed"),
            record("3.0", b""),
            record("4.0", b"after reset"),
            record("10.0", b"much later"),
        ];
        for (at, earlier) in forward.iter().enumerate() {
            let seen = Seen::of(earlier);
            assert_eq!(seen.admit(earlier), Ok(seen), "the same state again is no step at all");
            for later in &forward[at + 1..] {
                assert_eq!(seen.admit(later), Ok(Seen::of(later)));
                let verdict = Seen::of(later).admit(earlier);
                let expected = WentBack::RolledBack { seen: later.version, shown: earlier.version };
                assert_eq!(verdict, Err(expected));
            }
        }
    }

    /// A-SRV-05: two states under one version are a fork, also when one of them is empty.
    #[test]
    fn another_state_under_a_version_seen_before_is_a_fork() {
        let seen = Seen::of(&record("2.0", b"one"));
        let version = "2.0".parse().unwrap();
        for other in [record("2.0", b"two"), record("2.0", b"")] {
            assert_eq!(seen.admit(&other), Err(WentBack::Forked { version }));
        }
    }

    #[test]
    fn evidence_survives_being_written_down() {
        let seen = Seen::of(&record("7.2", b"x"));
        let text = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen);
        assert!(serde_json::from_str::<Seen>(&text.replace("7.2", "7")).is_err());
    }

    /// A-LEAK-01: printing a record shows neither contents nor tag.
    #[test]
    fn a_record_prints_its_version_and_sizes() {
        let printed = format!("{:?} {:?}", record("1.0", b"canary"), Seen::of(&record("1.0", b"canary")));
        assert!(printed.starts_with("CloudRecord(1.0, 6 and 6 bytes)"), "{printed}");
        assert!(!printed.contains("99") && printed.contains("RecordTag(64 bytes)"), "{printed}");
    }
}
