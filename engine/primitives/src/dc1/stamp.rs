//! The text of a request's time: `YYYY-MM-DDTHH:MM:SS[.f]Z` with one to six digits after the point.

use time::{Date, Month, OffsetDateTime};

use crate::time::Timestamp;

/// Where the marks of the form stand.
const MARKS: [(usize, u8); 5] = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
const WHOLE_CHARS: usize = 19;

/// The text is no time in the one form, or the time cannot be written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time of the form YYYY-MM-DDTHH:MM:SS[.f]Z")]
pub struct StampError;

/// Reads a time, cut to milliseconds. A leap second is no time, as in the original; what lies before 1970 reads as
/// 1970, which is too old for any window.
///
/// # Errors
/// [`StampError`] for every other form: an offset, no `Z`, a space for the `T`, more than six digits, seconds since
/// 1970, a day that does not exist.
pub fn read_stamp(text: &str) -> Result<Timestamp, StampError> {
    let text = text.strip_suffix('Z').filter(|text| text.is_ascii()).ok_or(StampError)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let marked = |&(at, mark): &(usize, u8)| whole.as_bytes()[at] == mark;
    if whole.len() != WHOLE_CHARS || !MARKS.iter().all(marked) || !(1..=6).contains(&fraction.len()) {
        return Err(StampError);
    }
    let two = |at: usize| number(&whole[at..at + 2]).map(|value| u8::try_from(value).expect("two digits"));
    let year = i32::try_from(number(&whole[..4])?).expect("four digits");
    let month = Month::try_from(two(5)?).map_err(|_| StampError)?;
    let date = Date::from_calendar_date(year, month, two(8)?).map_err(|_| StampError)?;
    let time = date.with_hms(two(11)?, two(14)?, two(17)?).map_err(|_| StampError)?;
    number(fraction)?;
    let microseconds = number(&format!("{fraction:0<6}"))?;
    let Ok(s) = u64::try_from(time.assume_utc().unix_timestamp()) else { return Ok(Timestamp::from_ms(0)) };
    Ok(Timestamp::from_ms(s.saturating_mul(1_000).saturating_add(u64::from(microseconds / 1_000))))
}

/// Writes a time with six digits after the point. The last three are `chance` (any three digits, 0 to 999), so that
/// two equal requests of one millisecond have two signatures, as the vendor's JavaScript client does it.
///
/// # Errors
/// [`StampError`] for a time after the year 9999 or a `chance` above 999.
pub fn write_stamp(at: Timestamp, chance: u16) -> Result<String, StampError> {
    let s = i64::try_from(at.as_s()).map_err(|_| StampError)?;
    let time = OffsetDateTime::from_unix_timestamp(s).map_err(|_| StampError)?;
    if chance > 999 {
        return Err(StampError);
    }
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.to_hms();
    Ok(format!(
        "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}{chance:03}Z",
        u8::from(month),
        at.as_ms() % 1_000
    ))
}

/// A number of decimal digits and nothing else; at most nine of them.
fn number(digits: &str) -> Result<u32, StampError> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(StampError);
    }
    digits.parse().map_err(|_| StampError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAST_S: u64 = 253_402_300_799;

    #[test]
    fn the_ends_of_the_calendar_are_read_exactly() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.001Z", 1),
            ("1969-12-31T23:59:59.999Z", 0),
            ("0001-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00.5Z", 951_825_600_500),
            ("2019-11-14T00:34:25.123456Z", 1_573_691_665_123),
            ("9999-12-31T23:59:59.999999Z", LAST_S * 1_000 + 999),
        ] {
            assert_eq!(read_stamp(text), Ok(Timestamp::from_ms(ms)), "{text}");
        }
    }

    /// A-MAC-03: other formats, days that do not exist and the leap second.
    #[test]
    fn every_other_form_is_refused() {
        for bad in [
            "Z",
            "2016-12-31T23:59:60Z",
            "2019-02-29T00:00:00Z",
            "2019-11-31T00:00:00Z",
            "2019-00-14T00:34:25Z",
            "2019-11-00T00:34:25Z",
            "2019-11-14T24:00:00Z",
            "2019-11-14T00:60:00Z",
            "2019-11-14T00:34:25z",
            "2019-11-14t00:34:25Z",
            "2019-11-14T00:34:25",
            "2019-11-14T00:34:25.Z",
            "2019-11-14T00:34:25.+1Z",
            "2019-11-14T00:34:25.1.2Z",
            "2019-11-14T00:34:25.1234567Z",
            "2019-11-14T00:34:25,1Z",
            "2019-11-14T00:34Z",
            "2019-11-14",
            "2019-1-14T00:34:025Z",
            "+019-11-14T00:34:25Z",
            "12019-11-14T00:34:25Z",
            " 2019-11-14T00:34:25Z",
            "2019-11-14T00:34:25Z ",
            "2019-11-14T00:34:25ZZ",
            "２019-11-14T00:34:Z",
            "2019-11-14T00:34:2\u{663}Z",
        ] {
            assert_eq!(read_stamp(bad), Err(StampError), "{bad:?}");
        }
    }

    #[test]
    fn a_time_that_does_not_fit_is_not_written() {
        assert!(write_stamp(Timestamp::from_s(LAST_S), 999).is_ok());
        assert_eq!(write_stamp(Timestamp::from_s(LAST_S + 1), 0), Err(StampError));
        assert_eq!(write_stamp(Timestamp::MAX, 0), Err(StampError));
        assert_eq!(write_stamp(Timestamp::from_s(0), 1_000), Err(StampError));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_itself(ms in 0..=LAST_S * 1_000 + 999, chance in 0_u16..1_000) {
            let at = Timestamp::from_ms(ms);
            prop_assert_eq!(read_stamp(&write_stamp(at, chance).unwrap()), Ok(at));
        }

        #[test]
        fn no_text_is_too_much_to_read(text in "[0-9TZ:. +-]{0,32}|\\PC{0,32}") {
            let _ = read_stamp(&text);
        }
    }
}
