//! What is taken for an escrow, and what is shown of it.

use bytes::Bytes;
use proptest::prelude::*;
use strongroom_primitives::{hpke::HolderPublic, recovery::share_info};

use super::*;
use crate::testing::escrows::holder_secret;

/// What the desk says to an escrow of ann's with three holders that was changed like this.
fn refused(change: impl FnOnce(&mut CreateEscrow)) -> EngineError {
    let mut desk = Desk::new();
    let dealer = Dealer::new(1, desk.recovery_key());
    let mut create = dealer.create(2, &three(), policy());
    change(&mut create);
    let ann = desk.who("ann");
    let refused = desk.run(&ann, &create).unwrap_err();
    assert_eq!(desk.row_count(), 0, "nothing is left of it");
    refused
}

fn fault(change: impl FnOnce(&mut CreateEscrow)) -> EscrowFault {
    match refused(change) {
        EngineError::EscrowInvalid(fault) => fault,
        other => panic!("{other:?}"),
    }
}

/// A-SHR-09: what cannot be recovered from is not taken, and what is wrong is named.
#[test]
fn a_deal_that_cannot_be_right_is_refused_by_name() {
    let at = |index: usize, change: fn(&mut Holder)| {
        move |create: &mut CreateEscrow| change(&mut create.deal.holders[index])
    };
    assert_eq!(fault(at(1, |holder| holder.index = 0)), EscrowFault::ZeroIndex);
    assert_eq!(fault(at(1, |holder| holder.index = 1)), EscrowFault::RepeatedIndex { index: 1 });
    assert_eq!(fault(at(1, |holder| holder.kind = account("bob"))), EscrowFault::RepeatedHolder { index: 2 });
    assert_eq!(fault(at(2, |holder| holder.kind = account("ann"))), EscrowFault::RepeatedHolder { index: 3 });
    assert_eq!(fault(at(2, |holder| holder.share = None)), EscrowFault::ShareSize { index: 3 });
    for bytes in [0, 80, 82, 810] {
        let short = move |create: &mut CreateEscrow| {
            create.deal.holders[0].share.as_mut().unwrap().text = vec![1; bytes].into();
        };
        assert_eq!(fault(short), EscrowFault::ShareSize { index: 1 });
    }
    let low = at(0, |holder| holder.share.as_mut().unwrap().public_key = [0; 32]);
    assert_eq!(fault(low), EscrowFault::HolderKey { index: 1 });
    let no_signer = at(0, |holder| holder.kind = HolderKind::Device { signer: [0; 32] });
    assert_eq!(fault(no_signer), EscrowFault::HolderKey { index: 1 });
}

/// A-SHR-09: fewer holders than shares are needed, and commitments that are none.
#[test]
fn commitments_are_points_and_at_most_as_many_as_holders() {
    let commitments =
        |bytes: Vec<u8>| move |create: &mut CreateEscrow| create.deal.commitments = bytes.into();
    for bytes in [vec![], vec![1; 31], vec![255; 64], vec![0; 64]] {
        assert_eq!(fault(commitments(bytes)), EscrowFault::Commitments);
    }
    let one = |create: &mut CreateEscrow| create.deal.commitments.truncate(32);
    assert_eq!(fault(one), EscrowFault::Commitments, "whoever has one share has them all");
    let few = |create: &mut CreateEscrow| create.deal.holders.truncate(1);
    assert_eq!(fault(few), EscrowFault::Holders { max: 32 });
    let many = |create: &mut CreateEscrow| {
        create.deal.holders = vec![create.deal.holders[0].clone(); 33];
    };
    assert_eq!(fault(many), EscrowFault::Holders { max: 32 });
    assert_eq!(fault(commitments(vec![1; 10_000_000])), EscrowFault::Holders { max: 32 });
}

/// The server checks the one share that it can open.
#[test]
fn the_servers_own_share_is_checked_on_arrival() {
    let of_server = |change: fn(&mut CreateEscrow)| {
        move |create: &mut CreateEscrow| {
            let dealer = Dealer::new(1, Desk::new().recovery_key());
            let kinds = [HolderKind::Server, account("bob"), account("cyd")];
            *create = dealer.create(2, &kinds, policy());
            change(create);
        }
    };
    let bad = EscrowFault::ServerShare { index: 1 };
    // Sealed to somebody else; of another escrow; of another index; altered.
    let elsewhere = of_server(|create| {
        *create = Dealer::new(1, *holder_secret(1).public().as_bytes()).create(
            2,
            &[HolderKind::Server, account("bob"), account("cyd")],
            policy(),
        )
    });
    assert_eq!(fault(elsewhere), bad);
    // Its own share, well sealed, of another polynomial.
    let of_another = of_server(|create| {
        let share = Dealer::new(7, [0; 32]).plain(2, 3, 1);
        let held = create.deal.holders[0].share.as_mut().unwrap();
        let info = share_info(create.id, 1, 1, &create.deal.commitments);
        let to = HolderPublic::from_bytes(held.public_key).unwrap();
        held.text = to.seal(&info, b"", &*share.expose(), [3; 32]).unwrap().into();
    });
    assert_eq!(fault(of_another), bad);
    assert_eq!(fault(of_server(|create| create.id = EscrowId::from_bytes([9; 16]))), bad);
    let moved = of_server(|create| create.deal.holders[0].index = 4);
    assert_eq!(fault(moved), EscrowFault::ServerShare { index: 4 });
    let altered = of_server(|create| {
        let share = create.deal.holders[0].share.as_mut().unwrap();
        let mut text = share.text.to_vec();
        text[40] ^= 1;
        share.text = text.into();
    });
    assert_eq!(fault(altered), bad);
    let twice = of_server(|create| create.deal.holders[1].kind = HolderKind::Server);
    assert_eq!(fault(twice), EscrowFault::RepeatedHolder { index: 2 });
}

#[test]
fn a_policy_is_kept_within_its_bounds() {
    let field = |change: fn(&mut ReleasePolicy)| match fault(move |create| change(&mut create.policy)) {
        EscrowFault::Policy { field } => field,
        other => panic!("{other:?}"),
    };
    let day = Duration::from_secs(24 * 60 * 60);
    assert!(day < policy().delay * 25);
    assert_eq!(field(|policy| policy.quorum = 4), "quorum");
    assert_eq!(field(|policy| (policy.quorum, policy.delay) = (0, Duration::ZERO)), "quorum");
    assert_eq!(field(|policy| policy.delay = Duration::from_secs(365 * 86_400 + 1)), "delay");
    assert_eq!(field(|policy| policy.window = Duration::ZERO), "window");
    assert_eq!(field(|policy| policy.window = Duration::from_secs(30 * 86_400 + 1)), "window");
    assert_eq!(field(|policy| policy.collect = Duration::ZERO), "collect");
    assert_eq!(field(|policy| policy.cooldown = Duration::MAX), "cooldown");
    assert_eq!(field(|policy| policy.open_requests_max = 0), "open_requests_max");
    assert_eq!(field(|policy| policy.open_requests_max = 9), "open_requests_max");
}

#[test]
fn labels_and_payloads_have_their_sizes() {
    let size = |field, bytes, max| EngineError::FieldSize { field, bytes, max };
    assert_eq!(refused(|create| create.label = "l".repeat(257)), size("label", 257, 256));
    assert_eq!(refused(|create| create.payload = Bytes::new()), size("payload", 0, 65_536));
    assert_eq!(refused(|create| create.payload = vec![1; 65_537].into()), size("payload", 65_537, 65_536));
    assert_eq!(refused(|create| create.payload = vec![1; 655_360].into()), size("payload", 655_360, 65_536));
}

#[test]
fn an_account_has_so_many_escrows_and_an_id_is_taken_once() {
    let mut desk = Desk::new();
    desk.limits.account_escrows_max = 2;
    let (ann, bob) = (desk.who("ann"), desk.who("bob"));
    let create = |number| Dealer::new(number, [0; 32]).create(2, &[account("cyd"), account("dan")], policy());
    for number in [1, 2] {
        desk.run(&ann, &create(number)).unwrap();
    }
    let full = EngineError::QuotaExceeded { what: Quota::Escrows, max: 2 };
    assert_eq!(desk.run(&ann, &create(3)).unwrap_err(), full);
    assert_eq!(desk.run(&bob, &create(1)).unwrap_err(), EngineError::EscrowExists);
    desk.run(&ann, &DeleteEscrow { id: EscrowId::from_bytes([1; 16]) }).unwrap();
    desk.run(&ann, &create(3)).unwrap();
    let page = desk.run(&ann, &ListEscrows { from: None, limit: 1 }).unwrap();
    let rest = desk.run(&ann, &ListEscrows { from: page.next, limit: 1 }).unwrap();
    let ids = [page.escrows, rest.escrows].concat().iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!((ids, rest.next), (vec![EscrowId::from_bytes([2; 16]), EscrowId::from_bytes([3; 16])], None));
}

/// A-SHR-04: shares are shown to those who can open them, and the payload to the owner.
#[test]
fn everybody_is_shown_what_is_theirs() {
    let kinds = [account("bob"), device(2), HolderKind::Server, account("cyd")];
    let mut scene = Scene::of(&kinds, policy());
    let id = scene.escrow();
    let mut shown = |who: &Principal| {
        let shown = scene.desk.run(who, &GetEscrow { id }).unwrap();
        let theirs = shown.holders.iter().filter(|one| one.share.is_some()).map(|one| one.index);
        (theirs.collect::<Vec<u8>>(), shown.payload.is_some())
    };
    let [ann, bob, cyd] = [&scene.ann, &scene.bob, &scene.cyd].map(Clone::clone);
    assert_eq!(shown(&ann), (vec![2], true));
    assert_eq!(shown(&bob), (vec![1], false));
    assert_eq!(shown(&cyd), (vec![4], false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is sent for a deal, it is taken or refused by name, and what is taken can be read.
    #[test]
    fn no_deal_makes_the_rule_fall(
        commitments in prop::collection::vec(any::<u8>(), 0..200),
        holders in prop::collection::vec((any::<u8>(), 0..5_u8, prop::option::of(prop::collection::vec(any::<u8>(), 0..90))), 0..40),
        keep in any::<bool>(),
    ) {
        let mut desk = Desk::new();
        let mut create = Dealer::new(1, desk.recovery_key()).create(2, &three(), policy());
        create.deal.holders = holders.into_iter().map(|(index, kind, text)| {
            let kind = match kind {
                0 => account(&format!("holder-{index}")),
                1 => device(index),
                2 => HolderKind::Realm,
                3 => HolderKind::Paper,
                _ => HolderKind::Server,
            };
            let public_key = *holder_secret(index).public().as_bytes();
            let share = text.map(|text| SealedShare { public_key, text: text.into() });
            Holder { index, kind, share }
        }).collect();
        if !keep {
            create.deal.commitments = commitments.into();
        }
        let ann = desk.who("ann");
        match desk.run(&ann, &create) {
            Ok(summary) => {
                prop_assert_eq!(desk.run(&ann, &GetEscrow { id: create.id }).unwrap().summary, summary);
            }
            Err(EngineError::EscrowInvalid(_)) => prop_assert_eq!(desk.row_count(), 0),
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
    }
}
