//! A channel over a connection: frames are sealed to the server's key before they meet any socket or TLS.
//!
//! Handshake and sealing are `strongroom_primitives::noise`. The server proves its key by its answer, so whoever ends
//! TLS on the way cannot stand in for it; who the client is, it says inside.

use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream};
use strongroom_primitives::noise::{Channel, Initiator, NoiseError, Pattern};
use strongroom_wire::{CHANNEL_ANONYMOUS, Encoding, FRAME_BYTES_MAX, SUBPROTOCOL_SEALED};

use super::session::{Incoming, Wire};
use crate::ClientError;
use crate::keyknox::ports::{Entropy, draw};

const NOT_THE_SERVER: ClientError =
    ClientError::Protocol { what: "it does not hold the key that connections are to be sealed to" };

/// Shakes hands over a connection of binary messages, and seals what goes over it from then on.
pub(crate) async fn seal(
    mut wire: Wire,
    server: &[u8; 32],
    entropy: &dyn Entropy,
) -> Result<Wire, ClientError> {
    let prologue = SUBPROTOCOL_SEALED.as_bytes();
    let begun = Initiator::begin(Pattern::Anonymous, prologue, server, None, draw(entropy)?, &[]);
    let (initiator, handshake) =
        begun.map_err(|_| ClientError::Invalid("the server's channel key is no key".to_owned()))?;
    wire.sink.send([&[CHANNEL_ANONYMOUS], &handshake[..]].concat().into()).await?;
    let closed = || Err(ClientError::lost("closed before the channel was there"));
    let answer = wire.next_frame().await.unwrap_or_else(closed)?;
    let (channel, _) = initiator.finish(&answer).map_err(|_| NOT_THE_SERVER)?;
    Ok(over(wire, Arc::new(Mutex::new(channel))))
}

fn over(wire: Wire, channel: Arc<Mutex<Channel>>) -> Wire {
    let sealing = channel.clone();
    let sink = wire.sink.with_flat_map(move |frame: Bytes| {
        // A channel is whole or refuses: what a panic leaves behind opens and seals nothing.
        let sealed = sealing.lock().unwrap_or_else(PoisonError::into_inner).seal(&frame);
        stream::iter(match sealed {
            Ok(messages) => messages.into_iter().map(|message| Ok(message.into())).collect(),
            Err(_) => vec![Err(ClientError::lost("the channel is used up"))],
        })
    });
    let source = wire.source.filter_map(move |incoming| {
        let sealed = match incoming {
            Ok(Incoming::Frame(sealed)) => sealed,
            other => return ready(Some(other)),
        };
        let mut channel = channel.lock().unwrap_or_else(PoisonError::into_inner);
        ready(match channel.open(&sealed, FRAME_BYTES_MAX) {
            Ok(Some(frame)) => Some(Ok(Incoming::Frame(frame.to_vec().into()))),
            Ok(None) => None,
            Err(NoiseError::TooLong { max }) => Some(Err(ClientError::TooLarge { max })),
            Err(NoiseError::Message) => Some(Err(ClientError::protocol("a message does not open"))),
        })
    });
    Wire { sink: Box::pin(sink), source: Box::pin(source), encoding: Encoding::Cbor }
}
