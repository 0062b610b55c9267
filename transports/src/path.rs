//! Paths with one meaning, or none, and queries.
//!
//! A path that two readers could take apart differently is refused before anybody acts on it: empty segments, dot
//! segments in whatever spelling, control characters, backslashes, bad percent-encoding. A `%2F` inside a segment is a
//! character of that segment and never a boundary, because segments are decoded only after they were split.

use std::borrow::Cow;

/// The path can be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path has more than one reading")]
pub struct AmbiguousPath;

/// Refuses a path with more than one reading. `path` is percent-encoded, without its query.
///
/// # Errors
/// [`AmbiguousPath`], also for a path that does not begin with a slash (`*`, `host:port`, an absolute address).
pub fn check(path: &str) -> Result<(), AmbiguousPath> {
    raw_segments(path)?.try_for_each(|segment| decode(segment).map(drop))
}

/// The segments of a path, decoded. The root has none.
///
/// # Errors
/// [`AmbiguousPath`].
pub fn segments(path: &str) -> Result<Vec<Cow<'_, str>>, AmbiguousPath> {
    raw_segments(path)?.map(decode).collect()
}

fn raw_segments(path: &str) -> Result<impl Iterator<Item = &str>, AmbiguousPath> {
    let rest = path.strip_prefix('/').ok_or(AmbiguousPath)?;
    // The root is the one path whose single segment may be empty.
    let skipped = usize::from(rest.is_empty());
    Ok(rest.split('/').skip(skipped))
}

fn decode(segment: &str) -> Result<Cow<'_, str>, AmbiguousPath> {
    if segment.bytes().any(|byte| byte <= b' ' || matches!(byte, 0x7f | b'\\' | b'?' | b'#')) {
        return Err(AmbiguousPath);
    }
    let decoded = percent_decode(segment).ok_or(AmbiguousPath)?;
    if decoded.is_empty() || decoded == "." || decoded == ".." || decoded.chars().any(char::is_control) {
        return Err(AmbiguousPath);
    }
    Ok(decoded)
}

/// Undoes percent-encoding once. `None` for a percent sign without two hexadecimal digits, and for what is not UTF-8
/// afterwards.
fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// The pairs of a query, decoded.
pub(crate) type Pairs<'q> = Vec<(Cow<'q, str>, Cow<'q, str>)>;

/// A query as browsers write it: pairs joined by `&`, a plus sign for a space, percent-encoding. `None` if it is not
/// well encoded UTF-8.
pub(crate) fn query_pairs(query: &str) -> Option<Pairs<'_>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((form_decode(name)?, form_decode(value)?))
        })
        .collect()
}

fn form_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return percent_decode(text);
    }
    let spaced = text.replace('+', " ");
    percent_decode(&spaced).map(|decoded| Cow::Owned(decoded.into_owned()))
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_first_and_decoded_afterwards() {
        assert_eq!(segments("/v1/records/a%2Fb/c%20d").unwrap(), ["v1", "records", "a/b", "c d"]);
        assert_eq!(segments("/zo%C3%A9;x=1").unwrap(), ["zo\u{e9};x=1"]);
        assert!(segments("/").unwrap().is_empty());
        assert_eq!(segments("/%252e%252e").unwrap(), ["%2e%2e"], "decoded once and never again");
    }

    /// A-HTTP-06.
    #[test]
    fn a_path_with_two_readings_is_refused() {
        for path in [
            "",
            "*",
            "v1",
            "host:443",
            "http://host/v1",
            "//",
            "/v1/",
            "/v1//x",
            "/.",
            "/v1/..",
            "/v1/./x",
            "/v1/%2e",
            "/v1/%2E%2e/x",
            "/v1/.%2e",
            "/v1/%",
            "/v1/%2",
            "/v1/%zz",
            "/v1/%+1",
            "/v1/%00",
            "/v1/x%0Ay",
            "/v1/%7f",
            "/v1/%C2%80",
            "/v1/%FF",
            "/v1/a\\b",
            "/v1/a b",
            "/v1/a\tb",
            "/v1/a\0b",
        ] {
            assert_eq!(check(path), Err(AmbiguousPath), "{path:?}");
            assert!(segments(path).is_err(), "{path:?}");
        }
    }
}
