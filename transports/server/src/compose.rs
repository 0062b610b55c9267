//! From configuration to parts: limits, realms, router, listeners. The composition root; nothing is decided here.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use strongroom_engine::{
    Limits, Rights,
    domains::{
        admission::TrustedIssuer,
        pin_recovery::{PinPolicy, RecoveryRealm, RecoveryTenant},
        realms::{ConfiguredRealm, RealmKey, SignUp},
    },
};
use strongroom_primitives::{
    id::{IssuerName, RealmId},
    pin_recovery::{RecoveryRealmId, tenant_key::TenantKey},
    secret::Secret,
};
use strongroom_transports::{
    CorsPolicy, EdgeLimits, PeopleOptions, PeopleRates, PublicUrl, PublicUrls, Router,
    dialects::{
        dragonchain::{Dragonchain, DragonchainOptions, DragonchainRates},
        juicebox::{Juicebox, JuiceboxOptions, JuiceboxRates},
        keyknox::{Keyknox, KeyknoxOptions, RateLimits},
        meeco::{Installation, Keystore, MeecoOptions, Vault},
        misakey::{Misakey, MisakeyOptions, MisakeyRates},
        psono::{Mail, Psono, PsonoOptions, PsonoRates},
    },
    http::{GatewayPeers, HttpLimits, HttpOptions},
    sockets::Network,
};

use crate::{
    config::{self, Config},
    spool::Spool,
};

/// Where the native interface is mounted.
pub(crate) const NATIVE_MOUNT: &str = "/v1";

/// Connections that the operator and whoever reads metrics may have.
const ADMIN_CONNECTIONS_MAX: usize = 64;

/// The engine's limits.
pub(crate) fn engine_limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        in_flight_max: limits.in_flight_max,
        heavy_max: limits.heavy_max,
        lane_batch_max: limits.lane_batch_max,
        conflict_retries_max: limits.conflict_retries_max,
        deadline_default: Duration::from_secs(limits.request_within_s),
        idempotency_ttl: Duration::from_secs(limits.idempotency_ttl_s),
        single_meta_bytes_max: limits.single_meta_bytes_max,
        meta_bytes_max: limits.meta_bytes_max,
        value_bytes_max: limits.value_bytes_max,
        recipients_max: limits.recipients_max,
        history_versions_max: limits.history_versions_max,
        history_retention: Duration::from_secs(limits.history_retention_s),
        account_records_max: limits.account_records_max,
        account_bytes_max: limits.account_bytes_max,
        account_keys_max: limits.account_keys_max,
        wrapped_key_bytes_max: limits.wrapped_key_bytes_max,
        wrapped_private_key_bytes_max: limits.wrapped_private_key_bytes_max,
        key_pair_metadata_bytes_max: limits.key_pair_metadata_bytes_max,
        admission_token_life: Duration::from_secs(limits.admission_token_life_s),
        account_audiences_max: limits.account_audiences_max,
        vault_text_bytes_max: limits.vault_text_bytes_max,
        item_slots_max: limits.item_slots_max,
        item_bytes_max: limits.item_bytes_max,
        vault_items_max: limits.vault_items_max,
        vault_bytes_max: limits.vault_bytes_max,
        sealed_bytes_max: limits.sealed_bytes_max,
        account_datastores_max: limits.account_datastores_max,
        account_secrets_max: limits.account_secrets_max,
        account_shares_max: limits.account_shares_max,
        secret_versions_max: limits.secret_versions_max,
        share_members_max: limits.share_members_max,
        escrow_share_life: Duration::from_secs(config.misakey.share_life_s),
        escrow_shares_max: config.misakey.shares_max,
        escrow_share_reads_max: config.misakey.share_reads_max,
        escrow_misses_told: usize::try_from(config.misakey.rates.misses_per_ten_minutes)
            .unwrap_or(usize::MAX),
        escrow_secrets_max: config.misakey.secrets_max,
        escrow_secret_bytes_max: config.misakey.secret_bytes_max,
        unlinked_retention: Duration::from_secs(limits.unlinked_retention_s),
        account_escrows_max: limits.account_escrows_max,
        escrow_holders_max: limits.escrow_holders_max,
        escrow_payload_bytes_max: limits.escrow_payload_bytes_max,
        recovery_delay_max: Duration::from_secs(limits.recovery_delay_max_s),
        recovery_window_max: Duration::from_secs(limits.recovery_window_max_s),
        recovery_requests_max: limits.recovery_requests_max,
        recovery_requests_kept_max: limits.recovery_requests_kept_max,
        recovery_request_retention: Duration::from_secs(limits.recovery_request_retention_s),
        page_rows_max: limits.page_rows_max,
        feed_events_max: limits.feed_events_max,
        feed_retention: Duration::from_secs(limits.feed_retention_s),
        sessions_max: limits.sessions_max,
        session_life_max: Duration::from_secs(limits.session_life_max_s),
        session_idle_max: limits.session_idle_max_s.map(Duration::from_secs),
        session_proof_within: Duration::from_secs(limits.session_proof_within_s),
        api_keys_max: limits.api_keys_max,
        api_key_sessions_max: limits.api_key_sessions_max,
        api_key_secrets_max: limits.api_key_secrets_max,
        api_session_life_max: Duration::from_secs(limits.api_session_life_max_s),
        username_reserved_for: Duration::from_secs(limits.username_reserved_for_s),
        guesses_free: limits.guesses_free,
        guesses_elsewhere_free: limits.guesses_elsewhere_free,
        guess_wait_max: Duration::from_secs(limits.guess_wait_max_s),
        verified_tokens_max: limits.verified_tokens_max,
        token_clock_tolerance: Duration::from_secs(limits.token_clock_tolerance_s),
        token_life_max: limits.token_life_max_s.map(Duration::from_secs),
        chains_max: limits.chains_max,
        service_keys_max: limits.service_keys_max,
        nickname_chars_max: limits.nickname_chars_max,
        permissions_bytes_max: limits.permissions_bytes_max,
        service_key_overlap_max: Duration::from_secs(limits.service_key_overlap_max_s),
        signature_window: Duration::from_secs(limits.signature_window_s),
        message_signature_window: Duration::from_secs(limits.message_signature_window_s),
        signatures_max: limits.signatures_max,
        signatures_shared: limits.signatures_shared,
        recovery_log_events_max: limits.recovery_log_events_max,
        sweep_interval: Duration::from_millis(limits.sweep_interval_ms),
        sweep_rows_max: limits.sweep_rows_max,
        poll_interval: Duration::from_secs(limits.poll_interval_s),
    }
}

/// The limits at the edge.
pub(crate) fn edge_limits(config: &Config) -> EdgeLimits {
    let limits = &config.limits;
    EdgeLimits {
        body_bytes_max: limits.body_bytes_max,
        json_depth_max: limits.json_depth_max,
        request_within: Duration::from_secs(limits.request_within_s),
        subscriptions_max: limits.subscriptions_max,
        asks_in_flight_max: limits.asks_in_flight_max,
    }
}

/// Where people sign up through the native interface, and how often an address may try.
pub(crate) fn people(config: &Config) -> PeopleOptions {
    let users = &config.users;
    PeopleOptions {
        users_realm: users.realm.clone(),
        vault_realm: users.vault_realm.clone(),
        rates: people_rates(&users.rates),
        ..PeopleOptions::default()
    }
}

fn people_rates(rates: &config::PeopleRates) -> PeopleRates {
    PeopleRates {
        sign_ins_per_minute: rates.sign_ins_per_minute,
        sign_ups_per_minute: rates.sign_ups_per_minute,
        vault_sign_ins_per_minute: rates.vault_sign_ins_per_minute,
    }
}

/// The realms that stand in the configuration. What a gateway's identities may do is what any of an application's
/// keys may.
pub(crate) fn realms(config: &Config) -> Vec<ConfiguredRealm> {
    let mut realms: Vec<ConfiguredRealm> = Vec::new();
    for application in &config.keyknox.applications {
        let (Some(id), Some(public_key)) = (&application.id, &application.public_key) else { continue };
        let rights = application.rights.0;
        let key =
            RealmKey { key_id: application.key_id.clone(), public_key: *public_key.0.as_bytes(), rights };
        match realms.iter_mut().find(|realm| realm.realm == *id) {
            Some(realm) => {
                realm.rights = realm.rights.iter().chain(rights.iter()).collect::<Rights>();
                realm.keys.push(key);
            }
            None => realms.push(ConfiguredRealm {
                realm: id.clone(),
                rights,
                sign_up: SignUp::Closed,
                keys: vec![key],
            }),
        }
    }
    let of = |realm: &RealmId, sign_up| ConfiguredRealm {
        realm: realm.clone(),
        rights: Rights::NONE,
        sign_up,
        keys: Vec::new(),
    };
    if config.native.enabled {
        realms.push(of(&config.users.realm, config.users.sign_up));
        realms.push(of(&config.users.vault_realm, SignUp::Closed));
    }
    if config.meeco.enabled {
        realms.push(of(&config.meeco.keystore_realm, config.meeco.sign_up));
        realms.push(of(&config.meeco.vault_realm, SignUp::Closed));
    }
    if config.psono.enabled {
        let sign_up = if config.psono.registration { SignUp::Chosen } else { SignUp::Closed };
        realms.push(of(&config.psono.realm, sign_up));
    }
    if config.misakey.enabled {
        realms.push(of(&config.misakey.realm, SignUp::Closed));
    }
    realms
}

/// The keystores elsewhere whose admission tokens are taken.
pub(crate) fn trusted_issuers(config: &Config) -> impl Iterator<Item = TrustedIssuer> {
    config.meeco.trusted_keystores.iter().filter_map(|keystore| {
        // Both were looked at when the configuration was checked.
        let name = IssuerName::new(&*keystore.name).ok()?;
        Some(TrustedIssuer { name, public_key: keystore.public_key.as_ref()?.0 })
    })
}

/// Everything that is served, under its prefixes.
///
/// # Errors
/// If a prefix is none, which `config::check` refuses earlier, or a folder is not there.
pub(crate) fn router(config: &Config) -> anyhow::Result<Router> {
    let mut router = Router::builder().cors(CorsPolicy::new(config.cors.origins.clone())?);
    if config.native.enabled {
        router = router.native(NATIVE_MOUNT);
    }
    if config.keyknox.enabled {
        let rates = &config.keyknox.rates;
        let rates = RateLimits {
            reads_per_minute: rates.reads_per_minute,
            writes_per_minute: rates.writes_per_minute,
            address_requests_per_minute: rates.address_requests_per_minute,
            address_bad_tokens_per_minute: rates.address_bad_tokens_per_minute,
        };
        let refuse_unsafe_keys = config.keyknox.refuse_unsafe_keys;
        let options = KeyknoxOptions { rates, refuse_unsafe_keys, ..KeyknoxOptions::default() };
        router = router.mount(&config.keyknox.mount, Arc::new(Keyknox::new(options)));
    }
    if config.meeco.enabled {
        let meeco = &config.meeco;
        let installation = Installation::new(MeecoOptions {
            subscription_keys: meeco.subscription_keys.iter().map(|key| key.0.clone()).collect(),
            rates: people_rates(&meeco.rates),
            body_bytes_max: meeco.body_bytes_max,
            ..MeecoOptions::new(meeco.keystore_realm.clone(), meeco.vault_realm.clone())
        });
        router = router
            .mount(&meeco.keystore_mount, Arc::new(Keystore::new(installation.clone())))
            .mount(&meeco.vault_mount, Arc::new(Vault::new(installation)));
    }
    if config.psono.enabled {
        router = router.mount(&config.psono.mount, Arc::new(psono(&config.psono)?));
    }
    if config.misakey.enabled {
        router = router.mount(&config.misakey.mount, Arc::new(misakey(&config.misakey)));
    }
    if config.dragonchain.enabled && config.dragonchain.listen.is_none() {
        router = router.mount(&config.dragonchain.mount, Arc::new(dragonchain(&config.dragonchain)));
    }
    if config.pin_recovery.enabled {
        router = router.mount(&config.pin_recovery.mount, Arc::new(juicebox(&config.pin_recovery)));
    }
    Ok(router.build()?)
}

/// What is served on the listener of the chains, if they have one.
///
/// # Errors
/// None: nothing else is there.
pub(crate) fn dragonchain_router(config: &Config) -> anyhow::Result<Router> {
    let router = Router::builder().cors(CorsPolicy::new(config.cors.origins.clone())?);
    Ok(router.mount("", Arc::new(dragonchain(&config.dragonchain))).build()?)
}

/// The realms of PIN recovery that the server is; none unless they are served.
pub(crate) fn recovery_realms(config: &Config) -> Vec<Arc<RecoveryRealm>> {
    let pin_recovery = &config.pin_recovery;
    if !pin_recovery.enabled {
        return Vec::new();
    }
    // What is no id and no key was refused when the configuration was checked.
    let realm = |realm: &config::RecoveryRealm| {
        let policy = PinPolicy {
            guesses_max: u16::try_from(realm.guesses_max).ok()?,
            back_off: realm.back_off_s.iter().copied().map(Duration::from_secs).collect(),
            grace: Duration::from_secs(realm.grace_s),
            ..PinPolicy::default()
        };
        let id = RecoveryRealmId::from_hex(&realm.id).ok()?;
        let operator = pin_recovery.operator.clone();
        Some(Arc::new(RecoveryRealm { id, operator, tenants: recovery_tenants(pin_recovery), policy }))
    };
    pin_recovery.realms.iter().filter_map(realm).collect()
}

fn recovery_tenants(config: &config::PinRecovery) -> BTreeMap<String, RecoveryTenant> {
    let mut tenants: BTreeMap<String, RecoveryTenant> = BTreeMap::new();
    for tenant in &config.tenants {
        let key = tenant.key.as_ref().and_then(|key| TenantKey::read(key.0.expose().as_bytes()).ok());
        let Some(key) = key else { continue };
        let known = tenants.entry(tenant.name.clone()).or_default();
        known.keys.insert(tenant.key_version, key);
        known.accounts.clone_from(&tenant.accounts);
    }
    tenants
}

fn juicebox(config: &config::PinRecovery) -> Juicebox {
    let rates = &config.rates;
    Juicebox::new(JuiceboxOptions {
        rates: JuiceboxRates {
            user_requests_per_minute: rates.user_requests_per_minute,
            tenant_requests_per_minute: rates.tenant_requests_per_minute,
            requests_per_minute: rates.requests_per_minute,
            failures_per_minute: rates.failures_per_minute,
        },
        ..JuiceboxOptions::default()
    })
}

fn dragonchain(config: &config::Dragonchain) -> Dragonchain {
    let rates = &config.rates;
    Dragonchain::new(DragonchainOptions {
        url: config.url.clone(),
        rates: DragonchainRates {
            failures_per_minute: rates.failures_per_minute,
            key_requests_per_minute: rates.key_requests_per_minute,
        },
        ..DragonchainOptions::default()
    })
}

fn misakey(config: &config::Misakey) -> Misakey {
    let config::Misakey { realm, client, rates, .. } = config;
    let rates = MisakeyRates {
        writes_per_hour: rates.writes_per_hour,
        reads_per_hour: rates.reads_per_hour,
        misses_per_ten_minutes: rates.misses_per_ten_minutes,
        page_tokens_per_minute: rates.page_tokens_per_minute,
        password_params_per_minute: rates.password_params_per_minute,
    };
    Misakey::new(MisakeyOptions { rates, ..MisakeyOptions::new(realm.clone(), client.clone()) })
}

fn psono(config: &config::Psono) -> anyhow::Result<Psono> {
    let rates = &config.rates;
    let mail: Option<Arc<dyn Mail>> = match &config.activation_folder {
        Some(folder) => Some(Arc::new(Spool::open(folder.clone())?)),
        None => None,
    };
    Ok(Psono::new(PsonoOptions {
        allowed_domains: config.allowed_domains.clone(),
        web_client: config.web_client.clone(),
        mail,
        insecure_access: config.insecure_access,
        rates: PsonoRates {
            api_key_logins_per_hour: rates.api_key_logins_per_hour,
            logins_per_day: rates.logins_per_day,
            prelogins_per_day: rates.prelogins_per_day,
            registrations_per_day: rates.registrations_per_day,
            device_polls_per_day: rates.device_polls_per_day,
            info_per_hour: rates.info_per_hour,
            anonymous_per_day: rates.anonymous_per_day,
            bad_tokens_per_minute: rates.bad_tokens_per_minute,
            session_per_day: rates.session_per_day,
        },
        body_bytes_max: config.body_bytes_max,
        ..PsonoOptions::new(config.realm.clone())
    }))
}

/// The URLs by which clients reach the server: those of the configuration, or of its listener.
pub(crate) fn public_urls(config: &Config, addresses: &[SocketAddr], secure: bool) -> PublicUrls {
    let named = config.server.public_urls.iter().map(|url| url.0.clone());
    if named.len() > 0 {
        return PublicUrls::new(named);
    }
    PublicUrls::new(addresses.iter().map(|address| PublicUrl::of_listener(*address, secure)))
}

/// The public listener, without TLS, which has files to read.
pub(crate) fn public_listener(config: &Config) -> HttpOptions {
    let gateway = &config.keyknox.gateway;
    let gateway = if gateway.listen.is_none() { gateway_peers(config) } else { GatewayPeers::default() };
    HttpOptions {
        bind: config.server.listen.0.clone(),
        workers: workers(config),
        limits: http_limits(config),
        trusted_proxies: config.server.trusted_proxies.iter().map(|network| network.0).collect(),
        gateway,
        websocket_path: config.native.enabled.then(|| format!("{NATIVE_MOUNT}/ws")),
        ..HttpOptions::default()
    }
}

/// The gateway's own listener, if it has one: whoever reaches it is the gateway, unless its network or its secret are
/// asked for as well.
pub(crate) fn gateway_listener(config: &Config) -> Option<HttpOptions> {
    let listen = config.keyknox.gateway.listen?;
    let mut gateway = gateway_peers(config);
    if gateway.networks.is_empty() {
        gateway.networks =
            ["0.0.0.0/0", "::/0"].iter().filter_map(|all| all.parse::<Network>().ok()).collect();
    }
    let limits = HttpLimits { connections_per_source_max: 0, ..http_limits(config) };
    Some(HttpOptions { bind: vec![listen], name: "gateway", limits, gateway, ..without_websocket() })
}

/// The listener of the chains, without TLS, if they have one.
pub(crate) fn dragonchain_listener(config: &Config) -> Option<HttpOptions> {
    let dragonchain = &config.dragonchain;
    let listen = dragonchain.listen.filter(|_| dragonchain.enabled)?;
    let public = public_listener(config);
    let HttpOptions { workers, limits, trusted_proxies, .. } = public;
    Some(HttpOptions {
        bind: vec![listen],
        name: "dragonchain",
        workers,
        limits,
        trusted_proxies,
        ..without_websocket()
    })
}

/// The operator's listener.
pub(crate) fn admin_listener(config: &Config) -> HttpOptions {
    let limits = HttpLimits { connections_max: ADMIN_CONNECTIONS_MAX, ..http_limits(config) };
    HttpOptions { bind: vec![config.admin.listen], name: "admin", limits, ..without_websocket() }
}

fn without_websocket() -> HttpOptions {
    HttpOptions { websocket_path: None, ..HttpOptions::default() }
}

fn gateway_peers(config: &Config) -> GatewayPeers {
    let gateway = &config.keyknox.gateway;
    GatewayPeers {
        networks: gateway.networks.iter().map(|network| network.0).collect(),
        secret: gateway.secret.as_ref().map(|secret| Secret::new(secret.0.expose().as_bytes().to_vec())),
    }
}

fn http_limits(config: &Config) -> HttpLimits {
    let server = &config.server;
    HttpLimits {
        line_bytes_max: server.line_bytes_max,
        head_bytes_max: server.head_bytes_max,
        head_within: Duration::from_secs(server.head_timeout_s),
        body_within: Duration::from_secs(server.body_timeout_s),
        idle_within: Duration::from_secs(server.idle_timeout_s),
        write_within: Duration::from_secs(server.write_timeout_s),
        handshake_within: Duration::from_secs(server.handshake_timeout_s),
        pipelined_max: server.pipelined_max,
        connections_max: server.connections_max,
        connections_per_source_max: server.connections_per_source_max,
        drain_within: Duration::from_secs(server.drain_timeout_s),
    }
}

/// Threads that serve sockets and reads.
pub(crate) fn workers(config: &Config) -> usize {
    match config.server.workers {
        0 => cores(),
        workers => workers,
    }
}

/// Threads that compute heavy commands.
pub(crate) fn heavy_threads(config: &Config) -> usize {
    match config.server.heavy_threads {
        0 => (cores() / 2).max(1),
        threads => threads,
    }
}

/// Processors that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use strongroom_engine::Right;
    use strongroom_primitives::{id::RealmId, sign::SigningKey};

    use super::*;
    use crate::config::{Application, PublicKey, RightsList};

    #[test]
    fn what_is_not_configured_is_the_limit_of_the_parts_themselves() {
        let config = Config::default();
        assert_eq!(engine_limits(&config), Limits::default());
        assert_eq!(edge_limits(&config), EdgeLimits::default());
        assert_eq!(http_limits(&config), HttpLimits::default());
        let (ours, default) = (people(&config), PeopleOptions::default());
        assert_eq!((ours.users_realm, ours.vault_realm), (default.users_realm, default.vault_realm));
        assert_eq!(ours.rates, default.rates);
        assert_eq!(public_listener(&config).websocket_path, HttpOptions::default().websocket_path);
    }

    #[test]
    fn several_keys_of_an_application_make_one_realm() {
        let application = |id: &str, key_id: &str, right: Right| Application {
            id: Some(RealmId::new(id).unwrap()),
            key_id: key_id.to_owned(),
            public_key: Some(PublicKey(SigningKey::from_seed(&[7; 32]).verifying_key())),
            rights: RightsList([right].into_iter().collect()),
        };
        let mut config = Config::default();
        config.keyknox.applications = vec![
            application("a", "1", Right::Get),
            application("b", "1", Right::Get),
            application("a", "2", Right::Create),
        ];
        let mut realms = realms(&config);
        realms.retain(|realm| !realm.keys.is_empty());
        assert_eq!(realms.len(), 2);
        assert_eq!(realms[0].keys.len(), 2);
        assert_eq!(realms[0].rights, [Right::Get, Right::Create].into_iter().collect());
        assert!(!realms[0].keys[0].rights.has(Right::Create), "a key has its own rights");
    }

    #[test]
    fn a_gateway_with_a_listener_of_its_own_is_nobody_on_the_public_one() {
        let mut config = Config::default();
        config.keyknox.gateway.listen = Some(([127, 0, 0, 1], 1).into());
        let public = public_listener(&config).gateway;
        assert!(public.networks.is_empty() && public.secret.is_none());
        assert_eq!(gateway_listener(&config).unwrap().gateway.networks.len(), 2);
        assert!(gateway_listener(&Config::default()).is_none());
    }
}
