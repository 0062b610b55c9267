//! Is the history of one record explained by its versions in the order of their sequence numbers?
//!
//! A record's sequence numbers name one total order of its states, so whether a history is linearizable needs no
//! search: everything that was told is put into that order, and a single pass asks whether each call can have taken
//! effect between its question and its answer. The cost is that of sorting.
//!
//! Given are the calls of one record and its *timeline*: the states that history keeps in the end. An acknowledged
//! write that the timeline lacks is lost; a state that no call explains came from nowhere; a call with an unknown
//! outcome may be in it or not. Content is told apart by [`content`], so no two operations may write the same.

use std::{collections::BTreeMap, time::Duration};

use strongroom_engine::domains::records::{Previous, RecordForm, Version, absent_tag};
use strongroom_primitives::hash::{RecordTag, sha256};

use super::{Promise, Violation};
use crate::history::{Authorship, Call, OperationId, Outcome, Shown, State, Tag, Wanted, content};

/// One state, as history keeps it in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its place in the order, from 1.
    pub sequence: u64,
    /// Its version.
    pub version: Version,
    /// Its tag.
    pub tag: Tag,
    /// Whether the state is that there is no record.
    pub deleted: bool,
}

/// What a history came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that were checked.
    pub calls: usize,
    /// States in the timeline.
    pub states: usize,
    /// Calls of which it is not known whether they took effect.
    pub unknown: usize,
}

/// Checks the calls of one record against its timeline.
///
/// # Errors
/// The first broken promise that shows.
pub fn check(form: RecordForm, calls: &[Call], timeline: &[Kept]) -> Result<Tally, Violation> {
    let mut order = Order::new(form, timeline)?;
    order.place_acknowledged(calls)?;
    order.place_the_rest(calls)?;
    order.check_comparisons()?;
    for call in calls {
        order.check_shown(call)?;
    }
    order.check_real_time(calls)?;
    let unknown = calls.iter().filter(|call| call.outcome == Outcome::Unknown).count();
    Ok(Tally { calls: calls.len(), states: timeline.len(), unknown })
}

/// Who made a state.
#[derive(Debug, Clone, Copy)]
enum Writer<'a> {
    /// This call.
    Call(&'a Call),
    /// One of the resets that named nothing or were not acknowledged: they cannot be told apart.
    SomeReset,
}

struct Order<'a> {
    form: RecordForm,
    timeline: &'a [Kept],
    writers: Vec<Option<Writer<'a>>>,
    chains: Vec<[u8; 32]>,
    /// Where each operation took effect.
    placed: BTreeMap<OperationId, u64>,
}

const FOREVER: Duration = Duration::MAX;

impl<'a> Order<'a> {
    fn new(form: RecordForm, timeline: &'a [Kept]) -> Result<Self, Violation> {
        let mut chains = Vec::with_capacity(timeline.len());
        let mut link = [0; 32];
        for (at, kept) in timeline.iter().enumerate() {
            if kept.sequence != at as u64 + 1 {
                return Violation::of(
                    Promise::Consecutive,
                    format!("state #{} stands where #{} should", kept.sequence, at + 1),
                );
            }
            if at > 0 && timeline[at - 1].version > kept.version {
                return Violation::of(
                    Promise::Consecutive,
                    format!("version {} of #{} comes after a later one", kept.version, kept.sequence),
                );
            }
            link = sha256(&[&link[..], &kept.sequence.to_be_bytes(), &kept.tag].concat());
            chains.push(link);
        }
        let writers = timeline.iter().map(|_| None).collect();
        Ok(Self { form, timeline, writers, chains, placed: BTreeMap::new() })
    }

    fn kept(&self, sequence: u64) -> Option<&'a Kept> {
        usize::try_from(sequence).ok()?.checked_sub(1).and_then(|at| self.timeline.get(at))
    }

    fn before(&self, sequence: u64) -> Option<&'a Kept> {
        self.kept(sequence.checked_sub(1)?)
    }

    /// The tag of an operation's content in this version; of no content without an operation.
    fn tag(&self, operation: Option<OperationId>, version: Version) -> Tag {
        let (meta, value) = operation.map(content).unwrap_or_default();
        *match self.form {
            RecordForm::Single => RecordTag::v1(&meta, &value, &version.to_string()),
            RecordForm::Named => RecordTag::v2(&meta, &value),
        }
        .as_bytes()
    }

    fn place(&mut self, call: &'a Call, sequence: u64) -> Result<(), Violation> {
        let at = usize::try_from(sequence - 1).expect("a place in a slice");
        if let Some(other) = &self.writers[at] {
            return Violation::of(
                Promise::OneWriter,
                format!("#{sequence} was written by {other:?} and {call:?}"),
            );
        }
        if let Some(other) = self.placed.insert(call.operation, sequence) {
            return Violation::of(
                Promise::OneWriter,
                format!("{call:?} took effect twice, as #{other} and as #{sequence}"),
            );
        }
        self.writers[at] = Some(Writer::Call(call));
        Ok(())
    }

    /// Puts every acknowledged write at the place that its answer named.
    fn place_acknowledged(&mut self, calls: &'a [Call]) -> Result<(), Violation> {
        for call in calls {
            let (Outcome::Shown(state), true) = (&call.outcome, call.wanted != Wanted::Read) else {
                continue;
            };
            let author = matches!(call.wanted, Wanted::Put(_)).then_some(call.operation);
            if state.tag != self.tag(author, state.version) {
                return Violation::of(
                    Promise::Content,
                    format!("the tag is not that of what was written: {call:?}"),
                );
            }
            self.require_kept(state, call)?;
            self.place(call, state.sequence)?;
        }
        Ok(())
    }

    /// Finds a writer for every other state.
    fn place_the_rest(&mut self, calls: &'a [Call]) -> Result<(), Violation> {
        let puts: Vec<&Call> = calls.iter().filter(|call| matches!(call.wanted, Wanted::Put(_))).collect();
        let by_tag: BTreeMap<Tag, &Call> = match self.form {
            RecordForm::Named => {
                puts.iter().map(|call| (self.tag(Some(call.operation), Version::FIRST), *call)).collect()
            }
            RecordForm::Single => BTreeMap::new(),
        };
        for kept in self.timeline {
            let at = usize::try_from(kept.sequence - 1).expect("a place in a slice");
            if self.writers[at].is_some() {
                continue;
            }
            if kept.deleted || (self.form == RecordForm::Single && kept.tag == self.tag(None, kept.version)) {
                match self.reset_of(kept, calls) {
                    Some(call) => self.place(call, kept.sequence)?,
                    None => self.writers[at] = Some(Writer::SomeReset),
                }
                continue;
            }
            let writer = match self.form {
                RecordForm::Named => by_tag.get(&kept.tag).copied(),
                // The tag includes the version, so only the version that it got tells which write it was.
                RecordForm::Single => {
                    puts.iter().copied().find(|call| self.tag(Some(call.operation), kept.version) == kept.tag)
                }
            };
            match writer {
                None => return Violation::of(Promise::NothingFromNowhere, format!("nobody wrote {kept:?}")),
                Some(call) if matches!(call.outcome, Outcome::Refused { .. }) => {
                    return Violation::of(
                        Promise::RefusedMeansNothing,
                        format!("{call:?} took effect as #{}", kept.sequence),
                    );
                }
                Some(call) => self.place(call, kept.sequence)?,
            }
        }
        self.check_resets(calls)
    }

    /// The acknowledged reset that named the state before this one. Tags are never used twice, so there is one place
    /// for it.
    fn reset_of(&self, kept: &Kept, calls: &'a [Call]) -> Option<&'a Call> {
        let acknowledged = |call: &&Call| matches!(call.outcome, Outcome::Deleted(1..));
        calls.iter().filter(acknowledged).find(|call| self.named_before(call, kept))
    }

    /// Whether a reset named the state that `kept` replaced.
    fn named_before(&self, reset: &Call, kept: &Kept) -> bool {
        let before = self.before(kept.sequence).filter(|before| !before.deleted);
        match (&reset.wanted, before) {
            (Wanted::Reset(Previous::Tag(tag)), Some(before)) => *tag.as_bytes() == before.tag,
            _ => false,
        }
    }

    /// Every acknowledged deletion has its place, and there are no more deletions than may have happened.
    fn check_resets(&self, calls: &[Call]) -> Result<(), Violation> {
        let unsaid = |call: &&Call| matches!(call.wanted, Wanted::Reset(Previous::Unsaid));
        let deleted = |call: &&Call| matches!(call.outcome, Outcome::Deleted(1..));
        let lost = |call: &&Call| !unsaid(call) && !self.placed.contains_key(&call.operation);
        if let Some(lost) = calls.iter().filter(deleted).find(lost) {
            return Violation::of(Promise::Kept, format!("the deletion is not in the timeline: {lost:?}"));
        }
        let floating: Vec<&Kept> = self
            .timeline
            .iter()
            .zip(&self.writers)
            .filter_map(|(kept, writer)| matches!(writer, Some(Writer::SomeReset)).then_some(kept))
            .collect();
        let sure = calls.iter().filter(unsaid).filter(deleted).count();
        let open = |call: &&Call| call.outcome == Outcome::Unknown;
        let perhaps = calls.iter().filter(unsaid).filter(open).count()
            + floating
                .iter()
                .filter(|kept| calls.iter().filter(open).any(|call| self.named_before(call, kept)))
                .count();
        let floating = floating.len();
        if floating < sure {
            return Violation::of(
                Promise::Kept,
                format!("{sure} deletions were acknowledged, {floating} are there"),
            );
        }
        if floating > sure + perhaps {
            return Violation::of(
                Promise::NothingFromNowhere,
                format!("{floating} deletions are there, at most {} can have happened", sure + perhaps),
            );
        }
        Ok(())
    }

    /// Every writer named the state that it replaced.
    fn check_comparisons(&self) -> Result<(), Violation> {
        for (kept, writer) in self.timeline.iter().zip(&self.writers) {
            let Some(Writer::Call(call)) = writer else { continue };
            let before = self.before(kept.sequence).filter(|before| !before.deleted);
            let (Wanted::Put(previous) | Wanted::Reset(previous)) = &call.wanted else { continue };
            let is_put = matches!(call.wanted, Wanted::Put(_));
            let agrees = match (previous, before) {
                (Previous::Tag(tag), Some(before)) => *tag.as_bytes() == before.tag,
                (Previous::Tag(tag), None) => *tag == absent_tag(self.form),
                (Previous::Absent, before) => before.is_none(),
                (Previous::Unsaid, before) => !is_put || before.is_none(),
                (Previous::Nonsense, _) => false,
            };
            if !agrees {
                return Violation::of(
                    Promise::ComparedBeforeSet,
                    format!("{call:?} replaced {before:?}, which is not what it named"),
                );
            }
        }
        Ok(())
    }

    fn require_kept(&self, state: &State, call: &Call) -> Result<(), Violation> {
        match self.kept(state.sequence) {
            Some(kept) if !kept.deleted && (kept.tag, kept.version) == (state.tag, state.version) => Ok(()),
            other => Violation::of(Promise::Kept, format!("in the end there is {other:?}, but {call:?}")),
        }
    }

    /// What a call was shown is a state of the timeline, with its chain and its writer's content.
    fn check_shown(&self, call: &Call) -> Result<(), Violation> {
        let Some(state) = shown_state(call) else { return Ok(()) };
        self.require_kept(&state, call)?;
        let at = usize::try_from(state.sequence - 1).expect("it was found");
        if state.chain != self.chains[at] {
            return Violation::of(
                Promise::Chained,
                format!("the chain of #{} is another: {call:?}", state.sequence),
            );
        }
        let agrees = match (state.content, self.writers[at]) {
            (None, _) => true,
            (Some(Authorship::Of(operation)), Some(Writer::Call(writer))) => writer.operation == operation,
            (Some(Authorship::Empty), Some(Writer::SomeReset)) => true,
            (Some(Authorship::Empty), Some(Writer::Call(writer))) => {
                matches!(writer.wanted, Wanted::Reset(_))
            }
            _ => false,
        };
        if agrees {
            Ok(())
        } else {
            Violation::of(
                Promise::Content,
                format!("#{} was written by {:?}, but {call:?}", state.sequence, self.writers[at]),
            )
        }
    }

    /// Looks for instants at which everything can have happened in the order of the timeline.
    fn check_real_time(&self, calls: &[Call]) -> Result<(), Violation> {
        let states = self.timeline.len();
        let mut readers: Vec<Vec<&Call>> = vec![Vec::new(); states + 1];
        for call in calls {
            // What a write made is bounded by the write itself.
            let only_looked = call.wanted == Wanted::Read || matches!(call.outcome, Outcome::Refused { .. });
            if let Some(state) = shown_state(call).filter(|_| only_looked) {
                readers[usize::try_from(state.sequence).expect("it was found")].push(call);
            }
        }
        let floaters = calls.iter().filter(|call| matches!(call.wanted, Wanted::Reset(_)));
        let first_reset = floaters.map(|call| call.invoked).min().unwrap_or_default();
        let span = |at: usize| match self.writers[at - 1] {
            Some(Writer::Call(call)) if call.outcome != Outcome::Unknown => (call.invoked, call.returned),
            Some(Writer::Call(call)) => (call.invoked, FOREVER),
            Some(Writer::SomeReset) | None => (first_reset, FOREVER),
        };

        // From the end: the latest instant at which each state can have begun.
        let mut latest = vec![FOREVER; states + 2];
        for at in (0..=states).rev() {
            if let Some(stale) = readers[at].iter().find(|reader| reader.invoked > latest[at + 1]) {
                return Violation::of(
                    Promise::RealTime,
                    format!(
                        "#{at} was replaced by {} ms at the latest, but {stale:?}",
                        latest[at + 1].as_millis()
                    ),
                );
            }
            let writer = if at == 0 { FOREVER } else { span(at).1 };
            latest[at] = readers[at]
                .iter()
                .map(|reader| reader.returned)
                .fold(latest[at + 1].min(writer), Duration::min);
        }
        // From the beginning: the earliest.
        let mut earliest = vec![Duration::ZERO; states + 1];
        let mut now = Duration::ZERO;
        for at in 0..=states {
            if at > 0 {
                let (from, until) = span(at);
                now = now.max(from);
                if now > until {
                    return Violation::of(
                        Promise::RealTime,
                        format!(
                            "#{at} cannot have begun before {} ms, but {:?}",
                            now.as_millis(),
                            self.writers[at - 1]
                        ),
                    );
                }
            }
            earliest[at] = now;
            if let Some(early) = readers[at].iter().find(|reader| reader.returned < now) {
                return Violation::of(
                    Promise::RealTime,
                    format!("#{at} cannot have begun before {} ms, but {early:?}", now.as_millis()),
                );
            }
            now = readers[at].iter().map(|reader| reader.invoked).fold(now, Duration::max);
        }

        let gone = |at: usize| at == 0 || self.timeline[at - 1].deleted;
        for call in calls {
            let fits = |at: usize| earliest[at] <= call.returned && latest[at + 1] >= call.invoked;
            let explained = if was_told_of_absence(call) {
                (0..=states).filter(|at| gone(*at)).any(fits)
            } else if matches!(
                (&call.wanted, &call.outcome),
                (Wanted::Reset(Previous::Unsaid), Outcome::Deleted(1..))
            ) {
                let happened = |at: &usize| earliest[*at] <= call.returned && latest[*at] >= call.invoked;
                (1..=states)
                    .filter(|at| matches!(self.writers[*at - 1], Some(Writer::SomeReset)))
                    .any(|at| happened(&at))
            } else {
                true
            };
            if !explained {
                return Violation::of(
                    Promise::RealTime,
                    format!("at no instant of the call was this so: {call:?}"),
                );
            }
        }
        Ok(())
    }
}

/// The state that a call was shown, whether it was answered or refused.
fn shown_state(call: &Call) -> Option<State> {
    match call.outcome {
        Outcome::Shown(state) | Outcome::Refused { shown: Some(Shown::State(state)), .. } => Some(state),
        _ => None,
    }
}

/// Whether a call was told that there is no record.
fn was_told_of_absence(call: &Call) -> bool {
    matches!(
        call.outcome,
        Outcome::Absent | Outcome::Deleted(0) | Outcome::Refused { shown: Some(Shown::Absent), .. }
    )
}

#[cfg(test)]
mod tests;
