//! Credentials revoked while they are in use: nothing is written with them, and nothing read, once the revocation has
//! been answered (F-13, A-WS-04).

use std::{cell::Cell, time::Duration};

use strongroom_engine::{
    Credential, EngineError, ErrorKind, Right, Rights,
    domains::{
        accounts::SetAccountPolicy,
        realms::RevokeRealmKey,
        sessions::{
            OpenChild, RevokeSession,
            api_key::{DeleteApiKey, UpdateApiKey},
        },
    },
    feed::Event,
    testing::people::Holder,
};
use strongroom_primitives::{
    hash::sha256,
    id::{ApiKeyId, SessionId},
    time::Timestamp,
};
use strongroom_testkit::{
    Client, Dice, Follower, Plan, START_MS, World,
    checkers::feed::Heard,
    history::{Outcome, Wanted},
    record, seeds, simulate,
};

/// How a credential ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Its session is revoked.
    Session(SessionId),
    /// The session that it was opened from is revoked.
    Parent(SessionId),
    /// The key that signed it is revoked.
    RealmKey,
    /// Its account is suspended.
    Suspension,
    /// Its account loses the right to write.
    Rights,
    /// The API key that it was opened with is deleted.
    ApiKey(ApiKeyId),
    /// That API key is no longer active.
    Deactivation(ApiKeyId),
    /// That API key may no longer write.
    Narrowing(ApiKeyId),
}

impl End {
    /// Whether so many rows can be left where there were `before`, though nothing was written with the credential: the
    /// sweeper removes what hung on an API key, and a session that goes on is seen once. A write adds three rows.
    fn explains(self, before: usize, left: usize) -> bool {
        match self {
            Self::ApiKey(_) => left <= before,
            Self::Narrowing(_) => left == before || left == before + 1,
            _ => left == before,
        }
    }
}

/// A credential of ann's and the way it is going to end.
async fn credential(world: &World, kind: u64) -> (Credential, End) {
    match kind {
        0 => {
            let (issued, credential) = world.bearer("ann", None).await;
            (credential, End::Session(issued.session))
        }
        1 => {
            let issued = Timestamp::from_ms(START_MS);
            let life = Duration::from_secs(24 * 60 * 60);
            let token = world.token_key.issue(&world.realm, &world.subject("ann"), issued, life);
            (token, End::RealmKey)
        }
        2 => {
            let (parent, credential) = world.bearer("ann", None).await;
            let open = OpenChild { life: Duration::from_secs(60 * 60), label: "script".into() };
            let child = world.insist(0, credential, open).await;
            (Credential::bearer(sha256(child.token.as_bytes())), End::Parent(parent.session))
        }
        3 => (world.gateway("ann"), End::Suspension),
        4 => (world.gateway("ann"), End::Rights),
        kind => {
            let holder = Holder { number: 1 };
            let api_key = world.api_key("ann", holder).await;
            let (_, credential) = world.sign_in(holder, api_key, 0).await;
            let end = match kind {
                5 => End::ApiKey(api_key),
                6 => End::Deactivation(api_key),
                _ => End::Narrowing(api_key),
            };
            (credential, end)
        }
    }
}

/// Ends it, as often as it takes to be sure.
async fn end(world: &World, node: usize, end: End) {
    let operator = Credential::Operator;
    let identity = world.identity("ann");
    let update = |change| world.persist(node, world.gateway("ann"), change);
    let answer = match end {
        End::ApiKey(id) => world.persist(node, world.gateway("ann"), DeleteApiKey { id }).await,
        End::Deactivation(id) => {
            update(UpdateApiKey { active: Some(false), ..UpdateApiKey::of(id) }).await.map(drop)
        }
        End::Narrowing(id) => {
            update(UpdateApiKey { write: Some(false), ..UpdateApiKey::of(id) }).await.map(drop)
        }
        End::Session(session) | End::Parent(session) => {
            let command = RevokeSession { identity: Some(identity), session: Some(session) };
            world.persist(node, operator, command).await
        }
        End::RealmKey => {
            let command =
                RevokeRealmKey { realm: world.realm.clone(), key_id: world.token_key.id().to_owned() };
            world.persist(node, operator, command).await.map(drop)
        }
        End::Suspension => {
            let command = SetAccountPolicy { identity, suspended: Some(true), rights: None };
            world.persist(node, operator, command).await.map(drop)
        }
        End::Rights => {
            let rights = Rights::NONE.with(Right::Get);
            let command = SetAccountPolicy { identity, suspended: None, rights: Some(rights) };
            world.persist(node, operator, command).await.map(drop)
        }
    };
    // A first answer that was lost shows as nothing left to revoke.
    let done = matches!(
        answer,
        Ok(()) | Err(EngineError::UnknownSession | EngineError::UnknownRealmKey | EngineError::UnknownApiKey)
    );
    assert!(done, "{end:?}: {answer:?}");
}

/// F-13: whatever ends a credential, no write that it vouches for commits after the answer, on any node.
#[test]
fn nothing_commits_after_a_revocation_is_answered() {
    simulate(seeds(0..2_000), Plan::rough, async |world| {
        let dice = world.dice("revocation");
        let record = record("notes");
        let (credential, how) = credential(world, dice.below(8)).await;
        let writers: Vec<Client<'_>> = (0..3).map(|_| world.client_with(credential.clone())).collect();
        let over = Cell::new(false);
        let writing = futures_util::future::join_all(writers.iter().map(async |writer| {
            while !over.get() {
                writer.update(&record).await;
                world.wait(writer.dice().ms(0..=100)).await;
            }
        }));
        let revoking = async {
            world.wait(dice.ms(0..=2_000)).await;
            end(world, dice.index(world.node_count()), how).await;
            let (revoked, rows) = (world.now(), world.rows());
            // Writes in flight and writes still to come get their chance.
            world.wait(dice.ms(0..=3_000)).await;
            over.set(true);
            // Every write adds rows: a version, an event, a kept answer.
            let left = world.rows();
            assert!(how.explains(rows, left), "{how:?} was answered at {revoked:?}, something came after");
            revoked
        };
        let (_, revoked) = futures_util::future::join(writing, revoking).await;
        let calls = world.history.calls();
        world.calm();
        if matches!(how, End::Suspension | End::Rights) {
            let policy = SetAccountPolicy {
                identity: world.identity("ann"),
                suspended: Some(false),
                rights: Some(Rights::ALL),
            };
            world.insist(0, Credential::Operator, policy).await;
        }
        world.conclude("ann").await;

        for call in calls.iter().filter(|call| call.invoked > revoked && call.wanted != Wanted::Read) {
            let acknowledged = matches!(call.outcome, Outcome::Shown(_));
            assert!(!acknowledged, "{how:?} was answered at {revoked:?}, but {call:?}");
        }
        if let End::Session(session) = how {
            let feed = world.feed(0, "ann").await;
            let at = feed.iter().position(|(_, event)| *event == Event::SessionRevoked { session });
            let after = &feed[at.expect("the revocation is told")..];
            assert_eq!(after.len(), 1, "only the session wrote, and nothing comes after its end: {after:?}");
        }
    });
}

/// A-WS-04: what is written after the revocation is not read with the revoked credential, though others read it.
#[test]
fn nothing_written_after_a_revocation_is_read_with_the_revoked_session() {
    simulate(seeds(1_000..1_300), Plan::rough, async |world| {
        let dice = world.dice("revocation");
        let record = record("notes");
        let (issued, credential) = world.bearer("ann", None).await;
        let readers: Vec<Client<'_>> = (0..2).map(|_| world.client_with(credential.clone())).collect();
        let follower = Follower::new(world, "revoked", credential.clone(), 100);
        let writer = world.client("ann");
        let over = Cell::new(false);

        let reading = futures_util::future::join_all(readers.iter().map(async |reader| {
            let mut read = Vec::new();
            while !over.get() {
                if let Outcome::Shown(state) = reader.read(&record).await {
                    read.push(state.sequence);
                }
                world.wait(reader.dice().ms(1..=80)).await;
            }
            read
        }));
        let writing = async {
            while !over.get() {
                writer.update(&record).await;
                world.wait(writer.dice().ms(1..=80)).await;
            }
        };
        let revoking = async {
            world.wait(dice.ms(0..=2_000)).await;
            end(world, dice.index(world.node_count()), End::Session(issued.session)).await;
            world.wait(dice.ms(500..=2_000)).await;
            over.set(true);
        };
        let never = Cell::new(None);
        let (read, (), (), refused) =
            futures_util::future::join4(reading, writing, revoking, follower.listen(&never)).await;
        assert_eq!(refused, Err(EngineError::CredentialInvalid), "the follower is told why");
        world.conclude("ann").await;

        let feed = world.feed(0, "ann").await;
        let revoked = Event::SessionRevoked { session: issued.session };
        let at = feed.iter().find(|(_, event)| *event == revoked).expect("the revocation is told").0;
        let too_late: Vec<u64> = feed
            .iter()
            .filter(|(number, _)| *number > at)
            .filter_map(|(_, event)| match event {
                Event::RecordPut { sequence, .. } => Some(*sequence),
                _ => None,
            })
            .collect();
        for sequence in read.concat() {
            assert!(
                !too_late.contains(&sequence),
                "#{sequence} was written after the revocation and read with it"
            );
        }
        for heard in follower.heard() {
            if let Heard::Event(number, _) = heard {
                assert!(number < at, "event {number} was heard, the revocation is {at}");
            }
        }
    });
}

fn quick(_: &Dice) -> Plan {
    Plan::calm(3).with_latency_ms(0..=20)
}

/// A-WS-04: an open connection learns of the end of its credential within a second, on every node.
#[test]
fn every_node_notices_a_revocation_within_a_second() {
    simulate(seeds(2_000..2_200), quick, async |world| {
        let dice = world.dice("revocation");
        let (credential, how) = credential(world, dice.below(3)).await;
        let handles: Vec<_> = (0..3).map(|node| world.up(node)).collect();
        let watching = futures_util::future::join_all(handles.iter().map(async |handle| {
            let refusal = handle.until_refused(credential.clone()).await;
            (refusal, world.now())
        }));
        let revoking = async {
            // Longer than the pause in which a connection looks by itself, and shorter.
            world.wait(dice.ms(10..=40_000)).await;
            end(world, dice.index(3), how).await;
            world.now()
        };
        let (noticed, revoked) = futures_util::future::join(watching, revoking).await;
        for (refusal, at) in noticed {
            assert_eq!(refusal.kind(), ErrorKind::Refused, "{refusal}");
            assert!(at <= revoked + Duration::from_secs(1), "revoked at {revoked:?}, noticed at {at:?}");
        }
    });
}

/// A connection whose session merely expires is told so when it does.
#[test]
fn every_node_notices_that_a_session_has_expired() {
    simulate(seeds(3_000..3_060), quick, async |world| {
        let life = world.dice("life").ms(1_000..=60_000);
        let (issued, credential) = world.bearer("ann", Some(life)).await;
        let expires = issued.expires.expect("its life is limited").as_ms() - START_MS;
        let expires = Duration::from_millis(expires);
        for node in 0..3 {
            let refusal = world.up(node).until_refused(credential.clone()).await;
            // The sweeper may have removed what has expired.
            assert!(
                matches!(refusal, EngineError::CredentialExpired | EngineError::CredentialInvalid),
                "{refusal}"
            );
            assert!(world.now() > expires, "not before it expires");
        }
        assert!(world.now() <= expires + Duration::from_secs(1), "and soon after");
    });
}
