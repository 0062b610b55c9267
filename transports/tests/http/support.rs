//! A server to attack, and peers that send bytes.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use strongroom_engine::{
    Credential, Engine, EngineHandle, Identity, Rights,
    domains::{
        realms::PutRealm,
        sessions::{BearerIssued, IssueBearer, RevokeSession},
    },
    ports::{Clock, SystemClock},
};
use strongroom_primitives::{
    id::{RealmId, Subject},
    secret::Secret,
};
use strongroom_storage::Memory;
use strongroom_transports::{
    CorsPolicy, EdgeLimits, Front, Router,
    dialects::{Answering, Dialect, Refusal},
    exchange::{Request, Response, StatusCode},
    http::{AdminApi, Administration, HttpLimits, HttpOptions, Listener, Metrics},
    ws,
};

/// Longer than anything here may take, shorter than a test runner's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The only page that may open WebSockets.
pub(crate) const ORIGIN: &str = "https://app.example";

/// The operator's token.
pub(crate) const OPERATOR: &str = "operator-token-of-these-tests";

/// A dialect that tells what it was asked, and misbehaves on demand.
#[derive(Default)]
pub(crate) struct Probe {
    /// Requests that reached it.
    pub(crate) reached: AtomicUsize,
    /// Their paths below the mount, since somebody last asked.
    seen: Mutex<Vec<String>>,
}

impl Dialect for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn answer<'a>(&'a self, _: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a> {
        self.reached.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push(path.to_owned());
        Box::pin(async move {
            match path {
                "/slow" => tokio::time::sleep(Duration::from_millis(500)).await,
                "/panic" => panic!("canary-in-a-panic"),
                "/big" => return Response::json(StatusCode::OK, vec![b' '; 1024 * 1024]),
                _ => {}
            }
            let Request { method, body, peer, .. } = request;
            let said = serde_json::json!({
                "method": method.as_str(),
                "path": path,
                "body": String::from_utf8_lossy(body),
                "bytes": body.len(),
                "address": peer.address,
                "secure": peer.secure,
            });
            Response::json(StatusCode::OK, said.to_string())
        })
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        let status = match refusal {
            Refusal::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::AmbiguousPath => StatusCode::BAD_REQUEST,
            Refusal::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::TookTooLong => StatusCode::GATEWAY_TIMEOUT,
            Refusal::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Response::json(status, format!(r#"{{"refused":{}}}"#, status.as_u16()))
    }
}

/// A dialect whose requests may be ten times as large as others.
struct Roomy;

impl Dialect for Roomy {
    fn name(&self) -> &'static str {
        "roomy"
    }

    fn answer<'a>(&'a self, _: &'a Front, _: &'a str, request: &'a Request) -> Answering<'a> {
        Box::pin(async move { Response::json(StatusCode::OK, request.body.len().to_string()) })
    }

    fn body_bytes_max(&self, edge: &EdgeLimits, _: &str) -> usize {
        10 * edge.body_bytes_max
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        Response::json(StatusCode::IM_A_TEAPOT, format!("{refusal:?}"))
    }
}

struct Echo;

impl AdminApi for Echo {
    fn answer<'a>(&'a self, _: &'a Front, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            assert_ne!(&*request.path, "/panic", "canary-in-a-panic");
            Response::json(StatusCode::OK, format!(r#"{{"path":"{}"}}"#, request.path))
        })
    }
}

/// What a server is made of.
pub(crate) struct Setup {
    pub(crate) http: HttpOptions,
    pub(crate) edge: EdgeLimits,
    pub(crate) stand_alone: Option<ws::ListenerLimits>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            http: HttpOptions { bind: vec![loopback()], ..HttpOptions::default() },
            edge: EdgeLimits::default(),
            stand_alone: None,
        }
    }
}

impl Setup {
    pub(crate) fn limits(limits: HttpLimits) -> Self {
        let http = HttpOptions { limits, ..Self::default().http };
        Self { http, ..Self::default() }
    }

    pub(crate) fn start(self) -> Server {
        Server::start(self)
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A running server. Goes down in order when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// The stand-alone WebSocket listener, if there is one.
    pub(crate) stand_alone: Option<SocketAddr>,
    pub(crate) probe: Arc<Probe>,
    pub(crate) engine: EngineHandle,
    pub(crate) runtime: tokio::runtime::Handle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<Duration>>,
}

impl Server {
    fn start(setup: Setup) -> Self {
        let (started, is_started) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                let metrics = Metrics::new();
                let clock = Arc::new(SystemClock::new());
                let wall = clock.clone();
                let store = Memory::new(Arc::new(move || wall.wall().as_ms()));
                let engine = Engine::builder(Arc::new(store))
                    .clock(clock)
                    .observer(metrics.clone())
                    .start()
                    .await
                    .unwrap();
                let realm = PutRealm { realm: realm(), rights: Rights::ALL };
                engine.handle().ask(Credential::Operator, realm).await.unwrap();
                let front = Front::new(engine.handle().clone(), setup.edge);
                let probe = Arc::new(Probe::default());
                let cors = CorsPolicy::new([ORIGIN.to_owned()]).unwrap();
                let router = Router::builder()
                    .native("/v1")
                    .mount("/probe", probe.clone())
                    .mount("/roomy", Arc::new(Roomy))
                    .cors(cors.clone())
                    .build()
                    .unwrap();
                let options = HttpOptions { metrics: Some(metrics.clone()), ..setup.http };
                let public = Listener::start(options, front.clone(), Arc::new(router)).unwrap();
                let administration = Administration {
                    token: Arc::new(Secret::new(OPERATOR.as_bytes().to_vec())),
                    metrics: metrics.clone(),
                    api: Arc::new(Echo),
                };
                let options = HttpOptions { bind: vec![loopback()], name: "admin", ..HttpOptions::default() };
                let admin = Listener::start_admin(options, front.clone(), administration).unwrap();
                let mut stand_alone = None;
                if let Some(limits) = setup.stand_alone {
                    let options =
                        ws::ListenerOptions { limits, cors, ..ws::ListenerOptions::new(loopback()) };
                    stand_alone = Some(ws::Listener::start(options, front.clone()).await.unwrap());
                }
                let addresses = (public.addresses()[0], admin.addresses()[0]);
                started
                    .send((
                        addresses,
                        stand_alone.as_ref().map(ws::Listener::address),
                        probe,
                        engine.handle().clone(),
                        tokio::runtime::Handle::current(),
                    ))
                    .unwrap_or_else(|_| panic!("the test waits for its server"));
                // The test is over, or over with this server.
                let _ = stopped.await;
                let since = Instant::now();
                public.stop().await;
                if let Some(stand_alone) = stand_alone {
                    stand_alone.stop().await;
                }
                let took = since.elapsed();
                admin.stop().await;
                engine.stop(PATIENCE).await;
                took
            })
        });
        let ((address, admin), stand_alone, probe, engine, runtime) =
            is_started.recv().expect("the server starts");
        Self { address, admin, stand_alone, probe, engine, runtime, stop: Some(stop), thread: Some(thread) }
    }

    /// Both places where WebSockets are opened.
    pub(crate) fn websockets(&self) -> Vec<SocketAddr> {
        [Some(self.address), self.stand_alone].into_iter().flatten().collect()
    }

    /// Tells the server to stop, and does not wait for it.
    pub(crate) fn begin_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops, and returns how long it took.
    pub(crate) fn stop(mut self) -> Duration {
        self.begin_to_stop();
        self.thread.take().expect("stopped once").join().expect("the server did not panic")
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer::connect(self.address)
    }

    pub(crate) fn reached(&self) -> usize {
        self.probe.reached.load(Ordering::SeqCst)
    }

    /// The paths of requests that were seen since this was last asked.
    pub(crate) fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut self.probe.seen.lock().unwrap())
    }

    /// Asks the engine on the server's own thread.
    fn on_system<T: Send + 'static>(&self, ask: impl Future<Output = T> + Send + 'static) -> T {
        let (done, is_done) = mpsc::channel();
        self.runtime.spawn(async move {
            let _ = done.send(ask.await);
        });
        is_done.recv_timeout(PATIENCE).expect("the engine answers")
    }

    /// A bearer session of `subject` with every right.
    pub(crate) fn bearer(&self, subject: &str) -> BearerIssued {
        let issue = IssueBearer {
            identity: identity(subject),
            rights: Rights::ALL,
            life: None,
            label: "test".to_owned(),
        };
        let engine = self.engine.clone();
        self.on_system(async move { engine.ask(Credential::Operator, issue).await.unwrap() })
    }

    pub(crate) fn revoke(&self, subject: &str, bearer: &BearerIssued) {
        let revoke = RevokeSession { identity: Some(identity(subject)), session: Some(bearer.session) };
        let engine = self.engine.clone();
        self.on_system(async move { engine.ask(Credential::Operator, revoke).await.unwrap() });
    }

    /// Whether somebody who behaves is served.
    pub(crate) fn serves(&self) -> bool {
        self.peer().ask("GET", "/probe/good", &[], "").is_ok_and(|reply| reply.status == 200)
    }

    /// Open connections of the public listener.
    pub(crate) fn connections(&self) -> usize {
        let text = Peer::connect(self.admin).ask("GET", "/metrics", &[], "").unwrap().text();
        let line =
            text.lines().find_map(|line| line.strip_prefix(r#"strongroom_connections{listener="public"} "#));
        line.expect("connections are counted").parse().unwrap()
    }

    /// Waits until no more than `left` connections are open.
    pub(crate) fn wait_for_connections(&self, left: usize) {
        let since = Instant::now();
        while self.connections() > left {
            assert!(since.elapsed() < PATIENCE, "{} connections are still open", self.connections());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.begin_to_stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

fn realm() -> RealmId {
    RealmId::new("test").unwrap()
}

fn identity(subject: &str) -> Identity {
    Identity { realm: realm(), subject: Subject::new(subject).unwrap() }
}

/// A client that sends what it is told to.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) socket: TcpStream,
    read: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket, read: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.socket.write_all(bytes.as_ref())
    }

    /// A request as it should be, and its answer.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[&str],
        body: &str,
    ) -> io::Result<Reply> {
        self.send(request(method, target, headers, body))?;
        self.reply()
    }

    /// The next answer.
    pub(crate) fn reply(&mut self) -> io::Result<Reply> {
        loop {
            if let Some((reply, length)) = parse(&self.read) {
                self.read.drain(..length);
                return Ok(reply);
            }
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        let length = self.socket.read(&mut buffer)?;
        self.read.extend_from_slice(&buffer[..length]);
        Ok(length)
    }

    /// Every answer up to the end of the connection.
    pub(crate) fn replies(&mut self) -> io::Result<Vec<Reply>> {
        let mut replies = Vec::new();
        loop {
            match self.reply() {
                Ok(reply) => replies.push(reply),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && self.read.is_empty() => {
                    return Ok(replies);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// How long the connection stays open when nothing more is sent, and what comes until then.
    pub(crate) fn until_closed(&mut self) -> (Duration, Vec<u8>) {
        let since = Instant::now();
        while !matches!(self.more(), Ok(0) | Err(_)) {}
        (since.elapsed(), std::mem::take(&mut self.read))
    }

    /// Bytes that were read and not used.
    pub(crate) fn leftover(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.read)
    }

    /// Ends the connection the hard way.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO)).unwrap();
    }

    pub(crate) fn end_writing(&self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }
}

pub(crate) fn request(method: &str, target: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: here\r\n");
    for header in headers {
        text += &format!("{header}\r\n");
    }
    if !body.is_empty() || method == "PUT" || method == "POST" {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

/// The first answer in `bytes`, if it is whole, and its length.
fn parse(bytes: &[u8]) -> Option<(Reply, usize)> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = response.parse(bytes).expect("an answer is HTTP") else {
        return None;
    };
    let headers: Vec<_> = response
        .headers
        .iter()
        .map(|field| (field.name.to_ascii_lowercase(), String::from_utf8_lossy(field.value).into_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    let body = bytes.get(head..head + length)?.to_vec();
    Some((Reply { status: response.code.unwrap(), headers, body }, head + length))
}
