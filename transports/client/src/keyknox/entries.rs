//! The text inside the one cloud record: a JSON object of a user's keys by name, as the published clients write it.
//!
//! Some of them write UTF-8 and one writes ISO-8859-1, so reading tries the one and then the other; writing stays in
//! ASCII with `\u` escapes, which all of them read. Named backups, whose shape differs by platform, are read here too.
//!
//! Believe this: what is parsed here was signed by the user's own key, yet nothing is taken on trust: a doubled name, a
//! name that differs from its place or data that is not canonical base64 is an error.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::ser::Formatter;
use strongroom_primitives::encoding::{from_base64, to_base64};
use strongroom_primitives::secret::Secret;
use strongroom_primitives::time::Timestamp;
use zeroize::Zeroizing;

/// The decrypted text is not a document of keys. Says nothing of its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntriesError {
    /// Not JSON of the known shape.
    #[error("decrypted text is not a document of keys")]
    Malformed,
    /// More keys than the caller allows.
    #[error("document holds more keys than allowed")]
    TooMany,
}

/// All keys of a user, by name.
pub type Entries = BTreeMap<String, Entry>;

/// One kept key.
#[derive(Clone)]
pub struct Entry {
    /// What the user calls it; also its place in the document.
    pub name: String,
    /// The key itself, any bytes.
    pub data: Secret,
    /// What an application noted beside it; `None` and empty are kept apart, as the published clients do.
    pub meta: Option<BTreeMap<String, String>>,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("data", &self.data).finish_non_exhaustive()
    }
}

/// Reads the document. No bytes at all mean no keys, as does `{}`.
///
/// # Errors
/// [`EntriesError`].
pub fn read(plain: &[u8], entries_max: usize) -> Result<Entries, EntriesError> {
    if plain.is_empty() {
        return Ok(Entries::new());
    }
    let text = as_text(plain);
    let raw: Unique<RawEntry> = serde_json::from_str(&text).map_err(|_| EntriesError::Malformed)?;
    if raw.0.len() > entries_max {
        return Err(EntriesError::TooMany);
    }
    raw.0.into_iter().map(|(name, entry)| Ok((name.clone(), entry.placed_at(&name)?))).collect()
}

/// Writes the document: names in ascending order, no blanks, ASCII only.
#[must_use]
pub fn write(entries: &Entries) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(room_for(entries)));
    let mut serializer = serde_json::Serializer::with_formatter(&mut *plain, Ascii);
    let written = serializer.collect_map(entries.iter().map(|(name, entry)| (name, RawEntryRef(entry))));
    written.expect("a document of texts and numbers can be written to memory");
    plain
}

/// At least as many bytes as the document takes: a buffer that had to grow would leave keys behind in freed memory.
fn room_for(entries: &Entries) -> usize {
    // An escape takes six bytes for at least one of the text; a name stands in the document twice.
    let rooms = entries.values().map(|entry| {
        let notes = entry.meta.iter().flatten().map(|(name, text)| 6 * (name.len() + text.len()) + 6);
        2 * entry.data.len() + 12 * entry.name.len() + notes.sum::<usize>() + 160
    });
    rooms.sum::<usize>() + 2
}

/// Reads the data of a named backup, whichever platform wrote it: a document with one key, or that key alone. Names
/// and dates are not looked at; platforms disagree about both.
///
/// # Errors
/// [`EntriesError::Malformed`].
pub fn read_backup(plain: &[u8]) -> Result<Secret, EntriesError> {
    let text = as_text(plain);
    let Unique(mut members): Unique<BackupPiece> =
        serde_json::from_str(&text).map_err(|_| EntriesError::Malformed)?;
    let found = match members.remove("data") {
        Some(BackupPiece::Data(data)) => Some(data),
        // A document whose one key is called "data".
        Some(BackupPiece::Inner(data)) if members.is_empty() => data,
        None if members.len() == 1 => members.into_values().find_map(|piece| match piece {
            BackupPiece::Inner(data) => data,
            _ => None,
        }),
        _ => None,
    };
    let data = found.ok_or(EntriesError::Malformed)?;
    from_base64(&data).map(Secret::new).map_err(|_| EntriesError::Malformed)
}

/// UTF-8 where the bytes are that, else ISO-8859-1, where each byte is the character of its own number.
fn as_text(plain: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(match std::str::from_utf8(plain) {
        Ok(text) => text.to_owned(),
        Err(_) => plain.iter().copied().map(char::from).collect(),
    })
}

/// A key as the document spells it. Members that nobody here knows are passed over.
#[derive(Deserialize)]
struct RawEntry {
    #[serde(deserialize_with = "read_data")]
    data: Secret,
    #[serde(default)]
    meta: Option<Unique<String>>,
    creation_date: Timestamp,
    name: String,
    modification_date: Timestamp,
}

impl RawEntry {
    fn placed_at(self, place: &str) -> Result<Entry, EntriesError> {
        if self.name != place {
            return Err(EntriesError::Malformed);
        }
        Ok(Entry {
            name: self.name,
            data: self.data,
            meta: self.meta.map(|Unique(meta)| meta),
            created_at: self.creation_date,
            modified_at: self.modification_date,
        })
    }
}

fn read_data<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let text = Zeroizing::new(String::deserialize(deserializer)?);
    from_base64(&text).map(Secret::new).map_err(|_| de::Error::custom("data is not base64"))
}

struct RawEntryRef<'a>(&'a Entry);

impl Serialize for RawEntryRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.0;
        let mut members = serializer.serialize_map(None)?;
        let data = Zeroizing::new(to_base64(entry.data.expose()));
        members.serialize_entry("data", data.as_str())?;
        if let Some(meta) = &entry.meta {
            members.serialize_entry("meta", meta)?;
        }
        members.serialize_entry("creation_date", &entry.created_at)?;
        members.serialize_entry("name", &entry.name)?;
        members.serialize_entry("modification_date", &entry.modified_at)?;
        members.end()
    }
}

/// Either half of the two shapes of a backup.
enum BackupPiece {
    /// A text in the place of `data`.
    Data(Zeroizing<String>),
    /// An object, and the `data` in it.
    Inner(Option<Zeroizing<String>>),
    /// Anything else: dates, names, nothing.
    Other,
}

impl<'de> Deserialize<'de> for BackupPiece {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BackupVisitor)
    }
}

struct BackupVisitor;

impl<'de> Visitor<'de> for BackupVisitor {
    type Value = BackupPiece;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member of a backup")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<BackupPiece, E> {
        Ok(BackupPiece::Data(Zeroizing::new(text.to_owned())))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<BackupPiece, E> {
        Ok(BackupPiece::Other)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<BackupPiece, E> {
        Ok(BackupPiece::Other)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<BackupPiece, E> {
        Ok(BackupPiece::Other)
    }

    fn visit_unit<E: de::Error>(self) -> Result<BackupPiece, E> {
        Ok(BackupPiece::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<BackupPiece, A::Error> {
        let mut data = None;
        while let Some(name) = access.next_key::<String>()? {
            if name == "data" {
                if data.replace(Zeroizing::new(access.next_value::<String>()?)).is_some() {
                    return Err(de::Error::custom("doubled member"));
                }
            } else {
                access.next_value::<de::IgnoredAny>()?;
            }
        }
        Ok(BackupPiece::Inner(data))
    }
}

/// An object in which no name comes twice.
struct Unique<V>(BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Unique<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor(PhantomData))
    }
}

struct UniqueVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for UniqueVisitor<V> {
    type Value = Unique<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object in which no name comes twice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unique<V>, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = access.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom("doubled member"));
            }
        }
        Ok(Unique(members))
    }
}

/// Compact JSON in which every character beyond ASCII is escaped.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for character in fragment.chars() {
            if character.is_ascii() {
                writer.write_all(&[character as u8])?;
            } else {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use strongroom_primitives::encoding::from_hex;

    use super::*;
    use crate::keyknox::envelope::testing::vectors;

    fn read_all(plain: &[u8]) -> Result<Entries, EntriesError> {
        read(plain, usize::MAX)
    }

    fn as_json(plain: &[u8]) -> Value {
        serde_json::from_slice(plain).unwrap()
    }

    #[test]
    fn documents_of_every_published_client_are_read() {
        let vectors = vectors();
        let groups = vectors["cloud_entries"].as_array().unwrap();
        assert_eq!(groups.len(), 2);
        for group in groups {
            for item in group["items"].as_array().unwrap() {
                let plain = from_hex(item["plaintext_hex"].as_str().unwrap()).unwrap();
                let entries = read_all(&plain).unwrap();
                let written = write(&entries);
                assert!(written.is_ascii());
                assert_eq!(
                    as_json(&written),
                    as_json(as_text(&plain).as_bytes()),
                    "written back, it says the same"
                );
                if plain.is_ascii() {
                    assert_eq!(*written, plain, "and in the very bytes, where those were ASCII");
                }
                let Some(expected) = item["entries"].as_array() else { continue };
                assert_eq!(entries.len(), expected.len());
                for expected in expected {
                    let entry = &entries[expected["name"].as_str().unwrap()];
                    assert!(entry.data.matches(&from_hex(expected["data_hex"].as_str().unwrap()).unwrap()));
                    assert_eq!(json!(entry.meta), expected["meta"]);
                    assert_eq!(entry.created_at.as_ms(), expected["creation_ms"]);
                    assert_eq!(entry.modified_at.as_ms(), expected["modification_ms"]);
                }
            }
        }
    }

    #[test]
    fn a_changed_document_of_either_generation_shows_the_change() {
        for group in vectors()["cloud_entries"].as_array().unwrap() {
            let plain = |at: usize| from_hex(group["items"][at]["plaintext_hex"].as_str().unwrap()).unwrap();
            let changed = read_all(&plain(1)).unwrap();
            assert_eq!(changed["key1"].modified_at.as_ms(), 1_700_000_099_456);
            assert_eq!(changed["key1"].meta, None);
            assert!(changed["key1"].data.matches(b"secret one, changed"));
            assert!(read_all(&plain(2)).unwrap().is_empty());
        }
        assert!(read_all(b"").unwrap().is_empty());
    }

    #[test]
    fn a_document_of_another_shape_is_refused() {
        let good =
            r#"{"k":{"data":"eA==","creation_date":1,"name":"k","modification_date":2,"later":{"x":[1]}}}"#;
        assert!(read_all(good.as_bytes()).is_ok());
        for (from, to) in [
            ("eA==", "eA"),
            ("eA==", "eB=="),
            ("\"eA==\"", "7"),
            ("\"name\":\"k\"", "\"name\":\"other\""),
            ("\"name\":\"k\",", ""),
            ("\"data\":\"eA==\",", ""),
            ("\"creation_date\":1", "\"creation_date\":-1"),
            ("\"creation_date\":1", "\"creation_date\":\"1\""),
            ("\"name\":\"k\"", "\"name\":\"k\",\"name\":\"k\""),
            ("\"name\":\"k\"", "\"name\":\"k\",\"meta\":{\"a\":\"1\",\"a\":\"2\"}"),
            ("\"name\":\"k\"", "\"name\":\"k\",\"meta\":{\"a\":1}"),
            (
                "}}}",
                "}},\"k\":{\"data\":\"eA==\",\"creation_date\":1,\"name\":\"k\",\"modification_date\":2}}",
            ),
            ("}}}", "}}} "),
            ("}}}", "}}}{}"),
        ] {
            let bad = good.replacen(from, to, 1);
            let verdict = read_all(bad.as_bytes()).map(|_| ());
            let expected = if to == "}}} " { Ok(()) } else { Err(EntriesError::Malformed) };
            assert_eq!(verdict, expected, "{bad}");
        }
        for bad in ["null", "[]", "7", "{\"k\":null}", "{"] {
            assert_eq!(read_all(bad.as_bytes()).unwrap_err(), EntriesError::Malformed, "{bad}");
        }
    }

    /// A-SRV-06: the number of keys is bounded at the exact one.
    #[test]
    fn more_keys_than_allowed_are_refused() {
        let entries: Entries = (0..10).map(|number| sample(&format!("k{number}"))).collect();
        let plain = write(&entries);
        assert_eq!(read(&plain, 10).unwrap().len(), 10);
        assert_eq!(read(&plain, 9).unwrap_err(), EntriesError::TooMany);
    }

    fn sample(name: &str) -> (String, Entry) {
        let at = Timestamp::from_ms(1);
        let data = Secret::from(name.as_bytes());
        (name.to_owned(), Entry { name: name.to_owned(), data, meta: None, created_at: at, modified_at: at })
    }

    #[test]
    fn all_three_shapes_of_a_backup_are_read() {
        for backup in [
            r#"{"main":{"data":"eA==","creation_date":1700000000123,"name":"main","modification_date":1}}"#,
            r#"{"data":"eA==","creation_date":1700000000123,"name":"alice","modification_date":1,"meta":null}"#,
            r#"{"creation_date":700000000.123,"data":"eA==","name":"zo\u00e9","meta":{"data":"eQ=="}}"#,
            r#"{"data":{"data":"eA==","name":"data","creation_date":1,"modification_date":1}}"#,
        ] {
            assert!(read_backup(backup.as_bytes()).unwrap().matches(b"x"), "{backup}");
        }
        let latin = b"{\"data\":\"eA==\",\"name\":\"zo\xe9\"}";
        assert!(read_backup(latin).unwrap().matches(b"x"));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"data":7}"#,
            r#"{"data":"eA"}"#,
            r#"{"main":{"name":"main"}}"#,
            r#"{"a":{"data":"eA=="},"b":{"data":"eA=="}}"#,
            r#"{"data":"eA==","data":"eQ=="}"#,
            r#"{"main":{"data":"eA==","data":"eQ=="}}"#,
        ] {
            assert_eq!(read_backup(bad.as_bytes()).unwrap_err(), EntriesError::Malformed, "{bad}");
        }
    }

    #[test]
    fn characters_beyond_ascii_are_escaped_in_pairs_where_needed() {
        let entries: Entries = [sample("zo\u{e9}\u{1f511}\u{7f}\"")].into();
        let plain = write(&entries);
        let text = std::str::from_utf8(&plain).unwrap();
        assert!(text.starts_with("{\"zo\\u00e9\\ud83d\\udd11\u{7f}\\\"\":{"), "{text}");
        assert!(read_all(&plain).unwrap().contains_key("zo\u{e9}\u{1f511}\u{7f}\""));
    }

    /// A-LEAK-01: a kept key prints its name and how long it is.
    #[test]
    fn a_key_prints_without_its_data_and_notes() {
        let (_, mut entry) = sample("canary");
        entry.name = "first".to_owned();
        entry.meta = Some([("canary".to_owned(), "canary".to_owned())].into());
        let printed = format!("{entry:?}");
        assert!(
            printed.contains("first") && !printed.contains("canary") && !printed.contains("99"),
            "{printed}"
        );
    }

    proptest! {
        #[test]
        fn any_keys_survive_being_written_and_read(
            keys in prop::collection::btree_map(".{0,12}", (prop::collection::vec(any::<u8>(), 0..40), any::<u64>(),
                any::<u64>(), prop::option::of(prop::collection::btree_map(".{0,6}", ".{0,6}", 0..3))), 0..5),
        ) {
            let entries: Entries = keys.iter().map(|(name, (data, created, modified, meta))| {
                (name.clone(), Entry {
                    name: name.clone(),
                    data: Secret::new(data.clone()),
                    meta: meta.clone(),
                    created_at: Timestamp::from_ms(*created),
                    modified_at: Timestamp::from_ms(*modified),
                })
            }).collect();
            let plain = write(&entries);
            prop_assert!(plain.len() <= room_for(&entries));
            let back = read_all(&plain).unwrap();
            prop_assert_eq!(back.len(), entries.len());
            for (name, entry) in &back {
                let (data, created, modified, meta) = &keys[name];
                prop_assert!(entry.data.matches(data));
                prop_assert_eq!(&entry.meta, meta);
                prop_assert_eq!((entry.created_at.as_ms(), entry.modified_at.as_ms()), (*created, *modified));
            }
        }

        #[test]
        fn no_text_makes_the_readers_panic(plain in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_all(&plain);
            let _ = read_backup(&plain);
        }
    }
}
