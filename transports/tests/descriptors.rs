//! A process without descriptors, alone in its process because the limit is the process's.

#![expect(clippy::disallowed_methods, reason = "sockets live in real time")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use strongroom_engine::{
    Engine,
    ports::{Clock, SystemClock},
};
use strongroom_storage::Memory;
use strongroom_transports::{
    EdgeLimits, Front, Router,
    http::{HttpLimits, HttpOptions, Listener},
};

fn lives(socket: &mut TcpStream) -> bool {
    let mut answer = [0; 4096];
    socket.write_all(b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n").is_ok()
        && socket.read(&mut answer).is_ok_and(|length| answer[..length].starts_with(b"HTTP/1.1 200"))
}

fn connect(address: std::net::SocketAddr) -> Option<TcpStream> {
    let socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    Some(socket)
}

/// F-19: without descriptors nobody new is served, those who are connected are, and it passes.
#[test]
fn f_19_a_process_without_descriptors_serves_whom_it_has_and_recovers() {
    let (started, is_started) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let clock = Arc::new(SystemClock::new());
            let wall = clock.clone();
            let store = Memory::new(Arc::new(move || wall.wall().as_ms()));
            let engine = Engine::builder(Arc::new(store)).clock(clock).start().await.unwrap();
            let front = Front::new(engine.handle().clone(), EdgeLimits::default());
            let router = Arc::new(Router::builder().build().unwrap());
            let limits = HttpLimits { connections_per_source_max: 0, ..HttpLimits::default() };
            let bind = vec![([127, 0, 0, 1], 0).into()];
            let options = HttpOptions { bind, limits, ..HttpOptions::default() };
            let listener = Listener::start(options, front, router).unwrap();
            started.send(listener.addresses()[0]).unwrap();
            let _ = stopped.await;
            listener.stop().await;
        });
    });
    let address = is_started.recv().unwrap();
    let mut before = connect(address).unwrap();
    assert!(lives(&mut before));
    let (soft, hard) = rlimit::Resource::NOFILE.get().unwrap();
    rlimit::Resource::NOFILE.set(128, hard).unwrap();
    // Our own ends take descriptors as well: both sides run out together, and the last to connect wait unaccepted.
    let mut crowd = Vec::new();
    while let Some(socket) = connect(address) {
        crowd.push(socket);
    }
    assert!(crowd.len() > 20, "{}", crowd.len());
    std::thread::sleep(Duration::from_millis(700));
    assert!(lives(&mut before), "whoever is connected is served");
    drop(crowd);
    let since = Instant::now();
    loop {
        if connect(address).as_mut().is_some_and(lives) {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "it does not recover");
        std::thread::sleep(Duration::from_millis(50));
    }
    rlimit::Resource::NOFILE.set(soft, hard).unwrap();
    drop(stop);
    server.join().expect("nothing panicked");
}
