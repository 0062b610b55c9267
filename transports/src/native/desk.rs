//! One question, with whoever asks it.

use strongroom_engine::{Asking, Command, Routed};
use strongroom_wire::Problem;

use super::{Caller, people::People, refused};
use crate::{
    Front,
    rates::{Counted, network_of},
};

/// One question on its way to the engine.
pub(super) struct Desk<'a> {
    pub(super) front: &'a Front,
    pub(super) caller: Caller<'a>,
    pub(super) asking: Asking,
}

impl<'a> Desk<'a> {
    pub(super) async fn ask<C: Command>(self, command: C) -> Result<C::Reply, Box<Problem>>
    where
        C::Domain: Routed,
    {
        self.front.engine().ask(self.asking, command).await.map_err(refused)
    }

    pub(super) fn people(&self) -> &'a People {
        self.front.people()
    }

    /// Counts the question against the caller's rate.
    pub(super) fn spend(&self, what: Counted) -> Result<(), Box<Problem>> {
        self.people().spend(what, self.caller.address)
    }

    /// The network that the caller comes from.
    pub(super) fn network(&self) -> Vec<u8> {
        network_of(self.caller.address)
    }

    /// What a session is called: as its holder says, or else by the client's own name for itself.
    pub(super) fn label(&self, given: String) -> String {
        if given.is_empty() { self.caller.agent.unwrap_or_default().to_owned() } else { given }
    }

    /// How many rows a page has.
    pub(super) fn page_rows(&self, limit: Option<usize>) -> usize {
        let max = self.front.engine().limits().page_rows_max;
        limit.unwrap_or(max).clamp(1, max)
    }
}
