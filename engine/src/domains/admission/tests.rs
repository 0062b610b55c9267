mod clocks;

use std::time::Duration;

use proptest::prelude::*;
use strongroom_primitives::{
    id::{Audience, IssuerName},
    secret::SecretText,
};

use super::*;
use crate::{
    command::Command,
    credential::Principal,
    domains::accounts::EraseAccount,
    error::{EngineError, Quota},
    feed::Event,
    keyspace::Keyspace,
    testing::Desk,
};

fn audience(name: &str) -> Audience {
    Audience::new(name).unwrap()
}

fn issue(desk: &mut Desk, who: &Principal) -> TokenIssued {
    desk.run(who, &IssueToken { audience: audience("vault") }).unwrap()
}

fn spend_at(
    desk: &mut Desk,
    who: &Principal,
    token: &SecretText,
    service: &str,
) -> Result<Admitted, EngineError> {
    desk.run(who, &SpendToken { token: token.clone(), audience: audience(service) })
}

fn spend(desk: &mut Desk, token: &SecretText) -> Result<Admitted, EngineError> {
    let nobody = desk.nobody();
    spend_at(desk, &nobody, token, "vault")
}

/// A desk where ann has an account.
fn desk() -> (Desk, Principal) {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    desk.open_account(&ann);
    (desk, ann)
}

/// A-TOK-01.
#[test]
fn a_token_admits_once_and_says_whom() {
    let (mut desk, ann) = desk();
    let issued = issue(&mut desk, &ann);
    let life = desk.limits.admission_token_life;
    assert_eq!((issued.issued, issued.expires), (desk.now, desk.now.saturating_add(life)));
    let admitted = Admitted { issuer: Issuer::Here, identity: ann.identity.clone().unwrap() };
    assert_eq!(spend(&mut desk, &issued.token), Ok(admitted));
    assert_eq!(spend(&mut desk, &issued.token), Err(EngineError::TokenSpent));
    let again = desk.run(&ann, &IssueToken { audience: audience("vault") });
    assert_eq!(again.err(), Some(EngineError::AlreadyAdmitted));
    let (issued, spent) = (audience("vault"), audience("vault"));
    let told = [Event::TokenIssued { audience: issued }, Event::TokenSpent { audience: spent }];
    assert_eq!(desk.events, told);
}

#[test]
fn there_is_one_unused_token_per_account_and_audience_until_it_expires() {
    let (mut desk, ann) = desk();
    let first = issue(&mut desk, &ann);
    desk.wait(desk.limits.admission_token_life);
    assert!(issue(&mut desk, &ann).token.matches(first.token.expose()), "it is good for one more instant");
    desk.wait(Duration::from_millis(1));
    let second = issue(&mut desk, &ann);
    assert!(!second.token.matches(first.token.expose()));
    let other = desk.run(&ann, &IssueToken { audience: audience("attic") }).unwrap();
    assert!(!other.token.matches(second.token.expose()));
    assert_eq!(desk.rows_under(b't'), 2);
    assert!(spend(&mut desk, &second.token).is_ok());
    assert!(spend_at(&mut desk, &ann, &other.token, "attic").is_ok(), "the other is another");
}

/// A-TOK-04: an expired token, one for another service, and one that another user shows are refused and stay unspent.
#[test]
fn a_token_is_good_at_its_own_door_only_and_for_its_own_user() {
    let (mut desk, ann) = desk();
    let token = issue(&mut desk, &ann).token;
    let (nobody, bob) = (desk.nobody(), desk.who("bob"));
    assert_eq!(spend_at(&mut desk, &nobody, &token, "attic"), Err(EngineError::TokenRefused));
    assert_eq!(spend_at(&mut desk, &bob, &token, "vault"), Err(EngineError::TokenRefused));
    let elsewhere = &mut Desk::of_store(2);
    let (cyd, unknown) = (elsewhere.who("ann"), EngineError::TokenRefused);
    elsewhere.open_account(&cyd);
    assert_eq!(spend(elsewhere, &token), Err(unknown), "nobody there trusts this engine");
    assert!(spend_at(&mut desk, &ann, &token, "vault").is_ok(), "nothing was spent by the tries");

    let (mut desk, ann) = self::desk();
    let token = issue(&mut desk, &ann).token;
    let rows = desk.row_count();
    desk.wait(desk.limits.admission_token_life + Duration::from_millis(1));
    assert_eq!(spend(&mut desk, &token), Err(EngineError::TokenRefused));
    assert_eq!(desk.row_count(), rows);
}

/// A-TOK-04: what an account may no longer do, its token does not do for it.
#[test]
fn a_token_of_an_account_that_has_ended_is_refused() {
    let (mut desk, ann) = desk();
    let token = issue(&mut desk, &ann).token;
    desk.run(&ann, &EraseAccount { identity: None }).unwrap();
    assert_eq!(spend(&mut desk, &token), Err(EngineError::TokenRefused));
}

/// A-TOK-07: what lies in the table is no token and holds none; and it is known on disk by a format of its own.
#[test]
fn the_table_holds_no_token_and_a_token_has_one_form() {
    let (mut desk, ann) = desk();
    let token = issue(&mut desk, &ann).token;
    let rows: Vec<String> =
        desk.values_under(b't').iter().map(|row| strongroom_primitives::encoding::to_hex(row)).collect();
    insta::assert_snapshot!(
        rows.join("\n"),
        @"0110000efec87c5749ec1157912e0e171f60057661756c7480909282e73380c8ababe73300"
    );
    let signature = token.expose().rsplit('.').next().unwrap();
    for row in desk.values_under(b't') {
        assert!(!row.windows(32).any(|part| token.expose().as_bytes().windows(32).any(|text| text == part)));
        for text in [
            strongroom_primitives::encoding::to_base64url(&row),
            strongroom_primitives::encoding::to_hex(&row),
        ] {
            let forged = SecretText::new(format!("sra1.{text}.{signature}"));
            assert_eq!(spend(&mut desk, &forged), Err(EngineError::TokenRefused));
        }
    }
    insta::assert_snapshot!(
        token.expose(),
        @"sra1.ri_vl8P5ZTKy-qxLPYBDOva_HllMlhvrljBhFYQnGGQEdGVzdANhbm4FdmF1bHQQAA7-yHxXSewRV5EuDhcfYICQkoLnM4DIq6vnMw.tHoIxkrHHqp4fHov3DOuNFfM0vkfOsWaaxgE3fFI0hdAPo8JmkEwzY8NmtxVaDyTE9XY6DwOIhvndaO6mq9qAg"
    );
}

/// A-LEAK-01: neither the command nor the answer shows the token.
#[test]
fn a_token_is_not_printed() {
    let (mut desk, ann) = desk();
    let issued = issue(&mut desk, &ann);
    let spend = SpendToken { token: issued.token.clone(), audience: audience("vault") };
    let printed = format!("{issued:?} {spend:?}");
    let middle = issued.token.expose().split('.').nth(1).unwrap();
    assert!(!printed.contains(middle) && !printed.contains("sra1"), "{printed}");
    let fingerprinted = postcard::to_allocvec(&spend).unwrap();
    assert!(!fingerprinted.windows(16).any(|part| middle.as_bytes().windows(16).any(|text| text == part)));
}

/// A-TOK-05: by hand, the ways in which texts are altered on their way.
#[test]
fn a_token_that_was_altered_is_refused() {
    let (mut desk, ann) = desk();
    let token = issue(&mut desk, &ann).token;
    let text = token.expose();
    let parts: Vec<&str> = text.split('.').collect();
    let (claims, signature) = (parts[1], parts[2]);
    let altered = [
        String::new(),
        "sra1".to_owned(),
        "sra1..".to_owned(),
        format!(" {text}"),
        format!("{text}\n"),
        format!("{text}="),
        format!("{text}.{signature}"),
        format!("sra2.{claims}.{signature}"),
        format!("SRA1.{claims}.{signature}"),
        format!("sra1.{claims}="),
        format!("sra1.{claims}."),
        format!("sra1.{signature}.{claims}"),
        format!("sra1.{claims}.{}", &signature[..signature.len() - 1]),
        "s".repeat(1 << 20),
        format!("sra1.{}.{signature}", "A".repeat(1 << 20)),
    ];
    for bad in altered {
        assert_eq!(spend(&mut desk, &SecretText::new(bad)), Err(EngineError::TokenRefused));
    }
    assert!(spend(&mut desk, &token).is_ok());
}

proptest! {
    /// A-TOK-05: no other text than the one that was issued is a token, however near it is.
    #[test]
    fn no_character_of_a_token_can_be_another(at in any::<prop::sample::Index>(), with in "[ -~é]", cut: bool) {
        let (mut desk, ann) = desk();
        let token = issue(&mut desk, &ann).token;
        let at = at.index(token.expose().len());
        let (before, after) = (&token.expose()[..at], &token.expose()[at + 1..]);
        let changed = if cut { format!("{before}{after}") } else { format!("{before}{with}{after}") };
        prop_assume!(changed != token.expose());
        prop_assert_eq!(spend(&mut desk, &SecretText::new(changed)), Err(EngineError::TokenRefused));
        prop_assert!(spend(&mut desk, &token).is_ok());
    }

    /// Whatever is asked in whatever order: an audience admits at most once, and exactly the token that was issued last.
    #[test]
    fn an_account_is_admitted_at_most_once_per_audience(
        deeds in prop::collection::vec((0_u8..4, any::<prop::sample::Index>()), 1..24),
    ) {
        let (mut desk, ann) = desk();
        let mut issued: Vec<TokenIssued> = Vec::new();
        let mut admitted = 0;
        for (deed, which) in deeds {
            match deed {
                0 | 1 => match desk.run(&ann, &IssueToken { audience: audience("vault") }) {
                    Ok(token) => issued.push(token),
                    Err(error) => {
                        prop_assert_eq!(error, EngineError::AlreadyAdmitted);
                        prop_assert_eq!(admitted, 1);
                    }
                },
                2 if !issued.is_empty() => {
                    let token = &issued[which.index(issued.len())];
                    let latest = issued.last().is_some_and(|last| last.token.matches(token.token.expose()));
                    let good = latest && admitted == 0 && desk.now <= token.expires;
                    prop_assert_eq!(spend(&mut desk, &token.token).is_ok(), good);
                    admitted += u32::from(good);
                }
                2 => {}
                _ => desk.wait(desk.limits.admission_token_life / 2),
            }
        }
    }
}

/// Tokens of a keystore elsewhere: named by the issuer, spent once, refused from whoever is not trusted.
#[test]
fn a_token_of_a_trusted_keystore_admits_once() {
    let mut keystore = Desk::of_store(2);
    let ann = keystore.who("ann");
    let token = issue(&mut keystore, &ann).token;
    let mut vault = Desk::new();
    assert_eq!(spend(&mut vault, &token), Err(EngineError::TokenRefused));
    vault.trust(keystore.as_issuer("acme"));
    let nobody = vault.nobody();
    assert_eq!(
        spend_at(&mut vault, &nobody, &token, "attic"),
        Err(EngineError::TokenRefused),
        "not this door"
    );
    let local = vault.who("ann");
    vault.open_account(&local);
    assert_eq!(spend_at(&mut vault, &local, &token, "vault"), Err(EngineError::TokenRefused), "not that ann");
    let admitted = spend(&mut vault, &token).unwrap();
    assert_eq!(admitted.issuer, Issuer::Other(IssuerName::new("acme").unwrap()));
    assert_eq!(admitted.identity, ann.identity.clone().unwrap());
    assert_eq!(spend(&mut vault, &token), Err(EngineError::TokenSpent));
    assert_eq!(vault.rows_under(b'u'), 1);
    assert!(issue(&mut keystore, &ann).token.matches(token.expose()), "the keystore does not learn of it");

    vault.now = keystore.now.saturating_sub(vault.limits.token_clock_tolerance + Duration::from_millis(1));
    assert_eq!(spend(&mut vault, &token), Err(EngineError::TokenRefused), "it has not been issued yet");
}

#[test]
fn an_account_asks_admission_to_so_many_services_and_no_more() {
    let (mut desk, ann) = desk();
    let max = desk.limits.account_audiences_max;
    let ask = |desk: &mut Desk, n: usize| {
        desk.run(&ann, &IssueToken { audience: audience(&format!("service-{n}")) }).map(drop)
    };
    for n in 0..max {
        ask(&mut desk, n).unwrap();
    }
    let refused = Err(EngineError::QuotaExceeded { what: Quota::Audiences, max: max as u64 });
    for n in [max, max + 1, max * 10] {
        assert_eq!(ask(&mut desk, n), refused);
    }
    assert_eq!(ask(&mut desk, 0), Ok(()), "those that there are go on");
}

/// A forged token costs no row, and waits in nobody's lane.
#[test]
fn what_a_token_claims_moves_nothing_before_it_is_believed() {
    let (mut desk, ann) = desk();
    let token = issue(&mut desk, &ann).token;
    let forged =
        SpendToken { token: SecretText::new(token.expose()[..40].to_owned()), audience: audience("vault") };
    let space: &Keyspace = desk.space();
    assert!(forged.reads(&desk.nobody(), space).is_empty());
    let genuine = SpendToken { token, audience: audience("vault") };
    assert_ne!(genuine.lane(&desk.nobody(), space), crate::command::Lane::of_account(ann.account));
    assert_eq!(
        genuine.lane(&desk.nobody(), space),
        genuine.clone().lane(&ann, space),
        "two tries are in order"
    );
}
