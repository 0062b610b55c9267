//! Sealed channels: the Noise handshake, and frames of any length over the messages that it leads to.
//!
//! ```text
//! client                                          server
//! Initiator::begin(pattern, ...) -> first   ->    Responder::receive(pattern, first)
//!                         finish(second)    <-    answer() -> second
//! Channel { seal, open }                   <->    Channel { seal, open }
//! ```
//!
//! The suite is 25519, ChaCha20-Poly1305 and BLAKE2s. In [`Pattern::Anonymous`] (NK) the client knows the server's key
//! and shows none; in [`Pattern::Known`] (IK) it also shows a key of its own. The first message can be recorded and sent
//! again by anybody: what it carries proves nothing until the first frame of the channel has been opened, which takes
//! the keys of this handshake.
//!
//! A frame travels as one or more Noise messages of at most [`MESSAGE_BYTES_MAX`]; the first byte inside each says
//! whether more belong to it. Messages are numbered by the cipher, so one that is lost, repeated or out of order does
//! not open, and ends the channel.
//!
//! Source: the Noise Protocol Framework, revision 34, sections 5, 7.5 and 11.

use std::fmt;

use snow::{
    Builder, HandshakeState, TransportState,
    error::Error,
    params::{CipherChoice, DHChoice, HashChoice, NoiseParams},
    resolvers::{CryptoResolver, DefaultResolver},
    types::{Cipher, Dh, Hash, Random},
};
use zeroize::{Zeroize, Zeroizing};

/// The longest message, in bytes. Source: the framework, section 3.
pub const MESSAGE_BYTES_MAX: usize = 65_535;

/// The most that a handshake message may carry, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1_024;

const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

/// Frame bytes in one message: the rest is the tag and the byte that says whether more belong to the frame.
const PART_BYTES_MAX: usize = MESSAGE_BYTES_MAX - TAG_BYTES - 1;

/// The message is the last of its frame.
const LAST: u8 = 0;
/// More messages belong to the frame.
const MORE: u8 = 1;

/// A message does not open, or is no message of this handshake. One answer for all, because telling them apart would
/// help only somebody who is trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoiseError {
    /// Damaged, for another key, out of order, or no message at all.
    #[error("the message does not open")]
    Message,
    /// A frame or payload over its limit.
    #[error("longer than the {max} bytes that are allowed")]
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
}

/// Who shows a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// The server alone: NK.
    Anonymous,
    /// Both: IK.
    Known,
}

impl Pattern {
    fn parameters(self) -> NoiseParams {
        let name = match self {
            Self::Anonymous => "Noise_NK_25519_ChaChaPoly_BLAKE2s",
            Self::Known => "Noise_IK_25519_ChaChaPoly_BLAKE2s",
        };
        name.parse().expect("the suite's name is well formed")
    }
}

/// The X25519 public key of a secret one. 32 bytes each.
#[must_use]
pub fn public_key(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    let mut dh = DefaultResolver.resolve_dh(&DHChoice::Curve25519).expect("the suite is built in");
    dh.set(secret);
    dh.pubkey().try_into().expect("a public key has 32 bytes")
}

/// The client's side of a handshake.
pub struct Initiator(HandshakeState);

impl Initiator {
    /// Begins. `own` is the client's secret key, needed by [`Pattern::Known`] and unused otherwise; `drawn` is fresh
    /// chance; `prologue` is what both sides hold to be said already; `payload` is encrypted to the server, and may be
    /// seen by whoever sends the message again.
    ///
    /// # Errors
    /// [`NoiseError::TooLong`] for the payload; [`NoiseError::Message`] for a key that cannot be used.
    pub fn begin(
        pattern: Pattern,
        prologue: &[u8],
        server: &[u8; KEY_BYTES],
        own: Option<&[u8; KEY_BYTES]>,
        drawn: [u8; KEY_BYTES],
        payload: &[u8],
    ) -> Result<(Self, Vec<u8>), NoiseError> {
        let builder = builder(pattern, prologue, drawn)?.remote_public_key(server)?;
        let builder = match own {
            Some(own) if pattern == Pattern::Known => builder.local_private_key(own)?,
            _ => builder,
        };
        let mut state = builder.build_initiator()?;
        let message = write(&mut state, payload)?;
        Ok((Self(state), message))
    }

    /// Takes the server's message. Gives the channel and what the server said with it.
    ///
    /// # Errors
    /// [`NoiseError::Message`].
    pub fn finish(mut self, message: &[u8]) -> Result<(Channel, Vec<u8>), NoiseError> {
        let payload = read(&mut self.0, message)?;
        Ok((Channel::of(self.0)?, payload))
    }
}

/// The server's side of a handshake.
pub struct Responder {
    state: HandshakeState,
    /// The client's public key, if it showed one.
    pub client: Option<[u8; KEY_BYTES]>,
    /// What the client said. Proves nothing yet.
    pub payload: Vec<u8>,
}

impl Responder {
    /// Takes a client's first message. `own` is the server's secret key, `drawn` is fresh chance.
    ///
    /// # Errors
    /// [`NoiseError::Message`].
    pub fn receive(
        pattern: Pattern,
        prologue: &[u8],
        own: &[u8; KEY_BYTES],
        drawn: [u8; KEY_BYTES],
        message: &[u8],
    ) -> Result<Self, NoiseError> {
        let mut state = builder(pattern, prologue, drawn)?.local_private_key(own)?.build_responder()?;
        let payload = read(&mut state, message)?;
        let client = state.get_remote_static().and_then(|key| key.try_into().ok());
        Ok(Self { state, client, payload })
    }

    /// Answers. Gives the channel and the message for the client.
    ///
    /// # Errors
    /// [`NoiseError::TooLong`] for the payload.
    pub fn answer(mut self, payload: &[u8]) -> Result<(Channel, Vec<u8>), NoiseError> {
        let message = write(&mut self.state, payload)?;
        Ok((Channel::of(self.state)?, message))
    }
}

/// Two directions of sealed frames.
pub struct Channel {
    state: Box<TransportState>,
    /// What has come of a frame that is not whole yet.
    partial: Zeroizing<Vec<u8>>,
    hash: [u8; KEY_BYTES],
}

impl Channel {
    fn of(state: HandshakeState) -> Result<Self, NoiseError> {
        let hash = state.get_handshake_hash().try_into().map_err(|_| NoiseError::Message)?;
        Ok(Self { state: Box::new(state.into_transport_mode()?), partial: Zeroizing::default(), hash })
    }

    /// The handshake's hash, the same on both sides and of no other handshake: what a signature can be bound to.
    #[must_use]
    pub fn handshake_hash(&self) -> &[u8; KEY_BYTES] {
        &self.hash
    }

    /// Seals a frame: the messages to send, in order.
    ///
    /// # Errors
    /// [`NoiseError::Message`] once 2^64 messages have been sent.
    pub fn seal(&mut self, frame: &[u8]) -> Result<Vec<Vec<u8>>, NoiseError> {
        let parts = frame.len().div_ceil(PART_BYTES_MAX).max(1);
        let mut plain = Zeroizing::new(Vec::with_capacity(1 + frame.len().min(PART_BYTES_MAX)));
        let mut messages = Vec::with_capacity(parts);
        for number in 1..=parts {
            let from = (number - 1) * PART_BYTES_MAX;
            let part = &frame[from..frame.len().min(from + PART_BYTES_MAX)];
            plain.clear();
            plain.push(if number == parts { LAST } else { MORE });
            plain.extend_from_slice(part);
            let mut message = vec![0; plain.len() + TAG_BYTES];
            let length = self.state.write_message(&plain, &mut message)?;
            message.truncate(length);
            messages.push(message);
        }
        Ok(messages)
    }

    /// Opens one message. Gives the frame that it completes, if it completes one; frames have at most `max` bytes.
    ///
    /// # Errors
    /// [`NoiseError::Message`], [`NoiseError::TooLong`]. After an error the channel opens nothing more.
    pub fn open(&mut self, message: &[u8], max: usize) -> Result<Option<Zeroizing<Vec<u8>>>, NoiseError> {
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(NoiseError::TooLong { max: MESSAGE_BYTES_MAX });
        }
        let mut plain = Zeroizing::new(vec![0; message.len()]);
        let length = self.state.read_message(message, &mut plain)?;
        let (mark, part) = plain[..length].split_first().ok_or(NoiseError::Message)?;
        if self.partial.len() + part.len() > max {
            return Err(NoiseError::TooLong { max });
        }
        self.partial.extend_from_slice(part);
        match *mark {
            LAST => Ok(Some(std::mem::take(&mut self.partial))),
            // An empty part that announces more would let a frame never end.
            MORE if !part.is_empty() => Ok(None),
            _ => Err(NoiseError::Message),
        }
    }
}

impl fmt::Debug for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Initiator(..)")
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responder(..)")
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channel(..)")
    }
}

impl From<Error> for NoiseError {
    fn from(_: Error) -> Self {
        Self::Message
    }
}

fn builder(pattern: Pattern, prologue: &[u8], drawn: [u8; KEY_BYTES]) -> Result<Builder<'_>, NoiseError> {
    let builder = Builder::with_resolver(pattern.parameters(), Box::new(Drawn(drawn)));
    Ok(builder.prologue(prologue)?)
}

fn write(state: &mut HandshakeState, payload: &[u8]) -> Result<Vec<u8>, NoiseError> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(NoiseError::TooLong { max: PAYLOAD_BYTES_MAX });
    }
    // Two keys and two tags at most stand beside the payload.
    let mut message = vec![0; payload.len() + 2 * (KEY_BYTES + TAG_BYTES)];
    let length = state.write_message(payload, &mut message)?;
    message.truncate(length);
    Ok(message)
}

fn read(state: &mut HandshakeState, message: &[u8]) -> Result<Vec<u8>, NoiseError> {
    if message.len() > PAYLOAD_BYTES_MAX + 2 * (KEY_BYTES + TAG_BYTES) {
        return Err(NoiseError::Message);
    }
    let mut payload = vec![0; message.len()];
    let length = state.read_message(message, &mut payload)?;
    payload.truncate(length);
    Ok(payload)
}

/// The usual primitives, and chance that was handed in.
struct Drawn([u8; KEY_BYTES]);

impl Drop for Drawn {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl CryptoResolver for Drawn {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Once(Some(Zeroizing::new(self.0)))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// 32 bytes of chance, given out once: a handshake draws one ephemeral key.
struct Once(Option<Zeroizing<[u8; KEY_BYTES]>>);

impl Random for Once {
    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> Result<(), Error> {
        let drawn = self.0.take().filter(|drawn| drawn.len() == wanted.len()).ok_or(Error::Rng)?;
        wanted.copy_from_slice(&*drawn);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
