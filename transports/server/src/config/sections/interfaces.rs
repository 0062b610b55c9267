//! The interfaces: the native one, and the protocols of vendors.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use strongroom_engine::{
    Rights,
    domains::{pin_recovery::PinPolicy, realms::SignUp},
};
use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    id::RealmId,
};
use strongroom_transports::dialects::{self, keyknox::RateLimits};

use super::limits::engine;
use crate::config::{
    section::{SecretValue, section},
    values::{NetworkText, PublicKey, RightsList},
};

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
    /// `[cors]`.
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
        /// Who runs this server, as `GET /v1/realms` tells those who choose realms.
        operator: String = String::new(), as "\"Example Ltd\"";
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
