//! An answer as the vendor's tools show it: the HTTP status, the parsed body, and whether that is a success. None of
//! this object is on the wire. Source: `dialects/dragonchain.md`, sections 1 and 8.

use std::fmt::{self, Write};

use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom_primitives::json;
use strongroom_primitives::secret::SecretText;
use zeroize::Zeroizing;

use super::ServiceKey;
use crate::ClientError;

/// How much of a refusal that is no JSON is shown, in characters.
const WORDS_MAX: usize = 200;
/// What stands where a key was.
const HIDDEN: &str = "\"<hidden>\"";

/// An answer.
pub struct Outcome {
    status: u16,
    /// JSON, with its members in the order in which the server wrote them. Of a created key it holds the secret.
    response: Zeroizing<String>,
}

/// Of a created key, what is needed to use it.
#[derive(Deserialize)]
struct Created<'b> {
    id: String,
    #[serde(borrow)]
    key: &'b RawValue,
}

impl Outcome {
    /// Reads a body. A refusal may come from something in between that knows no JSON; its words are kept as a text.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] for a success whose body is not JSON with one meaning, nested at most 32 levels deep.
    pub(super) fn read(status: u16, body: Vec<u8>) -> Result<Self, ClientError> {
        let body = Zeroizing::new(body);
        let response = match str::from_utf8(&body) {
            Ok(text) if json::parse(&body).is_ok() => Zeroizing::new(text.to_owned()),
            _ if (200..300).contains(&status) => {
                return Err(ClientError::protocol("it is not JSON with one meaning"));
            }
            _ => {
                let words: String = String::from_utf8_lossy(&body).chars().take(WORDS_MAX).collect();
                Zeroizing::new(serde_json::Value::String(words).to_string())
            }
        };
        Ok(Self { status, response })
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 200 to 299.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body: JSON as the server wrote it. Of a created key it holds the secret.
    #[must_use]
    pub fn response(&self) -> &str {
        &self.response
    }

    /// The key that was created.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] if the response holds none that a request can be signed by.
    pub fn created(&self) -> Result<ServiceKey, ClientError> {
        let none = || ClientError::protocol("it holds no key with its id");
        let Created { id, key } = serde_json::from_str(&self.response).map_err(|_| none())?;
        let secret = SecretText::new(serde_json::from_str(key.get()).map_err(|_| none())?);
        ServiceKey::new("the answer", &id, &secret).map_err(|_| none())
    }

    /// `{status, response, ok}` as JSON, indented by two spaces, without a line break at the end. Of a created key it
    /// shows the secret.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        shown(self.status, &self.response, self.is_ok())
    }

    /// The same with `<hidden>` for the key that was created.
    #[must_use]
    pub fn to_text_without_key(&self) -> Zeroizing<String> {
        let Ok(Created { key, .. }) = serde_json::from_str(&self.response) else { return self.to_text() };
        let at = key.get().as_ptr() as usize - self.response.as_ptr() as usize;
        let (before, after) = (&self.response[..at], &self.response[at + key.get().len()..]);
        shown(self.status, &Zeroizing::new([before, HIDDEN, after].concat()), self.is_ok())
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outcome({}, {} bytes)", self.status, self.response.len())
    }
}

fn shown(status: u16, response: &str, ok: bool) -> Zeroizing<String> {
    let whole = Zeroizing::new(format!("{{\"status\":{status},\"response\":{response},\"ok\":{ok}}}"));
    indented(&whole)
}

/// Well-formed JSON with a line for every member and element, indented by two spaces. Numbers and texts stay as they are
/// written, less characters that could command a terminal, which become escapes.
fn indented(json: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(json.len() * 2));
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut chars = json.chars().filter(|c| !c.is_ascii_whitespace() || *c == ' ').peekable();
    while let Some(c) = chars.next() {
        if in_text {
            match c {
                c if commands(c) => {
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.push(c),
            }
            (in_text, escaped) = (escaped || c != '"', !escaped && c == '\\');
            continue;
        }
        if c == ' ' {
            continue;
        }
        if matches!(c, '}' | ']') {
            depth -= 1;
            line(&mut out, depth);
        }
        out.push(c);
        match c {
            '"' => in_text = true,
            ':' => out.push(' '),
            ',' => line(&mut out, depth),
            '{' | '[' => {
                while chars.next_if_eq(&' ').is_some() {}
                match chars.next_if(|c| matches!(c, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            _ => {}
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Control characters, and those that turn the direction of a text; all of them in the basic plane.
fn commands(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome {
        Outcome::read(status, body.as_bytes().to_vec()).unwrap()
    }

    const CREATED: &str =
        r#"{"key":"6S0c15M","id":"EAYRMSXDOSWY","registration_time":1573691665,"nickname":"My New Key"}"#;

    #[test]
    fn an_answer_is_shown_as_in_the_seed() {
        let text = "{\n  \"status\": 201,\n  \"response\": {\n    \"key\": \"6S0c15M\",\n    \"id\": \"EAYRMSXDOSWY\",\n    \
                    \"registration_time\": 1573691665,\n    \"nickname\": \"My New Key\"\n  },\n  \"ok\": true\n}";
        assert_eq!(*outcome(201, CREATED).to_text(), text);
        let hidden = outcome(201, CREATED).to_text_without_key();
        assert_eq!(*hidden, text.replace("6S0c15M", "<hidden>"));
        assert_eq!(
            *outcome(200, " { \"keys\" : [ ] ,\r\n\t\"a\": { },\"b\":[1,[2]]}").to_text(),
            "{\n  \"status\": 200,\n  \"response\": {\n    \"keys\": [],\n    \"a\": {},\n    \"b\": [\n      1,\n      [\n        \
             2\n      ]\n    ]\n  },\n  \"ok\": true\n}"
        );
    }

    #[test]
    fn a_created_key_is_read_or_refused() {
        let key = outcome(201, CREATED).created().unwrap();
        assert_eq!((key.id(), key.secret().expose()), ("EAYRMSXDOSWY", "6S0c15M"));
        for bad in ["{}", "[]", r#"{"id":"A"}"#, r#"{"id":"A","key":1}"#, r#"{"id":"A","key":"a b"}"#] {
            assert!(outcome(201, bad).created().is_err(), "{bad}");
        }
        assert!(!format!("{:?}", outcome(201, CREATED)).contains("6S0"));
    }

    #[test]
    fn what_is_no_json_is_a_refusal_in_words_and_never_a_success() {
        assert!(!outcome(502, "<html>").is_ok());
        assert_eq!(outcome(502, "<html>").response(), "\"<html>\"");
        for bad in ["", "<html>", "{\"a\":1,\"a\":2}", &"[".repeat(40)] {
            assert!(Outcome::read(200, bad.as_bytes().to_vec()).is_err(), "{bad}");
        }
        assert!(outcome(503, &"x".repeat(10_000)).response().len() < 300);
    }

    /// A-API-07: what a server says cannot act on a terminal.
    #[test]
    fn texts_of_the_server_cannot_command_the_terminal() {
        let text = outcome(200, "{\"nickname\":\"a\u{9b}2J\u{202e}b\u{7f} \\\"{[\"}").to_text();
        assert!(text.contains(r#""a\u009b2J\u202eb\u007f \"{[""#), "{}", *text);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~\u{80}-\u{9f}\u{202e}\\n]{0,8}".prop_map(Value::from),
            Just(Value::Null)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ -~]{0,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn indenting_changes_no_meaning(value in any_json()) {
            let once = indented(&value.to_string());
            prop_assert_eq!(serde_json::from_str::<Value>(&once).unwrap(), value.clone());
            prop_assert_eq!(&indented(&once), &once);
            if !once.contains("\\u") {
                prop_assert_eq!(&*once, &serde_json::to_string_pretty(&value).unwrap());
            }
        }
    }
}
