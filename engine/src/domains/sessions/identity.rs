//! Which generation of the engine's identity is the current one, and how it gives way to the next.
//!
//! Clients pin the identity that they were set up with. After a rotation the former generation still answers those who
//! ask for it, until the overlap is over. What a generation's keys are, [`crate::Identities`] knows.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::time::Timestamp;

use super::Sessions;
use crate::{
    codec::Stored,
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Rotations happen one after the other.
const LANE: Lane = Lane(*b"server identity.");

/// The generations that answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityGenerations {
    /// The one that new clients are told of.
    pub current: u32,
    /// The one before, and the last instant at which it answers.
    pub previous: Option<(u32, Timestamp)>,
}

/// How they lie in storage. Without a row, the first generation is the current one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredIdentity {
    generations: IdentityGenerations,
}

impl Stored for StoredIdentity {}

impl IdentityGenerations {
    /// Those that answer now. [`keyspace::server_identity`] has been read.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`].
    pub(crate) fn now(view: &View<'_>, now: Timestamp) -> Result<Self, EngineError> {
        let stored: Option<StoredIdentity> = view.row(&keyspace::server_identity())?;
        let mut generations = stored.map_or(Self { current: 1, previous: None }, |stored| stored.generations);
        generations.previous = generations.previous.filter(|(_, until)| now <= *until);
        Ok(generations)
    }

    /// The generation that answers a client who was set up with `known`.
    pub fn answering(&self, known: u32) -> u32 {
        self.previous
            .map(|(previous, _)| previous)
            .filter(|previous| *previous == known)
            .unwrap_or(self.current)
    }
}

/// Asks which generations of the engine's identity answer.
#[derive(Debug, Clone, Serialize)]
pub struct ServerIdentity {}

impl Command for ServerIdentity {
    type Domain = Sessions;
    type Reply = IdentityGenerations;
    const NAME: &'static str = "server_identity";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::server_identity())
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<IdentityGenerations>, EngineError> {
        Decision::reply(IdentityGenerations::now(view, moment.now)?).done()
    }
}

/// Makes the next generation the current one.
///
/// Refused with [`EngineError::IdentityRotating`] while the generation before still answers: somebody was promised
/// that it would.
#[derive(Debug, Clone, Serialize)]
pub struct RotateIdentity {
    /// How long the present generation goes on answering.
    pub overlap: Duration,
}

impl Command for RotateIdentity {
    type Domain = Sessions;
    type Reply = IdentityGenerations;
    const NAME: &'static str = "rotate_identity";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        LANE
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::server_identity())
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<IdentityGenerations>, EngineError> {
        let generations = IdentityGenerations::now(view, moment.now)?;
        if let Some((_, until)) = generations.previous {
            return Err(EngineError::IdentityRotating { until });
        }
        let until = moment.now.saturating_add(self.overlap);
        let generations = IdentityGenerations {
            current: generations.current.checked_add(1).ok_or(EngineError::Fault)?,
            previous: Some((generations.current, until)),
        };
        let stored = StoredIdentity { generations: generations.clone() };
        Decision::reply(generations).put(keyspace::server_identity(), &stored).done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Desk;

    #[test]
    fn one_generation_gives_way_to_the_next_with_an_overlap() {
        let mut desk = Desk::new();
        let nobody = desk.nobody();
        let hour = Duration::from_secs(3_600);
        let told = desk.run(&nobody, &ServerIdentity {}).unwrap();
        assert_eq!(told, IdentityGenerations { current: 1, previous: None });
        let until = desk.now.saturating_add(hour);
        let rotated = desk.run(&nobody, &RotateIdentity { overlap: hour }).unwrap();
        assert_eq!(rotated, IdentityGenerations { current: 2, previous: Some((1, until)) });
        assert_eq!([0, 1, 2, 3].map(|known| rotated.answering(known)), [2, 1, 2, 2]);
        desk.wait(hour);
        let again = desk.run(&nobody, &RotateIdentity { overlap: hour });
        assert_eq!(
            again,
            Err(EngineError::IdentityRotating { until }),
            "somebody was promised that it answers"
        );
        desk.wait(Duration::from_millis(1));
        let told = desk.run(&nobody, &ServerIdentity {}).unwrap();
        assert_eq!((&told.previous, told.answering(1)), (&None, 2));
        assert_eq!(desk.run(&nobody, &RotateIdentity { overlap: hour }).unwrap().current, 3);
        assert_eq!(RotateIdentity { overlap: hour }.needs(), Need::Operator);
    }
}
