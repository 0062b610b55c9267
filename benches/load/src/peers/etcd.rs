//! etcd: a transaction that compares `mod_revision` and puts, and a linearizable read, over gRPC.
//!
//! By default each client is a connection of its own, as with every other target: they stand for devices, which share
//! nothing. etcd answers up to half again as many reads when all clients of a generator thread are streams of one
//! connection, as within one application; `shared` measures that.
//!
//! Exceptions from its shipped settings: a space quota that a run cannot reach (the default stops all writes at
//! 2 GiB), and a compaction between windows, because etcd keeps every revision for ever otherwise.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use rustix::process::Signal;

use self::messages::{
    COMPARE_CREATE_REVISION, COMPARE_EQUAL, COMPARE_MOD_REVISION, CompactionRequest, CompactionResponse,
    Compare, DefragmentRequest, DefragmentResponse, PutRequest, RangeRequest, RangeResponse, RequestOp,
    TxnRequest, TxnResponse, compare, request_op,
};
use crate::net::grpc::Grpc;
use crate::payload::Payload;
use crate::process::{Launch, ServerProcess, free_address};
use crate::run::{Connector, Driver, Outcome};
use crate::target::{Site, Target, block_on};

mod messages;

const QUOTA_BYTES: u64 = 32 << 30;
/// A key that never exists; reading it shows that the server answers.
const READY_KEY: &[u8] = b"ready";
const START_PATIENCE: Duration = Duration::from_secs(30);

/// A single-member etcd of our own.
#[derive(Debug)]
pub(crate) struct Etcd {
    server: ServerProcess,
    address: SocketAddr,
    folder: PathBuf,
    shared: bool,
}

impl Etcd {
    /// Starts etcd on an empty data folder and waits until it answers reads. `shared`: one connection for all clients
    /// of a generator thread.
    pub(crate) fn start(site: Site<'_>, shared: bool) -> anyhow::Result<Etcd> {
        let folder = site.folder.join("etcd");
        fs::create_dir(&folder)?;
        let (clients, peers) = (free_address()?, free_address()?);
        let arguments = [
            "--name".to_owned(),
            "load".to_owned(),
            format!("--data-dir={}", folder.display()),
            format!("--listen-client-urls=http://{clients}"),
            format!("--advertise-client-urls=http://{clients}"),
            format!("--listen-peer-urls=http://{peers}"),
            format!("--initial-advertise-peer-urls=http://{peers}"),
            format!("--initial-cluster=load=http://{peers}"),
            format!("--quota-backend-bytes={QUOTA_BYTES}"),
            "--log-level=error".to_owned(),
        ];
        let launch = Launch {
            name: "etcd",
            program: Path::new("etcd"),
            arguments: arguments.to_vec(),
            environment: Vec::new(),
            user: None,
            core: site.core,
            log: site.folder.join("etcd.log"),
            stop_with: Signal::TERM,
        };
        let mut server = launch.start()?;
        let answers = || block_on(async { read(&Grpc::connect(clients).await?, READY_KEY).await }).is_ok();
        server.wait_until(START_PATIENCE, Duration::from_millis(50), answers)?;
        Ok(Etcd { server, address: clients, folder, shared })
    }

    /// Gives space freed by compaction back to the file system, as an operator would by hand.
    pub(crate) fn defragment(&self) -> anyhow::Result<()> {
        block_on(async {
            let grpc = Grpc::connect(self.address).await?;
            let _: DefragmentResponse =
                grpc.call("/etcdserverpb.Maintenance/Defragment", &DefragmentRequest {}).await?;
            Ok(())
        })
    }
}

impl Target for Etcd {
    fn pid(&self) -> u32 {
        self.server.pid()
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(EtcdConnector { address: self.address, shared: self.shared.then(Mutex::default) })
    }

    fn tidy(&self) -> anyhow::Result<()> {
        block_on(async {
            let grpc = Grpc::connect(self.address).await?;
            let revision = read(&grpc, READY_KEY).await?.header.context("no header")?.revision;
            let question = CompactionRequest { revision, physical: true };
            match grpc.call::<_, CompactionResponse>("/etcdserverpb.KV/Compact", &question).await {
                // Nothing was written since the last compaction.
                Err(error) if error.to_string().contains("compacted") => Ok(()),
                other => other.map(|_| ()),
            }
        })
    }
}

struct EtcdConnector {
    address: SocketAddr,
    /// The connection of each generator thread, where its clients share one. A connection's work runs on the thread
    /// that opened it, so threads cannot share.
    shared: Option<Mutex<Vec<(ThreadId, Grpc)>>>,
}

impl EtcdConnector {
    async fn connection(&self) -> anyhow::Result<Grpc> {
        let Some(shared) = &self.shared else { return Grpc::connect(self.address).await };
        let thread = thread::current().id();
        let known = || shared.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().iter().find(|(owner, _)| *owner == thread).map(|(_, grpc)| grpc.clone());
        if let Some(grpc) = found
            && read(&grpc, READY_KEY).await.is_ok()
        {
            return Ok(grpc);
        }
        let grpc = Grpc::connect(self.address).await?;
        let mut known = known();
        known.retain(|(owner, _)| *owner != thread);
        known.push((thread, grpc.clone()));
        Ok(grpc)
    }
}

impl Connector for EtcdConnector {
    fn connect(
        &self,
        client: usize,
        value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            let mut driver = EtcdDriver {
                grpc: self.connection().await?,
                key: Bytes::from(format!("records/{value_bytes}/{client}")),
                payload: Payload::new(client, value_bytes),
                revision: 0,
            };
            driver.reread().await?;
            if driver.revision == 0 && driver.put().await? != Outcome::Done {
                bail!("somebody else writes {:?}", driver.key);
            }
            Ok(Box::new(driver) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

struct EtcdDriver {
    grpc: Grpc,
    key: Bytes,
    payload: Payload,
    /// The revision of the record's last change; zero while it does not exist.
    revision: i64,
}

impl EtcdDriver {
    async fn reread(&mut self) -> anyhow::Result<()> {
        let answer = read(&self.grpc, &self.key).await?;
        self.revision = answer.kvs.first().map_or(0, |found| found.mod_revision);
        Ok(())
    }
}

impl Driver for EtcdDriver {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            self.payload.turn();
            let question = put_if(&self.key, self.revision, Bytes::copy_from_slice(self.payload.bytes()));
            let answer: TxnResponse = self.grpc.call("/etcdserverpb.KV/Txn", &question).await?;
            if !answer.succeeded {
                self.reread().await?;
                return Ok(Outcome::Refused);
            }
            // A transaction changes the store at exactly one revision, the one in the answer's header.
            self.revision = answer.header.context("no header")?.revision;
            Ok(Outcome::Done)
        }
        .boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            let answer = read(&self.grpc, &self.key).await?;
            let found = answer.kvs.first().context("the record is gone")?;
            if found.mod_revision != self.revision || found.value.len() != self.payload.bytes().len() {
                bail!("read another record than the one written");
            }
            Ok(Outcome::Done)
        }
        .boxed_local()
    }
}

async fn read(grpc: &Grpc, key: &[u8]) -> anyhow::Result<RangeResponse> {
    let question = RangeRequest { key: Bytes::copy_from_slice(key) };
    grpc.call("/etcdserverpb.KV/Range", &question).await
}

/// Puts if the key was last changed at `revision`; revision zero means that it does not exist.
fn put_if(key: &Bytes, revision: i64, value: Bytes) -> TxnRequest {
    let (target, expected) = if revision == 0 {
        (COMPARE_CREATE_REVISION, compare::Expected::CreateRevision(0))
    } else {
        (COMPARE_MOD_REVISION, compare::Expected::ModRevision(revision))
    };
    let guard = Compare { result: COMPARE_EQUAL, target, key: key.clone(), expected: Some(expected) };
    let put = request_op::Request::Put(PutRequest { key: key.clone(), value });
    TxnRequest { compare: vec![guard], success: vec![RequestOp { request: Some(put) }] }
}
