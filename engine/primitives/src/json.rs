//! Reading JSON that strangers wrote: one meaning or an error.
//!
//! A reader that takes the last of two members of the same name and a verifier that takes the first can be told two
//! stories by one text, so doubled members are refused, at every depth. So is anything nested deeper than
//! [`DEPTH_MAX`], and anything after the end. What a text means stays with its reader; only values live here.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may be nested.
pub const DEPTH_MAX: usize = 32;

/// The text is not JSON with one meaning. Says neither where nor what, because that would repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not well-formed JSON")]
pub struct JsonError;

/// Reads one JSON value of UTF-8 text. The caller bounds the length; depth is bounded here.
///
/// # Errors
/// [`JsonError`] for malformed text, invalid UTF-8, doubled members, numbers beyond 64-bit floating point, lone
/// surrogates, nesting beyond [`DEPTH_MAX`] and trailing data.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Nested { levels_left: DEPTH_MAX }.deserialize(&mut reader).map_err(|_| JsonError)?;
    reader.end().map_err(|_| JsonError)?;
    Ok(value)
}

/// Reads one JSON value that must be an object.
///
/// # Errors
/// [`JsonError`], as for [`parse`], or when it is another kind of value.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match parse(text)? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonError),
    }
}

/// How deep a value nests: an object of scalars is 1, a scalar 0.
#[must_use]
pub fn depth_of(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth_of).max().unwrap_or(0),
        _ => 0,
    }
}

#[derive(Clone, Copy)]
struct Nested {
    levels_left: usize,
}

impl Nested {
    fn inner<E: de::Error>(self) -> Result<Self, E> {
        let levels_left = self.levels_left.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { levels_left })
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let value = access.next_value_seed(inner)?;
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom("doubled member"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn well_formed_text_reads_as_any_reader_would_read_it() {
        let text = br#" {"a":[1,-2,2.5,"\u00e9",null,true,{}],"b":"zo\u00e9"} "#;
        assert_eq!(
            parse(text).unwrap(),
            json!({"a": [1, -2, 2.5, "\u{e9}", null, true, {}], "b": "zo\u{e9}"})
        );
        assert_eq!(parse_object(b"[]"), Err(JsonError));
    }

    /// A-HTTP-11 and A-API-03: text with two meanings, or with none, is refused.
    #[test]
    fn doubled_members_trailing_data_and_broken_text_are_refused() {
        for bad in [
            &br#"{"a":1,"a":2}"#[..],
            br#"{"x":[{"a":1,"\u0061":1}]}"#,
            br#"{} {}"#,
            br#"{"a":1e999}"#,
            br#""\ud800""#,
            br#"{"a":NaN}"#,
            br#"{/**/}"#,
            br#"{"a":1,}"#,
            b"\xef\xbb\xbf{}",
            b"\"\xff\"",
            b"",
        ] {
            assert_eq!(parse(bad), Err(JsonError), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn nesting_is_bounded_at_the_exact_level() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(parse(nested(DEPTH_MAX + 1).as_bytes()), Err(JsonError));
        assert_eq!(parse("[".repeat(1_000_000).as_bytes()), Err(JsonError));
    }
}
