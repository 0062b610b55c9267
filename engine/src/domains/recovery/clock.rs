//! What time it is for a delay that nobody may shorten.
//!
//! A node believes its own clock, which may be ahead; the store is told the time with every commit, by a clock of its
//! own where several nodes share it. So whether a delay is *over* is asked of the store alone, and an instant that is
//! *written down* lies near the time of the store whatever the node's clock says. A store whose own clock jumps
//! ahead, as an embedded store's does together with its node's, is believed: nothing here knows better.

use std::time::Duration;

use strongroom_primitives::time::Timestamp;

use crate::command::Moment;

/// How far the store may lag behind the true time: somebody tells it once a minute where nobody writes.
const LAG: Duration = Duration::from_secs(62);

/// The present instant as it is written down: the node's, as far as it can be that of the store too. The decision holds
/// only if the store takes it soon after.
pub(super) fn present(moment: &mut Moment<'_>) -> Timestamp {
    let told = moment.store_time();
    let present = moment.now.clamp(told, told.saturating_add(LAG));
    moment.relies_on(present.saturating_add(moment.limits.deadline_default));
    present
}

/// Whether `instant` has been reached, as far as the store knows.
pub(super) fn is_reached(moment: &Moment<'_>, instant: Timestamp) -> bool {
    moment.store_time() >= instant
}

/// When a delay that begins now is over. It begins at the last instant at which the store takes the decision, so that
/// no node can begin it in the past; that makes it at most [`Limits::deadline_default`](crate::Limits) longer.
pub(super) fn due_after(moment: &mut Moment<'_>, delay: Duration) -> Timestamp {
    let present = present(moment);
    let begins = present.saturating_add(moment.limits.deadline_default);
    if delay.is_zero() { present } else { begins.saturating_add(delay) }
}
