//! HTTP and WebSocket over real sockets: what hostile, slow, careless and numerous peers get to see.
//!
//! The servers run on threads of their own over an engine in memory; the peers are plain sockets that send bytes.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "sockets live in real time, and a step that fails is a test that fails"
)]

mod support;

mod admin;
mod crowds;
mod framing;
mod limits;
mod proxy;
mod resets;
mod shutdown;
mod tls;
mod websocket;
