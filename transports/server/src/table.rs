//! Tables, instants and sizes for people at a terminal.

use std::io::{self, Write};

use strongroom_primitives::time::Timestamp;

/// Prints rows under their headings, each column as wide as its widest cell.
///
/// # Errors
/// If standard output is gone.
pub(crate) fn print<const COLUMNS: usize>(
    headings: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> io::Result<()> {
    let headings = headings.map(str::to_owned);
    let mut widths = [0; COLUMNS];
    for row in std::iter::once(&headings).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = io::stdout().lock();
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Prints what is to be said of one thing, a line for each of its sides.
///
/// # Errors
/// If standard output is gone.
pub(crate) fn facts(facts: &[(&str, String)]) -> io::Result<()> {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 2;
    let mut out = io::stdout().lock();
    for (name, value) in facts {
        writeln!(out, "{name:<width$}{}", shown(value))?;
    }
    out.flush()
}

/// Text of others as it may be shown on a terminal: control characters, which could move the cursor or change what
/// is shown, are replaced.
pub(crate) fn shown(text: &str) -> String {
    let is_bidi =
        |c| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c }).collect()
}

/// An instant as RFC 3339 has it, in UTC and whole seconds.
pub(crate) fn instant(at: Timestamp) -> String {
    let seconds = at.as_s();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years here begin in March, so that the leap day is the last of a year; 719,468 days lie between the year 0 and
    // 1970, 146,097 in each 400 years.
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + carry;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// An instant that may be missing.
pub(crate) fn instant_or(at: Option<Timestamp>, missing: &str) -> String {
    at.map_or_else(|| missing.to_owned(), instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_the_calendar_has_them() {
        let text = |s| instant(Timestamp::from_s(s));
        assert_eq!(text(0), "1970-01-01T00:00:00Z");
        assert_eq!(text(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(text(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(text(951_868_800), "2000-03-01T00:00:00Z");
        assert_eq!(text(1_709_164_800), "2024-02-29T00:00:00Z");
        assert_eq!(text(1_798_761_599), "2026-12-31T23:59:59Z");
        assert_eq!(text(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    /// A-API-07: what others named themselves cannot act on the operator's terminal.
    #[test]
    fn names_of_others_cannot_command_the_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c\n"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(shown("zoé 株式"), "zoé 株式");
    }
}
