//! One command on its way: who asks, by when, and the permit that made room for it.

use std::time::Duration;

use actix::Message;
use strongroom_primitives::id::IdempotencyKey;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    command::{Command, Lane},
    credential::Credential,
    error::EngineError,
};

/// Everything about a call but its command.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) credential: Credential,
    /// On the engine's monotonic clock.
    pub(crate) deadline: Duration,
    pub(crate) idempotency: Option<IdempotencyKey>,
}

/// A command and its caller. The permit is given back when the command has ended, however it ends.
pub(crate) struct Call<C: Command> {
    pub(crate) command: C,
    pub(crate) caller: Caller,
    pub(crate) lane: Lane,
    pub(crate) permit: OwnedSemaphorePermit,
}

impl<C: Command> Message for Call<C> {
    type Result = Result<C::Reply, EngineError>;
}
