//! The way to one domain's actors: permits, the choice of shard, respawn, and what a lost actor's answer means.

use std::sync::{Arc, PoisonError, RwLock};

use actix::{Addr, MailboxError, Supervisor};
use actix_rt::ArbiterHandle;
use tokio::sync::Semaphore;

use super::{Call, Caller, Grounds};
use crate::{
    command::{Command, Domain, Kind, Lane},
    error::EngineError,
    runtime::{Courier, Shard},
};

/// The shards of one domain.
pub(crate) struct Route<D: Domain> {
    slots: Vec<Slot<D>>,
    permits: Arc<Semaphore>,
    in_flight_max: usize,
}

struct Slot<D: Domain> {
    addr: RwLock<Addr<Shard<D>>>,
    arbiter: ArbiterHandle,
    courier: Arc<Courier>,
}

fn spawn<D: Domain>(arbiter: &ArbiterHandle, courier: &Arc<Courier>) -> Addr<Shard<D>> {
    let courier = courier.clone();
    Supervisor::start_in_arbiter(arbiter, move |_| Shard::new(courier))
}

impl<D: Domain> Route<D> {
    /// Starts one actor of this domain for each courier.
    pub(crate) fn new(grounds: &Grounds, couriers: &[Arc<Courier>], in_flight_max: usize) -> Self {
        let slots = couriers
            .iter()
            .enumerate()
            .map(|(shard, courier)| {
                let arbiter = grounds.of_shard(shard).clone();
                Slot { addr: RwLock::new(spawn(&arbiter, courier)), arbiter, courier: courier.clone() }
            })
            .collect();
        Self { slots, permits: Arc::new(Semaphore::new(in_flight_max)), in_flight_max }
    }

    /// A route to one actor on the caller's own thread, for commands that only read. It shares this route's permits.
    pub(crate) fn here(&self, courier: &Arc<Courier>) -> Self {
        let arbiter = actix_rt::Arbiter::current();
        let slot = Slot { addr: RwLock::new(spawn(&arbiter, courier)), arbiter, courier: courier.clone() };
        Self { slots: vec![slot], permits: self.permits.clone(), in_flight_max: self.in_flight_max }
    }

    /// Sends a command to the shard that owns `lane` and waits for its answer.
    pub(crate) async fn ask<C: Command<Domain = D>>(
        &self,
        command: C,
        caller: Caller,
        lane: Lane,
        retry_after: std::time::Duration,
    ) -> Result<C::Reply, EngineError> {
        let permit = match self.permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(tokio::sync::TryAcquireError::NoPermits) => {
                return Err(EngineError::Overloaded { retry_after });
            }
            Err(tokio::sync::TryAcquireError::Closed) => return Err(EngineError::Draining),
        };
        let spread = u64::from_le_bytes(lane.0[..8].try_into().expect("a lane has 16 bytes"));
        let slot = &self.slots[(spread % self.slots.len() as u64) as usize];
        match slot.live().send(Call { command, caller, lane, permit }).await {
            Ok(answer) => answer,
            Err(MailboxError::Closed | MailboxError::Timeout) => {
                tracing::error!(domain = D::NAME, command = C::NAME, "an actor was lost with a call in hand");
                // A lost actor may have committed before it went.
                Err(if C::KIND == Kind::Write { EngineError::OutcomeUnknown } else { EngineError::Fault })
            }
        }
    }

    /// Refuses new calls and returns once those in flight have ended.
    pub(crate) async fn drain(&self) {
        let all = u32::try_from(self.in_flight_max).unwrap_or(u32::MAX);
        if let Ok(permits) = self.permits.acquire_many(all).await {
            self.permits.close();
            permits.forget();
        }
    }

    /// Calls in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight_max.saturating_sub(self.permits.available_permits())
    }
}

impl<D: Domain> Slot<D> {
    /// The actor's address; a new actor's if the old one is gone.
    fn live(&self) -> Addr<Shard<D>> {
        let addr = self.addr.read().unwrap_or_else(PoisonError::into_inner).clone();
        if addr.connected() {
            return addr;
        }
        let mut slot = self.addr.write().unwrap_or_else(PoisonError::into_inner);
        if !slot.connected() {
            tracing::warn!(domain = D::NAME, "respawning a lost actor");
            *slot = spawn(&self.arbiter, &self.courier);
        }
        slot.clone()
    }
}
