//! Which clients are served, by the version that they say they are.

/// The oldest that is: major and minor. Source: RECOVERY.md, section 3.1.
const SERVED_FROM: (u32, u32) = (0, 2);

/// Whether a client of this version is served: three numbers by semantic versioning, with a label behind them or not.
pub(super) fn is_served(text: &str) -> bool {
    parse(text).is_some_and(|version| version >= SERVED_FROM)
}

fn parse(text: &str) -> Option<(u32, u32)> {
    let numbers = text.split_once(['-', '+']).map_or(text, |(numbers, _)| numbers);
    let mut parts = numbers.split('.').map(number);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(major), Some(minor), Some(patch), None) => patch.and(major.zip(minor)),
        _ => None,
    }
}

fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_0_2_are_served() {
        for served in ["0.3.7", "0.2.0", "0.2.0-rc.1", "1.0.0", "0.10.0+build.5", "10.0.1"] {
            assert!(is_served(served), "{served}");
        }
        for refused in
            ["", "0.1.9", "0.2", "0.2.0.0", "a.b.c", "0.+2.0", "0.02.0", "-1.2.3", "0.2.", "4294967296.0.0"]
        {
            assert!(!is_served(refused), "{refused}");
        }
    }
}
