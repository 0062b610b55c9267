//! Which texts a client may have signed as the path of one request.
//!
//! Clients do not agree: some sign the path behind their endpoint, some the whole request target, and some the path as
//! it was before its characters were escaped. Every candidate is a text of this one request, so accepting any of them
//! lets no signature move to another. Source: `dialects/dragonchain.md`, section 3.

use std::borrow::Cow;

/// The candidates for one request target: one to four.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths<'a>(Vec<Cow<'a, str>>);

impl<'a> Paths<'a> {
    /// `target` is the raw request target. `mount` is the path under which the dialect is served, without a slash at
    /// the end; empty at the root of a listener.
    ///
    /// An empty query is as none. Of the target and the target without the mount, each counts as it stands and, where
    /// that makes a difference, with the escapes of its path undone; never when that would give a control character, a
    /// `?`, a `#` or what is not UTF-8, or when an escape is broken.
    #[must_use]
    pub fn of(target: &'a str, mount: &str) -> Self {
        let target = match target.split_once('?') {
            Some((path, "")) => path,
            _ => target,
        };
        let within = target.strip_prefix(mount).filter(|rest| rest.starts_with('/'));
        let mut paths: Vec<Cow<'a, str>> = Vec::with_capacity(4);
        for raw in within.into_iter().chain([target]) {
            for path in [Some(Cow::Borrowed(raw)), unescaped(raw).map(Cow::Owned)].into_iter().flatten() {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        Self(paths)
    }

    /// The candidates, the likeliest first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Cow::as_ref)
    }
}

/// The target with its path's escapes undone and its query as it stands.
fn unescaped(target: &str) -> Option<String> {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let value = |digit: u8| char::from(digit).to_digit(16);
        let decoded =
            u8::try_from(value(digits[0])? * 16 + value(digits[1])?).expect("two digits are a byte");
        if decoded < 0x20 || b"?#\x7f".contains(&decoded) {
            return None;
        }
        bytes.push(decoded);
        rest = after;
    }
    let path = String::from_utf8(bytes).ok()?;
    Some(path + query)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(target: &str, mount: &str) -> Vec<String> {
        Paths::of(target, mount).iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_target_has_each_text_that_clients_sign() {
        assert_eq!(of("/v1/status", ""), ["/v1/status"]);
        assert_eq!(of("/v1/status?", ""), ["/v1/status"]);
        assert_eq!(of("/v1/status??", ""), ["/v1/status??"]);
        assert_eq!(of("/v1/status?x?", ""), ["/v1/status?x?"]);
        assert_eq!(
            of("/dragonchain/v1/status?a=%20", "/dragonchain"),
            ["/v1/status?a=%20", "/dragonchain/v1/status?a=%20"]
        );
        assert_eq!(
            of("/d/a%20b?q=%20", "/d"),
            ["/a%20b?q=%20", "/a b?q=%20", "/d/a%20b?q=%20", "/d/a b?q=%20"]
        );
        assert_eq!(of("/v1/api-key/%d0%BA", ""), ["/v1/api-key/%d0%BA", "/v1/api-key/к"]);
        assert_eq!(of("/a%25b", ""), ["/a%25b", "/a%b"]);
    }

    #[test]
    fn a_mount_ends_where_a_segment_ends() {
        assert_eq!(of("/dragonchains/v1", "/dragonchain"), ["/dragonchains/v1"]);
        assert_eq!(of("/dragonchain", "/dragonchain"), ["/dragonchain"]);
        assert_eq!(of("/other/v1", "/dragonchain"), ["/other/v1"]);
    }

    /// A-HTTP-06: no escape becomes a byte that would mean something else in the message or in the target.
    #[test]
    fn an_escape_that_would_change_the_meaning_is_not_undone() {
        for bad in [
            "/a%0ab", "/a%00", "/a%1F", "/a%7f", "/a%3fb", "/a%23b", "/a%ff", "/a%c0%af", "/a%", "/a%2",
            "/a%g0",
        ] {
            assert_eq!(of(bad, ""), [bad]);
        }
    }

    proptest! {
        #[test]
        fn no_candidate_holds_a_byte_that_the_target_does_not_spell(
            target in "/[ -~]{0,24}",
            mount in "(/[a-z]{1,4})?",
        ) {
            let paths = of(&target, &mount);
            prop_assert!((1..=4).contains(&paths.len()));
            for path in paths {
                prop_assert!(!path.bytes().any(|byte| byte.is_ascii_control()));
                prop_assert!(path.matches('?').count() <= target.matches('?').count());
                prop_assert!(path.matches('#').count() <= target.matches('#').count());
            }
        }
    }
}
