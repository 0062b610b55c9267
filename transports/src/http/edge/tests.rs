use std::time::Duration;

use actix_web::{http::header::HeaderValue as PlainValue, test::TestRequest};
use strongroom_primitives::secret::Secret;

use super::*;
use crate::{sockets::seats::Seats, testing::Bench, ws};

/// Answers nothing; the tests look at requests.
struct Nobody(Front);

impl Handler for Nobody {
    fn front(&self) -> &Front {
        &self.0
    }

    async fn answer(&self, _: Request) -> Response {
        Response::empty(StatusCode::OK)
    }

    fn refuse(&self, request: &Request, refusal: Refusal) -> Response {
        problem::response(problem::of_refusal(refusal), &request.request_id)
    }

    fn admit(&self, request: &Request) -> Result<Admitted, Box<Response>> {
        Err(Box::new(ws::refusal(problem::of_refusal(Refusal::AmbiguousPath), &request.request_id)))
    }
}

/// An edge with these options, on a running system.
fn at_edge<T>(options: HttpOptions, test: impl FnOnce(&Edge<Nobody>) -> T) -> T {
    actix_rt::System::new().block_on(async move {
        let bench = Bench::new().await;
        let edge = Edge::new(Nobody(bench.front.clone()), Arc::new(options));
        let result = test(&edge);
        bench.engine.stop(Duration::from_secs(1)).await;
        result
    })
}

fn seat(address: &str) -> Seat {
    let address = address.parse().unwrap();
    Seat::new(Seats::new(1, 0).take(address, true).unwrap(), address, false)
}

fn peer(edge: &Edge<Nobody>, from: &str, headers: &[(&'static str, &str)]) -> Peer {
    let request = headers.iter().fold(TestRequest::default(), |request, (name, value)| {
        request.append_header((*name, PlainValue::from_str(value).unwrap()))
    });
    edge.peer(request.to_http_request().head(), &seat(from))
}

/// THREATS section 2 rule 9: a forwarded-for header counts from configured proxies only.
#[test]
fn a_peer_is_who_it_is_unless_a_trusted_proxy_says_otherwise() {
    let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    at_edge(HttpOptions { trusted_proxies, ..HttpOptions::default() }, |edge| {
        let address = |from: &str, hops: &[&str]| {
            let headers: Vec<_> = hops.iter().map(|hops| ("x-forwarded-for", *hops)).collect();
            peer(edge, from, &headers).address.unwrap().to_string()
        };
        assert_eq!(address("192.0.2.1", &["203.0.113.9"]), "192.0.2.1", "not a proxy of ours");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            address("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"]),
            "203.0.113.9",
            "the last stranger"
        );
        assert_eq!(address("10.0.0.1", &["1.1.1.1", "203.0.113.9"]), "203.0.113.9", "in two headers");
        assert_eq!(address("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert!(!peer(edge, "192.0.2.1", &[("x-forwarded-proto", "https")]).secure);
        assert!(peer(edge, "10.0.0.1", &[("x-forwarded-proto", "https")]).secure);
        assert!(!peer(edge, "10.0.0.1", &[("x-forwarded-proto", "http")]).secure);
    });
}

/// A-REC-06: only the configured gateway is a gateway.
#[test]
fn a_gateway_proves_itself_by_address_and_secret() {
    let is_gateway = |networks: &[&str], secret: Option<&str>, from: &str, said: &[&str]| {
        let gateway = GatewayPeers {
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            secret: secret.map(|secret| Secret::new(secret.as_bytes().to_vec())),
        };
        let headers: Vec<_> = said.iter().map(|said| (GATEWAY_SECRET, *said)).collect();
        at_edge(HttpOptions { gateway, ..HttpOptions::default() }, |edge| peer(edge, from, &headers).gateway)
    };
    assert!(!is_gateway(&[], None, "127.0.0.1", &["s3cret"]), "nobody is configured");
    assert!(is_gateway(&["127.0.0.1"], None, "127.0.0.1", &[]));
    assert!(!is_gateway(&["127.0.0.1"], None, "192.0.2.1", &[]));
    assert!(is_gateway(&[], Some("s3cret"), "192.0.2.1", &["s3cret"]));
    assert!(!is_gateway(&[], Some("s3cret"), "192.0.2.1", &["s3creT"]));
    assert!(!is_gateway(&[], Some("s3cret"), "192.0.2.1", &["s3cret", "s3cret"]));
    assert!(!is_gateway(&[], Some("s3cret"), "192.0.2.1", &[]));
    assert!(!is_gateway(&["127.0.0.1"], Some("s3cret"), "192.0.2.1", &["s3cret"]));
    assert!(is_gateway(&["127.0.0.1"], Some("s3cret"), "127.0.0.1", &["s3cret"]));
}

/// A-HTTP-08: whatever host a peer names, nobody behind the edge hears of it; nor of secrets meant for the edge.
#[test]
fn what_concerns_the_connection_ends_at_the_edge() {
    at_edge(HttpOptions::default(), |edge| {
        let request = TestRequest::with_uri("/v1/records/a%2Fb?prefix=x")
            .insert_header(("host", "keys.example"))
            .insert_header(("connection", "keep-alive"))
            .insert_header(("x-forwarded-host", "evil.example"))
            .insert_header(("strongroom-gateway-secret", "s3cret"))
            .insert_header(("authorization", "Bearer srt_x"))
            .append_header(("accept", "a"))
            .append_header(("accept", "b"))
            .to_http_request();
        let request = edge.request(request.head(), &seat("192.0.2.1"));
        assert_eq!((&*request.path, request.query.as_deref()), ("/v1/records/a%2Fb", Some("prefix=x")));
        let mut names: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        names.sort_unstable();
        let passed: [(_, &[u8]); 4] = [
            ("accept", b"a"),
            ("accept", b"b"),
            ("authorization", b"Bearer srt_x"),
            // A signature may cover it.
            ("host", b"keys.example"),
        ];
        assert_eq!(names, passed);
    });
}

#[test]
fn methods_are_carried_as_they_are() {
    for method in ["GET", "PUT", "POST", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"] {
        let plain = actix_web::http::Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(method_of(&plain).as_str(), method);
    }
}
