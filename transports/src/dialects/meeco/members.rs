//! Reading bodies and queries, and the forms in which ids and instants are written.
//!
//! Bodies are read strictly: one JSON object, no doubled members, no trailing data. Unknown members are ignored, and
//! null is the same as not given.

use std::time::Duration;

use serde_json::{Map, Value};
use strongroom_primitives::{
    encoding,
    json::{depth_of, parse_object},
    time::Timestamp,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::problem::{self, Problem};

/// The longest life of a session that can be asked for. Source: dialects/meeco.md, section 9.
const VALID_FOR_MAX_S: u64 = 30 * 24 * 60 * 60;

/// How deep metadata may nest.
const METADATA_DEPTH_MAX: usize = 8;

/// The members of a JSON object.
#[derive(Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Reads a body.
    ///
    /// # Errors
    /// `malformed_json`.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        parse_object(body).map(Self).map_err(|_| problem::MALFORMED_JSON)
    }

    /// Members that were read already.
    pub(super) fn of(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// Whether a member is given as null.
    pub(super) fn is_null(&self, name: &'static str) -> bool {
        self.0.get(name).is_some_and(Value::is_null)
    }

    /// `true` or `false`, if it is given.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| Problem::field(name)),
        }
    }

    /// A member of any type.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Text of 1 to `max` bytes.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn text(&mut self, name: &'static str, max: usize) -> Result<String, Problem> {
        let text = self.optional_text(name, max)?;
        text.filter(|text| !text.is_empty()).ok_or_else(|| Problem::field(name))
    }

    /// Text of at most `max` bytes, if it is given.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn optional_text(
        &mut self,
        name: &'static str,
        max: usize,
    ) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= max => Ok(Some(text)),
            Some(_) => Err(Problem::field(name)),
        }
    }

    /// Bytes in hexadecimal, of either case, an even number of digits.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn hex(&mut self, name: &'static str, max_bytes: usize) -> Result<Vec<u8>, Problem> {
        let text = self.text(name, max_bytes * 2)?.to_ascii_lowercase();
        encoding::from_hex(&text).map_err(|_| Problem::field(name))
    }

    /// `valid_for`: whole seconds, 1 to 30 days.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn valid_for(&mut self) -> Result<Option<Duration>, Problem> {
        match self.take("valid_for") {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(seconds @ 1..=VALID_FOR_MAX_S) => Ok(Some(Duration::from_secs(seconds))),
                _ => Err(Problem::field("valid_for")),
            },
        }
    }

    /// An array of texts, if it is given.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, Problem> {
        let items = match self.take(name) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(Problem::field(name)),
        };
        let texts = items.into_iter().map(|item| match item {
            Value::String(text) => Ok(text),
            _ => Err(Problem::field(name)),
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    /// An object that is kept as it is, if it is given.
    ///
    /// # Errors
    /// `invalid_parameter` if it is none or nests more than eight deep.
    pub(super) fn metadata(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(value @ Value::Object(_)) if depth_of(&value) <= METADATA_DEPTH_MAX => {
                Ok(Some(value.to_string().into_bytes()))
            }
            Some(_) => Err(Problem::field(name)),
        }
    }

    /// A member that is an object of its own.
    ///
    /// # Errors
    /// `invalid_parameter` if it is missing or none.
    pub(super) fn object(&mut self, name: &'static str) -> Result<Self, Problem> {
        match self.take(name) {
            Some(Value::Object(members)) => Ok(Self(members)),
            _ => Err(Problem::field(name)),
        }
    }
}

/// An id as a UUID: 36 characters.
pub(super) fn uuid(bytes: &[u8; 16]) -> String {
    let hex = encoding::to_hex(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The id that a UUID names. Anything else names nothing.
///
/// # Errors
/// `not_found`.
pub(super) fn id_of(text: &str) -> Result<[u8; 16], Problem> {
    let parts: Vec<&str> = text.split('-').collect();
    if parts.iter().map(|part| part.len()).ne([8, 4, 4, 4, 12]) {
        return Err(problem::NOT_FOUND);
    }
    encoding::array_from_hex(&parts.concat().to_ascii_lowercase()).map_err(|_| problem::NOT_FOUND)
}

/// An instant in RFC 3339, UTC, with milliseconds.
pub(super) fn instant(at: Timestamp) -> Value {
    let nanos = i128::from(at.as_ms()) * 1_000_000;
    let text = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().and_then(|at| at.format(&Rfc3339).ok());
    // An instant beyond the year 9999 has no such form.
    text.map_or(Value::Null, Value::String)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_travel_as_uuids_and_nothing_else_names_one() {
        let id = [0x0f; 16];
        assert_eq!(uuid(&id), "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f");
        assert_eq!(id_of(&uuid(&id)), Ok(id));
        assert_eq!(id_of("0F0F0F0F-0f0f-0f0f-0f0f-0f0f0f0f0f0f"), Ok(id));
        for bad in
            ["", "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0g", "--------"]
        {
            assert_eq!(id_of(bad), Err(problem::NOT_FOUND), "{bad}");
        }
    }

    #[test]
    fn instants_are_written_in_utc() {
        assert_eq!(instant(Timestamp::from_ms(1_780_000_000_000)), "2026-05-28T20:26:40Z");
        assert_eq!(instant(Timestamp::from_ms(1_780_000_000_120)), "2026-05-28T20:26:40.12Z");
        assert_eq!(instant(Timestamp::MAX), Value::Null);
    }

    #[test]
    fn a_life_is_whole_seconds_up_to_thirty_days() {
        let life = |json: &str| Members::read(json.as_bytes()).unwrap().valid_for();
        assert_eq!(life(r#"{"valid_for":60}"#), Ok(Some(Duration::from_secs(60))));
        assert_eq!(life(r#"{"valid_for":null}"#), Ok(None));
        for bad in ["0", "-1", "1.5", "\"60\"", "2592001", "true", "[]"] {
            assert!(life(&format!(r#"{{"valid_for":{bad}}}"#)).is_err(), "{bad}");
        }
    }
}
