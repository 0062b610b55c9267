//! Did a follower hear every event once and in order, or was it told of the gap?
//!
//! Given are the events that the feed holds in the end, and what each follower heard, with every time it began anew.
//! A follower that resumes says where it stands itself, so a resumption that skips or repeats is the server's fault.

use std::fmt::Debug;

use strongroom_engine::feed::Event;

use super::{Promise, Violation};

/// Something that a follower heard. `E` is an event, as the engine or as a wire spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard<E = Event> {
    /// It began, or began anew, after this sequence number.
    Began(u64),
    /// An event.
    Event(u64, E),
    /// Events are gone; it goes on after this sequence number.
    Gap(u64),
}

/// Checks what one follower heard against the feed as it is in the end, oldest event first. The follower asked only
/// for events that it `concerns`.
///
/// Returns the sequence number up to which it has heard everything.
///
/// # Errors
/// The first broken promise that shows.
pub fn check<E: PartialEq + Debug>(
    feed: &[(u64, E)],
    heard: &[Heard<E>],
    concerns: impl Fn(&E) -> bool,
) -> Result<u64, Violation> {
    let once = Promise::EveryEventOnce;
    if let Some(pair) = feed.windows(2).find(|pair| pair[0].0 + 1 != pair[1].0) {
        return Violation::of(once, format!("the feed jumps from {} to {}", pair[0].0, pair[1].0));
    }
    // Events before this one are gone, and with them the means to say whether they were skipped rightly.
    let oldest = feed.first().map_or(u64::MAX, |(sequence, _)| *sequence);
    let at = |sequence: u64| {
        sequence
            .checked_sub(oldest)
            .and_then(|at| feed.get(usize::try_from(at).ok()?))
            .map(|(_, event)| event)
    };
    let skipped = |after: u64, until: u64| {
        (after.saturating_add(1).max(oldest)..until).find(|sequence| at(*sequence).is_some_and(&concerns))
    };
    let mut cursor = None;
    for item in heard {
        match (item, cursor) {
            (Heard::Began(after), None) => cursor = Some(*after),
            (Heard::Began(after), Some(before)) if *after >= before => {
                if let Some(missed) = skipped(before, after.saturating_add(1)) {
                    return Violation::of(
                        once,
                        format!("it resumed after {after}, but event {missed} was never told"),
                    );
                }
                cursor = Some(*after);
            }
            (Heard::Event(sequence, event), Some(after)) => {
                if *sequence <= after {
                    return Violation::of(once, format!("event {sequence} came again after {after}"));
                }
                if let Some(missed) = skipped(after, *sequence) {
                    return Violation::of(once, format!("event {missed} was never told, {sequence} was"));
                }
                if *sequence >= oldest && at(*sequence) != Some(event) {
                    return Violation::of(
                        once,
                        format!("event {sequence} is {:?}, told was {event:?}", at(*sequence)),
                    );
                }
                cursor = Some(*sequence);
            }
            (Heard::Gap(next), Some(after)) => {
                if at(after + 1).is_some() {
                    return Violation::of(
                        once,
                        format!("a gap was told after {after}, but the next event is there"),
                    );
                }
                if *next < after && at(after).is_some() {
                    return Violation::of(once, format!("a gap led back from {after} to {next}"));
                }
                cursor = Some(*next);
            }
            (item, cursor) => {
                return Violation::of(once, format!("{item:?} cannot follow a cursor at {cursor:?}"));
            }
        }
    }
    let Some(mut cursor) = cursor else {
        return Violation::of(once, "the follower never began");
    };
    // What does not concern the follower is passed over in silence.
    while at(cursor + 1).is_some_and(|event| !concerns(event)) {
        cursor += 1;
    }
    Ok(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: u64) -> Event {
        Event::RecordsReset {
            prefix: vec![if n.is_multiple_of(2) { "even" } else { "odd" }.to_owned()],
            count: n,
        }
    }

    fn feed(range: std::ops::RangeInclusive<u64>) -> Vec<(u64, Event)> {
        range.map(|n| (n, event(n))).collect()
    }

    fn told(numbers: &[u64]) -> Vec<Heard> {
        numbers.iter().map(|n| Heard::Event(*n, event(*n))).collect()
    }

    fn from(after: u64, rest: Vec<Heard>) -> Vec<Heard> {
        [vec![Heard::Began(after)], rest].concat()
    }

    fn all(feed: &[(u64, Event)], heard: &[Heard]) -> Result<u64, String> {
        check(feed, heard, |_| true).map_err(|violation| violation.seen)
    }

    #[test]
    fn a_truthful_follower_passes_across_resumption_and_gap() {
        assert_eq!(all(&feed(1..=5), &from(0, told(&[1, 2, 3, 4, 5]))), Ok(5));
        let resumed = [from(0, told(&[1, 2])), from(2, told(&[3]))].concat();
        assert_eq!(all(&feed(1..=5), &resumed), Ok(3), "it has yet to hear the rest");
        let gap = [from(0, vec![Heard::Gap(4)]), told(&[5])].concat();
        assert_eq!(all(&feed(4..=5), &gap), Ok(5));
    }

    #[test]
    fn a_filtered_follower_hears_what_concerns_it_and_passes_over_the_rest() {
        let even = |event: &Event| matches!(event, Event::RecordsReset { prefix, .. } if prefix == &["even"]);
        assert_eq!(check(&feed(1..=5), &from(0, told(&[2, 4])), even), Ok(5));
        assert!(check(&feed(1..=5), &from(0, told(&[4])), even).is_err());
    }

    #[test]
    fn a_skipped_a_repeated_a_reordered_and_a_false_event_are_noticed() {
        for numbers in [&[1, 3][..], &[1, 1], &[2, 1]] {
            assert!(all(&feed(1..=5), &from(0, told(numbers))).is_err(), "{numbers:?}");
        }
        assert!(all(&feed(1..=5), &from(0, vec![Heard::Event(1, event(3))])).is_err());
        assert!(all(&feed(1..=5), &[from(0, told(&[1])), from(3, told(&[4]))].concat()).is_err());
        assert!(all(&feed(1..=5), &told(&[1])).is_err(), "it never began");
    }

    #[test]
    fn a_gap_without_need_and_a_feed_with_a_hole_are_noticed() {
        assert!(all(&feed(1..=5), &from(0, vec![Heard::Gap(4)])).is_err());
        let holed = [feed(1..=2), feed(4..=5)].concat();
        assert!(all(&holed, &from(0, told(&[1, 2]))).is_err());
    }
}
