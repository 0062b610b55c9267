use strongroom_engine::domains::records::RecordName;

use super::*;

/// A record that keeps every promise, and whose history a test may then falsify.
struct Told {
    calls: Vec<Call>,
    timeline: Vec<Kept>,
}

fn name() -> RecordName {
    RecordName::new(["notes"]).unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Told {
    fn nothing() -> Self {
        Self { calls: Vec::new(), timeline: Vec::new() }
    }

    fn call(&mut self, span: (u64, u64), wanted: Wanted, outcome: Outcome) -> &mut Self {
        let operation = self.calls.len() as u64;
        let (invoked, returned) = (ms(span.0), ms(span.1));
        self.calls.push(Call { client: 0, operation, record: name(), wanted, invoked, returned, outcome });
        self
    }

    fn head(&self) -> Option<Kept> {
        self.timeline.last().copied().filter(|kept| !kept.deleted)
    }

    fn previous(&self) -> Previous {
        self.head().map_or(Previous::Absent, |kept| Previous::Tag(RecordTag::from_bytes(kept.tag)))
    }

    fn keep(&mut self, tag: Tag, deleted: bool) {
        let sequence = self.timeline.len() as u64 + 1;
        let version = Version { major: sequence, minor: 0 };
        self.timeline.push(Kept { sequence, version, tag, deleted });
    }

    /// The state that the timeline ends with, as a reader is shown it.
    fn state(&self, content: Option<OperationId>) -> State {
        let kept = self.timeline.last().unwrap();
        let chain = *Order::new(RecordForm::Named, &self.timeline).ok().unwrap().chains.last().unwrap();
        let content = content.map(Authorship::Of);
        State { sequence: kept.sequence, version: kept.version, tag: kept.tag, chain, content }
    }

    /// A write that takes effect and is acknowledged.
    fn put(&mut self, span: (u64, u64)) -> &mut Self {
        self.lost_put(span);
        let state = self.state(None);
        self.calls.last_mut().unwrap().outcome = Outcome::Shown(state);
        self
    }

    /// A write that takes effect and whose answer is lost.
    fn lost_put(&mut self, span: (u64, u64)) -> &mut Self {
        let (meta, value) = content(self.calls.len() as u64);
        let previous = self.previous();
        self.keep(*RecordTag::v2(&meta, &value).as_bytes(), false);
        self.call(span, Wanted::Put(previous), Outcome::Unknown)
    }

    /// A read of what the timeline ends with.
    fn read(&mut self, span: (u64, u64)) -> &mut Self {
        let author =
            self.calls.iter().rev().find(|call| matches!(call.wanted, Wanted::Put(_))).unwrap().operation;
        let state = self.state(Some(author));
        self.call(span, Wanted::Read, Outcome::Shown(state))
    }

    fn reset(&mut self, span: (u64, u64), previous: Previous) -> &mut Self {
        self.keep(*absent_tag(RecordForm::Named).as_bytes(), true);
        self.call(span, Wanted::Reset(previous), Outcome::Deleted(1))
    }

    fn verdict(&self) -> Result<Tally, Promise> {
        check(RecordForm::Named, &self.calls, &self.timeline).map_err(|violation| violation.promise)
    }
}

#[test]
fn a_truthful_history_passes() {
    let mut told = Told::nothing();
    told.call((0, 5), Wanted::Read, Outcome::Absent)
        .put((0, 10))
        .put((5, 20))
        .read((8, 30))
        .lost_put((25, 40));
    told.read((41, 45));
    told.call((0, 50), Wanted::Put(Previous::Absent), Outcome::Unknown);
    let previous = told.previous();
    told.reset((46, 60), previous).call((50, 70), Wanted::Read, Outcome::Absent).put((61, 80)).read((81, 90));
    told.reset((91, 99), Previous::Unsaid);
    assert_eq!(told.verdict(), Ok(Tally { calls: told.calls.len(), states: 6, unknown: 2 }));
}

#[test]
fn an_acknowledged_write_that_is_gone_is_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10)).put((11, 20)).timeline.pop();
    assert_eq!(told.verdict(), Err(Promise::Kept));
}

#[test]
fn two_writers_over_one_head_are_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10)).put((11, 20));
    // Another writer was told that it made the second state as well.
    let twin = Call { operation: 9, ..told.calls[1].clone() };
    told.calls.push(twin);
    assert_eq!(told.verdict(), Err(Promise::Content), "the tag gives it away at once");
}

#[test]
fn a_write_over_another_state_than_it_named_is_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10)).put((11, 20)).put((11, 30));
    let first = told.calls[1].wanted.clone();
    told.calls[2].wanted = first;
    assert_eq!(told.verdict(), Err(Promise::ComparedBeforeSet));
}

#[test]
fn a_write_that_took_effect_twice_is_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10));
    let tag = told.timeline[0].tag;
    told.keep(tag, false);
    assert_eq!(told.verdict(), Err(Promise::OneWriter));
}

#[test]
fn a_refused_write_that_took_effect_is_noticed() {
    let mut told = Told::nothing();
    told.lost_put((0, 10)).calls[0].outcome = Outcome::Refused { code: "stale-record", shown: None };
    assert_eq!(told.verdict(), Err(Promise::RefusedMeansNothing));
}

#[test]
fn a_state_that_nobody_wrote_is_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10)).keep([7; 64], false);
    assert_eq!(told.verdict(), Err(Promise::NothingFromNowhere));
    let mut told = Told::nothing();
    told.put((0, 10)).reset((11, 20), Previous::Unsaid).calls.pop();
    assert_eq!(told.verdict(), Err(Promise::NothingFromNowhere), "nor did anybody delete");
}

#[test]
fn a_stale_read_is_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10)).read((11, 15)).put((16, 20));
    assert!(told.verdict().is_ok());
    (told.calls[1].invoked, told.calls[1].returned) = (ms(21), ms(30));
    assert_eq!(told.verdict(), Err(Promise::RealTime));
}

#[test]
fn a_stale_refusal_is_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10));
    let shown = Some(Shown::State(told.state(None)));
    told.put((11, 20)).call(
        (21, 30),
        Wanted::Put(Previous::Absent),
        Outcome::Refused { code: "stale-record", shown },
    );
    assert_eq!(told.verdict(), Err(Promise::RealTime));
}

#[test]
fn a_read_from_the_future_is_noticed() {
    let mut told = Told::nothing();
    told.put((10, 20)).read((0, 9));
    assert_eq!(told.verdict(), Err(Promise::RealTime));
}

#[test]
fn reads_that_go_back_are_noticed_though_each_alone_could_be_true() {
    let mut told = Told::nothing();
    told.put((0, 1)).read((30, 40)).lost_put((5, 50)).read((10, 20));
    assert_eq!(told.verdict(), Err(Promise::RealTime));
}

#[test]
fn absence_that_was_never_so_is_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10)).call((11, 20), Wanted::Read, Outcome::Absent);
    assert_eq!(told.verdict(), Err(Promise::RealTime));
}

#[test]
fn a_deletion_at_an_impossible_time_is_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10)).reset((11, 20), Previous::Unsaid).put((21, 30)).read((31, 40));
    assert!(told.verdict().is_ok());
    (told.calls[1].invoked, told.calls[1].returned) = (ms(31), ms(40));
    assert_eq!(told.verdict(), Err(Promise::RealTime));
}

#[test]
fn another_chain_or_another_content_is_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10)).read((11, 20));
    let honest = told.calls[1].outcome.clone();
    let Outcome::Shown(state) = honest else { panic!("a read shows a state") };
    told.calls[1].outcome = Outcome::Shown(State { chain: [0; 32], ..state });
    assert_eq!(told.verdict(), Err(Promise::Chained));
    told.calls[1].outcome = Outcome::Shown(State { content: Some(Authorship::Nobody), ..state });
    assert_eq!(told.verdict(), Err(Promise::Content));
}

#[test]
fn a_missing_sequence_number_and_a_version_that_goes_back_are_noticed() {
    let mut told = Told::nothing();
    told.put((0, 10)).put((11, 20)).timeline.remove(0);
    assert_eq!(told.verdict(), Err(Promise::Consecutive));
    let mut told = Told::nothing();
    told.put((0, 10)).put((11, 20)).timeline[1].version = Version { major: 0, minor: 9 };
    assert_eq!(told.verdict(), Err(Promise::Consecutive));
}
