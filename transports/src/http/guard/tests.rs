use std::net::{IpAddr, Ipv4Addr};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;
use crate::sockets::seats::Seats;

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

fn limits() -> HttpLimits {
    HttpLimits {
        head_within: Duration::from_secs(5),
        body_within: Duration::from_secs(15),
        idle_within: Duration::from_secs(30),
        write_within: Duration::from_secs(30),
        pipelined_max: 2,
        ..HttpLimits::default()
    }
}

/// A guarded socket, and the peer's end of it.
fn pair() -> (Guarded<DuplexStream>, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let ticket = Seats::new(10, 0).take(address, true).unwrap();
    (Guarded::new(ours, Rc::new(Seat::new(ticket, address, false)), &limits()), theirs)
}

/// What one read gives; empty at the end.
async fn read(guarded: &mut Guarded<DuplexStream>) -> String {
    let mut buffer = [0; 1024];
    let length = guarded.read(&mut buffer).await.unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

fn refusal(status: u16) -> String {
    format!("GET refused:{status} HTTP/1.1\r\nhost: refused\r\n\r\n")
}

async fn elapsed(of: impl Future<Output = ()>) -> Duration {
    let since = now();
    of.await;
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_whole_request_goes_through_as_it_is_and_half_a_one_waits() {
    let (mut guarded, mut peer) = pair();
    peer.write_all(&[REQUEST, b"GET /b"].concat()).await.unwrap();
    assert_eq!(read(&mut guarded).await.as_bytes(), REQUEST);
    peer.write_all(b" HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut guarded).await, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
}

/// A-HTTP-01: what follows a refused request is never read.
#[tokio::test(start_paused = true)]
async fn a_refused_request_takes_its_turn_and_is_the_last() {
    let (mut guarded, mut peer) = pair();
    peer.write_all(&[REQUEST, b"GET /b HTTP/1.1\nHost: h\r\n\r\n", REQUEST].concat()).await.unwrap();
    assert_eq!(read(&mut guarded).await.as_bytes(), REQUEST);
    assert_eq!(read(&mut guarded).await, refusal(400));
    assert_eq!(read(&mut guarded).await, "");
    peer.write_all(REQUEST).await.unwrap();
    assert_eq!(read(&mut guarded).await, "");
}

/// A-HTTP-03.
#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_gone_after_the_time_of_a_head() {
    let (mut guarded, _peer) = pair();
    let took = elapsed(async { assert_eq!(read(&mut guarded).await, "") }).await;
    assert_eq!(took.as_secs(), 5);
}

/// A-HTTP-03: a byte a second does not buy time, in a connection's first request or a later one.
#[tokio::test(start_paused = true)]
async fn a_slow_head_is_refused_in_every_request_of_a_connection() {
    for before in [&b""[..], REQUEST] {
        let (mut guarded, mut peer) = pair();
        if !before.is_empty() {
            peer.write_all(before).await.unwrap();
            assert_eq!(read(&mut guarded).await.as_bytes(), before);
            guarded.seat.request_answered();
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        let drip = async {
            for byte in REQUEST.iter().cycle() {
                if peer.write_all(&[*byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let took = elapsed(async {
            tokio::select! {
                text = read(&mut guarded) => assert_eq!(text, refusal(408)),
                () = drip => unreachable!("it drips for ever"),
            }
        })
        .await;
        assert_eq!(took.as_secs(), 5, "after {} bytes", before.len());
    }
}

/// A-HTTP-03.
#[tokio::test(start_paused = true)]
async fn a_slow_body_is_cut_after_its_time() {
    let (mut guarded, mut peer) = pair();
    let head = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n";
    peer.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read(&mut guarded).await, head);
    let drip = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            peer.write_all(b"x").await.unwrap();
        }
    };
    let took = elapsed(async {
        tokio::select! {
            () = async { while !read(&mut guarded).await.is_empty() {} } => {}
            () = drip => {}
        }
    })
    .await;
    assert_eq!((took.as_secs(), guarded.seat.cut_status()), (15, 408));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_but_not_while_it_waits_for_us() {
    let (mut guarded, mut peer) = pair();
    peer.write_all(REQUEST).await.unwrap();
    assert_eq!(read(&mut guarded).await.as_bytes(), REQUEST);
    let waiting = tokio::time::timeout(Duration::from_secs(300), read(&mut guarded)).await;
    assert!(waiting.is_err(), "the answer may take as long as it takes");
    guarded.seat.request_answered();
    guarded.write_all(b"answer").await.unwrap();
    let took = elapsed(async { assert_eq!(read(&mut guarded).await, "") }).await;
    assert_eq!(took.as_secs(), 30);
}

/// A-HTTP-04: requests are taken as they are answered, however many have been sent.
#[tokio::test(start_paused = true)]
async fn no_more_requests_are_taken_than_may_wait_for_their_answers() {
    let (mut guarded, mut peer) = pair();
    peer.write_all(&REQUEST.repeat(5)).await.unwrap();
    assert_eq!(read(&mut guarded).await.as_bytes(), REQUEST.repeat(2));
    let more = tokio::time::timeout(Duration::from_secs(300), read(&mut guarded)).await;
    assert!(more.is_err(), "two are waiting already");
    let seat = guarded.seat().clone();
    let answer = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        seat.request_answered();
    };
    let (text, ()) = tokio::join!(read(&mut guarded), answer);
    assert_eq!(text.as_bytes(), REQUEST);
    seat.request_answered();
    seat.request_answered();
    assert_eq!(read(&mut guarded).await.as_bytes(), REQUEST.repeat(2));
}

/// F-18: a peer that takes nothing is given up.
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_given_up() {
    let (mut guarded, _peer) = pair();
    let took = elapsed(async {
        let error = guarded.write_all(&vec![b'x'; 128 * 1024]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    })
    .await;
    assert_eq!(took.as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_small_buffer_gets_a_refusal_in_pieces() {
    let (mut guarded, mut peer) = pair();
    peer.write_all(b"nonsense").await.unwrap();
    let mut text = Vec::new();
    let mut byte = [0];
    while guarded.read(&mut byte).await.unwrap() > 0 {
        text.push(byte[0]);
    }
    assert_eq!(text, refusal(400).as_bytes());
}
