//! Bodies and headers: what a request says, and how an answer is written.
//!
//! Bodies are read strictly (one meaning or none: no doubled members, no trailing data, canonical base64) and unknown
//! members are ignored, as every published client expects. Answers are written into one buffer by hand, because the
//! content passes through unread and would otherwise be copied three times.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value};
use strongroom_engine::domains::records::{NAME_PART_BYTES_MAX, Previous, Version};
use strongroom_primitives::{encoding::from_base64, hash::RecordTag, id::Subject, json::parse_object};

use super::problem::{self, Problem};
use crate::exchange::{HeaderName, HeaderValue, Request, Response, StatusCode, header};

/// The state that a writer believes to be the present one: 64 bytes in base64.
pub(super) const PREVIOUS_HASH: HeaderName = HeaderName::from_static("virgil-keyknox-previous-hash");
/// The present state, with every record: 64 bytes in base64.
pub(super) const HASH: HeaderName = HeaderName::from_static("virgil-keyknox-hash");

/// What the caller says about the present state. An empty header says nothing: one published client sends it on its
/// first write.
pub(super) fn previous(request: &Request) -> Previous {
    let mut values = request.headers.get_all(PREVIOUS_HASH).iter();
    let text = match (values.next(), values.next()) {
        (None, _) => return Previous::Unsaid,
        (Some(value), None) => value.to_str().unwrap_or("?").trim(),
        (Some(_), Some(_)) => return Previous::Nonsense,
    };
    match RecordTag::from_base64(text) {
        _ if text.is_empty() => Previous::Unsaid,
        Ok(tag) => Previous::Tag(tag),
        Err(_) => Previous::Nonsense,
    }
}

/// The members of a body.
#[derive(Debug)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Reads a body that must be one JSON object.
    ///
    /// # Errors
    /// 30000.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        parse_object(body).map(Self).map_err(|_| problem::BODY)
    }

    /// A part of a name that must be given: text of 1 to 1,024 bytes.
    ///
    /// # Errors
    /// `refusal`.
    pub(super) fn name_part(&mut self, member: &str, refusal: Problem) -> Result<String, Problem> {
        self.optional_name_part(member, refusal)?.ok_or(refusal)
    }

    /// A part of a name that is not given if it is missing, null or empty.
    ///
    /// # Errors
    /// `refusal` for another type, or more than 1,024 bytes.
    pub(super) fn optional_name_part(
        &mut self,
        member: &str,
        refusal: Problem,
    ) -> Result<Option<String>, Problem> {
        match self.0.remove(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if text.len() <= NAME_PART_BYTES_MAX => Ok(Some(text)),
            Some(_) => Err(refusal),
        }
    }

    /// `identity`: an owner or a recipient; not given if it is missing, null or empty.
    ///
    /// # Errors
    /// 50024.
    pub(super) fn identity(&mut self) -> Result<Option<Subject>, Problem> {
        match self.optional_name_part("identity", problem::IDENTITY)? {
            None => Ok(None),
            Some(text) => Subject::new(text).map(Some).map_err(|_| problem::IDENTITY),
        }
    }

    /// `identities`: an array of at most `max` texts of 1 to 1,024 bytes.
    ///
    /// # Errors
    /// 50023.
    pub(super) fn identities(&mut self, max: usize) -> Result<Vec<Subject>, Problem> {
        let Some(Value::Array(items)) = self.0.remove("identities") else { return Err(problem::IDENTITIES) };
        if items.len() > max {
            return Err(problem::IDENTITIES);
        }
        let subject = |item: Value| match item {
            Value::String(text) => Subject::new(text).map_err(|_| problem::IDENTITIES),
            _ => Err(problem::IDENTITIES),
        };
        items.into_iter().map(subject).collect()
    }

    /// `meta`, then `value`: canonical base64 of 1 byte up to the limit, in bytes.
    ///
    /// # Errors
    /// 50004 to 50007, in that order.
    pub(super) fn content(&mut self, meta_max: usize, value_max: usize) -> Result<Content, Problem> {
        let (meta_text, meta) = self.bytes("meta", problem::META_MISSING)?;
        if meta.len() > meta_max {
            return Err(problem::META_SIZE);
        }
        let (value_text, value) = self.bytes("value", problem::VALUE_MISSING)?;
        if value.len() > value_max {
            return Err(problem::VALUE_SIZE);
        }
        Ok(Content { meta, value, meta_text, value_text })
    }

    fn bytes(&mut self, member: &str, refusal: Problem) -> Result<(String, Bytes), Problem> {
        match self.0.remove(member) {
            Some(Value::String(text)) if !text.is_empty() => {
                let bytes = from_base64(&text).map_err(|_| refusal)?;
                Ok((text, bytes.into()))
            }
            _ => Err(refusal),
        }
    }
}

/// What a write brings. The spelling is canonical, so the answer can repeat it.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) meta: Bytes,
    pub(super) value: Bytes,
    pub(super) meta_text: String,
    pub(super) value_text: String,
}

/// `meta` or `value` on its way out.
#[derive(Clone, Copy)]
pub(super) enum Opaque<'a> {
    /// To be spelled.
    Bytes(&'a [u8]),
    /// Spelled already.
    Text(&'a str),
}

impl Opaque<'_> {
    fn chars(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len().div_ceil(3) * 4,
            Self::Text(text) => text.len(),
        }
    }

    fn write(self, body: &mut String) {
        match self {
            Self::Bytes(bytes) => STANDARD.encode_string(bytes, body),
            Self::Text(text) => body.push_str(text),
        }
    }
}

/// The record of version 1.
pub(super) fn single_body(meta: Opaque<'_>, value: Opaque<'_>, version: Version) -> String {
    let mut body = String::with_capacity(meta.chars() + value.chars() + 64);
    body.push_str(r#"{"meta":""#);
    meta.write(&mut body);
    body.push_str(r#"","value":""#);
    value.write(&mut body);
    body.push_str(r#"","version":""#);
    body.push_str(&version.to_string());
    body.push_str(r#""}"#);
    body
}

/// The record of version 2. Every member is present: published clients take none of them for optional.
pub(super) fn named_body(
    owner: &Subject,
    parts: &[String],
    identities: &[Subject],
    meta: Opaque<'_>,
    value: Opaque<'_>,
) -> String {
    let mut body = String::with_capacity(meta.chars() + value.chars() + 256 + identities.len() * 32);
    body.push_str(r#"{"owner":"#);
    push_text(&mut body, owner.as_str());
    for (part, member) in ["root", "path", "key"].into_iter().enumerate() {
        body.push_str(",\"");
        body.push_str(member);
        body.push_str("\":");
        push_text(&mut body, parts.get(part).map_or("", String::as_str));
    }
    body.push_str(r#","identities":"#);
    push_texts(&mut body, identities.iter().map(Subject::as_str));
    body.push_str(r#","meta":""#);
    meta.write(&mut body);
    body.push_str(r#"","value":""#);
    value.write(&mut body);
    body.push_str(r#""}"#);
    body
}

/// An array of texts.
pub(super) fn push_texts<'a>(body: &mut String, texts: impl Iterator<Item = &'a str>) {
    body.push('[');
    for (index, text) in texts.enumerate() {
        if index > 0 {
            body.push(',');
        }
        push_text(body, text);
    }
    body.push(']');
}

fn push_text(body: &mut String, text: &str) {
    body.push_str(&Value::from(text).to_string());
}

/// Success, not to be kept by anybody on the way.
pub(super) fn answer(body: String) -> Response {
    let mut response = Response::json(StatusCode::OK, body);
    response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Success with a record, an empty one included: with its hash, without which clients fail.
pub(super) fn record_answer(body: String, tag: &RecordTag) -> Response {
    answer(body).with(HASH, &tag.to_base64())
}
