//! The sessions of an API key's latest logins, so that one more login ends the oldest without a look at all the others.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::SessionId;

use crate::codec::Stored;

/// The sessions of the latest logins, oldest first. Some may have ended by themselves. No other session of the API key
/// is left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredLatest(VecDeque<SessionId>);

impl Stored for StoredLatest {}

impl StoredLatest {
    /// The sessions that have to go before one more may come, where there may be `max`.
    pub(super) fn outnumbered(&self, max: usize) -> impl Iterator<Item = SessionId> {
        self.0.iter().take((self.0.len() + 1).saturating_sub(max.max(1))).copied()
    }

    /// With one more, which is now the latest.
    pub(super) fn and(mut self, session: SessionId, max: usize) -> Self {
        self.0.drain(..(self.0.len() + 1).saturating_sub(max.max(1)));
        self.0.push_back(session);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_stay_and_a_lower_limit_bites_at_once() {
        let session = |number| SessionId::from_bytes([number; 16]);
        let latest = (1..=5).fold(StoredLatest::default(), |latest, number| latest.and(session(number), 4));
        assert_eq!(latest.0, [2, 3, 4, 5].map(session));
        assert_eq!(latest.outnumbered(5).count(), 0);
        assert_eq!(latest.outnumbered(4).collect::<Vec<_>>(), [session(2)]);
        assert_eq!(latest.outnumbered(2).collect::<Vec<_>>(), [2, 3, 4].map(session));
        assert_eq!(latest.clone().and(session(6), 2).0, [5, 6].map(session));
        assert_eq!(latest.and(session(6), 0).0, [session(6)], "there is always room for the one that comes");
    }
}
