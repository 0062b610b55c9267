//! `strongroom serve` and `dev`: open the store, start the engine, listen, wait for a signal, go down in order.
//!
//! The one thing to believe: what was acknowledged is in the store before the process ends, however it ends. Going
//! down in order only spares clients the doubt.

use std::{io, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use sd_notify::NotifyState;
use strongroom_engine::{
    Credential, Engine, EngineBuilder, Placement, domains::realms::SyncConfiguredRealms, ports::CpuThreads,
};
use strongroom_primitives::secret::{Secret, SecretText};
use strongroom_storage::{Encrypted, Memory, Storage};
use strongroom_transports::{
    Front, Router,
    http::{Administration, HttpOptions, Listener, Metrics},
    sockets::{Tls, TlsFiles},
};

use crate::{
    admin::Desk,
    banner::Banner,
    chain, compose,
    config::{Config, Loaded, StorageKind, warn_of_readers},
    data::{self, DataFolder, Running},
    first, logs,
    marks::MarkFile,
    process::{self, Asked, Signals, tell_supervisor},
    store::{DiskStore, chance, new_root_key, refuse_unfinished, unlock, wall_clock},
};

/// Shards per processor: enough that two busy accounts seldom share one.
const SHARDS_PER_CORE: usize = 4;

/// How long commands may take that are still in flight when nobody waits for their answers any more.
const ENGINE_WITHIN: Duration = Duration::from_secs(1);

/// How long the store may take to let go of its files, after everything else has ended.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Serves until a signal ends it.
///
/// # Errors
/// One line that says why it does not start.
pub(crate) fn run(loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let config = &loaded.config;
    let _log = logs::start(config.log.format, &config.log.level).context("the log cannot be started")?;
    process::prepare();
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    actix_rt::System::new().block_on(serve(loaded))
}

/// Where the server keeps what it keeps.
struct Keep {
    /// `None` for a server that forgets.
    folder: Option<DataFolder>,
    disk: Option<DiskStore>,
    storage: Arc<dyn Storage>,
}

impl Keep {
    async fn open(loaded: &Loaded) -> anyhow::Result<Self> {
        let settings = &loaded.config.storage;
        let root = loaded.root_key()?;
        if settings.kind == StorageKind::Memory {
            // What forgets needs no key that somebody keeps.
            let root = root.map_or_else(new_root_key, Ok)?;
            let storage = Encrypted::open(Memory::new(wall_clock()), &root, chance()).await?;
            return Ok(Self { folder: None, disk: None, storage: Arc::new(storage) });
        }
        let folder = DataFolder::open_or_make(&settings.path)?;
        let unchanging = folder.keep_as_it_is()?;
        refuse_unfinished(&folder)?;
        // Opening the store also keeps a second server out of the rest of the folder.
        let disk = DiskStore::open(&folder.store(), settings.kind, settings.cache_bytes)?;
        let disk = disk.context("this kind of store is not kept on disk")?;
        let storage = unlock(disk.storage(), root.as_ref(), &folder.store()).await?;
        drop(unchanging);
        Ok(Self { folder: Some(folder), storage, disk: Some(disk) })
    }

    fn operator_token(&self, config: &Config) -> anyhow::Result<SecretText> {
        let file = config.admin.token_file.clone();
        match file.or_else(|| self.folder.as_ref().map(DataFolder::operator_token)) {
            Some(file) => {
                let token = data::operator_token(&file)?;
                if let Some(warning) = warn_of_readers(&file) {
                    tracing::warn!("{warning}");
                }
                Ok(token)
            }
            None => data::new_operator_token(),
        }
    }

    async fn close(&self) {
        if let Some(folder) = &self.folder {
            folder.remove_running();
        }
        if let Some(disk) = &self.disk {
            match tokio::time::timeout(CLOSE_WITHIN, disk.close()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the store did not close well"),
                Err(_) => tracing::error!("the store did not close in time"),
            }
        }
    }
}

async fn serve(loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let config = &loaded.config;
    let mut signals = Signals::listen().context("signals cannot be listened to")?;
    let keep = Keep::open(loaded).await?;
    let operator = keep.operator_token(config)?;
    let metrics = Metrics::new();
    let cpu = CpuThreads::new(compose::heavy_threads(config)).context("threads for sign-ins")?;
    let builder = compose::trusted_issuers(config)
        .fold(Engine::builder(keep.storage.clone()), EngineBuilder::trust)
        .limits(compose::engine_limits(config))
        .placement(Placement::Arbiters(config.server.write_threads))
        .cpu(Arc::new(cpu))
        .shards(compose::cores() * SHARDS_PER_CORE)
        .observer(metrics.clone());
    let engine = with_recovery(builder, config)?.start().await?;
    let realms = compose::realms(config);
    let sync = SyncConfiguredRealms { realms };
    engine
        .handle()
        .ask(Credential::Operator, sync)
        .await
        .context("the configured applications were not taken")?;

    chain::put_configured(engine.handle(), &config.dragonchain)
        .await
        .map_err(|what| loaded.complain("dragonchain.chain", format!("the chain was not taken: {what}")))?;

    // Where there are service keys, their clients would take the refusal for a clock that is wrong.
    let refused_for = || Some(engine.handle().signatures_refused_for()).filter(|time| !time.is_zero());
    while let Some(time) = refused_for() {
        tokio::time::sleep(time).await;
    }

    let front = Front::new(engine.handle().clone(), compose::edge_limits(config));
    let front = front.with_people(compose::people(config));
    let listeners = Listeners::start(loaded, &front, &operator, metrics)?;
    // Only now: what is made is shown once, and a server that cannot listen would show it to nobody.
    let made = first::begin(engine.handle(), keep.folder.as_ref()).await?;
    let running = listeners.running();
    if let Some(folder) = &keep.folder {
        folder.write_running(&running)?;
    }
    let banner = Banner {
        config,
        running: &running,
        folder: keep.folder.as_ref(),
        first: made.as_ref(),
        operator: keep.folder.is_none().then_some(&operator),
    };
    banner.print();
    tell_supervisor(NotifyState::Ready);
    tracing::info!(public = running.public.join(" "), admin = running.admin, "ready");
    drop((made, operator));

    let code = loop {
        match signals.next().await {
            Asked::Stop { code } => break code,
            Asked::Reload => listeners.reload(),
        }
    };
    tracing::info!("going down");
    tell_supervisor(NotifyState::Stopping);
    let within = Duration::from_secs(config.server.drain_timeout_s);
    let going_down = async {
        listeners.stop(within).await;
        if !engine.stop(ENGINE_WITHIN).await {
            tracing::warn!("some commands did not end in time");
        }
        keep.close().await;
    };
    tokio::select! {
        biased;
        () = going_down => {
            tracing::info!("ended");
            Ok(ExitCode::SUCCESS)
        }
        () = second(&mut signals) => {
            tracing::warn!("told twice to end");
            Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
        }
    }
}

/// The realms of PIN recovery, and the file by which a restored store is known.
fn with_recovery(builder: EngineBuilder, config: &Config) -> anyhow::Result<EngineBuilder> {
    let realms = compose::recovery_realms(config);
    let builder = match config.pin_recovery.mark_file.as_deref().filter(|_| !realms.is_empty()) {
        Some(file) => builder.anchor(Arc::new(MarkFile::open(file)?)),
        None => builder,
    };
    Ok(realms.into_iter().fold(builder, EngineBuilder::recovery_realm))
}

/// Waits for another signal that asks to end.
async fn second(signals: &mut Signals) {
    while signals.next().await == Asked::Reload {}
}

/// Everything that listens.
struct Listeners {
    public: Listener,
    gateway: Option<Listener>,
    dragonchain: Option<Listener>,
    admin: Listener,
    tls: Option<Tls>,
}

impl Listeners {
    fn start(
        loaded: &Loaded,
        front: &Front,
        operator: &SecretText,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let config = &loaded.config;
        let router = Arc::new(compose::router(config)?);
        let tls = tls(loaded)?;
        let public = HttpOptions { tls: tls.clone(), ..compose::public_listener(config) };
        let start = |options: HttpOptions, router: &Arc<Router>, key: &str| {
            let addresses = options.bind.clone();
            let options = HttpOptions { metrics: Some(metrics.clone()), ..options };
            Listener::start(options, front.clone(), router.clone())
                .map_err(|error| loaded.complain(key, cannot_listen(&addresses, &error)))
        };
        let public = start(public, &router, "server.listen")?;
        front.reached_by(compose::public_urls(config, public.addresses(), tls.is_some()));
        let gateway = compose::gateway_listener(config);
        let gateway = gateway.map(|options| start(options, &router, "keyknox.gateway.listen")).transpose()?;
        let dragonchain = match compose::dragonchain_listener(config) {
            Some(options) => {
                let router = Arc::new(compose::dragonchain_router(config)?);
                let options = HttpOptions { tls: tls.clone(), ..options };
                Some(start(options, &router, "dragonchain.listen")?)
            }
            None => None,
        };
        let addresses = public.addresses().iter().map(|at| Running::url(*at, tls.is_some())).collect();
        let administration = Administration {
            token: Arc::new(Secret::new(operator.expose().as_bytes().to_vec())),
            metrics: metrics.clone(),
            api: Arc::new(Desk::new(front.engine().now(), addresses, &config.misakey)),
        };
        let admin = Listener::start_admin(compose::admin_listener(config), front.clone(), administration)
            .map_err(|error| {
                loaded.complain("admin.listen", cannot_listen(&[config.admin.listen], &error))
            })?;
        Ok(Self { public, gateway, dragonchain, admin, tls })
    }

    fn running(&self) -> Running {
        let tls = self.tls.is_some();
        Running {
            pid: std::process::id(),
            public: self.public.addresses().iter().map(|at| Running::url(*at, tls)).collect(),
            dragonchain: self.dragonchain.as_ref().map(|own| Running::url(own.addresses()[0], tls)),
            admin: Running::url(self.admin.addresses()[0], false),
        }
    }

    fn reload(&self) {
        if let Some(tls) = &self.tls {
            match tls.reload() {
                Ok(()) => tracing::info!("certificate and key were read again"),
                Err(error) => tracing::error!(%error, "certificate and key stay as they were"),
            }
        }
    }

    /// Ends all of them at once, within the time of one.
    async fn stop(self, within: Duration) {
        let stop = async |listener: Option<Listener>| {
            if let Some(listener) = listener {
                listener.stop().await;
            }
        };
        let others = async { tokio::join!(stop(self.gateway), stop(self.dragonchain)) };
        let all = async { tokio::join!(self.public.stop(), others, self.admin.stop()) };
        if tokio::time::timeout(within + Duration::from_secs(1), all).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
    }
}

/// TLS as the configuration has it.
///
/// # Errors
/// If its files cannot be used.
pub(crate) fn tls(loaded: &Loaded) -> anyhow::Result<Option<Tls>> {
    let files = &loaded.config.server.tls;
    let (Some(certificate), Some(key)) = (&files.certificate, &files.key) else { return Ok(None) };
    let tls = Tls::open(TlsFiles { certificate: certificate.clone(), key: key.clone() });
    Ok(Some(tls.map_err(|error| loaded.complain("server.tls.certificate", error.to_string()))?))
}

fn cannot_listen(addresses: &[SocketAddr], error: &io::Error) -> String {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let addresses = addresses.join(", ");
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{addresses}: another program listens there; stop it, or set another port here")
        }
        io::ErrorKind::AddrNotAvailable => format!("{addresses}: this machine has no such address"),
        io::ErrorKind::PermissionDenied => {
            format!("{addresses}: this user may not listen there; ports from 1024 on are free to all")
        }
        _ => format!("{addresses}: {error}"),
    }
}
