//! Every key of the configuration, with its unit and its default. What stands here is what `config example` prints.
//!
//! Sections hold values and nothing else; whether they fit together is `config::check`, and what is built of them is
//! `compose`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use strongroom_engine::{
    Rights,
    domains::{pin_recovery::PinPolicy, realms::SignUp},
};
use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    id::RealmId,
};
use strongroom_transports::{
    EdgeLimits,
    dialects::{self, keyknox::RateLimits},
    http::HttpLimits,
};

use super::{
    section::{SecretValue, section},
    values::{Addresses, LogFormat, NetworkText, PublicKey, PublicUrlText, RightsList, StorageKind},
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

fn engine() -> strongroom_engine::Limits {
    strongroom_engine::Limits::default()
}

fn edge() -> EdgeLimits {
    EdgeLimits::default()
}

section! {
    /// Limits. What is over one is refused by name, never cut short.
    Limits {
        /// The largest request body, in bytes.
        body_bytes_max: usize = edge().body_bytes_max;
        /// How deep JSON may nest.
        json_depth_max: usize = edge().json_depth_max;
        /// Seconds that a request may take from its last byte to its answer.
        request_within_s: u64 = edge().request_within.as_secs();
        /// Subscriptions of one WebSocket connection.
        subscriptions_max: usize = edge().subscriptions_max;
        /// Questions of one WebSocket connection that wait for their answers.
        asks_in_flight_max: usize = edge().asks_in_flight_max;
        /// Commands in flight per domain before callers are told to come back later.
        in_flight_max: usize = engine().in_flight_max;
        /// Sign-ins and other heavy commands, being computed and waiting for a processor, before callers are told to
        /// come back later.
        heavy_max: usize = engine().heavy_max;
        /// Queued commands of one account that are committed together.
        lane_batch_max: usize = engine().lane_batch_max;
        /// How often a command is decided again after losing a race.
        conflict_retries_max: usize = engine().conflict_retries_max;
        /// Seconds for which the answer under an idempotency key is kept.
        idempotency_ttl_s: u64 = engine().idempotency_ttl.as_secs();
        /// `meta` of the record `keyknox-v1`, in bytes.
        single_meta_bytes_max: usize = engine().single_meta_bytes_max;
        /// `meta` of every other record, in bytes.
        meta_bytes_max: usize = engine().meta_bytes_max;
        /// `value` of a record, in bytes.
        value_bytes_max: usize = engine().value_bytes_max;
        /// Recipients of one record.
        recipients_max: usize = engine().recipients_max;
        /// Versions of a record that history keeps, the present one included.
        history_versions_max: u64 = engine().history_versions_max;
        /// Seconds for which history keeps a version that is no longer the present one.
        history_retention_s: u64 = engine().history_retention.as_secs();
        /// Live records of one account.
        account_records_max: u64 = engine().account_records_max;
        /// Bytes of `meta` and `value` in the live records of one account.
        account_bytes_max: u64 = engine().account_bytes_max;
        /// Wrapped keys of one account.
        account_keys_max: u64 = engine().account_keys_max;
        /// A wrapped KEK or DEK, in bytes of its text.
        wrapped_key_bytes_max: usize = engine().wrapped_key_bytes_max;
        /// A wrapped private key, in bytes of its text.
        wrapped_private_key_bytes_max: usize = engine().wrapped_private_key_bytes_max;
        /// Metadata of a key pair, in bytes of its JSON.
        key_pair_metadata_bytes_max: usize = engine().key_pair_metadata_bytes_max;
        /// Seconds for which an admission token is good.
        admission_token_life_s: u64 = engine().admission_token_life.as_secs();
        /// Services that one account asks admission to.
        account_audiences_max: usize = engine().account_audiences_max;
        /// Labels and other short texts of a vault, in bytes.
        vault_text_bytes_max: usize = engine().vault_text_bytes_max;
        /// Slots of one item of a vault.
        item_slots_max: usize = engine().item_slots_max;
        /// An item of a vault with its slots, in bytes.
        item_bytes_max: usize = engine().item_bytes_max;
        /// Items of one vault.
        vault_items_max: u64 = engine().vault_items_max;
        /// Bytes of the items of one vault.
        vault_bytes_max: u64 = engine().vault_bytes_max;
        /// What a datastore, a secret or a share holds, in bytes of its ciphertext.
        sealed_bytes_max: usize = engine().sealed_bytes_max;
        /// Datastores of one account.
        account_datastores_max: usize = engine().account_datastores_max;
        /// Secrets that one account has created, wherever they hang.
        account_secrets_max: u64 = engine().account_secrets_max;
        /// Shares that one account has created.
        account_shares_max: u64 = engine().account_shares_max;
        /// Earlier states of a secret that its history keeps.
        secret_versions_max: usize = engine().secret_versions_max;
        /// Accounts that have a right on one share, offers included.
        share_members_max: usize = engine().share_members_max;
        /// Seconds for which a secret or a share that nobody can reach any more is kept.
        unlinked_retention_s: u64 = engine().unlinked_retention.as_secs();
        /// Escrows of one account. At most 1,024.
        account_escrows_max: usize = engine().account_escrows_max;
        /// Holders of one escrow. At most 255.
        escrow_holders_max: usize = engine().escrow_holders_max;
        /// The sealed payload of an escrow, in bytes.
        escrow_payload_bytes_max: usize = engine().escrow_payload_bytes_max;
        /// The longest delay before a release, and the longest time between two requests of one requester, in seconds.
        recovery_delay_max_s: u64 = engine().recovery_delay_max.as_secs();
        /// The longest time in which a request gathers approvals, and in which what it releases waits, in seconds.
        recovery_window_max_s: u64 = engine().recovery_window_max.as_secs();
        /// The most requests for one escrow that a policy may let be under way. At most 255.
        recovery_requests_max: usize = engine().recovery_requests_max;
        /// Requests for one escrow that are kept, those that are over included. At most 1,024.
        recovery_requests_kept_max: usize = engine().recovery_requests_kept_max;
        /// Seconds for which a request is kept after it is over.
        recovery_request_retention_s: u64 = engine().recovery_request_retention.as_secs();
        /// Rows in one page of a listing.
        page_rows_max: usize = engine().page_rows_max;
        /// Events that a feed keeps.
        feed_events_max: u64 = engine().feed_events_max;
        /// Seconds for which a feed keeps an event.
        feed_retention_s: u64 = engine().feed_retention.as_secs();
        /// Bearer sessions of one account.
        sessions_max: u64 = engine().sessions_max;
        /// The longest life of a session that somebody signs in for, in seconds.
        session_life_max_s: u64 = engine().session_life_max.as_secs();
        /// Seconds for which a session may lie unused before it ends, if that ends one. Uses are written down once a
        /// minute, so it is more than that.
        session_idle_max_s: Option<u64> = None, as "1209600";
        /// Seconds for which a sealed session token may lie unused.
        session_proof_within_s: u64 = engine().session_proof_within.as_secs();
        /// API keys of one account. At most 128.
        api_keys_max: usize = engine().api_keys_max;
        /// Sessions of one API key; the oldest ends where there are more. At most 64.
        api_key_sessions_max: usize = engine().api_key_sessions_max;
        /// Secrets that are attached to one API key. At most 10,000.
        api_key_secrets_max: usize = engine().api_key_secrets_max;
        /// Seconds for which a session is good that an API key signs in for, at most.
        api_session_life_max_s: u64 = engine().api_session_life_max.as_secs();
        /// Seconds for which a username is kept for whoever asked for it.
        username_reserved_for_s: u64 = engine().username_reserved_for.as_secs();
        /// Failed sign-ins of one account from one network before the next has to wait.
        guesses_free: u32 = engine().guesses_free;
        /// The same from all networks together that nobody has signed in from before.
        guesses_elsewhere_free: u32 = engine().guesses_elsewhere_free;
        /// The longest wait between two attempts to sign in, in seconds.
        guess_wait_max_s: u64 = engine().guess_wait_max.as_secs();
        /// Verified tokens that one thread remembers.
        verified_tokens_max: usize = engine().verified_tokens_max;
        /// Seconds that a token's time of issue may lie in the future.
        token_clock_tolerance_s: u64 = engine().token_clock_tolerance.as_secs();
        /// Seconds that a token may live at most; not limited unless set.
        token_life_max_s: Option<u64> = None, as "86400";
        /// Chains in all. At most 4,096.
        chains_max: u64 = engine().chains_max;
        /// Keys of one chain, its root key included. At most 4,096.
        service_keys_max: u64 = engine().service_keys_max;
        /// Characters of a service key's nickname.
        nickname_chars_max: usize = engine().nickname_chars_max;
        /// Bytes of a service key's permissions document. At most 65,536.
        permissions_bytes_max: usize = engine().permissions_bytes_max;
        /// The longest time for which a rotated service key also signs with its former secret, in seconds.
        service_key_overlap_max_s: u64 = engine().service_key_overlap_max.as_secs();
        /// Seconds that the time of a request signed with DC1-HMAC may lie from the server's, either way. 30 to 600.
        signature_window_s: u64 = engine().signature_window.as_secs();
        /// The same of a request signed by RFC 9421. 30 to 300.
        message_signature_window_s: u64 = engine().message_signature_window.as_secs();
        /// Signatures that the server remembers, at about 40 bytes each; beyond that signed requests have to wait.
        signatures_max: usize = engine().signatures_max;
        /// Whether signatures are remembered in the store: true where several servers share one.
        signatures_shared: bool = engine().signatures_shared;
        /// Events that the log of an application of PIN recovery keeps; the oldest go for new ones.
        recovery_log_events_max: u64 = engine().recovery_log_events_max;
        /// Milliseconds between two steps of the sweeper, which removes what has expired.
        sweep_interval_ms: u64 = millis(engine().sweep_interval);
        /// Rows that one step of the sweeper looks at.
        sweep_rows_max: usize = engine().sweep_rows_max;
        /// Seconds after which a follower that was not woken looks by itself.
        poll_interval_s: u64 = engine().poll_interval.as_secs();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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

section! {
    /// The native interface: HTTP under /v1 and WebSocket at /v1/ws.
    Native {
        /// Whether it is served.
        enabled: bool = true;
    }
}

section! {
    /// The Keyknox interface, for its published clients.
    Keyknox {
        /// Whether it is served.
        enabled: bool = true;
        /// Under which prefix. Published clients ask for /keyknox below the base URL that they are given.
        mount: String = "/keyknox".to_owned();
        /// Whether records of the root `unsafe-keys`, which hold private keys in plain text, are refused.
        refuse_unsafe_keys: bool = false;
        /// Requests per minute.
        rates: Rates = Rates::default();
        /// Gateway.
        gateway: Gateway = Gateway::default();
        /// Applications.
        applications: Vec<Application> = Vec::new();
    }
}

section! {
    /// People who sign up and in with a passphrase through the native interface.
    Users {
        /// The realm of their keys. Their accounts hang on it, so it is never changed.
        realm: RealmId = realm("users");
        /// The realm of their vaults, by which admission tokens name it. It is never changed either.
        vault_realm: RealmId = realm("users-vault");
        /// Who can sign up: "closed", "reserved" for whoever asks for a name first, or "chosen" for any name that is free.
        sign_up: SignUp = SignUp::Reserved;
        /// Requests per minute.
        rates: PeopleRates = PeopleRates::default();
    }
}

fn people_rates() -> strongroom_transports::PeopleRates {
    strongroom_transports::PeopleRates::default()
}

section! {
    /// Requests per minute of one address, each with a burst of as many; 0 for no limit. Beyond them the answer is 429.
    PeopleRates {
        /// Attempts to sign in with a passphrase, good and bad; and as many challenges.
        sign_ins_per_minute: u32 = people_rates().sign_ins_per_minute;
        /// Usernames asked for, users registered, vault users made.
        sign_ups_per_minute: u32 = people_rates().sign_ups_per_minute;
        /// Vault sessions asked for.
        vault_sign_ins_per_minute: u32 = people_rates().vault_sign_ins_per_minute;
    }
}

section! {
    /// The Meeco interface, for its published clients: a keystore and a vault.
    Meeco {
        /// Whether it is served.
        enabled: bool = true;
        /// Under which prefix the keystore is served.
        keystore_mount: String = "/meeco/keystore".to_owned();
        /// Under which prefix the vault is served.
        vault_mount: String = "/meeco/vault".to_owned();
        /// The realm of keystore users. Their accounts hang on it, so it is never changed.
        keystore_realm: RealmId = realm("meeco-keystore");
        /// The realm of vault users, by which admission tokens name the vault. It is never changed either.
        vault_realm: RealmId = realm("meeco-vault");
        /// Who can sign up: "closed", "reserved" for whoever asks for a name first, as the clients do, or "chosen" for any
        /// name that is free.
        sign_up: SignUp = SignUp::Reserved;
        /// The values of Meeco-Subscription-Key that are taken; any, if there are none.
        subscription_keys: Vec<SecretValue> = Vec::new();
        /// The largest request body of the two mounts, in bytes, in place of `limits.body_bytes_max`.
        body_bytes_max: usize = dialects::meeco::BODY_BYTES_MAX;
        /// Requests per minute.
        rates: PeopleRates = PeopleRates::default();
        /// Other keystores whose users are admitted to this vault.
        trusted_keystores: Vec<TrustedKeystore> = Vec::new();
    }
}

section! {
    /// The Psono interface, for its published clients.
    Psono {
        /// Whether it is served.
        enabled: bool = true;
        /// Under which prefix.
        mount: String = "/psono".to_owned();
        /// The realm of its people. Their accounts hang on it, so it is never changed.
        realm: RealmId = realm("psono");
        /// Whether anybody can register.
        registration: bool = true;
        /// The domains that user names may have; any, if there are none.
        allowed_domains: Vec<String> = Vec::new();
        /// Whoever registers has to show that they read mail to their address: their codes are written into this
        /// folder, one file each, for a program of the operator's that sends mail. Without it nobody has to.
        activation_folder: Option<PathBuf> = None, as "\"/var/spool/strongroom/activation\"";
        /// Where the vendor's web client is served, without a slash at the end; clients show it to people.
        web_client: String = String::new();
        /// Whether API keys that allow it may send their secret key and have secrets opened by the server. It then sees
        /// them.
        insecure_access: bool = false;
        /// The largest request body, in bytes, in place of `limits.body_bytes_max`. Requests without a session may have
        /// 64 KiB at most.
        body_bytes_max: usize = dialects::psono::BODY_BYTES_MAX;
        /// How often somebody may ask.
        rates: PsonoRates = PsonoRates::default();
    }
}

fn psono_rates() -> dialects::psono::PsonoRates {
    dialects::psono::PsonoRates::default()
}

section! {
    /// How often one source may ask, each with a burst of as many; 0 for no limit. Beyond it the answer is 429. A source
    /// is an address; for API keys it is also the key, and for sessions the session.
    PsonoRates {
        /// Logins of API keys.
        api_key_logins_per_hour: u32 = psono_rates().api_key_logins_per_hour;
        /// Logins with a password, and codes that show an address.
        logins_per_day: u32 = psono_rates().logins_per_day;
        /// Questions before a login.
        prelogins_per_day: u32 = psono_rates().prelogins_per_day;
        /// Registrations.
        registrations_per_day: u32 = psono_rates().registrations_per_day;
        /// Device codes asked for and polled.
        device_polls_per_day: u32 = psono_rates().device_polls_per_day;
        /// Questions who the server is, and whether it is healthy.
        info_per_hour: u32 = psono_rates().info_per_hour;
        /// Access by API keys without a session.
        anonymous_per_day: u32 = psono_rates().anonymous_per_day;
        /// Requests whose token or validator is not good.
        bad_tokens_per_minute: u32 = psono_rates().bad_tokens_per_minute;
        /// Requests of one session.
        session_per_day: u32 = psono_rates().session_per_day;
    }
}

section! {
    /// The Misakey interface, for its published web client. Pages reach it with cookies: their origins are listed under
    /// [cors].
    Misakey {
        /// Whether it is served.
        enabled: bool = true;
        /// Under which prefix.
        mount: String = "/misakey".to_owned();
        /// The realm of its accounts and identities. Their storage hangs on it, so it is never changed.
        realm: RealmId = realm("misakey");
        /// The client whose tokens are taken.
        client: String = "web".to_owned();
        /// Seconds for which a share of a root key is kept: whoever has a browser's half opens its account as long
        /// without the password.
        share_life_s: u64 = engine().escrow_share_life.as_secs();
        /// Live shares of one account; the oldest goes for a new one. At most 1,000.
        shares_max: usize = engine().escrow_shares_max;
        /// How often a share is handed out before it is gone; 0 for any number. A browser with two tabs asks twice, and an
        /// answer that is lost on its way counts.
        share_reads_max: u32 = engine().escrow_share_reads_max;
        /// Secrets that one account keeps under its root key. At most 4,000.
        secrets_max: usize = engine().escrow_secrets_max;
        /// One of them, in bytes of its text.
        secret_bytes_max: usize = engine().escrow_secret_bytes_max;
        /// How often an account may ask for shares, and an address for what takes no token.
        rates: MisakeyRates = MisakeyRates::default();
    }
}

fn misakey_rates() -> dialects::misakey::MisakeyRates {
    dialects::misakey::MisakeyRates::default()
}

section! {
    /// How often one account may ask for shares, and one address for what takes no token, each with a burst of as many; 0
    /// for no limit. Beyond it the answer is 429.
    MisakeyRates {
        /// Shares filed or dropped.
        writes_per_hour: u32 = misakey_rates().writes_per_hour;
        /// Shares asked for.
        reads_per_hour: u32 = misakey_rates().reads_per_hour;
        /// Hashes that no share is filed under. As many of them within ten minutes are told to the account, at most
        /// 1,000; 0 for no limit, and nothing is told.
        misses_per_ten_minutes: u32 = misakey_rates().misses_per_ten_minutes;
        /// Page tokens, by one address.
        page_tokens_per_minute: u32 = misakey_rates().page_tokens_per_minute;
        /// Parameters of passwords, by one address.
        password_params_per_minute: u32 = misakey_rates().password_params_per_minute;
    }
}

section! {
    /// The Dragonchain interface, for its published clients. It keeps keys that the server itself must be able to use, so
    /// the store has to be encrypted, or to be memory.
    Dragonchain {
        /// Whether it is served.
        enabled: bool = false;
        /// Under which prefix, on the public listener.
        mount: String = "/dragonchain".to_owned();
        /// A listener of its own, on which it is served without a prefix, in place of the mount. It speaks TLS where the
        /// public listener does, and stays on loopback where that has to.
        listen: Option<SocketAddr> = None, as "\"127.0.0.1:8473\"";
        /// The address that clients are given as their endpoint, as the status tells it, without a slash at the end.
        url: String = String::new(), as "\"https://keys.example/dragonchain\"";
        /// A chain that is there from the start. The variable STRONGROOM_DRAGONCHAIN_ID says it as well, and
        /// STRONGROOM_DRAGONCHAIN_ID_FILE names a file with it; so do ..._ROOT_KEY_ID and ..._ROOT_KEY for the next two.
        chain: Option<ChainId> = None, as "\"dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr\"";
        /// The id of the chain's root key: 1 to 64 of A-Z, 0-9 and underscores.
        root_key_id: Option<KeyId> = None, as "\"EAYRMSXDOSWY\"";
        /// The chain's root key, which signs for everything: 32 to 256 letters, digits and ._~:/@+=-. Another one than the
        /// chain has takes its place at the start. `root_key_file` names a file with it instead.
        root_key: Option<SecretValue> = None, as "\"a root key of your own, of 43 letters and digits\"";
        /// How often somebody may ask.
        rates: DragonchainRates = DragonchainRates::default();
    }
}

fn dragonchain_rates() -> dialects::dragonchain::DragonchainRates {
    dialects::dragonchain::DragonchainRates::default()
}

section! {
    /// Requests per minute, each with a burst of as many; 0 for no limit. Beyond them the answer is 429.
    DragonchainRates {
        /// Requests of one address whose signature is refused.
        failures_per_minute: u32 = dragonchain_rates().failures_per_minute;
        /// Requests that one key has signed.
        key_requests_per_minute: u32 = dragonchain_rates().key_requests_per_minute;
    }
}

section! {
    /// Realms of PIN recovery, for the published Juicebox clients. They keep shares that the server itself must be able to
    /// use, so the store has to be encrypted, or to be memory.
    PinRecovery {
        /// Whether they are served.
        enabled: bool = false;
        /// Under which prefix, on the public listener: a realm is at its id below it, with a slash at the end.
        mount: String = "/juicebox".to_owned();
        /// A file of the server's own that says how far each realm has come, by which a store that was restored from a
        /// backup is known. It must lie outside of what is backed up and restored with the store. Needed, unless the store
        /// is memory.
        mark_file: Option<PathBuf> = None, as "\"/var/lib/strongroom-marks/recovery.json\"";
        /// The realms that this server is.
        realms: Vec<RecoveryRealm> = Vec::new();
        /// The applications whose tokens they take.
        tenants: Vec<RecoveryTenant> = Vec::new();
        /// How often somebody may ask.
        rates: JuiceboxRates = JuiceboxRates::default();
    }
}

fn pin_policy() -> PinPolicy {
    PinPolicy::default()
}

section! {
    /// A realm. One server with all realms of a client protects nobody whose PIN is short: docs/pin-recovery.md.
    RecoveryRealm {
        /// Its public name: 32 digits of hexadecimal, drawn at random.
        id: String = String::new(), as "\"5f3a0b7c9d1e4f60815243b6a7c8d9e0\"";
        /// The most guesses that a registration may allow, up to 20. One that allows more is refused.
        guesses_max: u32 = u32::from(pin_policy().guesses_max), as "10";
        /// Seconds that a guess has to wait after the one before, by how many were used; the last holds for all that
        /// follow. Empty for no wait.
        back_off_s: Vec<u64> = pin_policy().back_off.iter().map(Duration::as_secs).collect(), as "[0, 0, 30, 300, 3600]";
        /// Seconds for which a record is kept that was deleted or replaced, for its owner to take back; 0 for not at all.
        grace_s: u64 = pin_policy().grace.as_secs(), as "259200";
    }
}

section! {
    /// One version of the key of an application. Several versions are several of these.
    RecoveryTenant {
        /// The application's name, as its tokens have it: letters and digits, with test- before them or not.
        name: String = String::new(), as "\"acme\"";
        /// The version of the key, as tokens name it behind the name.
        key_version: u64 = 1, as "1";
        /// The key: 32 bytes or more of an HMAC secret as they are, or {"data", "encoding", "algorithm"} in JSON. `key_file`
        /// names a file with it instead.
        key: Option<SecretValue> = None, as "\"a secret of your own, of 32 bytes or more\"";
        /// The realm of accounts whose usernames are the users of this application, if there is one: they may take back
        /// what was deleted.
        accounts: Option<RealmId> = None, as "\"users\"";
    }
}

fn juicebox_rates() -> dialects::juicebox::JuiceboxRates {
    dialects::juicebox::JuiceboxRates::default()
}

section! {
    /// Requests per minute, each with a burst of as many; 0 for no limit. Beyond them the answer is 429.
    JuiceboxRates {
        /// Requests of one user at one realm.
        user_requests_per_minute: u32 = juicebox_rates().user_requests_per_minute;
        /// Requests of one application and its users.
        tenant_requests_per_minute: u32 = juicebox_rates().tenant_requests_per_minute;
        /// Requests with a good token, in all.
        requests_per_minute: u32 = juicebox_rates().requests_per_minute;
        /// Requests of one address whose token is refused.
        failures_per_minute: u32 = juicebox_rates().failures_per_minute;
    }
}

fn realm(name: &'static str) -> RealmId {
    RealmId::new(name).expect("a default is a good realm")
}

section! {
    /// Another keystore whose admission tokens are taken.
    TrustedKeystore {
        /// What its users are told apart by: they are known here as name/username. Lower-case letters, digits and dashes.
        name: String = String::new(), as "\"keystore-two\"";
        /// Its admission key: Ed25519, SubjectPublicKeyInfo in base64. Its `strongroom admin status` shows it.
        public_key: Option<PublicKey> = None, as "\"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"";
    }
}

fn rates() -> RateLimits {
    RateLimits::default()
}

section! {
    /// Requests per minute, each with a burst of as many; 0 for no limit. Beyond them the answer is 429.
    Rates {
        /// Reads of one identity.
        reads_per_minute: u32 = rates().reads_per_minute;
        /// Writes and resets of one identity.
        writes_per_minute: u32 = rates().writes_per_minute;
        /// Requests of one address. Not counted for gateways.
        address_requests_per_minute: u32 = rates().address_requests_per_minute;
        /// Refused tokens from one address.
        address_bad_tokens_per_minute: u32 = rates().address_bad_tokens_per_minute;
    }
}

section! {
    /// Gateway mode: somebody in front of this server has authenticated the identity and names it in headers. Off
    /// unless one of these is set.
    Gateway {
        /// A listener of its own for the gateway. Without it, the gateway comes to the public one and is known there
        /// by its network, its secret, or both.
        listen: Option<SocketAddr> = None, as "\"127.0.0.1:8472\"";
        /// The networks that the gateway comes from; any if there are none.
        networks: Vec<NetworkText> = Vec::new();
        /// What the gateway sends in the header Strongroom-Gateway-Secret: 16 characters or more. `secret_file` names a
        /// file with it instead.
        secret: Option<SecretValue> = None, as "\"a secret of your own\"";
    }
}

section! {
    /// One application and one of its keys. Several keys of an application are several of these. A key that is taken
    /// out goes at the next start; `strongroom admin app` adds and revokes at once.
    Application {
        /// The application's id.
        id: Option<RealmId> = None, as "\"my-application\"";
        /// The key's id, as its tokens name it: 1 to 256 bytes.
        key_id: String = String::new(), as "\"e680bef87ba75d331b0a02bfa6a20f02\"";
        /// The key: Ed25519, SubjectPublicKeyInfo in base64. `strongroom admin app add --generate` makes a pair.
        public_key: Option<PublicKey> = None, as "\"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"";
        /// What its tokens may do: "create", "get", "reset".
        rights: RightsList = RightsList(Rights::ALL);
    }
}
