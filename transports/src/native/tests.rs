mod people;
mod recovery;
mod routes;
mod service_keys;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method, header};
use serde_json::{Value, json};
use strongroom_engine::Limits;

use self::routes::{OPEN_ROUTES, body_for};
use crate::{
    EdgeLimits, Router,
    exchange::Response,
    testing::{Bench, paused, request},
};

const JSON: &str = "content-type: application/json";

/// A server and a caller's token.
struct Desk {
    bench: Bench,
    router: Arc<Router>,
    token: String,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Desk {
    async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        let bench = Bench::with(limits, EdgeLimits::default()).await;
        let token = bench.bearer("ann").await.token;
        Self { bench, router: Arc::new(Router::builder().native("/v1").build().unwrap()), token }
    }

    /// The same server, asked by somebody else.
    async fn of(&self, subject: &str) -> Caller<'_> {
        Caller { desk: self, token: self.bench.bearer(subject).await.token }
    }

    async fn raw(&self, method: &str, target: &str, headers: &[&str], body: &str) -> Response {
        let method: Method = method.parse().unwrap();
        self.router.answer(&self.bench.front, request(method, target, headers, body)).await
    }

    async fn ask(&self, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        self.ask_as(&self.token, method, target, headers, body).await
    }

    async fn ask_as(&self, token: &str, method: &str, target: &str, more: &[&str], body: &str) -> Answer {
        let authorization = format!("authorization: Bearer {token}");
        let mut headers = vec![authorization.as_str()];
        if !body.is_empty() && !more.iter().any(|line| line.starts_with("content-type")) {
            headers.push(JSON);
        }
        headers.extend_from_slice(more);
        let Response { status, headers, body } = self.raw(method, target, &headers, body).await;
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Answer { status: status.as_u16(), headers, body }
    }

    async fn put(&self, name: &str, meta: &str, value: &str, more: &[&str]) -> Answer {
        use strongroom_primitives::encoding::to_base64;
        let (meta, value) = (to_base64(meta.as_bytes()), to_base64(value.as_bytes()));
        let body = json!({ "meta": meta, "value": value }).to_string();
        self.ask("PUT", &format!("/v1/records/{name}"), more, &body).await
    }
}

struct Caller<'a> {
    desk: &'a Desk,
    token: String,
}

impl Caller<'_> {
    async fn get(&self, target: &str) -> Answer {
        self.desk.ask_as(&self.token, "GET", target, &[], "").await
    }
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["code"].as_str().unwrap_or_default())
}

fn etag(answer: &Answer) -> String {
    answer.headers[header::ETAG].to_str().unwrap().to_owned()
}

#[actix_rt::test]
async fn a_record_is_written_by_compare_and_set_over_entity_tags() {
    let desk = Desk::new().await;
    let first = desk.put("notes/today", "m", "v1", &["if-none-match: *"]).await;
    assert_eq!(first.status, 200);
    assert_eq!(etag(&first), format!("\"{}\"", first.body["tag"].as_str().unwrap()));
    let stored = desk.ask("GET", "/v1/records/notes/today", &[], "").await;
    assert_eq!((stored.status, etag(&stored)), (200, etag(&first)));
    assert_eq!(stored.body["value"], "djE=");
    assert_eq!(stored.body["head"]["name"], json!(["notes", "today"]));

    let if_first = format!("if-match: {}", etag(&first));
    let unless_first = format!("if-none-match: {}", etag(&first));
    let known = desk.ask("GET", "/v1/records/notes/today", &[&unless_first], "").await;
    assert_eq!((known.status, &known.body, etag(&known)), (304, &Value::Null, etag(&first)));

    let unsaid = desk.put("notes/today", "m", "v2", &[]).await;
    assert_eq!(code(&unsaid), (428, "previous-missing"));
    assert_eq!(unsaid.body["head"]["sequence"], 1, "enough to try again");
    let created_already = desk.put("notes/today", "m", "v2", &["if-none-match: *"]).await;
    assert_eq!(code(&created_already), (412, "stale-record"));
    let second = desk.put("notes/today", "m", "v2", &[&if_first]).await;
    assert_eq!((second.status, &second.body["version"]), (200, &json!("2.0")));
    let stale = desk.put("notes/today", "m", "v3", &[&format!("if-match: {}", etag(&first))]).await;
    assert_eq!(code(&stale), (412, "stale-record"));
    assert_eq!(stale.body["head"]["tag"], second.body["tag"]);

    let if_second = format!("if-match: {}", etag(&second));
    let stale = desk.ask("DELETE", "/v1/records/notes/today", &[&if_first], "").await;
    assert_eq!(code(&stale), (412, "stale-record"));
    let gone = desk.ask("DELETE", "/v1/records/notes/today", &[&if_second], "").await;
    assert_eq!(gone.status, 204);
    assert_eq!(desk.ask("DELETE", "/v1/records/notes/today", &[], "").await.status, 404);
}

#[actix_rt::test]
async fn names_may_hold_slashes_and_listings_are_paged_by_opaque_cursors() {
    let desk = Desk::new().await;
    for name in ["a%2Fb", "a/b", "a/c%20d", "b"] {
        assert_eq!(desk.put(name, "m", "v", &[]).await.status, 200, "{name}");
    }
    let names = |answer: &Answer| -> Vec<Value> {
        answer.body["records"].as_array().unwrap().iter().map(|record| record["name"].clone()).collect()
    };
    let mut under_a = names(&desk.ask("GET", "/v1/records?prefix=a", &[], "").await);
    under_a.sort_by_key(Value::to_string);
    assert_eq!(under_a, [json!(["a", "b"]), json!(["a", "c d"])]);
    let both = desk.ask("GET", "/v1/records?prefix=a&prefix=c+d", &[], "").await;
    assert_eq!(names(&both), [json!(["a", "c d"])]);

    let (mut seen, mut target) = (Vec::new(), "/v1/records?limit=1".to_owned());
    loop {
        let page = desk.ask("GET", &target, &[], "").await;
        seen.extend(names(&page));
        match page.body["next"].as_str() {
            Some(next) => target = format!("/v1/records?limit=1&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 4);

    for forged in ["%00", "!!", "AA%3D", &"A".repeat(2_000)] {
        let answer = desk.ask("GET", &format!("/v1/records?cursor={forged}"), &[], "").await;
        assert_eq!(code(&answer), (400, "bad-request"), "{forged}");
    }
    for elsewhere in ["", "AA", "____", "_____w"] {
        let answer = desk.ask("GET", &format!("/v1/records?cursor={elsewhere}"), &[], "").await;
        assert_eq!(answer.status, 200, "{elsewhere}");
        let answer = desk.ask("GET", &format!("/v1/grants?cursor={elsewhere}"), &[], "").await;
        assert_eq!(answer.body["grants"], json!([]), "{elsewhere}");
    }
}

#[actix_rt::test]
async fn a_former_version_can_be_read_and_brought_back() {
    let desk = Desk::new().await;
    let first = desk.put("a", "m", "v1", &[]).await;
    desk.put("a", "m", "v2", &[&format!("if-match: {}", etag(&first))]).await;
    let history = desk.ask("GET", "/v1/history/a", &[], "").await;
    let sequences: Vec<_> =
        history.body["versions"].as_array().unwrap().iter().map(|one| one["sequence"].clone()).collect();
    assert_eq!(sequences, [json!(1), json!(2)]);
    let former = desk.ask("GET", "/v1/version/a?sequence=1", &[], "").await;
    assert_eq!((former.status, &former.body["value"], etag(&former)), (200, &json!("djE="), etag(&first)));
    assert_eq!(code(&desk.ask("GET", "/v1/version/a?sequence=9", &[], "").await), (404, "unknown-version"));
    assert_eq!(code(&desk.ask("GET", "/v1/version/a", &[], "").await), (400, "bad-request"));

    let stale = [&*format!("if-match: {}", etag(&first))];
    let stale = desk.ask("POST", "/v1/undo/a", &stale, r#"{"sequence":1}"#).await;
    assert_eq!(code(&stale), (412, "stale-record"));
    let undone = desk.ask("POST", "/v1/undo/a", &[], r#"{"sequence":1}"#).await;
    assert_eq!((undone.status, &undone.body["sequence"]), (200, &json!(3)));
    assert_eq!(desk.ask("GET", "/v1/records/a", &[], "").await.body["value"], "djE=");
}

#[actix_rt::test]
async fn a_shared_record_is_read_by_naming_its_owner_and_can_be_proved() {
    let desk = Desk::new().await;
    let bob = desk.of("bob").await;
    desk.put("a", "m", "v", &[]).await;
    let shared = desk.ask("POST", "/v1/share/a", &[], r#"{"add":["bob"]}"#).await;
    assert_eq!(shared.body["recipients"], json!(["ann", "bob"]));
    assert_eq!(bob.get("/v1/records/a?owner=ann").await.body["value"], "dg==");
    assert_eq!(bob.get("/v1/records?owner=ann").await.body["records"].as_array().unwrap().len(), 1);
    assert_eq!(bob.get("/v1/feed?owner=ann&record=a&after=0").await.status, 200);

    let receipt = bob.get("/v1/receipt/a?owner=ann").await;
    let text = |member: &str| receipt.body[member].as_str().unwrap().to_owned();
    let bytes = |member: &str| strongroom_primitives::encoding::from_base64url(&text(member)).unwrap();
    assert_eq!((bytes("signature").len(), bytes("key").len()), (64, 32));
    assert_eq!(bytes("key"), desk.bench.engine.handle().receipt_key());

    desk.ask("POST", "/v1/share/a", &[], r#"{"remove":["bob"]}"#).await;
    assert_eq!(bob.get("/v1/records/a?owner=ann").await.status, 404);
}

/// Absent and unreadable are one answer, byte for byte.
#[actix_rt::test]
async fn what_one_may_not_read_looks_exactly_like_what_is_not_there() {
    let desk = Desk::new().await;
    desk.put("secret", "m", "v", &[]).await;
    let bob = desk.of("bob").await;
    let headers = [format!("authorization: Bearer {}", bob.token)];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    for (hidden, absent) in [
        ("/v1/records/secret?owner=ann", "/v1/records/nothing?owner=ann"),
        ("/v1/records/secret?owner=ann", "/v1/records/secret?owner=nobody"),
        ("/v1/receipt/secret?owner=ann", "/v1/receipt/nothing?owner=nobody"),
        ("/v1/feed?owner=ann&record=secret&after=0", "/v1/feed?owner=ann&record=nothing&after=0"),
        ("/v1/feed?owner=ann&after=0", "/v1/feed?owner=nobody&after=0"),
    ] {
        let (hidden, absent) =
            (desk.raw("GET", hidden, &headers, "").await, desk.raw("GET", absent, &headers, "").await);
        assert_eq!(hidden.status, 404);
        assert_eq!(
            (hidden.status, hidden.headers, hidden.body),
            (absent.status, absent.headers, absent.body)
        );
    }
}

#[actix_rt::test]
async fn a_retry_under_the_same_key_gets_the_first_answer() {
    let desk = Desk::new().await;
    let key = ["idempotency-key: AAECAwQFBgcICQoLDA0ODw"];
    let first = desk.put("a", "m", "v", &key).await;
    let again = desk.put("a", "m", "v", &key).await;
    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(code(&desk.put("a", "m", "other", &key).await), (422, "idempotency-mismatch"));
    for bad in ["idempotency-key: 7", "idempotency-key: 000102030405060708090A0B0C0D0E0F"] {
        assert_eq!(code(&desk.put("b", "m", "v", &[bad]).await), (400, "bad-request"));
    }
    let twice = desk.put("b", "m", "v", &[key[0], key[0]]).await;
    assert_eq!(code(&twice), (400, "bad-request"));
    assert_eq!(desk.ask("GET", "/v1/records/b", &[], "").await.status, 404);
}

/// A-REC-03: sizes are those of the decoded bytes, exact at the edge; base64 has one spelling.
#[actix_rt::test]
async fn sizes_are_exact_and_base64_has_one_spelling() {
    let desk = Desk::new().await;
    let (meta, value) = ("m".repeat(65_536), "v".repeat(102_400));
    assert_eq!(desk.put("a", &meta, &value, &[]).await.status, 200);
    assert_eq!(code(&desk.put("b", &format!("{meta}+"), "v", &[]).await), (413, "meta-too-large"));
    assert_eq!(code(&desk.put("b", "m", &format!("{value}+"), &[]).await), (413, "value-too-large"));
    let single = "m".repeat(10_241);
    assert_eq!(code(&desk.put("keyknox-v1", &single, "v", &[]).await), (413, "meta-too-large"));
    for spelling in ["bQ", "bQ=", "bR==", "b Q==", "bQ==\\n", "-_8="] {
        let body = format!(r#"{{"meta":"{spelling}","value":"dg=="}}"#);
        assert_eq!(desk.ask("PUT", "/v1/records/b", &[], &body).await.status, 400, "{spelling}");
    }
}

/// A-HTTP-11: every other spelling of a document is refused, and none of it is repeated in the refusal (A-LEAK-01).
#[actix_rt::test]
async fn a_body_is_strictly_json_and_strictly_the_document_that_belongs_here() {
    let desk = Desk::new().await;
    let deep = format!(r#"{{"meta":{}"dg=="{},"value":"dg=="}}"#, "[".repeat(33), "]".repeat(33));
    for body in [
        "",
        "null",
        "[]",
        r#"["bQ==","dg=="]"#,
        "{}",
        "\u{feff}{\"meta\":\"bQ==\",\"value\":\"dg==\"}",
        r#"{"meta":NaN,"value":"dg=="}"#,
        r#"{"meta":"bQ==","value":"dg=="} {}"#,
        r#"{"meta":"bQ==","value":"dg=="} canary"#,
        r#"{"meta":"bQ==",/* canary */"value":"dg=="}"#,
        r#"{"meta":"bQ==","value":"dg==",}"#,
        r#"{'meta':'bQ==','value':'dg=='}"#,
        r#"{"meta":"bQ==","meta":"bQ==","value":"dg=="}"#,
        r#"{"meta":"bQ==","value":"dg==","canary":1}"#,
        r#"{"meta":"canary!","value":"dg=="}"#,
        r#"{"meta":"bQ==","value":["canary"]}"#,
        r#"{"meta":"bQ==","value":null}"#,
        r#"{"meta":"bQ==","value":"dg==","recipients":[""]}"#,
        deep.as_str(),
    ] {
        let answer = desk.ask("PUT", "/v1/records/a", &[JSON], body).await;
        assert_eq!(code(&answer), (400, "bad-request"), "{body}");
        assert!(!answer.body.to_string().contains("canary"), "{}", answer.body);
    }
    let good = body_for("PUT", "");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]
    {
        let header = format!("content-type: {media_type}");
        let answer = desk.ask("PUT", "/v1/records/a", &[&header], good).await;
        assert_eq!(code(&answer), (415, "unsupported-media-type"), "{media_type}");
    }
    let undeclared = [&*format!("authorization: Bearer {}", desk.token)];
    assert_eq!(desk.raw("PUT", "/v1/records/a", &undeclared, good).await.status, 415);
    assert_eq!(desk.ask("GET", "/v1/session", &[JSON], "{}").await.status, 400, "no body belongs here");
    assert_eq!(desk.ask("GET", "/v1/records/a", &[], "").await.status, 404, "nothing was written");
}

#[actix_rt::test]
async fn sessions_are_listed_and_revoked_and_an_account_is_erased_only_when_confirmed() {
    let desk = Desk::new().await;
    let other = desk.bench.bearer("ann").await;
    let me = desk.ask("GET", "/v1/session", &[], "").await;
    assert_eq!(
        (&me.body["subject"], &me.body["rights"]),
        (&json!("ann"), &json!(["create", "get", "reset"]))
    );
    let sessions = desk.ask("GET", "/v1/sessions", &[], "").await;
    assert_eq!(sessions.body["sessions"].as_array().unwrap().len(), 2);
    let revoke = format!("/v1/session/{}", other.session);
    assert_eq!(desk.ask("DELETE", &revoke, &[], "").await.status, 204);
    assert_eq!(code(&desk.ask("DELETE", &revoke, &[], "").await), (404, "unknown-session"));
    assert_eq!(desk.ask_as(&other.token, "GET", "/v1/session", &[], "").await.status, 401);

    desk.put("a", "m", "v", &[]).await;
    let slip = desk.ask("DELETE", "/v1/account", &[], r#"{"confirm":"bob"}"#).await;
    assert_eq!(code(&slip), (422, "confirmation-mismatch"));
    assert_eq!(desk.ask("GET", "/v1/records/a", &[], "").await.status, 200);
    assert_eq!(desk.ask("DELETE", "/v1/account", &[], r#"{"confirm":"ann"}"#).await.status, 204);
    let gone = desk.ask("GET", "/v1/records/a", &[], "").await;
    assert!(matches!(gone.status, 401 | 403), "{}", gone.status);

    let desk = Desk::new().await;
    assert_eq!(desk.ask("DELETE", "/v1/session", &[], "").await.status, 204);
    assert_eq!(desk.ask("GET", "/v1/session", &[], "").await.status, 401);
}

#[actix_rt::test]
async fn a_child_session_is_opened_shown_once_and_ends_with_all_others() {
    let desk = Desk::new().await;
    let open = |body: &'static str| desk.ask("POST", "/v1/session/child", &[], body);
    let opened = open(r#"{"life_s":60,"label":"script"}"#).await;
    assert_eq!(opened.status, 200);
    let token = opened.body["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("srt_") && opened.body["expires"].is_u64());
    let grandchild = desk.ask_as(&token, "POST", "/v1/session/child", &[], r#"{"life_s":60}"#).await;
    assert_eq!(code(&grandchild), (403, "child-session"));
    for bad in [r#"{"life_s":0}"#, r#"{"life_s":2592001}"#, r#"{"life_s":-1}"#, r#"{"life_s":"60"}"#, "{}"] {
        assert_eq!(open(bad).await.status, 400, "{bad}");
    }
    let sessions = desk.ask("GET", "/v1/sessions", &[], "").await;
    let listed = sessions.body["sessions"].as_array().unwrap();
    let child = listed.iter().find(|one| one["label"] == "script").unwrap();
    assert!(child["parent"].is_string() && child.get("token").is_none());

    let others = desk.ask("DELETE", "/v1/sessions?keep_current=true", &[], "").await;
    assert_eq!((others.status, &others.body["count"]), (200, &json!(1)));
    assert_eq!(desk.ask_as(&token, "GET", "/v1/session", &[], "").await.status, 401);
    assert_eq!(desk.ask("DELETE", "/v1/sessions?keep_current=maybe", &[], "").await.status, 400);
    assert_eq!(desk.ask("DELETE", "/v1/sessions", &[], "").await.body["count"], json!(1));
    assert_eq!(desk.ask("GET", "/v1/session", &[], "").await.status, 401);
}

#[actix_rt::test]
async fn resetting_takes_what_begins_so_and_the_single_record_is_emptied_by_its_name() {
    let desk = Desk::new().await;
    for name in ["a/b", "a/c", "b", "keyknox-v1"] {
        desk.put(name, "m", "v", &[]).await;
    }
    let reset = desk.ask("POST", "/v1/reset", &[], r#"{"prefix":["a"]}"#).await;
    assert_eq!((reset.status, &reset.body["count"]), (200, &json!(2)));
    let reset = desk.ask("POST", "/v1/reset", &[], r#"{"prefix":[],"recipient":"ann"}"#).await;
    assert_eq!((reset.status, &reset.body["count"]), (200, &json!(1)));
    for bad in ["{}", r#"{"prefix":["a","b","c","d"]}"#, r#"{"prefix":[""]}"#] {
        assert_eq!(code(&desk.ask("POST", "/v1/reset", &[], bad).await), (400, "bad-request"), "{bad}");
    }
    let single = desk.ask("GET", "/v1/records/keyknox-v1", &[], "").await;
    assert_eq!(single.body["head"]["version"], "1.0", "a reset leaves the single record alone");
    assert_eq!(desk.ask("DELETE", "/v1/records/keyknox-v1", &[], "").await.status, 204);
    let emptied = desk.ask("GET", "/v1/records/keyknox-v1", &[], "").await;
    assert_eq!((&emptied.body["head"]["version"], &emptied.body["value"]), (&json!("2.0"), &json!("")));
}

#[test]
fn a_page_of_the_feed_can_be_waited_for() {
    paused(async {
        let desk = Desk::new().await;
        let began = desk.ask("GET", "/v1/feed", &[], "").await;
        let head = began.body["next_after"].as_u64().unwrap();
        assert_eq!(began.body["events"], json!([]));
        let target = format!("/v1/feed?after={head}&wait_s=30");

        let nothing = desk.ask("GET", &target, &[], "").await;
        assert_eq!((nothing.status, &nothing.body["next_after"]), (200, &json!(head)));

        let (waited, _) = tokio::join!(desk.ask("GET", &target, &[], ""), async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            desk.put("a", "m", "v", &[]).await
        });
        assert_eq!(waited.body["events"][0]["sequence"], json!(head + 1));
        assert_eq!(waited.body["events"][0]["what"]["record.put"]["name"], json!(["a"]));

        let beyond = desk.ask("GET", &format!("/v1/feed?after={}", head + 50), &[], "").await;
        assert_eq!((&beyond.body["gap"], &beyond.body["next_after"]), (&json!(true), &json!(head + 1)));

        let (late, ()) = tokio::join!(desk.ask("GET", "/v1/feed?wait_s=60", &[], ""), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            desk.bench.front.close();
        });
        assert_eq!((late.status, &late.body["events"]), (200, &json!([])));
    });
}

/// A-BUS-01: more than the engine takes on is told to come back, over requests and over frames, and is not queued.
#[actix_rt::test]
async fn a_busy_engine_says_when_to_come_back() {
    let desk = Desk::with(Limits { in_flight_max: 4, ..Limits::default() }).await;
    desk.put("a", "m", "v", &[]).await;
    let asked = (0..100).map(|_| desk.ask("GET", "/v1/records/a", &[], ""));
    let answers = futures_util::future::join_all(asked).await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(!busy.is_empty() && busy.len() < answers.len(), "{} busy", busy.len());
    for answer in busy {
        assert_eq!(code(answer), (503, "overloaded"));
        assert_eq!(answer.headers[header::RETRY_AFTER], "1");
        assert!(answer.body["retry_after_s"].as_f64().is_some_and(|after_s| after_s > 0.0));
    }
    assert_eq!(desk.ask("GET", "/v1/records/a", &[], "").await.status, 200);
}

/// A-LEAK-01.
#[test]
fn a_request_and_an_answer_print_without_what_they_carry() {
    let headers = ["authorization: Bearer srt_canary", "idempotency-key: canary"];
    let asked = request(Method::PUT, "/v1/records/a?owner=canary", &headers, r#"{"meta":"canary"}"#);
    let answered = Response::json(http::StatusCode::OK, r#"{"value":"canary"}"#);
    let printed = format!("{asked:?} {answered:?}");
    assert!(!printed.contains("canary"), "{printed}");
    assert!(printed.contains("authorization") && printed.contains("body_bytes"), "{printed}");
}

/// A-HTTP-13: no document says more than what is the matter and under which id the log has it.
#[actix_rt::test]
async fn a_problem_document_has_its_members_and_no_others() {
    let desk = Desk::new().await;
    let answer = desk.ask("GET", "/v1/records/nothing", &[], "").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(
        answer.body,
        json!({
            "type": "urn:strongroom:problem:unknown-record",
            "title": "there is no such record",
            "status": 404,
            "code": "unknown-record",
            "request_id": "r1",
        })
    );
}
