//! Instants as Psono writes and reads them. Source: dialects/psono.md, section 2.

use strongroom_primitives::time::Timestamp;
use time::{OffsetDateTime, UtcDateTime, format_description::well_known::Rfc3339};

/// An instant with an offset and six digits of a second: `2030-01-02T03:04:05.678000+00:00`. An instant beyond the year
/// 9999 has no such form and is written as its last moment.
pub(super) fn write(at: Timestamp) -> String {
    const LAST_S: i64 = 253_402_300_799;
    let seconds = i64::try_from(at.as_s()).unwrap_or(LAST_S).min(LAST_S);
    let date = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}000+00:00",
        date.year(),
        u8::from(date.month()),
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
        at.as_ms() % 1_000
    )
}

/// An instant in RFC 3339, to the millisecond below. `None` for anything else, and for what lies before 1970.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    to_ms(text).map(|(ms, _)| Timestamp::from_ms(ms))
}

/// The same where it has to be one of ours, which have no part of a millisecond.
pub(super) fn read_ours(text: &str) -> Option<Timestamp> {
    to_ms(text).filter(|(_, rest)| *rest == 0).map(|(ms, _)| Timestamp::from_ms(ms))
}

fn to_ms(text: &str) -> Option<(u64, i128)> {
    // The longest is `2030-01-02T03:04:05.123456789+00:00`.
    if text.len() > 35 {
        return None;
    }
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    Some((u64::try_from(nanos / 1_000_000).ok().filter(|_| nanos >= 0)?, nanos % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_six_digits_and_an_offset() {
        let at = Timestamp::from_ms(1_780_000_000_120);
        assert_eq!(write(at), "2026-05-28T20:26:40.120000+00:00");
        assert_eq!(read_ours(&write(at)), Some(at));
        assert_eq!(write(Timestamp::from_ms(0)), "1970-01-01T00:00:00.000000+00:00");
        assert!(write(Timestamp::MAX).starts_with("9999-12-31T23:59:59."));
    }

    #[test]
    fn dates_are_read_with_either_offset_and_up_to_six_digits() {
        let at = Some(Timestamp::from_ms(1_780_000_000_120));
        for text in
            ["2026-05-28T20:26:40.12Z", "2026-05-28T20:26:40.120000+00:00", "2026-05-28T22:26:40.120+02:00"]
        {
            assert_eq!((read(text), read_ours(text)), (at, at), "{text}");
        }
        assert_eq!(read("2026-05-28T20:26:40.120999Z"), at);
        assert_eq!(read_ours("2026-05-28T20:26:40.120999Z"), None, "we have written no such date");
        assert_eq!(read("2026-05-28T20:26:40Z"), Some(Timestamp::from_s(1_780_000_000)));
        for bad in [
            "",
            "2026-05-28",
            "2026-05-28T20:26:40",
            "1969-12-31T23:59:59Z",
            "1780000000",
            "2026-13-28T20:26:40Z",
            &"9".repeat(1_000),
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
