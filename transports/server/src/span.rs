//! Spans of time and instants as people say them: `12h`, `30d`, `2027-01-31`.

use std::{str::FromStr, time::Duration};

use strongroom_client::wire::Change;
use strongroom_primitives::time::Timestamp;
use time::{UtcDateTime, format_description::well_known::Rfc3339};

/// Reads a span of time: a whole number and a unit.
pub(crate) fn span_s(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit_s = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("a span of time is a number and s, m, h or d, as in 12h".to_owned()),
    };
    let span = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_s));
    span.filter(|span| *span > 0).ok_or_else(|| "no span of time is this long".to_owned())
}

/// When something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// So many seconds from now.
    In(u64),
    /// Then.
    At(Timestamp),
}

impl End {
    /// The instant, if this is said `now`.
    pub(crate) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::In(span_s) => now.saturating_add(Duration::from_secs(span_s)),
            Self::At(at) => at,
        }
    }
}

impl FromStr for End {
    type Err = &'static str;

    /// A span of time, the beginning of a day in UTC, or an instant as RFC 3339 has it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(span_s) = span_s(text) {
            return Ok(Self::In(span_s));
        }
        let whole = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
        let parsed = UtcDateTime::parse(&whole, &Rfc3339).ok();
        let since_1970 = parsed.and_then(|at| u64::try_from(at.unix_timestamp()).ok());
        since_1970.map(|s| Self::At(Timestamp::from_s(s))).ok_or(
            "an end is a span of time (30d), a day (2027-01-31: until it begins, in UTC) or an instant \
             (2027-01-31T12:00:00Z)",
        )
    }
}

/// What becomes of when something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// It ends no more by itself.
    Never,
    /// It ends then.
    End(End),
}

impl Expiry {
    /// The change that is asked for, if this is said `now`.
    pub(crate) fn change(said: Option<Self>, now: Timestamp) -> Change<Timestamp> {
        match said {
            None => Change::Keep,
            Some(Self::Never) => Change::Clear,
            Some(Self::End(end)) => Change::Set(end.from(now)),
        }
    }
}

impl FromStr for Expiry {
    type Err = &'static str;

    /// The word `never`, or an end.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" { Ok(Self::Never) } else { text.parse().map(Self::End) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::instant;

    #[test]
    fn spans_of_time_take_a_unit() {
        assert_eq!(span_s("90s"), Ok(90));
        assert_eq!(span_s("30d"), Ok(2_592_000));
        for bad in ["", "12", "h", "0s", "1.5h", "-1s", "1w", "999999999999999999d"] {
            assert!(span_s(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_end_is_a_span_a_day_or_an_instant() {
        let now = Timestamp::from_s(1_000);
        let end = |text: &str| text.parse::<End>().map(|end| instant(end.from(now)));
        assert_eq!(end("30d").unwrap(), "1970-01-31T00:16:40Z");
        assert_eq!(end("2027-01-31").unwrap(), "2027-01-31T00:00:00Z", "what is shown is what was said");
        assert_eq!(end("2027-01-31T12:30:00+02:00").unwrap(), "2027-01-31T10:30:00Z");
        for bad in ["", "2027-02-30", "2027-1-31", "1969-12-31", "31.1.2027", "2027-01-31T", "tomorrow", "0d"]
        {
            assert!(end(bad).is_err(), "{bad}");
        }
    }
}
