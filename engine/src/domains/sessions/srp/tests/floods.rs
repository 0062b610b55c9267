//! Guesses and challenges in numbers that no owner makes.

use super::*;

/// A-SRP-13: after ten guesses from one network the next has to wait, longer each time; the owner signs in from
/// elsewhere, goes on with the session that is open, and sees what was tried.
#[actix_rt::test]
async fn guesses_from_one_network_wait_and_the_owner_does_not() {
    let door = Door::open(SrpProfile::Meeco).await;
    let username = door.user().await;
    let session = door.sign_in(&username, 1).await;
    for chance in 0..10 {
        assert_eq!(door.guess(&username, 100 + chance, b"thief").await, EngineError::LoginRefused);
    }
    let mut waited = Vec::new();
    for chance in 0..8 {
        let EngineError::TooManyAttempts { retry_after } =
            door.guess(&username, 120 + chance, b"thief").await
        else {
            panic!("it has to wait");
        };
        waited.push(retry_after.as_secs());
        door.clock.wait(retry_after);
        assert_eq!(door.guess(&username, 140 + chance, b"thief").await, EngineError::LoginRefused);
    }
    assert_eq!(waited, [1, 2, 4, 8, 16, 32, 64, 128]);
    let attempts = door.handle().ask(session.clone(), SignInAttempts {}).await.unwrap();
    assert_eq!(attempts.count, 18);
    let (finish, _) = door.begun(&username, 2).await;
    assert_eq!(door.ask(finish).await.unwrap().failures, 18);
    assert_eq!(door.handle().ask(session, SignInAttempts {}).await.unwrap().count, 0);
}

/// A-SRP-13, the other half: a thousand networks together get little further than one, and a network that the owner
/// has signed in from before is not held up by them.
#[actix_rt::test]
async fn guesses_from_a_thousand_networks_are_counted_together() {
    let door = Door::open(SrpProfile::Meeco).await;
    let username = door.user().await;
    door.sign_in(&username, 1).await;
    let mut taken = 0;
    for n in 0..1_000_u32 {
        let finish = door.begun_with(&username, (n % 200) as u8 + 2, b"a guess").await.0;
        match door.ask(FinishSrp { network: n.to_be_bytes().to_vec(), ..finish }).await.unwrap_err() {
            EngineError::LoginRefused => taken += 1,
            EngineError::TooManyAttempts { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(taken, 100);
    door.sign_in(&username, 250).await;
    let (finish, _) = door.begun(&username, 251).await;
    let elsewhere = FinishSrp { network: b"new".to_vec(), ..finish };
    assert!(matches!(door.ask(elsewhere).await, Err(EngineError::TooManyAttempts { .. })));
    door.clock.wait(Duration::from_secs(60));
    let (finish, _) = door.begun(&username, 252).await;
    assert!(door.ask(FinishSrp { network: b"new".to_vec(), ..finish }).await.is_ok());
}

/// However many challenges are begun, they take up a fixed number of rows: for one name, and for many.
#[actix_rt::test]
async fn challenges_take_up_a_bounded_number_of_rows() {
    let door = Door::open(SrpProfile::Native).await;
    let username = door.user().await;
    let rows = door.storage.len();
    for n in 2..102 {
        door.begin(&username, &[n]).await.unwrap();
    }
    assert!(door.storage.len() <= rows + 8, "{}", door.storage.len() - rows);
}

/// Challenges that are open at once do not take each other's place, though their table has a fixed size.
#[actix_rt::test]
async fn challenges_of_many_names_lie_side_by_side() {
    let door = Door::open(SrpProfile::Meeco).await;
    let rows = door.storage.len();
    for n in 0..2_000 {
        door.begin(&format!("name-{n}"), &[9]).await.unwrap();
    }
    assert_eq!(door.storage.len(), rows + 2_000);
}

/// A flood of challenges for a name takes the place of its own older ones, not of the owner's, who answers meanwhile.
#[actix_rt::test]
async fn a_flood_of_challenges_does_not_sweep_the_owners_away() {
    let door = Door::open(SrpProfile::Meeco).await;
    let username = door.user().await;
    let mut flood = 1_000_u16;
    for chance in 1..20 {
        for _ in 0..40 {
            flood += 1;
            door.begin(&username, &flood.to_be_bytes()).await.unwrap();
            door.clock.wait(Duration::from_millis(1));
        }
        let (finish, _) = door.begun(&username, chance).await;
        for _ in 0..8 {
            flood += 1;
            door.clock.wait(Duration::from_millis(1));
            door.begin(&username, &flood.to_be_bytes()).await.unwrap();
        }
        assert!(door.ask(finish).await.is_ok(), "try {chance}");
    }
}
