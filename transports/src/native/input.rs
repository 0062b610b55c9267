//! Reading what strangers sent over HTTP: queries, headers and bodies, each with one meaning or refused.

use std::{borrow::Cow, str::FromStr};

use http::{HeaderMap, HeaderName, header};
use serde::de::DeserializeOwned;
use strongroom_primitives::{hash::RecordTag, id::IdempotencyKey};
use strongroom_wire::{Previous, Problem};

use crate::{
    exchange::Request,
    path::query_pairs,
    problem::{bad_request, with_detail},
};

/// The parameters of a query. Each is taken once; what is left over was not known and is refused.
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Takes a query apart, as browsers write it: pairs joined by `&`, a plus sign for a space, percent-encoding.
    pub(super) fn new(query: Option<&'a str>) -> Result<Self, Box<Problem>> {
        let pairs = query_pairs(query.unwrap_or_default());
        pairs.map(Self).ok_or_else(|| bad_request("the query is not well percent-encoded UTF-8"))
    }

    /// A parameter that may appear once.
    pub(super) fn one(&mut self, name: &str) -> Result<Option<String>, Box<Problem>> {
        let mut values = self.many(name);
        match values.len() {
            0 => Ok(None),
            1 => Ok(values.pop()),
            _ => Err(bad_request(format!("`{name}` is given twice"))),
        }
    }

    /// A parameter that may appear once and is a number, a subject or whatever else can be read from text.
    pub(super) fn parsed<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Box<Problem>> {
        let text = self.one(name)?;
        let parsed = text.map(|text| text.parse()).transpose();
        parsed.map_err(|_| bad_request(format!("`{name}` has a value that it cannot have")))
    }

    /// A parameter that may appear any number of times, in order.
    pub(super) fn many(&mut self, name: &str) -> Vec<String> {
        self.0.extract_if(.., |(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
    }

    /// The same, each value a number or whatever else can be read from text.
    pub(super) fn parsed_many<T: FromStr>(&mut self, name: &str) -> Result<Vec<T>, Box<Problem>> {
        let parsed = self.many(name).iter().map(|text| text.parse()).collect::<Result<_, _>>();
        parsed.map_err(|_| bad_request(format!("`{name}` has a value that it cannot have")))
    }

    /// Refuses what nobody took.
    pub(super) fn done(self) -> Result<(), Box<Problem>> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(bad_request("the query has a parameter that does not belong here")),
        }
    }
}

/// A header that may appear once.
fn header_once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Box<Problem>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .map(|text| Some(text.trim()))
            .map_err(|_| bad_request(format!("the header {name} is not text"))),
        _ => Err(bad_request(format!("the header {name} is repeated"))),
    }
}

/// What `If-Match` and `If-None-Match` say about the state that a writer expects.
pub(super) fn previous(headers: &HeaderMap) -> Result<Option<Previous>, Box<Problem>> {
    let matches = header_once(headers, &header::IF_MATCH)?;
    let none_matches = header_once(headers, &header::IF_NONE_MATCH)?;
    match (matches, none_matches) {
        (None, None) => Ok(None),
        (None, Some("*")) => Ok(Some(Previous::Absent)),
        (None, Some(_)) => Err(bad_request("a write takes If-None-Match: * and nothing else")),
        (Some(etag), None) => tag_of(etag).map(|tag| Some(Previous::Tag(tag))).ok_or_else(|| {
            bad_request("If-Match takes one entity tag, exactly as an ETag header gave it, quotes included")
        }),
        (Some(_), Some(_)) => Err(bad_request("If-Match and If-None-Match exclude each other")),
    }
}

/// The state that a reader has already, if it says so with an entity tag that can be one of ours.
pub(super) fn known_state(headers: &HeaderMap) -> Option<RecordTag> {
    header_once(headers, &header::IF_NONE_MATCH).ok().flatten().and_then(tag_of)
}

fn tag_of(etag: &str) -> Option<RecordTag> {
    let text = etag.strip_prefix('"')?.strip_suffix('"')?;
    RecordTag::from_base64(text).ok()
}

/// A tag as an `ETag` has it.
pub(super) fn etag_of(tag: &RecordTag) -> String {
    format!("\"{}\"", tag.to_base64())
}

/// The idempotency key of a request.
pub(super) fn idempotency(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Box<Problem>> {
    static NAME: HeaderName = HeaderName::from_static("idempotency-key");
    header_once(headers, &NAME)?.map(idempotency_key).transpose()
}

/// An idempotency key from its text.
pub(crate) fn idempotency_key(text: &str) -> Result<IdempotencyKey, Box<Problem>> {
    IdempotencyKey::parse(text).map_err(|_| {
        bad_request("an idempotency key is 32 lower-case hexadecimal digits or 22 characters of base64url")
    })
}

/// The body of a request as a document. Doubled and unknown members, anything before or after the document and
/// whatever else is not strictly JSON are refused.
///
/// The document's type bounds its depth: everything that nests is named, and nothing unnamed is skipped over.
pub(super) fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Box<Problem>> {
    let media_type = header_once(&request.headers, &header::CONTENT_TYPE)?;
    if !media_type.is_some_and(is_json) {
        return Err(Box::new(with_detail(
            415,
            "unsupported-media-type",
            "the body is not declared as JSON",
            "send Content-Type: application/json and UTF-8",
        )));
    }
    // The words of the reader would repeat the body, so only the place is told.
    let refusal = |line: usize, column: usize| {
        bad_request(format!(
            "the body is not the document that belongs here, from line {line} column {column} on"
        ))
    };
    // An array would be read as members in their order, and an empty one as none of them.
    if request.body.trim_ascii_start().first() == Some(&b'[') {
        return Err(refusal(1, 1));
    }
    serde_json::from_slice(&request.body).map_err(|error| refusal(error.line(), error.column()))
}

/// Refuses a body where none belongs.
pub(super) fn no_body(request: &Request) -> Result<(), Box<Problem>> {
    if request.body.is_empty() { Ok(()) } else { Err(bad_request("this request takes no body")) }
}

fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.all(|parameter| {
            let charset = parameter.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
            charset.is_some_and(|(_, value)| value.trim_matches('"').eq_ignore_ascii_case("utf-8"))
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_query_gives_each_parameter_once_and_tolerates_no_stranger() {
        let mut query = Query::new(Some("prefix=a%2Fb&limit=7&prefix=c+d&owner=zo%C3%A9")).unwrap();
        assert_eq!(query.many("prefix"), ["a/b", "c d"]);
        assert_eq!(query.parsed::<usize>("limit").unwrap(), Some(7));
        assert_eq!(query.one("owner").unwrap().as_deref(), Some("zo\u{e9}"));
        assert_eq!(query.one("owner").unwrap(), None, "taken already");
        query.done().unwrap();

        assert_eq!(Query::new(Some("a=1&a=2")).unwrap().one("a").unwrap_err().status, 400);
        assert_eq!(Query::new(Some("limit=-1")).unwrap().parsed::<usize>("limit").unwrap_err().status, 400);
        assert_eq!(Query::new(Some("limit=1e3")).unwrap().parsed::<usize>("limit").unwrap_err().status, 400);
        assert!(Query::new(Some("x=1")).unwrap().done().is_err());
        assert!(Query::new(Some("x=%ff")).is_err() && Query::new(Some("x=%")).is_err());
        Query::new(None).unwrap().done().unwrap();
    }

    #[test]
    fn a_writers_expectation_is_one_entity_tag_or_absence() {
        let tag = RecordTag::v2(b"m", b"v");
        let quoted = etag_of(&tag);
        let read = |pairs: &[(HeaderName, &str)]| previous(&headers(pairs)).map_err(|problem| problem.status);
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[(header::IF_MATCH, &quoted)]), Ok(Some(Previous::Tag(tag))));
        assert_eq!(read(&[(header::IF_NONE_MATCH, "*")]), Ok(Some(Previous::Absent)));
        let weak = format!("W/{quoted}");
        let two = format!("{quoted}, {quoted}");
        for bad in ["*", "\"\"", "\"x\"", quoted.trim_matches('"'), &weak, &two, "\""] {
            assert_eq!(read(&[(header::IF_MATCH, bad)]), Err(400), "{bad}");
        }
        assert_eq!(read(&[(header::IF_NONE_MATCH, &quoted)]), Err(400));
        assert_eq!(read(&[(header::IF_MATCH, &quoted), (header::IF_NONE_MATCH, "*")]), Err(400));
        assert_eq!(read(&[(header::IF_MATCH, &quoted), (header::IF_MATCH, &quoted)]), Err(400));
    }

    /// A-HTTP-11.
    #[test]
    fn only_json_in_utf8_counts_as_json() {
        for good in
            ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert!(is_json(good), "{good}");
        }
        for bad in
            ["", "text/json", "application/json; charset=utf-16", "application/jsonp", "application/json; x"]
        {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
