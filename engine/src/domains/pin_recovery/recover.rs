//! Recovering: finding what is registered, counting a guess, and giving the share for a right one.

use serde::{Deserialize, Serialize};
use strongroom_primitives::pin_recovery::{SecretOctets, VERSION_BYTES, unlock::TAG_BYTES};

use super::{
    LoggedKind, PinRecovery, PinStep,
    rows::{PinHead, Sealed, StoredPinRecord},
    seal::Kept,
    seen::{Marked, Seen, reads},
    user::PinUser,
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// What there is for a user, and what was made of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Found<T> {
    /// Nothing.
    Nothing,
    /// Nothing any more: all guesses were used.
    NoGuesses,
    /// Another version than the one named.
    Other,
    /// This.
    There(T),
}

/// What a command does with a registration.
type Rule<'r, T> =
    &'r dyn Fn(&Sealed, &Seen<'_>, &Moment<'_>) -> Result<Decision<Marked<Found<T>>>, EngineError>;

/// Applies `rule` to what is registered, if it has the version and a guess left where `version` and `guesses` ask for
/// them. What has none left is wiped.
fn found<T>(
    seen: &Seen<'_>,
    version: Option<&[u8; VERSION_BYTES]>,
    guesses: bool,
    moment: &Moment<'_>,
    rule: Rule<'_, T>,
) -> Result<Decision<Marked<Found<T>>>, EngineError> {
    let record = match &seen.record {
        None => return Ok(Marked::still(Found::Nothing)),
        Some(StoredPinRecord::NoGuesses) => return Ok(Marked::still(Found::NoGuesses)),
        Some(StoredPinRecord::Registered(record)) => record,
    };
    if version.is_some_and(|version| *version != record.head.version) {
        return Ok(Marked::still(Found::Other));
    }
    if guesses && seen.used(&record.head) >= record.head.allowed {
        return Ok(seen.change().wipe().tell(PinStep::NoGuesses {}).done(Found::NoGuesses));
    }
    rule(record, seen, moment)
}

/// Finds the version of what is registered. Costs no guess.
#[derive(Debug, Serialize)]
pub(crate) struct FindShare {
    pub(super) user: PinUser,
}

impl Command for FindShare {
    type Domain = PinRecovery;
    type Reply = Marked<Found<[u8; VERSION_BYTES]>>;
    const NAME: &'static str = "find_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.pin_lane(&self.user.realm())
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        reads(&self.user, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Self::Reply>, EngineError> {
        let seen = Seen::look(&self.user, view, moment.space)?;
        let version = |record: &Sealed, _: &Seen<'_>, _: &Moment<'_>| {
            Ok(Marked::still(Found::There(record.head.version)))
        };
        found(&seen, None, true, moment, &version)?.done()
    }
}

/// A guess that was counted: what it takes to evaluate it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(super) kept: Kept,
    pub(super) allowed: u16,
    /// Guesses used, this one included.
    pub(super) used: u16,
}

/// Counts a guess. Its answer is for whoever evaluates, once it is durable, and goes no further.
#[derive(Debug, Serialize)]
pub(crate) struct CountGuess {
    pub(super) user: PinUser,
    pub(super) version: [u8; VERSION_BYTES],
}

impl Command for CountGuess {
    type Domain = PinRecovery;
    type Reply = Marked<Found<Counted>>;
    const NAME: &'static str = "count_guess";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.pin_lane(&self.user.realm())
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        reads(&self.user, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Self::Reply>, EngineError> {
        let seen = Seen::look(&self.user, view, moment.space)?;
        found(&seen, Some(&self.version), true, moment, &count)?.done()
    }
}

fn count(
    record: &Sealed,
    seen: &Seen<'_>,
    moment: &Moment<'_>,
) -> Result<Decision<Marked<Found<Counted>>>, EngineError> {
    let next = seen.next_guess(&record.head);
    if moment.now < next {
        return Err(EngineError::GuessTooSoon { retry_after: next.since(moment.now) });
    }
    let kept = seen.open(record, moment)?;
    let (allowed, used) = (record.head.allowed, seen.used(&record.head) + 1);
    let head = PinHead {
        count: used,
        guessed: Some(moment.now),
        opened: record.head.opened,
        ..seen.head(record.head.version, allowed)
    };
    let change = seen.change().keep(head, &kept, moment);
    let change = change.log(LoggedKind::GuessUsed, Some((allowed, used)), moment);
    let change = change.tell(PinStep::GuessUsed { guesses_used: used, guesses_allowed: allowed });
    Ok(change.done(Found::There(Counted { kept, allowed, used })))
}

/// What became of a tag.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Shown {
    /// It was right.
    Right(Kept),
    /// It was wrong.
    Wrong {
        /// Guesses left.
        left: u16,
    },
}

/// Gives what is kept to whoever shows the tag that only a right guess gives, and sets the count to 0.
#[derive(Debug, Serialize)]
pub(crate) struct ReleaseShare {
    pub(super) user: PinUser,
    pub(super) version: [u8; VERSION_BYTES],
    /// Not in the fingerprint: version and user name the same record, and no idempotency key is taken.
    #[serde(skip)]
    pub(super) tag: SecretOctets<TAG_BYTES>,
}

impl Command for ReleaseShare {
    type Domain = PinRecovery;
    type Reply = Marked<Found<Shown>>;
    const NAME: &'static str = "release_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.pin_lane(&self.user.realm())
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        reads(&self.user, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Self::Reply>, EngineError> {
        let seen = Seen::look(&self.user, view, moment.space)?;
        let show = |record: &Sealed, seen: &Seen<'_>, moment: &Moment<'_>| self.show(record, seen, moment);
        found(&seen, Some(&self.version), false, moment, &show)?.done()
    }
}

impl ReleaseShare {
    fn show(
        &self,
        record: &Sealed,
        seen: &Seen<'_>,
        moment: &Moment<'_>,
    ) -> Result<Decision<Marked<Found<Shown>>>, EngineError> {
        let kept = seen.open(record, moment)?;
        let allowed = record.head.allowed;
        if kept.0.unlocks(&self.tag) {
            let head = PinHead { opened: Some(moment.now), ..seen.head(record.head.version, allowed) };
            let change = seen.change().keep(head, &kept, moment);
            let change = change.log(LoggedKind::ShareRecovered, Some((allowed, 0)), moment);
            return Ok(change.tell(PinStep::Recovered {}).done(Found::There(Shown::Right(kept))));
        }
        let left = allowed.saturating_sub(seen.used(&record.head));
        let wrong = Found::There(Shown::Wrong { left });
        Ok(match left {
            0 => seen.change().wipe().tell(PinStep::NoGuesses {}).done(wrong),
            _ => Marked::still(wrong),
        })
    }
}
