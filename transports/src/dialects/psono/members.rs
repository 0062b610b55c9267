//! Reading bodies: one JSON object, no doubled members, no trailing data; unknown members are ignored, and null is the
//! same as not given. What is wrong is said in the words of dialects/psono.md, section 10.

use serde_json::{Map, Value};
use strongroom_engine::Boxed;
use strongroom_primitives::{
    encoding,
    id::IdError,
    json::parse,
    nacl::NONCE_BYTES,
    psono::{ScryptParameters, hex},
    time::Timestamp,
};

use super::{
    dates,
    problem::{self, Problem},
};

const NO_VALID_HEX: &str = "NO_VALID_HEX";
const WRONG_LENGTH: &str = "Has the wrong length.";

/// The members of a JSON object.
#[derive(Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Reads a body.
    ///
    /// # Errors
    /// `JSON parse error` for what is no JSON with one meaning; another one for JSON that is no object.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        match parse(body).map_err(|_| problem::MALFORMED_JSON)? {
            Value::Object(members) => Ok(Self(members)),
            other => Err(Problem::no_dictionary(&other)),
        }
    }

    /// Whether a member is given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    /// A member of any type.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Text of at most `max` characters, if it is given.
    pub(super) fn optional_text(
        &mut self,
        name: &'static str,
        max: usize,
    ) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= max || text.chars().count() <= max => Ok(Some(text)),
            Some(Value::String(_)) => Err(Problem::too_long(name, max)),
            Some(_) => Err(Problem::field(name, "Not a valid string.")),
        }
    }

    /// Text of 1 to `max` characters.
    pub(super) fn text(&mut self, name: &'static str, max: usize) -> Result<String, Problem> {
        let text = self.optional_text(name, max)?.ok_or(Problem::required(name))?;
        if text.is_empty() { Err(Problem::field(name, "This field may not be blank.")) } else { Ok(text) }
    }

    /// `true` or `false`, if it is given.
    pub(super) fn optional_flag(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or(Problem::field(name, "IS_NOT_A_VALID_BOOLEAN")),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, Problem> {
        self.optional_flag(name)?.ok_or(Problem::required(name))
    }

    /// An id, if it is given.
    pub(super) fn optional_id<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, IdError>,
    ) -> Result<Option<T>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => {
                let id = value.as_str().and_then(|text| read(text).ok());
                id.map(Some).ok_or(Problem::field(name, "IS_NOT_A_VALID_UUID"))
            }
        }
    }

    /// An id.
    pub(super) fn id<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, IdError>,
    ) -> Result<T, Problem> {
        self.optional_id(name, read)?.ok_or(Problem::required(name))
    }

    /// Bytes in hexadecimal of either case, at most `max_bytes` and possibly none, if they are given.
    pub(super) fn optional_hex(
        &mut self,
        name: &'static str,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let Some(text) = self.optional_text(name, 2 * max_bytes)? else { return Ok(None) };
        hex(&text).map(Some).ok_or(Problem::field(name, NO_VALID_HEX))
    }

    /// Bytes in hexadecimal of either case, 1 to `max_bytes`.
    pub(super) fn hex(&mut self, name: &'static str, max_bytes: usize) -> Result<Vec<u8>, Problem> {
        let bytes = self.optional_hex(name, max_bytes)?.ok_or(Problem::required(name))?;
        if bytes.is_empty() { Err(Problem::field(name, "This field may not be blank.")) } else { Ok(bytes) }
    }

    /// Exactly `N` bytes in hexadecimal of either case.
    pub(super) fn array<const N: usize>(&mut self, name: &'static str) -> Result<[u8; N], Problem> {
        self.hex(name, N)?.try_into().map_err(|_| Problem::field(name, WRONG_LENGTH))
    }

    /// Exactly so many hexadecimal digits, kept as the text that they are.
    pub(super) fn exact_hex_text(&mut self, name: &'static str, chars: usize) -> Result<String, Problem> {
        let text = self.text(name, chars)?;
        match (text.len() == chars, hex(&text)) {
            (true, Some(_)) => Ok(text),
            (false, Some(_)) => Err(Problem::field(name, WRONG_LENGTH)),
            (_, None) => Err(Problem::field(name, NO_VALID_HEX)),
        }
    }

    /// A sealed text of 1 to `max_bytes` and its nonce, if they are given and not empty.
    pub(super) fn optional_boxed(
        &mut self,
        name: &'static str,
        nonce: &'static str,
        max_bytes: usize,
    ) -> Result<Option<Boxed>, Problem> {
        let text = self.optional_hex(name, max_bytes)?.filter(|text| !text.is_empty());
        let nonce_bytes = self.optional_hex(nonce, NONCE_BYTES)?.filter(|nonce| !nonce.is_empty());
        match (text, nonce_bytes) {
            (None, None) => Ok(None),
            (Some(text), Some(bytes)) => {
                let bytes = bytes.try_into().map_err(|_| Problem::field(nonce, WRONG_LENGTH))?;
                Ok(Some(Boxed { text: text.into(), nonce: bytes }))
            }
            (Some(_), None) => Err(Problem::required(nonce)),
            (None, Some(_)) => Err(Problem::required(name)),
        }
    }

    /// A sealed text of 1 to `max_bytes` and its nonce.
    pub(super) fn boxed(
        &mut self,
        name: &'static str,
        nonce: &'static str,
        max_bytes: usize,
    ) -> Result<Boxed, Problem> {
        self.optional_boxed(name, nonce, max_bytes)?.ok_or(Problem::required(name))
    }

    /// What a datastore, a secret or a share holds, if it is given and not empty. Its size is the engine's to judge.
    pub(super) fn optional_data(&mut self) -> Result<Option<Boxed>, Problem> {
        self.optional_boxed("data", "data_nonce", usize::MAX / 2)
    }

    /// The same, which has to be given.
    pub(super) fn data(&mut self) -> Result<Boxed, Problem> {
        self.optional_data()?.ok_or(Problem::required("data"))
    }

    /// An instant, if it is given and not empty.
    pub(super) fn optional_instant(&mut self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.optional_text(name, 64)?.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        dates::read(&text).map(Some).ok_or(Problem::field(name, "Datetime has wrong format."))
    }

    /// `old_write_date`: what the caller takes for the present state, if it says so. Empty is as good as none. A date
    /// that no state of ours can have is another state's.
    pub(super) fn old_write_date(&mut self) -> Result<Option<Timestamp>, Problem> {
        let name = "old_write_date";
        let Some(text) = self.optional_text(name, 64)?.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        dates::read(&text).ok_or(Problem::field(name, "Datetime has wrong format."))?;
        dates::read_ours(&text).map(Some).ok_or(problem::WRITE_DATE_MISMATCH)
    }

    /// An object of its own.
    pub(super) fn object(&mut self, name: &'static str) -> Result<Self, Problem> {
        match self.take(name) {
            None => Err(Problem::required(name)),
            Some(Value::Object(members)) => Ok(Self(members)),
            Some(_) => Err(Problem::field(name, "Not a valid dictionary.")),
        }
    }

    /// Ids in a list of at most `max`.
    pub(super) fn ids<T>(
        &mut self,
        name: &'static str,
        max: usize,
        read: impl Fn(&str) -> Result<T, IdError>,
    ) -> Result<Vec<T>, Problem> {
        let id = |item: Value| {
            let id = item.as_str().and_then(|text| read(text).ok());
            id.ok_or(Problem::field(name, "IS_NOT_A_VALID_UUID"))
        };
        self.list(name, max)?.into_iter().map(id).collect()
    }

    /// A list of at most `max` values.
    fn list(&mut self, name: &'static str, max: usize) -> Result<Vec<Value>, Problem> {
        match self.take(name) {
            None => Err(Problem::required(name)),
            Some(Value::Array(items)) if items.len() > max => {
                Err(Problem::field(name, "Has more values than are taken at once."))
            }
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(Problem::field(name, "Expected a list of items.")),
        }
    }

    /// A list of at most `max` objects.
    pub(super) fn objects(&mut self, name: &'static str, max: usize) -> Result<Vec<Self>, Problem> {
        let object = |item| match item {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Problem::field(name, "Expected a list of dictionaries.")),
        };
        self.list(name, max)?.into_iter().map(object).collect()
    }

    /// Whole seconds, any sign, if they are given.
    pub(super) fn optional_seconds(&mut self, name: &'static str) -> Result<Option<i64>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => {
                value.as_i64().map(Some).ok_or(Problem::field(name, "A valid integer is required."))
            }
        }
    }

    /// `hashing_parameters`, at or above the floor.
    pub(super) fn scrypt(&mut self, name: &'static str) -> Result<ScryptParameters, Problem> {
        let mut given = self.object(name)?;
        let mut of = |member: &str| given.take(member).and_then(|value| value.as_u64());
        let bad = Problem::field(name, "HASHING_PARAMETERS_NOT_SUPPORTED");
        let (Some(u), Some(r), Some(p), Some(l)) = (of("u"), of("r"), of("p"), of("l")) else {
            return Err(bad);
        };
        ScryptParameters::new(u, r, p, l).map_err(|_| bad)
    }
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex_of(bytes: impl AsRef<[u8]>) -> String {
    encoding::to_hex(bytes.as_ref())
}
