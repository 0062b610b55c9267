//! Going down in order.

use std::{
    io,
    time::{Duration, Instant},
};

use strongroom_transports::{
    Front, Router,
    http::{HttpOptions, Listener},
};

use super::{
    support::{Setup, request},
    websocket::{Talk, Told},
};

/// F-20: requests in flight are answered, nobody new is let in, WebSockets are told with 1001, and it takes no longer
/// than it may.
#[test]
fn f_20_going_down_finishes_what_is_in_flight_and_lets_nobody_in() {
    let mut server = Setup { stand_alone: Some(Default::default()), ..Setup::default() }.start();
    let token = server.bearer("ann").token;
    let mut sockets: Vec<Talk> =
        server.websockets().into_iter().map(|address| Talk::signed_in(address, &token)).collect();
    let mut idle = server.peer();
    assert_eq!(idle.ask("GET", "/probe/good", &[], "").unwrap().status, 200);
    let mut busy: Vec<_> = (0..8).map(|_| server.peer()).collect();
    for peer in &mut busy {
        peer.send(request("GET", "/probe/slow", &[], "")).unwrap();
    }
    let since = Instant::now();
    while server.reached() < 9 {
        assert!(since.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(5));
    }
    let address = server.address;
    server.begin_to_stop();
    for peer in &mut busy {
        let replies = peer.replies().unwrap();
        assert_eq!((replies.len(), replies[0].status), (1, 200));
        assert_eq!(replies[0].header("connection"), Some("close"));
    }
    let (took, bytes) = idle.until_closed();
    assert!(bytes.is_empty() && took < Duration::from_secs(5), "idle connections are closed: {took:?}");
    for socket in &mut sockets {
        assert_eq!(socket.told(), Told::Close(1001));
    }
    let took = server.stop();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let refused = std::net::TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn an_address_in_use_is_said_to_be() {
    let server = Setup::default().start();
    let address = server.address;
    actix_rt::System::new().block_on(async move {
        let options = HttpOptions { bind: vec![address], ..HttpOptions::default() };
        let front = Front::new(server.engine.clone(), Default::default());
        let router = Router::builder().build().unwrap();
        let error = Listener::start(options, front, router.into()).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    });
}

#[test]
fn a_listener_that_is_dropped_listens_no_more() {
    let server = Setup::default().start();
    let engine = server.engine.clone();
    actix_rt::System::new().block_on(async move {
        let options = HttpOptions { bind: vec![([127, 0, 0, 1], 0).into()], ..HttpOptions::default() };
        let front = Front::new(engine, Default::default());
        let router = Router::builder().build().unwrap();
        let listener = Listener::start(options, front, router.into()).unwrap();
        let address = listener.addresses()[0];
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(listener);
        let since = Instant::now();
        while std::net::TcpStream::connect(address).is_ok() {
            assert!(since.elapsed() < Duration::from_secs(5), "it still listens");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}
