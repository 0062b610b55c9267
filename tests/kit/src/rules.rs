//! Commands that only tests ask: rules with something wrong in them.

use serde::Serialize;
use strongroom_engine::Keyspace;
use strongroom_engine::{
    Command, EngineError, Records,
    command::{Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
};

/// Where a rule breaks down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Breaks {
    /// While it says what it reads.
    InReads,
    /// While it decides.
    InDecide,
}

/// A rule of the domain of records, in the lane of its caller, that panics.
#[derive(Debug, Clone, Serialize)]
pub struct PanickingWrite {
    /// Where.
    pub breaks: Breaks,
}

/// The same for a command that only reads.
#[derive(Debug, Clone, Serialize)]
pub struct PanickingRead {
    /// Where.
    pub breaks: Breaks,
}

fn reads(breaks: Breaks) -> Reads {
    assert!(breaks != Breaks::InReads, "a rule that panics on purpose while it says what it reads");
    Reads::none()
}

fn decide(breaks: Breaks) -> Result<Step<()>, EngineError> {
    assert!(breaks != Breaks::InDecide, "a rule that panics on purpose while it decides");
    Decision::reply(()).done()
}

impl Command for PanickingWrite {
    type Domain = Records;
    type Reply = ();
    const NAME: &'static str = "panicking_write";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        reads(self.breaks)
    }

    fn decide(&self, _: &View<'_>, _: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        decide(self.breaks)
    }
}

impl Command for PanickingRead {
    type Domain = Records;
    type Reply = ();
    const NAME: &'static str = "panicking_read";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        reads(self.breaks)
    }

    fn decide(&self, _: &View<'_>, _: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        decide(self.breaks)
    }
}
