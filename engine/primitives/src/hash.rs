//! Hashes: plain ones, keyed ones for derived names, and the tag that names one state of a record.
//!
//! Wherever several byte strings go into one hash, each is preceded by its length, so that no byte can move from one
//! to its neighbour unnoticed.

use std::fmt;

use aws_lc_rs::digest;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha512};
use subtle::ConstantTimeEq;

use crate::encoding::{EncodingError, from_base64, to_base64};

/// SHA-256 of the bytes, of which nothing stays on the stack.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    one_shot(&digest::SHA256, bytes)
}

/// SHA-512 of the bytes, of which nothing stays on the stack.
#[must_use]
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    one_shot(&digest::SHA512, bytes)
}

/// AWS-LC wipes the block that it hashes where it stands. A hasher that is a value leaves the last block, which is most
/// of a token, wherever it was moved from.
fn one_shot<const BYTES: usize>(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> [u8; BYTES] {
    digest::digest(algorithm, bytes).as_ref().try_into().expect("an algorithm's digest has its length")
}

/// A 32-byte key for one purpose, derived from a secret of full strength (at least 16 random bytes; never a
/// passphrase) by BLAKE3 in its key-derivation mode. Keys of different purposes say nothing about each other.
#[must_use]
pub fn derive_key(purpose: &'static str, secret: &[u8]) -> [u8; 32] {
    blake3::derive_key(purpose, secret)
}

/// A 16-byte name for `parts`, which only the holder of `key` can make: keyed BLAKE3 over `domain` and each part,
/// every one preceded by its length (64-bit, little endian), cut to the first 16 bytes.
///
/// Names of one domain say nothing about names of another, and no two different lists of parts read alike.
#[must_use]
pub fn keyed_hash16(key: &[u8; 32], domain: &str, parts: &[&[u8]]) -> [u8; 16] {
    // One call over one buffer: names are short, and setting up an incremental hasher would cost more than hashing.
    let parts = || std::iter::once(domain.as_bytes()).chain(parts.iter().copied());
    let mut input = Vec::with_capacity(parts().map(|part| 8 + part.len()).sum());
    for part in parts() {
        input.extend_from_slice(&(part.len() as u64).to_le_bytes());
        input.extend_from_slice(part);
    }
    let hash = blake3::keyed_hash(key, &input);
    *hash.as_bytes().first_chunk().expect("a hash has more than 16 bytes")
}

/// The 64 bytes that name one state of a record: what a writer must show to replace that state.
///
/// Comparing takes the same time wherever two tags differ. Travels as canonical base64 in text formats and as 64 bytes
/// in binary ones. Debug output hides it: a tag in a log would let its reader overwrite the record.
#[derive(Clone, Copy)]
pub struct RecordTag([u8; 64]);

impl RecordTag {
    /// The state of a record that has a version text, `"1.0"` and empty fields for the absent one.
    #[must_use]
    pub fn v1(meta: &[u8], value: &[u8], version: &str) -> Self {
        TagDraft::v1(meta, value).finish(version)
    }

    /// The state of a record without version text; the absent one has empty fields.
    #[must_use]
    pub fn v2(meta: &[u8], value: &[u8]) -> Self {
        TagDraft::over("keyknox/v2", meta, value).finish("")
    }

    /// From its 64 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Its 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// 88 characters of canonical base64.
    #[must_use]
    pub fn to_base64(&self) -> String {
        to_base64(&self.0)
    }

    /// Reads what [`RecordTag::to_base64`] writes and nothing else.
    ///
    /// # Errors
    /// [`EncodingError::Base64`], or [`EncodingError::Length`] when it is not 64 bytes.
    pub fn from_base64(text: &str) -> Result<Self, EncodingError> {
        from_base64(text)?.try_into().map(Self).map_err(|_| EncodingError::Length)
    }
}

/// A tag whose version is not known yet: the content has been hashed, the version has not.
///
/// It lets a writer do the long part of the work before it knows which version it will write.
#[derive(Clone)]
pub struct TagDraft(Sha512);

impl TagDraft {
    /// Begins [`RecordTag::v1`].
    #[must_use]
    pub fn v1(meta: &[u8], value: &[u8]) -> Self {
        Self::over("keyknox/v1", meta, value)
    }

    // The one formula of both forms; `meta` and `value` are the decoded bytes, lengths are 32-bit big endian.
    fn over(form: &str, meta: &[u8], value: &[u8]) -> Self {
        let mut hasher = Sha512::new();
        hasher.update(form);
        hasher.update([0]);
        for part in [meta, value] {
            let length = u32::try_from(part.len()).expect("record parts are far below 4 GiB");
            hasher.update(length.to_be_bytes());
            hasher.update(part);
        }
        Self(hasher)
    }

    /// The tag of the content in this version.
    #[must_use]
    pub fn finish(&self, version: &str) -> RecordTag {
        let mut hasher = self.0.clone();
        hasher.update(version);
        RecordTag(hasher.finalize().into())
    }
}

impl PartialEq for RecordTag {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for RecordTag {}

impl fmt::Debug for RecordTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordTag(64 bytes)")
    }
}

impl Serialize for RecordTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.to_base64())
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for RecordTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Self::from_base64(&String::deserialize(deserializer)?).map_err(de::Error::custom)
        } else {
            deserializer.deserialize_bytes(SixtyFour).map(Self)
        }
    }
}

struct SixtyFour;

impl Visitor<'_> for SixtyFour {
    type Value = [u8; 64];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("64 bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<[u8; 64], E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::to_hex;

    fn vectors() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../tests/vectors/keyknox.json")).unwrap()
    }

    #[test]
    fn record_tags_agree_with_every_published_vector() {
        let vectors = vectors();
        let items = vectors["keyknox_hash"]["items"].as_array().unwrap();
        assert_eq!(items.len(), 7);
        for item in items {
            let field = |name: &str| item[name].as_str().unwrap();
            let (meta, value) =
                (from_base64(field("meta_b64")).unwrap(), from_base64(field("value_b64")).unwrap());
            let tag = match field("api") {
                "v1" => RecordTag::v1(&meta, &value, field("version")),
                _ => RecordTag::v2(&meta, &value),
            };
            assert_eq!(tag.to_base64(), field("hash"));
            assert!(tag == RecordTag::from_base64(field("hash")).unwrap());
        }
    }

    /// A-REC-01: garbage, another length and another spelling are no tags at all.
    #[test]
    fn a_tag_has_exactly_one_spelling() {
        let text = RecordTag::v2(b"m", b"v").to_base64();
        assert_eq!(text.len(), 88);
        assert_eq!(RecordTag::from_base64("bWV0YQ==").unwrap_err(), EncodingError::Length);
        for bad in [text[..87].to_owned(), text[..86].to_owned(), format!("{text} "), text.replace("==", "")]
        {
            assert_eq!(RecordTag::from_base64(&bad).unwrap_err(), EncodingError::Base64);
        }
    }

    /// A-LEAK-01: a tag is half of a write, so it stays out of debug output.
    #[test]
    fn a_tag_prints_its_length_only_and_survives_both_kinds_of_format() {
        let tag = RecordTag::v1(b"meta", b"value", "1.0");
        assert_eq!(format!("{tag:?}"), "RecordTag(64 bytes)");
        let json = serde_json::to_string(&tag).unwrap();
        assert!(serde_json::from_str::<RecordTag>(&json).unwrap() == tag);
        let row = postcard::to_allocvec(&tag).unwrap();
        assert_eq!(row.len(), 65);
        assert!(postcard::from_bytes::<RecordTag>(&row).unwrap() == tag);
    }

    #[test]
    fn keyed_names_tell_parts_domains_and_keys_apart() {
        let key = [7; 32];
        let name = keyed_hash16(&key, "account", &[b"ab", b"c"]);
        assert_eq!(name, keyed_hash16(&key, "account", &[b"ab", b"c"]));
        assert_ne!(name, keyed_hash16(&key, "account", &[b"a", b"bc"]));
        assert_ne!(name, keyed_hash16(&key, "account", &[b"abc"]));
        assert_ne!(name, keyed_hash16(&key, "account", &[b"ab", b"c", b""]));
        assert_ne!(name, keyed_hash16(&key, "accounta", &[b"b", b"c"]));
        assert_ne!(name, keyed_hash16(&[8; 32], "account", &[b"ab", b"c"]));
    }

    #[test]
    fn keyed_names_never_change_because_rows_are_found_by_them() {
        // Worked out apart from this code, over the bytes that the docstring describes.
        assert_eq!(
            to_hex(&keyed_hash16(&[0; 32], "realm/subject", &[b"app", b"alice"])),
            "c650fe391536dedb6ef8396203d959c4"
        );
    }

    #[test]
    fn plain_hashes_are_the_standard_ones() {
        assert_eq!(
            to_hex(&sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(to_hex(&sha512(b"hello")).starts_with("9b71d224bd62f3785d96d46ad3ea3d73"));
    }
}
