//! How a section of the configuration is written down: once, with the words that explain each key.
//!
//! `section!` makes the struct, its defaults and the table that `config example`, the search for unknown keys and
//! the environment layer all read. A key without documentation does not compile, and a documented key that does not
//! exist cannot be written.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strongroom_primitives::secret::SecretText;

/// What a key holds, as far as reading text and explaining it needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Text: also paths and addresses.
    Text,
    /// Text that is shown nowhere.
    Secret,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list of texts.
    List,
    /// A list of tables of this shape.
    Tables(Shape),
    /// A section of its own.
    Section(Shape),
}

/// What a section looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// What it is about, one line of text each, with a blank in front.
    pub(crate) about: &'static [&'static str],
    /// Its keys, in the order of the reference. A function, so that shapes can hold shapes.
    pub(crate) keys: fn() -> &'static [Key],
}

/// One key, as the reference shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it means, one line of text each, with a blank in front.
    pub(crate) about: &'static [&'static str],
    /// What it holds.
    pub(crate) kind: Kind,
    /// What to show where there is no default, as it would stand in the file.
    pub(crate) sample: Option<&'static str>,
}

/// A type that a key may have.
pub(crate) trait Field {
    /// What it holds.
    const KIND: Kind;
}

macro_rules! fields {
    ($($type:ty => $kind:expr),* $(,)?) => {$(
        impl Field for $type {
            const KIND: Kind = $kind;
        }
    )*};
}

fields! {
    String => Kind::Text,
    PathBuf => Kind::Text,
    std::net::SocketAddr => Kind::Text,
    strongroom_primitives::id::RealmId => Kind::Text,
    strongroom_primitives::dc1::ChainId => Kind::Text,
    strongroom_primitives::dc1::KeyId => Kind::Text,
    u32 => Kind::Number,
    u64 => Kind::Number,
    usize => Kind::Number,
    bool => Kind::Flag,
    SecretValue => Kind::Secret,
}

impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
}

impl<T: Field> Field for Vec<T> {
    const KIND: Kind = match T::KIND {
        Kind::Section(shape) => Kind::Tables(shape),
        _ => Kind::List,
    };
}

/// A section: a struct whose keys are known by name.
pub(crate) trait Section {
    /// What it looks like.
    const SHAPE: Shape;
}

impl<S: Section> Field for S {
    const KIND: Kind = Kind::Section(S::SHAPE);
}

/// Writes a section down. `key: Type = default` makes a key; `, as "text"` shows the text in the reference instead of
/// the default.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $type:ty = $default:expr $(, as $sample:literal)?;
            )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name {
            $(
                $(#[doc = $doc])+
                pub(crate) $key: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl $crate::config::section::Section for $name {
            const SHAPE: $crate::config::section::Shape = {
                use $crate::config::section::{Field, Key, Shape};
                fn keys() -> &'static [Key] {
                    const KEYS: &[Key] = &[$(
                        Key {
                            name: stringify!($key),
                            about: &[$($doc),+],
                            kind: <$type as Field>::KIND,
                            sample: section!(@sample $($sample)?),
                        },
                    )*];
                    KEYS
                }
                Shape { about: &[$($about),+], keys }
            };
        }
    };
    (@sample $sample:literal) => { Some($sample) };
    (@sample) => { None };
}
pub(crate) use section;

/// A secret as it stands in a configuration: read like text, shown as nothing.
#[derive(Debug, Clone)]
pub(crate) struct SecretValue(pub(crate) SecretText);

impl<'de> Deserialize<'de> for SecretValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Whatever stands there instead of text must not appear in the refusal.
        let text = String::deserialize(deserializer).map_err(|_| de::Error::custom("not text"))?;
        Ok(Self(SecretText::new(text)))
    }
}

impl Serialize for SecretValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

/// Finds a key by its path of names. A number in the path is a position in a list of tables.
pub(crate) fn find<'a>(
    keys: &'static [Key],
    path: impl IntoIterator<Item = &'a str>,
) -> Option<&'static Key> {
    let mut keys = keys;
    let mut found = None;
    for name in path {
        if name.bytes().all(|byte| byte.is_ascii_digit()) && found.is_some_and(holds_tables) {
            continue;
        }
        let key = keys.iter().find(|key| key.name == name)?;
        keys = within(key);
        found = Some(key);
    }
    found
}

/// The keys inside a key.
pub(crate) fn within(key: &Key) -> &'static [Key] {
    match key.kind {
        Kind::Tables(shape) | Kind::Section(shape) => (shape.keys)(),
        _ => &[],
    }
}

fn holds_tables(key: &'static Key) -> bool {
    matches!(key.kind, Kind::Tables(_))
}
