//! Under what conditions shares are given out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::EscrowFault;
use crate::limits::Limits;

/// The owner's conditions. Fixed when an escrow is created: whoever has stolen a session of the owner's must not be able
/// to make them weaker first. Source: `RECOVERY.md`, section 5.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasePolicy {
    /// Approvals before the delay begins: 0 to the number of holders who can approve; 0 only with a delay.
    pub quorum: u8,
    /// From the last needed approval to the release, in which the owner may veto. At most
    /// [`Limits::recovery_delay_max`].
    pub delay: Duration,
    /// How long a request gathers approvals. At least a second, at most [`Limits::recovery_window_max`].
    pub window: Duration,
    /// How long what was released, or could be, waits to be collected. Bounds as for `window`.
    pub collect: Duration,
    /// From one request of a requester's to their next. At most [`Limits::recovery_delay_max`].
    pub cooldown: Duration,
    /// Requests under way at a time: 1 to [`Limits::recovery_requests_max`].
    pub open_requests_max: u8,
    /// Whether it vetoes a request if the owner uses another session than the requester's while it is under way. Only
    /// uses of bearer sessions are seen, to the minute.
    pub activity_vetoes: bool,
}

impl ReleasePolicy {
    /// Refuses what cannot be kept. `approvers`: how many of the holders can approve.
    pub(super) fn check(&self, approvers: usize, limits: &Limits) -> Result<(), EscrowFault> {
        let fits = |field, fits: bool| if fits { Ok(()) } else { Err(EscrowFault::Policy { field }) };
        let second = Duration::from_secs(1);
        let waits = second..=limits.recovery_window_max;
        fits("quorum", usize::from(self.quorum) <= approvers && (self.quorum > 0 || self.delay >= second))?;
        fits("delay", self.delay <= limits.recovery_delay_max)?;
        fits("window", waits.contains(&self.window))?;
        fits("collect", waits.contains(&self.collect))?;
        fits("cooldown", self.cooldown <= limits.recovery_delay_max)?;
        let open = 1..=limits.recovery_requests_max;
        fits("open_requests_max", open.contains(&usize::from(self.open_requests_max)))
    }
}
