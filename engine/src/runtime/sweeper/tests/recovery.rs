//! Escrows and requests in a running engine: what lapses is said to have lapsed and goes, and nothing stays of an account
//! that was erased.

use strongroom_primitives::id::RecoveryRequestId;

use super::*;
use crate::{
    domains::{
        accounts::EraseAccount,
        recovery::{
            ApproveRequest, CollectRelease, Deal, GetEscrow, GetRequest, ListRequests, OpenRequest,
            RequestState,
        },
    },
    testing::escrows::{Dealer, account, policy, requester_secret},
};

/// Every prefix of the domain: places, escrows, contents, requests, holdings.
const PREFIXES: [u8; 5] = *b"01234";

impl Bench {
    async fn answer<C: crate::Command>(&self, subject: &str, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: crate::Routed,
    {
        self.engine.handle().ask(who(subject), command).await
    }

    async fn recovery_rows(&self) -> [usize; 5] {
        let mut counts = [0; 5];
        for (count, prefix) in counts.iter_mut().zip(PREFIXES) {
            *count = self.rows_under(prefix).await;
        }
        counts
    }

    /// Ann's escrow with bob, cyd and dan.
    async fn escrow(&self) -> (Dealer, Deal) {
        let dealer = Dealer::new(1, self.engine.handle().recovery_key());
        let create = dealer.create(2, &["bob", "cyd", "dan"].map(account), policy());
        self.answer("ann", create.clone()).await.unwrap();
        (dealer, create.deal)
    }

    async fn open(&self, dealer: &Dealer) -> RecoveryRequestId {
        let public_key = *requester_secret().public().as_bytes();
        let open = OpenRequest { escrow: dealer.escrow, public_key, reason: String::new() };
        self.answer("ann", open).await.unwrap().id
    }

    /// Whether a seal for the requester lies anywhere among the requests.
    async fn has(&self, approval: &ApproveRequest) -> bool {
        let range = Range::prefix(&strongroom_storage::Key::new(vec![b'3']), 1_000);
        let rows = self.storage.scan(range).await.unwrap().rows;
        rows.iter().any(|(_, row)| row.value.windows(32).any(|part| part == &approval.sealed[..32]))
    }
}

#[actix_rt::test]
async fn a_request_that_lapsed_is_ended_and_its_row_goes_a_day_later() {
    let bench = Bench::new().await;
    let (dealer, deal) = bench.escrow().await;
    let request = bench.open(&dealer).await;
    let approval = dealer.approve(&deal, request, 1);
    bench.answer("bob", approval.clone()).await.unwrap();
    bench.sweep().await;
    assert!(bench.has(&approval).await, "it is under way");
    assert_eq!(bench.recovery_rows().await, [1, 1, 1, 1, 3]);

    bench.clock.0.fetch_add(7_200_000 + 60_000, Ordering::Relaxed);
    bench.sweep().await;
    assert!(!bench.has(&approval).await, "what was sealed for it is thrown away");
    let get = GetRequest { escrow: dealer.escrow, request };
    assert_eq!(bench.answer("bob", get).await.unwrap().state, RequestState::Lapsed);
    assert_eq!(bench.recovery_rows().await, [1, 1, 1, 1, 3]);

    bench.wait_days(2);
    bench.sweep().await;
    assert_eq!(bench.recovery_rows().await, [1, 1, 1, 0, 3]);
    let list = ListRequests { escrow: dealer.escrow };
    assert!(bench.answer("bob", list).await.unwrap().is_empty());
    let again = bench.open(&dealer).await;
    assert_ne!(again, request);
}

#[actix_rt::test]
async fn a_release_that_expired_is_thrown_away() {
    let bench = Bench::new().await;
    let (dealer, deal) = bench.escrow().await;
    let request = bench.open(&dealer).await;
    let approvals = [1, 2].map(|index| dealer.approve(&deal, request, index));
    for (name, approval) in ["bob", "cyd"].into_iter().zip(&approvals) {
        bench.answer(name, approval.clone()).await.unwrap();
    }
    bench.clock.0.fetch_add(3_600_000 + 10_000, Ordering::Relaxed);
    bench.sweep().await;
    let collect = CollectRelease { escrow: dealer.escrow, request };
    bench.answer("ann", collect.clone()).await.unwrap();
    bench.sweep().await;
    assert!(bench.has(&approvals[0]).await && bench.has(&approvals[1]).await, "it can be collected again");
    bench.clock.0.fetch_add(7_200_000 + 60_000, Ordering::Relaxed);
    bench.sweep().await;
    assert!(!bench.has(&approvals[0]).await && !bench.has(&approvals[1]).await);
    let expired = EngineError::RequestClosed { state: RequestState::Expired };
    assert_eq!(bench.answer("ann", collect).await.unwrap_err(), expired);
}

/// Erasing the owner takes the escrow from everybody; erasing a holder takes what the holder had.
#[actix_rt::test]
async fn nothing_stays_of_an_account_that_was_erased() {
    let bench = Bench::new().await;
    let (dealer, deal) = bench.escrow().await;
    let request = bench.open(&dealer).await;
    bench.answer("cyd", dealer.approve(&deal, request, 2)).await.unwrap();
    bench.answer("dan", EraseAccount { identity: None }).await.unwrap();
    bench.sweep().await;
    assert_eq!(bench.recovery_rows().await, [1, 1, 1, 1, 2], "dan holds nothing any more");
    let refused = bench.answer("dan", dealer.approve(&deal, request, 3)).await.unwrap_err();
    assert_eq!(refused, EngineError::AccountErased);

    bench.answer("ann", EraseAccount { identity: None }).await.unwrap();
    bench.sweep().await;
    assert_eq!(bench.recovery_rows().await, [0; 5]);
    let get = GetEscrow { id: dealer.escrow };
    assert_eq!(bench.answer("bob", get).await.unwrap_err(), EngineError::UnknownEscrow);
}
