//! Escrows and requests over HTTP: what each path takes, what it gives, and what it refuses.

use std::time::Duration;

use strongroom_engine::{
    domains::recovery::{Deal, HolderKind, ReleasePolicy},
    testing::escrows::{Dealer, SECRET, account, device, policy, requester_secret, signed},
};
use strongroom_primitives::{encoding::to_base64, id::RecoveryRequestId};

use super::*;

fn deal(deal: &Deal) -> Value {
    let holders = deal.holders.iter().map(|holder| {
        let kind = match &holder.kind {
            HolderKind::Account(subject) => json!({ "account": subject }),
            HolderKind::Device { signer } => json!({ "device": { "signer": to_base64(signer) } }),
            HolderKind::Realm => json!({ "realm": {} }),
            HolderKind::Paper => json!({ "paper": {} }),
            HolderKind::Server => json!({ "server": {} }),
        };
        let mut document = json!({ "index": holder.index, "kind": kind });
        if let Some(share) = &holder.share {
            let (public_key, text) = (to_base64(&share.public_key), to_base64(&share.text));
            document["share"] = json!({ "public_key": public_key, "text": text });
        }
        document
    });
    json!({ "commitments": to_base64(&deal.commitments), "holders": holders.collect::<Vec<_>>() })
}

/// Bob, ann's own device, a paper and the server; one approval, and no delay.
fn kinds() -> [HolderKind; 4] {
    [account("bob"), device(2), HolderKind::Paper, HolderKind::Server]
}

fn at_once() -> ReleasePolicy {
    ReleasePolicy { quorum: 1, delay: Duration::ZERO, ..policy() }
}

fn creation(dealer: &Dealer) -> (Deal, Value) {
    let create = dealer.create(2, &kinds(), at_once());
    let policy = json!({
        "quorum": 1, "delay_s": 0, "window_s": 7_200, "collect_s": 7_200, "open_requests_max": 4,
    });
    let document = json!({
        "id": create.id,
        "label": create.label,
        "payload": to_base64(&create.payload),
        "deal": deal(&create.deal),
        "policy": policy,
    });
    (create.deal, document)
}

/// All thirteen operations by their paths; what comes out is the secret.
#[actix_rt::test]
async fn a_secret_is_shared_and_recovered_by_paths_alone() {
    let desk = Desk::new().await;
    let bob = desk.of("bob").await;
    let ask = async |token: &str, method: &str, rest: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        desk.ask_as(token, method, &format!("/v1/escrows{rest}"), &[], &body).await
    };
    let (ann, bob) = (desk.token.as_str(), bob.token.as_str());
    let key = ask(ann, "GET", "/key", &Value::Null).await.body["public_key"].clone();
    assert_eq!(key, to_base64(&desk.bench.front.engine().recovery_key()));
    let mut dealer = Dealer::new(1, desk.bench.front.engine().recovery_key());
    let (first, new) = creation(&dealer);
    let made = ask(ann, "POST", "", &new).await;
    assert_eq!((made.status, &made.body["epoch"], &made.body["threshold"]), (200, &json!(1), &json!(2)));
    assert_eq!(code(&ask(ann, "POST", "", &new).await), (409, "escrow-exists"));
    let one = format!("/{}", dealer.escrow);
    let listed = |answer: Answer| answer.body["escrows"].as_array().unwrap().len();
    assert_eq!(listed(ask(ann, "GET", "", &Value::Null).await), 1);
    assert_eq!(
        listed(ask(ann, "GET", &format!("?limit=1&cursor={}", "ff".repeat(16)), &Value::Null).await),
        0
    );
    assert_eq!(listed(ask(bob, "GET", "", &Value::Null).await), 0);
    assert_eq!(listed(ask(bob, "GET", "/held?limit=5", &Value::Null).await), 1);
    let shown = ask(ann, "GET", &one, &Value::Null).await.body;
    assert_eq!(
        (&shown["policy"]["cooldown_s"], &shown["policy"]["activity_vetoes"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(shown["holders"][2], json!({ "index": 3, "kind": { "paper": {} } }));
    assert!(ask(bob, "GET", &one, &Value::Null).await.body.get("payload").is_none());

    let requests = format!("{one}/requests");
    let open = json!({ "public_key": to_base64(requester_secret().public().as_bytes()) });
    let asked = ask(ann, "POST", &requests, &open).await.body;
    assert_eq!((&asked["state"], &asked["reason"]), (&json!({ "open": {} }), &json!("")));
    let thief = ask(ann, "POST", &requests, &open).await.body;
    let path = |request: &Value| format!("{requests}/{}", request["id"].as_str().unwrap());
    let vetoed = ask(ann, "POST", &format!("{}/veto", path(&thief)), &Value::Null).await;
    assert_eq!((vetoed.status, &vetoed.body), (204, &Value::Null));
    assert_eq!(ask(bob, "GET", &path(&thief), &Value::Null).await.body["state"], json!({ "vetoed": {} }));
    assert_eq!(ask(bob, "GET", &requests, &Value::Null).await.body["requests"].as_array().unwrap().len(), 2);
    let collect = format!("{}/collect", path(&asked));
    assert_eq!(code(&ask(ann, "POST", &collect, &Value::Null).await), (409, "not-released"));

    let id: RecoveryRequestId = asked["id"].as_str().unwrap().parse().unwrap();
    let approval = signed(dealer.approve(&first, id, 2));
    let document = json!({
        "epoch": approval.epoch,
        "index": approval.index,
        "sealed": to_base64(&approval.sealed),
        "signature": to_base64(approval.signature.as_ref().unwrap()),
    });
    let approve = format!("{}/approve", path(&asked));
    assert_eq!(code(&ask(bob, "POST", &approve, &document).await), (403, "not-your-share"));
    let approved = ask(ann, "POST", &approve, &document).await.body;
    assert_eq!((&approved["approvals"][0]["index"], &approved["quorum"]), (&json!(2), &json!(1)));
    assert_eq!(code(&ask(ann, "POST", &approve, &document).await), (409, "already-approved"));
    assert_eq!(code(&ask(bob, "POST", &collect, &Value::Null).await), (404, "unknown-recovery-request"));
    let released = ask(ann, "POST", &collect, &Value::Null).await;
    assert_eq!(released.status, 200, "{:?}", released.body);
    let share = |at: usize| {
        let given = &released.body["shares"][at];
        let sealed = strongroom_primitives::encoding::from_base64(given["sealed"].as_str().unwrap()).unwrap();
        (u8::try_from(given["index"].as_u64().unwrap()).unwrap(), sealed.into())
    };
    let release = strongroom_engine::domains::recovery::Release {
        epoch: 1,
        commitments: first.commitments.clone(),
        shares: vec![share(0), share(1)],
        payload: dealer.payload(),
        until: strongroom_primitives::time::Timestamp::from_ms(released.body["until"].as_u64().unwrap()),
    };
    assert_eq!(dealer.recover(id, &release, &[]).unwrap(), SECRET);

    let refresh = dealer.refresh(2, &kinds());
    let next = json!({ "epoch": refresh.epoch, "deal": deal(&refresh.deal) });
    let epochs = format!("{one}/epochs");
    assert_eq!(ask(ann, "POST", &epochs, &next).await.body["epoch"], 2);
    assert_eq!(code(&ask(ann, "POST", &epochs, &next).await), (409, "stale-epoch"));
    assert_eq!(code(&ask(bob, "DELETE", &one, &Value::Null).await), (404, "unknown-escrow"));
    assert_eq!(ask(ann, "DELETE", &one, &Value::Null).await.status, 204);
    assert_eq!(code(&ask(ann, "GET", &one, &Value::Null).await), (404, "unknown-escrow"));
}

/// A-HTTP-11: bodies are strictly the document that belongs there, and ids have one spelling.
#[actix_rt::test]
async fn what_is_spelled_otherwise_is_refused() {
    let desk = Desk::new().await;
    let dealer = Dealer::new(1, desk.bench.front.engine().recovery_key());
    let (_, good) = creation(&dealer);
    let changed = |change: fn(&mut Value)| {
        let mut document = good.clone();
        change(&mut document);
        document.to_string()
    };
    for bad in [
        changed(|new| new["notice"] = json!(true)),
        changed(|new| new["policy"]["delay"] = json!(0)),
        changed(|new| drop(new["policy"].as_object_mut().unwrap().remove("window_s"))),
        changed(|new| new["deal"]["holders"][0]["index"] = json!(256)),
        changed(|new| new["deal"]["holders"][0]["kind"] = json!("paper")),
        changed(|new| new["deal"]["commitments"] = json!("A")),
        changed(|new| new["id"] = json!("F0".repeat(16))),
    ] {
        let answer = desk.ask("POST", "/v1/escrows", &[], &bad).await;
        assert_eq!(answer.status, 400, "{bad}: {:?}", answer.body);
    }
    let wrong = changed(|new| new["deal"]["holders"][0]["index"] = json!(0));
    assert_eq!(code(&desk.ask("POST", "/v1/escrows", &[], &wrong).await), (422, "escrow-invalid"));
    let one = "/v1/escrows/000102030405060708090a0b0c0d0e0f";
    for (method, target) in [
        ("GET", "/v1/escrows/00".to_owned()),
        ("GET", "/v1/escrows/000102030405060708090A0B0C0D0E0F".to_owned()),
        ("GET", format!("{one}/requests/1")),
        ("GET", format!("{one}/shares")),
        ("POST", format!("{one}/requests/000102030405060708090a0b0c0d0e0f/deny")),
    ] {
        assert_eq!(code(&desk.ask(method, &target, &[], "").await), (404, "unknown-path"), "{target}");
    }
    assert_eq!(desk.ask("GET", "/v1/escrows?limit=x", &[], "").await.status, 400);
    assert_eq!(desk.ask("GET", "/v1/escrows/held?cursor=x", &[], "").await.status, 400);
    for body in ["{}", r#"{"public_key":"AA=="}"#] {
        assert_eq!(desk.ask("POST", &format!("{one}/requests"), &[], body).await.status, 400, "{body}");
    }
}
