mod clocks;
mod dealing;
mod epochs;
mod release;
mod requests;

use std::time::Duration;

use strongroom_primitives::id::{EscrowId, RecoveryRequestId};

use super::*;
use crate::{
    EngineError,
    credential::Principal,
    error::Quota,
    feed::Event,
    testing::{
        Desk,
        escrows::{Dealer, account, device, policy, requester_secret, signed},
    },
};

/// Ann's escrow with bob, cyd and dan, any two of whom can make the secret again.
struct Scene {
    desk: Desk,
    dealer: Dealer,
    deal: Deal,
    ann: Principal,
    bob: Principal,
    cyd: Principal,
    dan: Principal,
}

fn three() -> Vec<HolderKind> {
    vec![account("bob"), account("cyd"), account("dan")]
}

impl Scene {
    fn new() -> Self {
        Self::of(&three(), policy())
    }

    fn of(kinds: &[HolderKind], policy: ReleasePolicy) -> Self {
        let mut desk = Desk::new();
        let dealer = Dealer::new(1, desk.recovery_key());
        let create = dealer.create(2, kinds, policy);
        let [ann, bob, cyd, dan] = ["ann", "bob", "cyd", "dan"].map(|name| desk.who(name));
        desk.run(&ann, &create).unwrap();
        Self { desk, dealer, deal: create.deal, ann, bob, cyd, dan }
    }

    fn escrow(&self) -> EscrowId {
        self.dealer.escrow
    }

    fn try_open(&mut self, who: &Principal) -> Result<RecoveryRequest, EngineError> {
        let public_key = *requester_secret().public().as_bytes();
        let open = OpenRequest { escrow: self.escrow(), public_key, reason: "phone lost".to_owned() };
        self.desk.run(who, &open)
    }

    fn open(&mut self) -> RecoveryRequestId {
        let ann = self.ann.clone();
        self.try_open(&ann).unwrap().id
    }

    fn approval(&self, request: RecoveryRequestId, index: u8) -> ApproveRequest {
        self.dealer.approve(&self.deal, request, index)
    }

    fn approve(
        &mut self,
        who: &Principal,
        request: RecoveryRequestId,
        index: u8,
    ) -> Result<RequestState, EngineError> {
        let approval = self.approval(request, index);
        self.desk.run(who, &approval).map(|request| request.state)
    }

    /// Bob and cyd approve.
    fn approve_twice(&mut self, request: RecoveryRequestId) -> RequestState {
        let (bob, cyd) = (self.bob.clone(), self.cyd.clone());
        assert_eq!(self.approve(&bob, request, 1), Ok(RequestState::Approved));
        self.approve(&cyd, request, 2).unwrap()
    }

    fn collect(&mut self, who: &Principal, request: RecoveryRequestId) -> Result<Release, EngineError> {
        self.desk.run(who, &CollectRelease { escrow: self.escrow(), request })
    }

    fn veto(&mut self, who: &Principal, request: RecoveryRequestId) -> Result<(), EngineError> {
        self.desk.run(who, &VetoRequest { escrow: self.escrow(), request })
    }

    fn state(&mut self, request: RecoveryRequestId) -> RequestState {
        let (ann, get) = (self.ann.clone(), GetRequest { escrow: self.escrow(), request });
        self.desk.run(&ann, &get).unwrap().state
    }

    /// Waits until what was approved twice can be collected.
    fn wait_until_due(&mut self) {
        self.desk.wait(policy().delay + self.desk.limits.deadline_default);
    }
}

fn closed<T>(state: RequestState) -> Result<T, EngineError> {
    Err(EngineError::RequestClosed { state })
}
