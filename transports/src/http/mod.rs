//! HTTP: a listener on actix-web, its WebSocket upgrade, health, metrics, and the operator's listener.
//!
//! A connection takes a seat, is encrypted where that is asked for, and passes a guard that lets only whole,
//! unambiguous requests through, in time. Behind it stand actix-web's parser and dispatcher, and one service for every
//! path, which hands [`crate::exchange::Request`]s to the [`crate::Router`]. Every thread of a listener has a front of
//! its own, so a read is asked, decided and answered without leaving it.
//!
//! The one thing to believe: nothing here knows what a path means, but for `/livez`, `/readyz`, and on the operator's
//! port `/metrics`.

mod admin;
mod edge;
mod guard;
mod health;
mod listener;
mod metrics;
mod options;
mod public;
mod seat;
mod upgrade;

pub use admin::{AdminApi, Administration};
pub use listener::Listener;
pub use metrics::Metrics;
pub use options::{GatewayPeers, HttpLimits, HttpOptions};
