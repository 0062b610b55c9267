//! Strongroom as a target: the server's own program on a data folder of its own, driven over HTTP and WebSocket.
//!
//! How the server is configured is known to `launch` alone. Believe this: the server runs as an operator would run it,
//! through its program and its configuration file, with durable storage and every check switched on.

mod chain;
#[cfg(test)]
mod in_process;
mod keyknox;
mod launch;
mod meeco;
mod native;
mod native_http;
mod psono;
mod realm;
mod token;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

pub(crate) use self::chain::{Key, SignedReads};
pub(crate) use self::launch::{Mode, Strongroom, Taken, application};
pub(crate) use self::meeco::Keystore;
pub(crate) use self::native::Link;
pub(crate) use self::native_http::{NativeReads, NativeWrites, Unchanging};
pub(crate) use self::psono::{ApiKey, Client as PsonoClient, SealedReads};
pub(crate) use self::realm::{Guesses, Kept};
use crate::run::Connector;
use crate::target::Target;

/// The server, driven through Keyknox version 1 over HTTP.
pub(crate) struct OverHttp(pub(crate) Rc<Strongroom>);

impl Target for OverHttp {
    fn pid(&self) -> u32 {
        self.0.pid()
    }

    fn folder(&self) -> Option<&Path> {
        Some(self.0.folder())
    }

    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(keyknox::KeyknoxConnector::new(self.0.http(), self.0.application()))
    }
}

/// The same server, driven through native records over WebSocket on the same port.
pub(crate) struct OverWebSocket(pub(crate) Rc<Strongroom>);

impl Target for OverWebSocket {
    fn pid(&self) -> u32 {
        self.0.pid()
    }

    fn folder(&self) -> Option<&Path> {
        Some(self.0.folder())
    }

    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(native::NativeConnector::new(self.0.http(), self.0.application()))
    }
}
