//! The small map that a string carries along: what it may hold, and its two forms.
//!
//! Both readers are written by hand, on purpose. There are six names and three types of value, never nested, in at
//! most [`BYTES_MAX`] bytes; a BSON or YAML library would bring everything else that those formats can do (types built
//! from tags, anchors and aliases that expand, nesting without end) to a field that comes from anybody.

mod bson;
mod yaml;

use super::fields::{Fields, to_field};
use super::{CryppoError, Part};

/// Longest map that is looked at, in bytes. The largest that anybody writes has about 150.
const BYTES_MAX: usize = 1024;

/// How a map is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A version byte and BSON: what clients write since cryppo 0.6.
    #[default]
    Bson,
    /// YAML: the only form that cryppo 0.5 reads for AES strings.
    Yaml,
}

/// What is wrong with a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArtefactError {
    /// More bytes than any map has.
    #[error("too long")]
    TooLong,
    /// It begins neither like YAML nor with the version byte that belongs here.
    #[error("unknown version")]
    Version,
    /// Not BSON or YAML of the one known shape.
    #[error("malformed")]
    Malformed,
    /// A name that is unknown, stands there twice or does not belong to this kind of string.
    #[error("unexpected name")]
    Unexpected,
    /// A name is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value has another type or length than it must have, or is out of its bounds.
    #[error("value of {0} is invalid")]
    Value(&'static str),
}

/// What the map belongs to; says the version byte in front of BSON.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Cipher,
    Derivation,
}

impl Kind {
    fn version(self) -> u8 {
        match self {
            Self::Cipher => b'A',
            Self::Derivation => b'K',
        }
    }

    fn part(self) -> Part {
        match self {
            Self::Cipher => Part::Artefacts,
            Self::Derivation => Part::Derivation,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Binary(Vec<u8>),
    Text(String),
    Number(i32),
}

/// Every name that a map may have.
pub(super) const NAMES: [&str; 6] = ["iv", "at", "ad", "i", "l", "hash"];

/// A map in the order of its entries. Taking all that one expects and then calling [`Map::finish`] makes sure that
/// there was nothing else, and nothing twice.
#[derive(Debug, Default)]
pub(super) struct Map(Vec<(&'static str, Value)>);

impl Map {
    /// Reads field `at` of `fields`, in whichever form it is.
    pub(super) fn read(kind: Kind, fields: &Fields<'_>, at: usize) -> Result<Self, CryppoError> {
        let wrong = |error| CryppoError::Artefacts(kind.part(), error);
        // Four characters of base64 for three bytes.
        if fields.name(at).len() > BYTES_MAX.div_ceil(3) * 4 {
            return Err(wrong(ArtefactError::TooLong));
        }
        let bytes = fields.bytes(at, kind.part())?;
        let map = match &bytes[..] {
            [b'-', b'-', b'-', ..] => yaml::read(&bytes),
            [version, document @ ..] if *version == kind.version() => bson::read(document),
            _ => Err(ArtefactError::Version),
        };
        map.map_err(wrong)
    }

    /// Writes a field.
    pub(super) fn write(&self, kind: Kind, form: Form) -> String {
        match form {
            Form::Bson => to_field(&[&[kind.version()][..], &bson::write(self)].concat()),
            Form::Yaml => to_field(yaml::write(self).as_bytes()),
        }
    }

    /// The map with one more entry.
    pub(super) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.push((name, value));
        self
    }

    /// Adds an entry that was read.
    fn insert(&mut self, name: &[u8], value: Value) -> Result<(), ArtefactError> {
        let name = NAMES.into_iter().find(|known| known.as_bytes() == name);
        self.0.push((name.ok_or(ArtefactError::Unexpected)?, value));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, name: &'static str) -> Option<Value> {
        let at = self.0.iter().position(|(there, _)| *there == name)?;
        Some(self.0.remove(at).1)
    }

    pub(super) fn binary(&mut self, name: &'static str) -> Result<Vec<u8>, ArtefactError> {
        match self.take(name).ok_or(ArtefactError::Missing(name))? {
            Value::Binary(bytes) => Ok(bytes),
            _ => Err(ArtefactError::Value(name)),
        }
    }

    pub(super) fn number(&mut self, name: &'static str) -> Result<i32, ArtefactError> {
        match self.take(name).ok_or(ArtefactError::Missing(name))? {
            Value::Number(number) => Ok(number),
            _ => Err(ArtefactError::Value(name)),
        }
    }

    /// Takes a text that can only be `expected`.
    pub(super) fn expect_text(&mut self, name: &'static str, expected: &str) -> Result<(), ArtefactError> {
        match self.take(name).ok_or(ArtefactError::Missing(name))? {
            Value::Text(text) if text == expected => Ok(()),
            _ => Err(ArtefactError::Value(name)),
        }
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), ArtefactError> {
        if self.0.is_empty() { Ok(()) } else { Err(ArtefactError::Unexpected) }
    }
}
