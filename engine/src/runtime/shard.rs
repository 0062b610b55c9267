//! The one actor. It owns order and nothing else: all it knows is a courier, and all a courier knows is in storage.

use std::sync::Arc;

use actix::{Actor, Context, Handler, ResponseFuture, Supervised};

use super::Courier;
use crate::{
    bus::Call,
    command::{Command, Domain, Kind},
    error::EngineError,
};

/// The actor of a domain: one of several that share the domain's lanes.
pub struct Shard<D: Domain> {
    courier: Arc<Courier>,
    domain: std::marker::PhantomData<D>,
}

impl<D: Domain> Shard<D> {
    pub(crate) fn new(courier: Arc<Courier>) -> Self {
        Self { courier, domain: std::marker::PhantomData }
    }
}

impl<D: Domain> Actor for Shard<D> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // Permits are the limit; see bus. The mailbox must never be the one to say no.
        context.set_mailbox_capacity(usize::MAX >> 4);
    }
}

impl<D: Domain> Supervised for Shard<D> {}

impl<D: Domain, C: Command<Domain = D>> Handler<Call<C>> for Shard<D> {
    // Not ResponseActFuture, which is polled again on every wake of the actor; not AtomicResponse, which stops the
    // whole shard for one account.
    type Result = ResponseFuture<Result<C::Reply, EngineError>>;

    fn handle(&mut self, call: Call<C>, _: &mut Self::Context) -> Self::Result {
        let courier = self.courier.clone();
        Box::pin(async move {
            let Call { command, caller, lane, permit } = call;
            match C::KIND {
                Kind::Read => {
                    let answer = courier.read(&command, &caller).await;
                    drop(permit);
                    answer
                }
                Kind::Write => courier.write(command, caller, lane, permit).await,
            }
        })
    }
}
