//! The operator's listener, and what the public one tells strangers.

use super::support::{OPERATOR, Peer, Setup};

#[test]
fn a_adm_01_every_path_takes_the_operators_token() {
    let server = Setup::default().start();
    let account = server.bearer("ann").token;
    for path in ["/admin/apps", "/v1/session", "/nowhere", "/panic", "/", "/livez/x", "/a//b"] {
        for credential in [
            None,
            Some("Authorization: Bearer ".to_owned()),
            Some(format!("Authorization: Bearer {account}")),
            Some(format!("Authorization: Bearer {OPERATOR}x")),
            Some(format!("Authorization: Basic {OPERATOR}")),
            Some(format!("Authorization: {OPERATOR}")),
            Some(format!("Authorization: Bearer {OPERATOR}\r\nAuthorization: Bearer {OPERATOR}")),
        ] {
            let headers: Vec<&str> = credential.as_deref().into_iter().collect();
            let mut peer = Peer::connect(server.admin);
            let reply = peer.ask("GET", path, &headers, "").unwrap();
            assert_eq!(reply.status, 401, "{path} with {credential:?}");
            assert!(reply.header("www-authenticate").is_some());
        }
    }
    let operator = format!("Authorization: Bearer {OPERATOR}");
    let mut peer = Peer::connect(server.admin);
    assert_eq!(peer.ask("GET", "/admin/apps", &[&operator], "").unwrap().json()["path"], "/admin/apps");
    assert_eq!(peer.ask("GET", "/a//b", &[&operator], "").unwrap().status, 400);
    assert_eq!(peer.ask("GET", "/panic", &[&operator], "").unwrap().status, 500);
    assert_eq!(peer.ask("GET", "/admin/apps", &[&operator], "").unwrap().status, 200);
    assert_eq!(server.peer().ask("GET", "/admin/apps", &[&operator], "").unwrap().status, 404, "elsewhere");
}

#[test]
fn a_adm_02_strangers_learn_of_health_and_nothing_else() {
    let server = Setup::default().start();
    let mut peer = server.peer();
    for path in ["/livez", "/readyz"] {
        let reply = peer.ask("GET", path, &[], "").unwrap();
        assert_eq!((reply.status, &*reply.text()), (200, r#"{"status":"ok"}"#), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    for path in ["/metrics", "/docs", "/admin", "/livez/", "/healthz"] {
        assert!(peer.ask("GET", path, &[], "").unwrap().status >= 400, "{path}");
    }
    assert_eq!(peer.ask("POST", "/livez", &[], "").unwrap().status, 404);
}

#[test]
fn a_adm_02_metrics_count_without_naming_anybody() {
    let server = Setup::default().start();
    let bearer = server.bearer("canary-subject");
    let credential = format!("Authorization: Bearer {}", bearer.token);
    let mut peer = server.peer();
    assert_eq!(peer.ask("GET", "/v1/session", &[&credential], "").unwrap().status, 200);
    assert_eq!(peer.ask("GET", "/v1/records/canary-record", &[&credential], "").unwrap().status, 404);
    let mut operator = Peer::connect(server.admin);
    let text = operator.ask("GET", "/metrics", &[], "").unwrap().text();
    for line in [
        r#"strongroom_connections{listener="public"} 1"#,
        r#"strongroom_http_answers_total{class="2xx"} 1"#,
        r#"strongroom_http_answers_total{class="4xx"} 1"#,
        r#"command="get_record",domain="records",outcome="unknown-record"} 1"#,
        "strongroom_ready 1",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    for told in ["canary", "test", &bearer.account.to_string(), &bearer.token, "127.0.0.1"] {
        assert!(!text.contains(told), "{told}");
    }
    let detail = operator.ask("GET", "/readyz", &[], "").unwrap().json();
    assert_eq!((&detail["status"], &detail["storage_answers"]), (&"ok".into(), &true.into()));
}
