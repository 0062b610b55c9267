//! Frames: what travels in the messages of a WebSocket, or of a link in memory.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    id::Subject,
};
use thiserror::Error;

use crate::{Event, Operation, Problem, Reply};

/// The largest frame in either direction, in bytes: 256 KiB.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;

/// How soon a connection without an `Authorization` header must say `hello`, in seconds.
pub const HELLO_WITHIN_S: u64 = 5;

/// How soon a connection that has not signed in must say something after a question that needs no credential, in
/// seconds: as long as a challenge is good.
pub const NEXT_WITHIN_S: u64 = 60;

/// The subprotocol of JSON frames in text messages; also what a connection without a subprotocol speaks.
pub const SUBPROTOCOL_JSON: &str = "strongroom.v1.json";

/// The subprotocol of CBOR frames in binary messages.
pub const SUBPROTOCOL_CBOR: &str = "strongroom.v1.cbor";

/// The subprotocol of sealed connections: binary messages of a Noise channel (`strongroom_primitives::noise`), with CBOR
/// frames inside. The client's first message is [`CHANNEL_ANONYMOUS`] and what the handshake begins with, the server's
/// first is the answer to it. The prologue is this text.
pub const SUBPROTOCOL_SEALED: &str = "strongroom.v1.sealed";

/// Begins the first message of a sealed connection whose client shows no key: NK.
pub const CHANNEL_ANONYMOUS: u8 = 1;

/// Names a subscription on its connection; chosen by the client.
pub type SubscriptionId = u32;

/// What a client sends: an object with one member, whose name is the kind of frame. Prints without tokens and keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Signs in, where the connection came without an `Authorization` header. Only questions that need no credential
    /// may come before it ([`Operation::is_open`]).
    Hello {
        /// What the `Authorization` header would have said: `Bearer ...` or `Virgil ...`.
        authorization: String,
    },
    /// Asks an operation.
    Ask {
        /// Pairs the answer with the question on this connection; means nothing beyond it.
        id: u64,
        /// What is asked.
        #[serde(rename = "do")]
        operation: Operation,
        /// 32 hexadecimal digits or 22 characters of base64url: a retry with the same key, on whatever connection,
        /// gets the first answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idempotency_key: Option<String>,
    },
    /// Follows a feed.
    Subscribe {
        /// Pairs the answer with the question.
        id: u64,
        /// Names the subscription from now on.
        subscription: SubscriptionId,
        /// Whose feed; without it the caller's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Subject>,
        /// Only events of this record; needed with `owner`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Vec<String>>,
        /// The last sequence number seen; without it only what happens from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// Pairs the answer with the question.
        id: u64,
        /// Which.
        subscription: SubscriptionId,
    },
}

impl fmt::Debug for ClientFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello { .. } => f.write_str("Hello { .. }"),
            Self::Ask { id, operation, idempotency_key } => f
                .debug_struct("Ask")
                .field("id", id)
                .field("operation", operation)
                .field("has_idempotency_key", &idempotency_key.is_some())
                .finish(),
            Self::Subscribe { id, subscription, owner, record, after } => f
                .debug_struct("Subscribe")
                .field("id", id)
                .field("subscription", subscription)
                .field("owner", owner)
                .field("record", record)
                .field("after", after)
                .finish(),
            Self::Unsubscribe { id, subscription } => {
                f.debug_struct("Unsubscribe").field("id", id).field("subscription", subscription).finish()
            }
        }
    }
}

/// What a server sends: an object with one member, whose name is the kind of frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerFrame {
    /// Signed in.
    Welcome {
        /// The caller's account.
        account: strongroom_primitives::id::AccountId,
        /// The caller's subject.
        subject: Subject,
    },
    /// Signed in, by the signature of the handshake.
    WelcomeKey {
        /// The chain of the service key.
        chain: ChainId,
        /// Which of the chain.
        key: KeyId,
    },
    /// The answer to an `ask`.
    Answer {
        /// Of the question.
        id: u64,
        /// The answer.
        reply: Reply,
    },
    /// The answer to a `subscribe` or `unsubscribe`.
    Subscribed {
        /// Of the question.
        id: u64,
        /// Which subscription.
        subscription: SubscriptionId,
        /// Where it begins: events after this one follow.
        after: u64,
    },
    /// The answer to any question that was refused or failed; without `id` it concerns the whole connection, which
    /// then closes.
    Problem {
        /// Of the question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        /// What is the matter.
        problem: Box<Problem>,
    },
    /// Something happened.
    Push {
        /// For which subscription.
        subscription: SubscriptionId,
        /// What.
        event: Event,
    },
    /// Events were lost to this subscription: read the records themselves again. It goes on after `after`.
    Gap {
        /// Which subscription.
        subscription: SubscriptionId,
        /// Where it goes on.
        after: u64,
    },
    /// A subscription ended from the server's side.
    Ended {
        /// Which.
        subscription: SubscriptionId,
        /// Why.
        problem: Box<Problem>,
    },
}

/// How frames are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// JSON in text messages.
    #[default]
    Json,
    /// CBOR in binary messages.
    Cbor,
}

/// A message that is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Over [`FRAME_BYTES_MAX`].
    #[error("a frame has at most {FRAME_BYTES_MAX} bytes")]
    TooLarge,
    /// Not a frame in the agreed encoding. Says where and not what: the reader's words would repeat the message.
    #[error("not a frame, from byte {at} on")]
    Malformed {
        /// The byte at which reading ended, as far as it is known.
        at: usize,
    },
}

impl Encoding {
    /// Writes a frame.
    pub fn write<T: Serialize>(self, frame: &T) -> Bytes {
        match self {
            Self::Json => {
                serde_json::to_vec(frame).expect("frames are made of types that JSON can write").into()
            }
            Self::Cbor => {
                let mut bytes = Vec::new();
                ciborium::into_writer(frame, &mut bytes)
                    .expect("frames are made of types that CBOR can write");
                bytes.into()
            }
        }
    }

    /// Reads a frame. Nothing may follow it.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn read<T: serde::de::DeserializeOwned>(self, bytes: &[u8]) -> Result<T, FrameError> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge);
        }
        match self {
            Self::Json => serde_json::from_slice(bytes).map_err(|error| {
                let lines = bytes.split_inclusive(|byte| *byte == b'\n');
                let before: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
                FrameError::Malformed { at: before + error.column() }
            }),
            Self::Cbor => {
                let mut rest = bytes;
                let frame = ciborium::from_reader(&mut rest);
                let at = bytes.len() - rest.len();
                match frame {
                    Ok(frame) if rest.is_empty() => Ok(frame),
                    Ok(_) | Err(_) => Err(FrameError::Malformed { at }),
                }
            }
        }
    }
}
