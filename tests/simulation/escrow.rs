//! Shares of root keys: none outlives the password that it stood in for, or its time, or the limit of its account.

use std::{cell::Cell, time::Duration};

use strongroom_engine::{
    Credential, EngineError, ErrorKind,
    domains::{
        escrow::{
            ChangeEscrowPassword, DepositShare, FetchShare, IdentityKeys, PasswordParams, Prehash,
            SetUpSecretStorage, ShareBytes, ShareKind, WrappedRoot,
        },
        sessions::assured::{Assurance, AssuredFor, IssueAssured},
    },
};
use strongroom_primitives::{
    hash::{sha256, sha512},
    time::Timestamp,
};
use strongroom_testkit::{Dice, Plan, START_MS, World, seeds, simulate};

/// Somebody who has signed in to ann's account by its password.
async fn browser(world: &World) -> Credential {
    let subject = world.subject("ann");
    let assurance = Assurance {
        identity: subject.clone(),
        account: Some(subject),
        level: 2,
        client: "web".to_owned(),
        good_for: AssuredFor::Access,
    };
    let life = Duration::from_secs(7 * 24 * 60 * 60);
    let issue = IssueAssured { realm: world.realm.clone(), assurance, life };
    let issued = world.insist(0, Credential::Operator, issue).await;
    Credential::bearer(sha256(issued.token.as_bytes()))
}

fn deposit(number: u8) -> DepositShare {
    let (hash, share) = (sha512(&[number, 1]).to_vec(), ShareBytes::new(vec![number; 32]));
    DepositShare { kind: ShareKind::RootKey, hash, share, note: Vec::new() }
}

fn fetch(number: u8) -> FetchShare {
    FetchShare { kind: ShareKind::RootKey, hash: sha512(&[number, 1]).to_vec() }
}

/// Sets up what a password protects. May be asked twice.
async fn set_up(world: &World, browser: &Credential) {
    let key = || WrappedRoot { key_hash: vec![1; 64], encrypted: "sealed".to_owned() };
    let (identified, non_identified) = ("one".to_owned(), "other".to_owned());
    let keys = IdentityKeys { identified, non_identified, identified_rsa: None, non_identified_rsa: None };
    let set_up = SetUpSecretStorage {
        root: key(),
        vault: key(),
        asym_keys: Vec::new(),
        box_shares: Vec::new(),
        identity_keys: Some(keys),
    };
    match world.persist(0, browser.clone(), set_up).await {
        Ok(()) | Err(EngineError::IdentityKeysExist) => (),
        Err(refusal) => panic!("{refusal}"),
    }
}

/// A change to the password that there is, so that it may be asked twice.
fn change() -> ChangeEscrowPassword {
    let params = PasswordParams { memory: 1_024, iterations: 1, parallelism: 1, salt: vec![1; 16] };
    let prehash = Prehash { params, hash: ShareBytes::new(vec![1; 32]) };
    let (old, new) = (prehash.clone(), prehash);
    ChangeEscrowPassword { old, new, encrypted_root_key: "sealed anew".to_owned(), network: Vec::new() }
}

/// The share of this number, whichever node is asked and whatever dies meanwhile; `None` if there is no answer. A
/// session that has ended is handed nothing.
async fn ask(world: &World, node: usize, browser: &Credential, number: u8) -> Option<bool> {
    let handle = world.node(node)?;
    // A node that dies answers nobody.
    let asked = tokio::time::timeout(Duration::from_secs(15), handle.ask(browser.clone(), fetch(number)));
    match asked.await.ok()? {
        Ok(held) => {
            assert_eq!(held.share.expose(), [number; 32]);
            Some(true)
        }
        Err(EngineError::UnknownEscrowShare | EngineError::CredentialInvalid) => Some(false),
        Err(error) if matches!(error.kind(), ErrorKind::Busy | ErrorKind::Fault) => None,
        Err(error) => panic!("{error}"),
    }
}

/// A-DEV-01: a browser that was left behind has a session and its half; once the change is acknowledged it gets nothing,
/// and neither does one that signs in anew with its half.
#[test]
fn once_the_password_is_another_no_earlier_share_is_handed_out() {
    simulate(seeds(0..1_000), Plan::rough, async |world| {
        let first = browser(world).await;
        set_up(world, &first).await;
        let mut browsers = Vec::new();
        for number in 0..3 {
            let browser = browser(world).await;
            world.insist(0, browser.clone(), deposit(number)).await;
            browsers.push((number, browser));
        }
        let changed = Cell::new(false);
        let fetching = browsers.iter().map(async |(number, browser)| {
            let dice = world.dice(&format!("browser {number}"));
            for _ in 0..10 {
                let after = changed.get();
                let node = dice.index(world.node_count());
                let there = ask(world, node, browser, *number).await;
                assert!(!(after && there == Some(true)), "handed out after the change");
                world.wait(dice.ms(0..=100)).await;
            }
        });
        let changing = async {
            world.wait(world.dice("change").ms(0..=400)).await;
            world.insist(0, first.clone(), change()).await;
            changed.set(true);
        };
        let dying = async {
            world.wait(world.dice("death").ms(0..=600)).await;
            world.restart(1).await;
        };
        let fetching = futures_util::future::join_all(fetching);
        futures_util::future::join3(fetching, changing, dying).await;
        world.calm();
        let again = browser(world).await;
        for node in 0..world.node_count() {
            for (number, browser) in &browsers {
                let refused = world.persist(node, browser.clone(), fetch(*number)).await.err();
                assert_eq!(refused, Some(EngineError::CredentialInvalid), "node {node}");
                for browser in [&first, &again] {
                    let refused = world.persist(node, browser.clone(), fetch(*number)).await.err();
                    assert_eq!(refused, Some(EngineError::UnknownEscrowShare), "node {node}");
                }
            }
        }
    });
}

/// F-10: a share is there until its time is over and never after, though nodes die, the sweeper comes early or late,
/// and clocks step back.
#[test]
fn a_share_whose_time_is_over_comes_back_by_no_restart() {
    const LIFE: Duration = Duration::from_secs(60);
    /// Further than the clocks of the nodes lie apart.
    const APART: Duration = Duration::from_secs(1);
    let short = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        plan.limits.escrow_share_life = LIFE;
        plan
    };
    simulate(seeds(1_000..2_000), short, async |world| {
        let dice = world.dice("steps");
        let browser = browser(world).await;
        let now = || Timestamp::from_ms(START_MS).saturating_add(world.now());
        let mut expires = world.insist(0, browser.clone(), deposit(1)).await;
        if dice.chance(30) {
            world.wait(dice.ms(0..=30_000)).await;
            expires = world.insist(1, browser.clone(), deposit(1)).await;
        }
        while now() < expires.saturating_add(APART) {
            let node = dice.index(world.node_count());
            if dice.chance(20) {
                world.restart(node).await;
            }
            let there = ask(world, node, &browser, 1).await;
            if now().saturating_add(APART) < expires {
                assert_ne!(there, Some(false), "gone before its time");
            }
            world.wait(dice.ms(0..=20_000)).await;
        }
        world.calm();
        // Something is written after it, so that the store knows of the time.
        world.insist(0, browser.clone(), deposit(2)).await;
        for _ in 0..4 {
            let node = dice.index(world.node_count());
            world.clock(node).set_off_by_ms(*dice.pick(&[-24 * 3_600_000, -3_600_000, -61_000]));
            if dice.chance(70) {
                world.restart(node).await;
            }
            for node in 0..world.node_count() {
                let refused = world.persist(node, browser.clone(), fetch(1)).await.err();
                assert_eq!(refused, Some(EngineError::UnknownEscrowShare), "node {node}");
            }
            world.wait(dice.ms(0..=2_000)).await;
        }
    });
}

/// Tabs on every node that ask at once are handed no more than there is, though answers are lost and nodes die: a read
/// is counted before the share leaves.
#[test]
fn a_share_is_handed_out_no_more_often_than_it_may_be() {
    const READS_MAX: u32 = 3;
    let few = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        plan.limits.escrow_share_reads_max = READS_MAX;
        plan
    };
    simulate(seeds(3_000..3_300), few, async |world| {
        let browser = browser(world).await;
        world.insist(0, browser.clone(), deposit(1)).await;
        let handed = Cell::new(0);
        let asking = (0..8).map(async |tab| {
            let dice = world.dice(&format!("tab {tab}"));
            for _ in 0..3 {
                if ask(world, dice.index(world.node_count()), &browser, 1).await == Some(true) {
                    handed.set(handed.get() + 1);
                }
                world.wait(dice.ms(0..=20)).await;
            }
        });
        let dying = async {
            world.wait(world.dice("death").ms(0..=60)).await;
            world.restart(1).await;
        };
        futures_util::future::join(futures_util::future::join_all(asking), dying).await;
        world.calm();
        for node in 0..world.node_count() {
            while world.persist(node, browser.clone(), fetch(1)).await.is_ok() {
                handed.set(handed.get() + 1);
                assert!(handed.get() <= READS_MAX, "node {node}");
            }
        }
        assert!(handed.get() <= READS_MAX, "{}", handed.get());
    });
}

/// Two nodes that file at once keep to the limit together, and keep what was filed last.
#[test]
fn an_account_has_no_more_shares_than_it_may_on_however_many_nodes() {
    let few = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        plan.limits.escrow_shares_max = 3;
        plan
    };
    simulate(seeds(2_000..2_300), few, async |world| {
        let browser = browser(world).await;
        let filing = (0..8_u8).map(async |number| {
            let node = usize::from(number) % world.node_count();
            world.insist(node, browser.clone(), deposit(number)).await;
        });
        futures_util::future::join_all(filing).await;
        world.wait(Duration::from_secs(1)).await;
        world.insist(1, browser.clone(), deposit(9)).await;
        world.calm();
        let mut there = Vec::new();
        for number in 0..10 {
            match world.persist(0, browser.clone(), fetch(number)).await {
                Ok(_) => there.push(number),
                Err(refusal) => assert_eq!(refusal, EngineError::UnknownEscrowShare),
            }
        }
        assert!(there.len() == 3 && there.contains(&9), "{there:?}");
    });
}
