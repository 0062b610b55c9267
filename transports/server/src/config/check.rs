//! Whether the values of a configuration fit together.
//!
//! Nothing is opened here but the files that the configuration names, and those only to look at who may read them.

mod dragonchain;
mod misakey;
mod mounts;
mod pin_recovery;

use std::{collections::BTreeSet, fs, net::SocketAddr, path::Path};

use strongroom_primitives::id::IssuerName;
use strongroom_storage::{BATCH_BYTES_MAX, VALUE_BYTES_MAX};
use strongroom_transports::CorsPolicy;
use tracing_subscriber::EnvFilter;

use super::{Loaded, layers::is_world_readable, places::Complaint, sections::Config};

/// The most versions that history may keep of a record: its head names the place of each.
const HISTORY_VERSIONS_MAX: u64 = 10_000;

/// The shortest secret that a gateway may be believed by, in characters.
const GATEWAY_SECRET_CHARS_MIN: usize = 16;

/// Refuses what cannot work and warns of what should not be.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(loaded: &mut Loaded) -> Result<(), Complaint> {
    listeners(loaded)?;
    tls(loaded)?;
    browsers(loaded)?;
    log(loaded)?;
    limits(loaded)?;
    keyknox(loaded)?;
    meeco(loaded)?;
    psono(loaded)?;
    misakey::check(loaded)?;
    dragonchain::check(loaded)?;
    pin_recovery::check(loaded)?;
    mounts::check(loaded)?;
    realms(loaded)?;
    let warnings = warnings(&loaded.config);
    loaded.warnings.extend(warnings);
    Ok(())
}

/// Nobody outside this machine gets to talk to the server without TLS.
fn listeners(loaded: &Loaded) -> Result<(), Complaint> {
    let Config { server, admin, keyknox, dragonchain, .. } = &loaded.config;
    let of_chains = dragonchain.listen.filter(|_| dragonchain.enabled);
    if server.listen.0.is_empty() {
        return Err(loaded.complain("server.listen", "at least one address is needed"));
    }
    let has_tls = server.tls.certificate.is_some() || server.tls.key.is_some();
    let open = |addresses: &[SocketAddr]| addresses.iter().find(|at| !at.ip().is_loopback()).copied();
    for (key, at) in [
        ("server.listen", open(&server.listen.0)),
        ("dragonchain.listen", of_chains.and_then(|at| open(&[at]))),
    ] {
        if let Some(at) = at
            && !has_tls
            && !server.behind_tls_proxy
        {
            return Err(loaded.complain(
                key,
                format!(
                    "{at} can be reached from other machines and would be served without TLS; add `certificate = \
                     \"...\"` and `key = \"...\"` under [server.tls], or, where a proxy in front ends TLS, \
                     `behind_tls_proxy = true` under [server]"
                ),
            ));
        }
    }
    if let Some(at) = open(&[admin.listen])
        && !admin.behind_tls_proxy
    {
        return Err(loaded.complain(
            "admin.listen",
            format!(
                "{at} can be reached from other machines and would be served without TLS; use a loopback address, \
                 or, where a proxy in front ends TLS, add `behind_tls_proxy = true` under [admin]"
            ),
        ));
    }
    let mut taken = BTreeSet::new();
    let all = server.listen.0.iter().map(|at| ("server.listen", at));
    let others = [("admin.listen", &admin.listen)].into_iter();
    let gateway = keyknox.gateway.listen.iter().map(|at| ("keyknox.gateway.listen", at));
    let of_chains = of_chains.iter().map(|at| ("dragonchain.listen", at));
    for (key, at) in all.chain(others).chain(gateway).chain(of_chains) {
        // Port 0 is a port of its own each time.
        if at.port() != 0 && !taken.insert(*at) {
            return Err(loaded.complain(key, format!("{at} is listened on already")));
        }
    }
    for (key, value) in [
        ("server.head_timeout_s", server.head_timeout_s),
        ("server.write_timeout_s", server.write_timeout_s),
        ("server.handshake_timeout_s", server.handshake_timeout_s),
        ("server.pipelined_max", server.pipelined_max.into()),
        ("server.line_bytes_max", server.line_bytes_max as u64),
        ("server.head_bytes_max", server.head_bytes_max as u64),
        ("server.body_timeout_s", server.body_timeout_s),
        ("server.idle_timeout_s", server.idle_timeout_s),
        ("server.write_threads", server.write_threads as u64),
        ("server.connections_max", server.connections_max as u64),
    ] {
        if value == 0 {
            return Err(loaded.complain(key, "at least 1"));
        }
    }
    Ok(())
}

fn tls(loaded: &Loaded) -> Result<(), Complaint> {
    let tls = &loaded.config.server.tls;
    match (&tls.certificate, &tls.key) {
        (Some(_), None) => {
            Err(loaded.complain("server.tls.certificate", "a certificate needs `key = \"...\"` beside it"))
        }
        (None, Some(_)) => {
            Err(loaded.complain("server.tls.key", "a key needs `certificate = \"...\"` beside it"))
        }
        _ => Ok(()),
    }
}

fn browsers(loaded: &Loaded) -> Result<(), Complaint> {
    CorsPolicy::new(loaded.config.cors.origins.clone())
        .map_err(|error| loaded.complain("cors.origins", error.to_string()))?;
    Ok(())
}

fn log(loaded: &Loaded) -> Result<(), Complaint> {
    EnvFilter::try_new(&loaded.config.log.level)
        .map(drop)
        .map_err(|error| loaded.complain("log.level", error.to_string()))
}

/// Limits that would let nothing through, or more than the store takes, are slips.
fn limits(loaded: &Loaded) -> Result<(), Complaint> {
    let limits = &loaded.config.limits;
    let counts = [
        ("body_bytes_max", limits.body_bytes_max),
        ("json_depth_max", limits.json_depth_max),
        ("in_flight_max", limits.in_flight_max),
        ("heavy_max", limits.heavy_max),
        ("lane_batch_max", limits.lane_batch_max),
        ("single_meta_bytes_max", limits.single_meta_bytes_max),
        ("meta_bytes_max", limits.meta_bytes_max),
        ("value_bytes_max", limits.value_bytes_max),
        ("wrapped_key_bytes_max", limits.wrapped_key_bytes_max),
        ("wrapped_private_key_bytes_max", limits.wrapped_private_key_bytes_max),
        ("recipients_max", limits.recipients_max),
        ("account_audiences_max", limits.account_audiences_max),
        ("vault_text_bytes_max", limits.vault_text_bytes_max),
        ("item_slots_max", limits.item_slots_max),
        ("item_bytes_max", limits.item_bytes_max),
        ("api_keys_max", limits.api_keys_max),
        ("api_key_sessions_max", limits.api_key_sessions_max),
        ("api_key_secrets_max", limits.api_key_secrets_max),
        ("sealed_bytes_max", limits.sealed_bytes_max),
        ("account_datastores_max", limits.account_datastores_max),
        ("share_members_max", limits.share_members_max),
        ("permissions_bytes_max", limits.permissions_bytes_max),
        ("account_escrows_max", limits.account_escrows_max),
        ("escrow_holders_max", limits.escrow_holders_max),
        ("escrow_payload_bytes_max", limits.escrow_payload_bytes_max),
        ("recovery_requests_max", limits.recovery_requests_max),
        ("recovery_requests_kept_max", limits.recovery_requests_kept_max),
        ("signatures_max", limits.signatures_max),
        ("page_rows_max", limits.page_rows_max),
        ("sweep_rows_max", limits.sweep_rows_max),
        ("asks_in_flight_max", limits.asks_in_flight_max),
    ];
    let spans = [
        ("request_within_s", limits.request_within_s),
        ("history_versions_max", limits.history_versions_max),
        ("account_records_max", limits.account_records_max),
        ("account_secrets_max", limits.account_secrets_max),
        ("account_shares_max", limits.account_shares_max),
        ("admission_token_life_s", limits.admission_token_life_s),
        ("feed_events_max", limits.feed_events_max),
        ("chains_max", limits.chains_max),
        ("service_keys_max", limits.service_keys_max),
        ("recovery_window_max_s", limits.recovery_window_max_s),
        ("sweep_interval_ms", limits.sweep_interval_ms),
        ("poll_interval_s", limits.poll_interval_s),
        ("session_life_max_s", limits.session_life_max_s),
        ("api_session_life_max_s", limits.api_session_life_max_s),
        ("username_reserved_for_s", limits.username_reserved_for_s),
    ];
    let counts = counts.map(|(key, value)| (key, value as u64));
    if let Some((key, _)) = counts.into_iter().chain(spans).find(|(_, value)| *value == 0) {
        return Err(loaded.complain(&format!("limits.{key}"), "at least 1"));
    }
    // All sessions of an account are read at once where some have to end.
    for (key, value, max) in [
        ("api_keys_max", limits.api_keys_max, 128),
        ("api_key_sessions_max", limits.api_key_sessions_max, 64),
        ("api_key_secrets_max", limits.api_key_secrets_max, 10_000),
        // So are all datastores of an account, all members of a share and the whole history of a secret.
        ("account_datastores_max", limits.account_datastores_max, 1_024),
        ("share_members_max", limits.share_members_max, 100_000),
        ("secret_versions_max", limits.secret_versions_max, 1_024),
        ("permissions_bytes_max", limits.permissions_bytes_max, 65_536),
        // All escrows of an account are counted at once; a row lists all requests for one, and a batch holds a payload.
        ("account_escrows_max", limits.account_escrows_max, 1_024),
        ("escrow_holders_max", limits.escrow_holders_max, 255),
        ("escrow_payload_bytes_max", limits.escrow_payload_bytes_max, 1024 * 1024),
        ("recovery_requests_max", limits.recovery_requests_max, 255),
        ("recovery_requests_kept_max", limits.recovery_requests_kept_max, 1_024),
    ] {
        if value > max {
            return Err(loaded.complain(&format!("limits.{key}"), format!("at most {max}")));
        }
    }
    // All keys of a chain are listed at once, and so are all chains.
    for (key, value) in [("chains_max", limits.chains_max), ("service_keys_max", limits.service_keys_max)] {
        if value > 4_096 {
            return Err(loaded.complain(&format!("limits.{key}"), "at most 4096"));
        }
    }
    // Taken signatures are kept for the longest window, so that a wider one after a restart lets none be taken twice.
    for (key, value, max) in [
        ("signature_window_s", limits.signature_window_s, 600),
        ("message_signature_window_s", limits.message_signature_window_s, 300),
    ] {
        if !(30..=max).contains(&value) {
            return Err(loaded.complain(&format!("limits.{key}"), format!("30 to {max}")));
        }
    }
    if limits.history_versions_max > HISTORY_VERSIONS_MAX {
        return Err(loaded.complain("limits.history_versions_max", format!("at most {HISTORY_VERSIONS_MAX}")));
    }
    let content =
        limits.value_bytes_max.saturating_add(limits.meta_bytes_max.max(limits.single_meta_bytes_max));
    // A row holds meta and value, or a key pair, and some bytes beside them.
    let room = VALUE_BYTES_MAX - 64 * 1024;
    // A private key lies there twice while a rotation runs.
    let pair = limits
        .wrapped_private_key_bytes_max
        .saturating_mul(2)
        .saturating_add(limits.key_pair_metadata_bytes_max);
    if pair > room {
        let what = format!("twice a private key and the metadata may have {room} bytes together");
        return Err(loaded.complain("limits.wrapped_private_key_bytes_max", what));
    }
    if content > room {
        let what =
            format!("with meta a record may have {room} bytes, which is what the store keeps in one row");
        return Err(loaded.complain("limits.value_bytes_max", what));
    }
    for (key, value) in
        [("item_bytes_max", limits.item_bytes_max), ("sealed_bytes_max", limits.sealed_bytes_max)]
    {
        if value > room {
            let what = format!("at most {room}, which is what the store keeps in one row");
            return Err(loaded.complain(&format!("limits.{key}"), what));
        }
    }
    // Both travel as base64, four characters for three bytes, with names and quotes around them.
    let needed = content.div_ceil(3) * 4 + 4_096;
    if limits.body_bytes_max < needed {
        let what = format!("a record at its limits needs a body of {needed} bytes");
        return Err(loaded.complain("limits.body_bytes_max", what));
    }
    if limits.body_bytes_max > BATCH_BYTES_MAX {
        let what = format!("at most {BATCH_BYTES_MAX}, the most that the store takes at once");
        return Err(loaded.complain("limits.body_bytes_max", what));
    }
    Ok(())
}

/// Every service has a realm of its own, so that none takes another's sessions.
fn realms(loaded: &Loaded) -> Result<(), Complaint> {
    let Config { native, users, meeco, psono, misakey, keyknox, .. } = &loaded.config;
    let people = [("users.realm", &users.realm), ("users.vault_realm", &users.vault_realm)];
    let vendors =
        [("meeco.keystore_realm", &meeco.keystore_realm), ("meeco.vault_realm", &meeco.vault_realm)];
    let mut seen: BTreeSet<_> =
        keyknox.applications.iter().filter_map(|application| application.id.as_ref()).collect();
    let people = people.into_iter().filter(|_| native.enabled);
    let vendors = vendors.into_iter().filter(|_| meeco.enabled);
    let psono = [("psono.realm", &psono.realm)].into_iter().filter(|_| psono.enabled);
    let misakey = [("misakey.realm", &misakey.realm)].into_iter().filter(|_| misakey.enabled);
    for (key, realm) in people.chain(vendors).chain(psono).chain(misakey) {
        if !seen.insert(realm) {
            let what = "another service or application has this realm, and each needs one of its own";
            return Err(loaded.complain(key, what));
        }
    }
    Ok(())
}

fn meeco(loaded: &Loaded) -> Result<(), Complaint> {
    let meeco = &loaded.config.meeco;
    if !meeco.enabled {
        return Ok(());
    }
    if !(1..=BATCH_BYTES_MAX).contains(&meeco.body_bytes_max) {
        let what = format!("1 to {BATCH_BYTES_MAX}, the most that the store takes at once");
        return Err(loaded.complain("meeco.body_bytes_max", what));
    }
    for (position, keystore) in meeco.trusted_keystores.iter().enumerate() {
        let key = |name: &str| format!("meeco.trusted_keystores.{position}.{name}");
        if IssuerName::new(&*keystore.name).is_err() {
            let what = "a keystore needs a `name` of 1 to 64 visible ASCII characters, without a slash";
            return Err(loaded.complain(&key("name"), what));
        }
        if keystore.public_key.is_none() {
            return Err(
                loaded.complain(&key("public_key"), "a keystore needs the `public_key` of its tokens")
            );
        }
    }
    Ok(())
}

fn psono(loaded: &Loaded) -> Result<(), Complaint> {
    let psono = &loaded.config.psono;
    if !psono.enabled {
        return Ok(());
    }
    if !(1..=BATCH_BYTES_MAX).contains(&psono.body_bytes_max) {
        let what = format!("1 to {BATCH_BYTES_MAX}, the most that the store takes at once");
        return Err(loaded.complain("psono.body_bytes_max", what));
    }
    if psono.web_client.ends_with('/') {
        return Err(loaded.complain("psono.web_client", "an address without a slash at its end"));
    }
    Ok(())
}

fn keyknox(loaded: &Loaded) -> Result<(), Complaint> {
    let keyknox = &loaded.config.keyknox;
    if let Some(secret) = &keyknox.gateway.secret
        && secret.0.expose().chars().count() < GATEWAY_SECRET_CHARS_MIN
    {
        let what = format!("at least {GATEWAY_SECRET_CHARS_MIN} characters are needed");
        return Err(loaded.complain("keyknox.gateway.secret", what));
    }
    let gateway = &keyknox.gateway;
    if loaded.config.server.behind_tls_proxy
        && gateway.listen.is_none()
        && gateway.secret.is_none()
        && !gateway.networks.is_empty()
    {
        let what = "behind a proxy everybody comes from the proxy's network and would be believed; add a `secret`, \
                    or a listener of its own with `listen`";
        return Err(loaded.complain("keyknox.gateway.networks", what));
    }
    let mut seen = BTreeSet::new();
    for (position, application) in keyknox.applications.iter().enumerate() {
        let key = |name: &str| format!("keyknox.applications.{position}.{name}");
        let Some(id) = &application.id else {
            return Err(loaded.complain(&key("id"), "an application needs an `id`"));
        };
        if application.public_key.is_none() {
            return Err(loaded.complain(&key("public_key"), "an application needs a `public_key`"));
        }
        if !(1..=256).contains(&application.key_id.len()) {
            let what = "an application needs a `key_id` of 1 to 256 bytes, as its tokens name it";
            return Err(loaded.complain(&key("key_id"), what));
        }
        if !seen.insert((id, &application.key_id)) {
            return Err(loaded.complain(&key("key_id"), "this key is listed twice"));
        }
    }
    Ok(())
}

fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if config.server.behind_tls_proxy && config.server.trusted_proxies.is_empty() {
        warnings.push(
            "server.trusted_proxies: none is named, so all clients count as the proxy and share its limits"
                .to_owned(),
        );
    }
    if config.dragonchain.chain.is_some() && !config.dragonchain.enabled {
        let what =
            "dragonchain.chain: it is not made, because `enabled = true` is missing under [dragonchain]";
        warnings.push(what.to_owned());
    }
    warnings.extend(config.server.tls.key.as_deref().and_then(warn_of_readers));
    warnings
}

/// What to say of a file that holds a secret and that everybody may read.
pub(crate) fn warn_of_readers(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    is_world_readable(&metadata).then(|| {
        format!(
            "{}: every user of this machine can read this secret; run chmod 600 {}",
            path.display(),
            path.display()
        )
    })
}
