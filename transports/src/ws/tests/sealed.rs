//! Sealed connections over links in memory.

use strongroom_primitives::noise::{Channel, Initiator, Pattern, public_key};
use strongroom_wire::{CHANNEL_ANONYMOUS, SUBPROTOCOL_SEALED};

use super::*;

/// A client's end: what goes over the link is seen as it is.
struct Sealed {
    link: Link,
    channel: Channel,
}

fn first(server: &[u8; 32], prologue: &[u8]) -> (Initiator, Bytes) {
    let begun = Initiator::begin(Pattern::Anonymous, prologue, server, None, [7; 32], b"");
    let (initiator, message) = begun.unwrap();
    (initiator, [&[CHANNEL_ANONYMOUS], &message[..]].concat().into())
}

impl Sealed {
    async fn open(bench: &Bench) -> Self {
        let mut link = connect(&bench.front, None, Tongue::SEALED);
        let (initiator, message) = first(&bench.engine.handle().channel_key(), SUBPROTOCOL_SEALED.as_bytes());
        link.send(message).await.unwrap();
        let answer = link.next().await.unwrap();
        let (channel, _) = initiator.finish(&answer).unwrap();
        Self { link, channel }
    }

    fn seal(&mut self, frame: &ClientFrame) -> Bytes {
        self.channel.seal(&Encoding::Cbor.write(frame)).unwrap().concat().into()
    }

    /// The next message, as it came and as it reads.
    async fn next(&mut self) -> (Bytes, ServerFrame) {
        let sealed = self.link.next().await.expect("a further message");
        let frame = self.channel.open(&sealed, FRAME_BYTES_MAX).unwrap().expect("one message, one frame");
        (sealed, Encoding::Cbor.read(&Bytes::copy_from_slice(&frame)).unwrap())
    }
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A-API-09, A-API-10: neither the token nor the answer can be read on the way, and the same question twice looks
/// different each time.
#[test]
fn nothing_that_is_said_can_be_read_on_the_way() {
    paused(async {
        let bench = Bench::new().await;
        let token = bench.bearer("ann-on-the-way").await.token;
        let mut client = Sealed::open(&bench).await;
        let hello = client.seal(&ClientFrame::Hello { authorization: format!("Bearer {token}") });
        assert!(!has(&hello, &token[10..20]));
        client.link.send(hello).await.unwrap();
        let (sealed, frame) = client.next().await;
        assert!(matches!(frame, ServerFrame::Welcome { .. }) && !has(&sealed, "ann-on"), "{frame:?}");
        let mut seen = Vec::new();
        for _ in 0..2 {
            let question = client.seal(&whoami(1));
            client.link.send(question).await.unwrap();
            let (sealed, frame) = client.next().await;
            assert!(matches!(frame, ServerFrame::Answer { .. }) && !has(&sealed, "ann-on"), "{frame:?}");
            seen.push(sealed);
        }
        assert_ne!(seen[0], seen[1]);
    });
}

/// A-API-11: a message that was sent before, that was bent, or that is of no channel ends the connection, and is not
/// acted upon.
#[test]
fn a_message_that_does_not_open_ends_the_connection() {
    paused(async {
        let bench = Bench::new().await;
        let token = bench.bearer("ann").await.token;
        let (again, bent, plain) = (0, 1, 2);
        for case in [again, bent, plain] {
            let mut client = Sealed::open(&bench).await;
            let hello = client.seal(&ClientFrame::Hello { authorization: format!("Bearer {token}") });
            client.link.send(hello.clone()).await.unwrap();
            client.next().await;
            let mut bad = if case == again { hello } else { client.seal(&whoami(1)) }.to_vec();
            bad[3] ^= u8::from(case == bent);
            let bad = if case == plain { Encoding::Cbor.write(&whoami(1)) } else { bad.into() };
            client.link.send(bad).await.unwrap();
            while client.link.next().await.is_some() {}
            assert_eq!(client.link.close_reason().map(|reason| reason.code), Some(close::PROTOCOL), "{case}");
        }
    });
}

#[test]
fn a_handshake_that_was_not_made_for_this_server_comes_to_nothing() {
    paused(async {
        let bench = Bench::new().await;
        let (key, prologue) = (bench.engine.handle().channel_key(), SUBPROTOCOL_SEALED.as_bytes());
        let another = first(&public_key(&[9; 32]), prologue).1;
        let elsewhere = first(&key, b"another protocol").1;
        let mut unknown = first(&key, prologue).1.to_vec();
        unknown[0] = 9;
        let refused = [
            (Message::Binary(another), close::POLICY),
            (Message::Binary(elsewhere), close::POLICY),
            (Message::Binary(unknown.into()), close::UNSUPPORTED),
            (Message::Binary(Bytes::new()), close::UNSUPPORTED),
            (Message::Binary(vec![CHANNEL_ANONYMOUS; 100_000].into()), close::POLICY),
            (text(&whoami(1)), close::UNSUPPORTED),
        ];
        for (message, code) in refused {
            let mut link = connect(&bench.front, None, Tongue::SEALED);
            link.send_message(message.clone()).await.unwrap();
            while link.next().await.is_some() {}
            assert_eq!(link.close_reason().map(|reason| reason.code), Some(code), "{message:?}");
        }
        let mut silent = connect(&bench.front, None, Tongue::SEALED);
        assert!(tokio::time::timeout(seconds(4), silent.next()).await.is_err(), "there is time");
        assert!(silent.next().await.is_none());
        assert_eq!(silent.close_reason().map(|reason| reason.code), Some(close::POLICY));
    });
}
