//! Gateway mode: preset headers of a peer that the transport has authenticated.

use super::*;

/// Preset headers as a gateway sends them; `None` leaves one out.
fn preset(application: Option<&str>, account: Option<&str>, identity: Option<&str>) -> Vec<(String, String)> {
    [("x-application-id", application), ("x-account-id", account), ("x-virgil-identity", identity)]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect()
}

async fn through_gateway(world: &World, headers: Vec<(String, String)>) -> Answer {
    let mut request = Client { world, headers }.request(Method::GET, "/v1", "");
    request.peer.gateway = true;
    Answer(world.answer(request).await)
}

#[test]
fn a_gateway_reaches_the_records_that_the_identitys_own_token_reaches() {
    run(async |world| {
        let own = world.client("zo\u{e9}").put("m", "v").await;
        let answer = through_gateway(&world, preset(Some("app"), Some("account 1"), Some("zo\u{e9}"))).await;
        assert_eq!(answer.record(), own.record());
        let elsewhere = through_gateway(&world, preset(Some("other"), Some("1"), Some("zo\u{e9}"))).await;
        assert_eq!(elsewhere.record()["meta"], "");
    });
}

#[test]
fn a_gateway_names_application_account_and_identity_or_is_told_what_is_missing() {
    run(async |world| {
        let (long, empty) = ("x".repeat(1_025), "");
        for (headers, code) in [
            (preset(None, None, None), 50000),
            (preset(Some(empty), Some("1"), Some("alice")), 50000),
            (preset(Some("no such application"), Some("1"), Some("alice")), 50011),
            (preset(Some("unknown"), Some("1"), Some("alice")), 50011),
            (preset(Some("app"), None, Some("alice")), 50001),
            (preset(Some("app"), Some(empty), Some("alice")), 50001),
            (preset(Some("app"), Some(&long), Some("alice")), 50001),
            (preset(Some("app"), Some("1"), None), 50003),
            (preset(Some("app"), Some("1"), Some(empty)), 50003),
            (preset(Some("app"), Some("1"), Some(&long)), 50003),
        ] {
            assert_eq!(
                through_gateway(&world, headers.clone()).await.refusal(),
                (400, code),
                "{headers:.60?}"
            );
        }
        let mut twice = preset(Some("app"), Some("1"), Some("alice"));
        twice.push(("x-virgil-identity".to_owned(), "bob".to_owned()));
        assert_eq!(through_gateway(&world, twice).await.refusal(), (400, 50003), "two identities are none");
        let longest = "x".repeat(1_024);
        through_gateway(&world, preset(Some("app"), Some(&longest), Some(&longest))).await.hash();
    });
}

#[test]
fn a_token_behind_a_gateway_is_not_looked_at() {
    run(async |world| {
        let mut headers = preset(Some("app"), Some("1"), Some("alice"));
        headers.push(("authorization".to_owned(), "Virgil a.b.c".to_owned()));
        through_gateway(&world, headers).await.hash();
        let only_token = world.client("alice").headers;
        assert_eq!(through_gateway(&world, only_token).await.refusal(), (400, 50000));
    });
}

#[test]
fn an_identity_behind_a_gateway_has_its_own_allowance_and_the_gateways_address_none() {
    let rates = RateLimits { reads_per_minute: 2, address_requests_per_minute: 1, ..RateLimits::NONE };
    with(rates, false, Limits::default(), async |world| {
        let alice = || preset(Some("app"), Some("1"), Some("alice"));
        through_gateway(&world, alice()).await.hash();
        through_gateway(&world, alice()).await.hash();
        assert_eq!(through_gateway(&world, alice()).await.refusal().0, 429);
        through_gateway(&world, preset(Some("app"), Some("1"), Some("bob"))).await.hash();
    });
}
