//! Every key of the configuration, with its unit and its default. What stands here is what `config example` prints.
//!
//! Sections hold values and nothing else; whether they fit together is `config::check`, and what is built of them is
//! `compose`.

mod interfaces;
mod limits;

use std::{net::SocketAddr, path::PathBuf};

use strongroom_transports::http::HttpLimits;

#[cfg(test)]
pub(crate) use interfaces::Application;
pub(crate) use interfaces::{
    Dragonchain, Keyknox, Meeco, Misakey, Native, PeopleRates, PinRecovery, Psono, RecoveryRealm, Users,
};
pub(crate) use limits::Limits;

use super::{
    section::section,
    values::{Addresses, LogFormat, NetworkText, PublicUrlText, StorageKind},
};

section! {
    /// The configuration of a Strongroom server.
    Config {
        /// The public listener.
        server: Server = Server::default();
        /// The operator's listener.
        admin: Admin = Admin::default();
        /// Where everything is kept.
        storage: Storage = Storage::default();
        /// Limits.
        limits: Limits = Limits::default();
        /// Browsers.
        cors: Cors = Cors::default();
        /// The log.
        log: Log = Log::default();
        /// The native interface.
        native: Native = Native::default();
        /// People with a passphrase.
        users: Users = Users::default();
        /// The Keyknox interface.
        keyknox: Keyknox = Keyknox::default();
        /// The Meeco interface.
        meeco: Meeco = Meeco::default();
        /// The Psono interface.
        psono: Psono = Psono::default();
        /// The Misakey interface.
        misakey: Misakey = Misakey::default();
        /// The Dragonchain interface.
        dragonchain: Dragonchain = Dragonchain::default();
        /// Realms of PIN recovery.
        pin_recovery: PinRecovery = PinRecovery::default();
    }
}

fn http() -> HttpLimits {
    HttpLimits::default()
}

section! {
    /// The public listener: the native interface, WebSocket and the mounted dialects share it.
    Server {
        /// Addresses and ports. Off loopback, `[server.tls]` or `behind_tls_proxy` is needed.
        listen: Addresses = Addresses(vec![SocketAddr::from(([127, 0, 0, 1], 8470))]);
        /// Whether a proxy in front of this server ends TLS. Without one or `[server.tls]` the server listens on
        /// loopback only.
        behind_tls_proxy: bool = false;
        /// Proxies whose forwarded-for header is believed: addresses, or networks such as "10.0.0.0/8".
        trusted_proxies: Vec<NetworkText> = Vec::new();
        /// The URLs by which clients reach this server, such as `https://keys.example`: what a request that is signed by
        /// RFC 9421 may be for. Without one, the addresses of the listener, which is right on loopback only.
        public_urls: Vec<PublicUrlText> = Vec::new();
        /// Threads that serve sockets and reads; 0 for one per processor.
        workers: usize = 0;
        /// Threads that decide writes.
        write_threads: usize = 1;
        /// Threads that compute sign-ins and other heavy commands; 0 for one per two processors.
        heavy_threads: usize = 0;
        /// Connections in all.
        connections_max: usize = http().connections_max;
        /// Connections from one source, an IPv4 address or a 64-bit IPv6 network; 0 for no limit. Trusted proxies are
        /// not counted.
        connections_per_source_max: usize = http().connections_per_source_max;
        /// Requests of one connection that wait for their answers.
        pipelined_max: u32 = http().pipelined_max;
        /// The longest request line, in bytes.
        line_bytes_max: usize = http().line_bytes_max;
        /// The largest head of a request, in bytes.
        head_bytes_max: usize = http().head_bytes_max;
        /// Seconds in which the head of a request must be complete.
        head_timeout_s: u64 = http().head_within.as_secs();
        /// Seconds in which the body of a request must be complete.
        body_timeout_s: u64 = http().body_within.as_secs();
        /// Seconds for which a peer may take nothing of an answer.
        write_timeout_s: u64 = http().write_within.as_secs();
        /// Seconds after which an idle connection is closed.
        idle_timeout_s: u64 = http().idle_within.as_secs();
        /// Seconds in which a TLS handshake must be complete.
        handshake_timeout_s: u64 = http().handshake_within.as_secs();
        /// Seconds that requests in flight get to finish when the server is told to stop.
        drain_timeout_s: u64 = http().drain_within.as_secs();
        /// TLS.
        tls: Tls = Tls::default();
    }
}

section! {
    /// TLS on the public listener. Both files are read again when they change, and on SIGHUP.
    Tls {
        /// The certificate chain, PEM, the server's own certificate first.
        certificate: Option<PathBuf> = None, as "\"/etc/strongroom/tls/certificate.pem\"";
        /// The private key of the certificate, PEM.
        key: Option<PathBuf> = None, as "\"/etc/strongroom/tls/key.pem\"";
    }
}

section! {
    /// The operator's listener: `strongroom admin`, metrics and health. Its requests carry the operator's token.
    Admin {
        /// Address and port.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8471));
        /// Whether a proxy in front of this listener ends TLS. Without one it listens on loopback only.
        behind_tls_proxy: bool = false;
        /// The file with the operator's token, made at the first start. In the data folder unless said otherwise.
        token_file: Option<PathBuf> = None, as "\"/etc/strongroom/operator.token\"";
    }
}

section! {
    /// Where everything is kept.
    Storage {
        /// "sled", "redb", or "memory", which forgets.
        kind: StorageKind = StorageKind::Sled;
        /// The data folder; the variable STRONGROOM_DATA names it as well. Made if it is missing.
        path: PathBuf = PathBuf::from("strongroom-data");
        /// Memory that the store may use to keep pages and rows at hand, in bytes.
        cache_bytes: u64 = 128 * 1024 * 1024;
        /// The file with the root key that values are encrypted under, which only its owner may read; `strongroom store
        /// key new` makes one. The variable STRONGROOM_ROOT_KEY_FILE names it as well, and STRONGROOM_ROOT_KEY holds
        /// the key itself. Without one, values lie in the store as they are.
        root_key_file: Option<PathBuf> = None, as "\"/etc/strongroom/root.key\"";
    }
}

section! {
    /// Which pages in browsers may use the server.
    Cors {
        /// Origins, spelled as browsers send them: `https://app.example.com`. None unless listed; there is no
        /// wildcard.
        origins: Vec<String> = Vec::new();
    }
}

section! {
    /// The log, on standard error. It never holds secrets or what records contain.
    Log {
        /// "pretty", "json", or "auto": pretty on a terminal and JSON otherwise.
        format: LogFormat = LogFormat::Auto;
        /// "error", "warn", "info", "debug", "trace", or a list of those by target, as in
        /// "info,strongroom_engine=debug". Libraries are heard from "warn" up, because below they repeat what they
        /// carry.
        level: String = "info".to_owned();
    }
}
