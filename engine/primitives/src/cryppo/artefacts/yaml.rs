//! The YAML form: exactly the lines that known producers write, and no more of YAML than that.
//!
//! ```text
//! document = "---" LF ( "{}" LF | 1*entry )
//! entry    = key ": " ( plain | quoted ) LF
//!          | key ": " binary " " base64 LF
//!          | key ": " binary " |" [ "-" ] LF "  " base64 LF
//! key      = word | quoted            binary = "!binary" | "!!binary"
//! plain    = 1*word                   quoted = "'" *word "'" | DQUOTE *word DQUOTE
//! ```
//!
//! A word is of ASCII letters and digits; a plain one of digits only is a number, without leading zeros. Base64 is of
//! the standard alphabet, padded, on one line. Everything else is malformed: other tags, anchors, aliases, flow
//! collections, comments, tabs, CR, a second document, a missing last line end. Source: `dialects/meeco.md`, 3.2.

use std::fmt::Write as _;

use super::{ArtefactError, Map, Value};
use crate::encoding::{from_base64, to_base64};

const HEAD: &str = "---\n";
const EMPTY: &str = "{}\n";

pub(super) fn read(bytes: &[u8]) -> Result<Map, ArtefactError> {
    let text = str::from_utf8(bytes).map_err(|_| ArtefactError::Malformed)?;
    let body = text.strip_prefix(HEAD).ok_or(ArtefactError::Malformed)?;
    let mut map = Map::default();
    if body == EMPTY {
        return Ok(map);
    }
    let mut lines = body.strip_suffix('\n').ok_or(ArtefactError::Malformed)?.split('\n');
    while let Some(line) = lines.next() {
        let (key, rest) = line.split_once(": ").ok_or(ArtefactError::Malformed)?;
        let key = quoted(key).unwrap_or(key);
        let tagged = rest.strip_prefix("!binary ").or_else(|| rest.strip_prefix("!!binary "));
        let value = match tagged {
            Some("|" | "|-") => {
                let line = lines.next().and_then(|line| line.strip_prefix("  "));
                binary(line.ok_or(ArtefactError::Malformed)?)?
            }
            Some(line) => binary(line)?,
            None => scalar(rest)?,
        };
        map.insert(key.as_bytes(), value)?;
    }
    Ok(map)
}

pub(super) fn write(map: &Map) -> String {
    let mut text = HEAD.to_owned();
    if map.0.is_empty() {
        text.push_str(EMPTY);
    }
    for (name, value) in &map.0 {
        let written = match value {
            Value::Binary(bytes) => writeln!(text, "{name}: !binary |-\n  {}", to_base64(bytes)),
            Value::Text(word) => writeln!(text, "{name}: {word}"),
            Value::Number(number) => writeln!(text, "{name}: {number}"),
        };
        written.expect("writing to a String cannot fail");
    }
    text
}

fn binary(base64: &str) -> Result<Value, ArtefactError> {
    from_base64(base64).map(Value::Binary).map_err(|_| ArtefactError::Malformed)
}

fn scalar(text: &str) -> Result<Value, ArtefactError> {
    if let Some(text) = quoted(text) {
        return Ok(Value::Text(text.to_owned()));
    }
    if text.is_empty() || !is_word(text) {
        return Err(ArtefactError::Malformed);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Value::Text(text.to_owned()));
    }
    // YAML reads a leading zero as octal, or does not, depending on its version.
    if text.len() > 1 && text.starts_with('0') {
        return Err(ArtefactError::Malformed);
    }
    text.parse().map(Value::Number).map_err(|_| ArtefactError::Malformed)
}

fn quoted(text: &str) -> Option<&str> {
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('\'').or_else(|| within('"')).filter(|text| is_word(text))
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
