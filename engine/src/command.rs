//! Commands and decisions: the rules of the engine as pure functions from rows to a decision.
//!
//! A command says which rows it starts from and decides; it never awaits, never looks at a clock and never touches
//! storage. The runtime commits what was decided as one batch, guarded by every row that the decision was shown.
//! **What you read is what you guard**: nobody writes a guard by hand.

mod decision;
mod moment;
mod reads;
mod view;

use serde::{Serialize, de::DeserializeOwned};
use strongroom_primitives::id::AccountId;

pub use decision::{Decision, Step};
pub use moment::Moment;
pub(crate) use moment::StoreTime;
pub use reads::Reads;
pub(crate) use reads::{Hold, RangeRead};
pub(crate) use view::Rows;
pub use view::{Stretch, View};

use crate::{
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// A family of commands with one actor.
pub trait Domain: Unpin + 'static {
    /// Its name in spans and metrics.
    const NAME: &'static str;
}

/// Whether a command may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads only: runs on the nearest shard, waits in no lane, commits nothing.
    Read,
    /// May write: waits its turn in its lane.
    Write,
}

/// How much a decision computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Microseconds: decided where its caller's thread carries it, with others of its lane.
    Light,
    /// A millisecond or so of arithmetic: decided on the [CPU port](crate::ports::Cpu), alone.
    Heavy,
}

/// What must happen in order. Two commands of the same lane never overlap on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub [u8; 16]);

impl Lane {
    /// The lane of all that an account writes.
    pub fn of_account(account: AccountId) -> Self {
        Self(*account.as_bytes())
    }
}

/// One thing that can be asked of the engine.
///
/// Serialization is used for two purposes only: to fingerprint a command under an idempotency key, and to keep its
/// sealed answer there.
pub trait Command: Serialize + Send + 'static {
    /// Whose rule it is.
    type Domain: Domain;
    /// What the caller then holds.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
    /// Its name in spans and metrics.
    const NAME: &'static str;
    /// Whether it may write.
    const KIND: Kind;
    /// How much it computes. Only writes may be heavy.
    const COST: Cost = Cost::Light;

    /// What the caller must be entitled to. Checked by the runtime before `decide`, against the caller's rows.
    fn needs(&self) -> Need;

    /// What it must be in order with; normally the account.
    fn lane(&self, who: &Principal, _space: &Keyspace) -> Lane {
        Lane::of_account(who.account)
    }

    /// The rows to start from.
    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads;

    /// The rule. May run more than once, and must not care.
    ///
    /// # Errors
    /// A refusal that leaves no mark. One that must leave a mark is [`Decision::refuse`].
    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Self::Reply>, EngineError>;
}
