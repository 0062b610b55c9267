use std::time::Duration;

use super::*;
use crate::{
    credential::Need,
    domains::sessions::{
        RevokeSessions,
        assured::{CheckAssurance, IssueAssured},
    },
};
use strongroom_primitives::id::RealmId;

fn issue(assurance: Assurance) -> IssueAssured {
    IssueAssured { realm: RealmId::new("test").unwrap(), assurance, life: DAY }
}

fn check(client: &str, good_for: AssuredFor, level: u8) -> CheckAssurance {
    CheckAssurance { client: client.into(), good_for, level }
}

fn process(challenge: &str) -> AssuredFor {
    AssuredFor::Process { login_challenge: challenge.into() }
}

/// A-SHR-02: the level is that of the token, whoever claims what.
#[test]
fn a_token_is_good_for_its_client_its_purpose_and_its_level() {
    let desk = &mut Desk::new();
    let ann = holder(desk, "ann");
    let good = desk.run(&ann, &check("web", AssuredFor::Access, 2)).unwrap();
    assert_eq!(good.assurance, assurance("ident", Some("ann"), 2));
    assert!(desk.run(&ann, &check("web", AssuredFor::Access, 1)).is_ok());
    let low = EngineError::AssuranceTooLow { required: 3 };
    assert_eq!(desk.run(&ann, &check("web", AssuredFor::Access, 3)).unwrap_err(), low);
    let invalid = EngineError::CredentialInvalid;
    assert_eq!(desk.run(&ann, &check("other", AssuredFor::Access, 2)).unwrap_err(), invalid);
    assert_eq!(desk.run(&ann, &check("web", process(""), 2)).unwrap_err(), invalid);
    let signing_in = with(desk, Assurance { good_for: process("c1"), ..assurance("ident", Some("ann"), 2) });
    assert_eq!(desk.run(&signing_in, &check("web", AssuredFor::Access, 2)).unwrap_err(), invalid);
    assert_eq!(
        desk.run(&signing_in, &check("web", process(""), 2)).unwrap().assurance.good_for,
        process("c1")
    );
}

/// A token that says how far a sign-in went opens no door that does not ask, and no other token opens those that do.
#[test]
fn an_assured_token_is_good_for_nothing_else() {
    let desk = Desk::new();
    let (ann, plain) = (holder(&desk, "ann"), desk.who("ann"));
    let invalid = Err(EngineError::CredentialInvalid);
    for need in [Need::Unproved, Need::Own, Need::Account, Need::Right(crate::Right::Get)] {
        assert_eq!(ann.require(need), invalid, "{need:?}");
        assert_eq!(plain.require(need), Ok(()), "{need:?}");
    }
    assert_eq!(ann.require(Need::Assured), Ok(()));
    assert_eq!(plain.require(Need::Assured), invalid);
}

#[test]
fn an_assurance_that_no_token_can_have_is_refused() {
    let mut desk = Desk::new();
    let good = assurance("ident", Some("ann"), 2);
    let bad = [
        Assurance { level: 0, ..good.clone() },
        Assurance { level: 5, ..good.clone() },
        Assurance { client: String::new(), ..good.clone() },
        Assurance { client: "x".repeat(513), ..good.clone() },
        Assurance { good_for: process(""), ..good.clone() },
    ];
    for bad in bad {
        let refused = desk.run(&operator(), &issue(bad)).unwrap_err();
        assert_eq!(refused, EngineError::AssuranceInvalid);
    }
    desk.run(&operator(), &issue(good)).unwrap();
}

/// What is missing is made; tokens of one account make room for each other.
#[test]
fn the_operator_issues_as_many_tokens_as_they_like() {
    let mut desk = Desk::new();
    desk.limits.sessions_max = 2;
    let ann = desk.who("ann");
    for _ in 0..4 {
        let issued = desk.run(&operator(), &issue(assurance("ident", Some("ann"), 2))).unwrap();
        assert_eq!(issued.account, ann.account);
        assert_eq!(issued.expires, Some(desk.now.saturating_add(DAY)));
        desk.wait(Duration::from_secs(1));
    }
    assert_eq!(desk.rows_under(b's'), 2);
    assert_eq!(desk.rows_under(b'A'), 1);
    let nowhere = desk.run(&operator(), &issue(assurance("ident", None, 1))).unwrap();
    assert_eq!(nowhere.account, desk.who("ident").account);
    let year = IssueAssured { life: DAY * 365, ..issue(assurance("ident", None, 1)) };
    let longest = desk.now.saturating_add(desk.limits.session_life_max);
    assert_eq!(desk.run(&operator(), &year).unwrap().expires, Some(longest));
}

/// Signing out everywhere takes the shares along; signing out elsewhere does not.
#[test]
fn signing_everybody_out_drops_the_shares() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    let identity = ann.identity.clone();
    desk.run(&ann, &deposit(1)).unwrap();
    desk.run(&operator(), &RevokeSessions { identity: identity.clone(), keep_current: true }).unwrap();
    desk.run(&ann, &fetch(1)).unwrap();
    desk.run(&operator(), &RevokeSessions { identity, keep_current: false }).unwrap();
    assert_eq!(desk.rows_under(b'U'), 0);
}
