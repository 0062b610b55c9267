//! Two servers that do nothing: a "hello" over HTTP and an echo over WebSocket, on the stack that Strongroom uses.
//!
//! They show what the framework and the machine allow, and run as processes of their own through this program's
//! hidden subcommands, so that they pay for their sockets as Strongroom does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::Message;
use anyhow::bail;
use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use rustix::process::Signal;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::net::http1::{Http1, request};
use crate::net::ws::Ws;
use crate::process::{Launch, ServerProcess, free_address};
use crate::run::{Connector, Driver, Outcome};
use crate::target::{Site, Target, block_on};

/// What the hello server says: 27 bytes.
const HELLO: &str = r#"{"message":"Hello, World!"}"#;
/// Length of an echoed frame.
const ECHO_BYTES: usize = 256;
const START_PATIENCE: Duration = Duration::from_secs(10);

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bare {
    Hello,
    Echo,
}

/// Serves both until the process is told to end.
///
/// # Errors
/// The address cannot be bound.
pub(crate) fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let server = async move {
        let app = || App::new().route("/", web::get().to(hello)).route("/ws", web::get().to(echo));
        HttpServer::new(app).bind(address)?.run().await
    };
    Ok(actix_web::rt::System::new().block_on(server)?)
}

async fn hello() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(HELLO)
}

async fn echo(request: HttpRequest, body: web::Payload) -> actix_web::Result<HttpResponse> {
    let (response, mut session, mut frames) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(async move {
        while let Some(Ok(Message::Text(text))) = frames.next().await {
            if session.text(text).await.is_err() {
                break;
            }
        }
    });
    Ok(response)
}

/// One of the two, started.
#[derive(Debug)]
pub(crate) struct BareServer {
    kind: Bare,
    server: ServerProcess,
    address: SocketAddr,
}

impl BareServer {
    /// Starts this very program as the server and waits until it answers.
    pub(crate) fn start(site: Site<'_>, kind: Bare) -> anyhow::Result<BareServer> {
        let address = free_address()?;
        let launch = Launch {
            name: kind.name(),
            program: &std::env::current_exe()?,
            arguments: vec!["serve-bare".to_owned(), address.to_string()],
            environment: Vec::new(),
            user: None,
            core: site.core,
            log: site.folder.join(format!("{}.log", kind.name())),
            stop_with: Signal::TERM,
        };
        let mut server = launch.start()?;
        let connector = BareConnector { kind: Bare::Hello, address };
        let answers = || block_on(async { connector.connect(0, 0).await?.get().await }).is_ok();
        server.wait_until(START_PATIENCE, Duration::from_millis(20), answers)?;
        Ok(BareServer { kind, server, address })
    }
}

impl Bare {
    fn name(self) -> &'static str {
        match self {
            Bare::Hello => "hello",
            Bare::Echo => "echo",
        }
    }
}

impl Target for BareServer {
    fn pid(&self) -> u32 {
        self.server.pid()
    }

    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(BareConnector { kind: self.kind, address: self.address })
    }
}

struct BareConnector {
    kind: Bare,
    address: SocketAddr,
}

impl Connector for BareConnector {
    fn connect(
        &self,
        client: usize,
        _value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            Ok(match self.kind {
                Bare::Hello => {
                    let question = request("GET", "/", self.address, &[], None);
                    Box::new(HelloDriver { connection: Http1::connect(self.address).await?, question })
                        as Box<dyn Driver>
                }
                Bare::Echo => {
                    let text = Utf8Bytes::from(format!("{client:0ECHO_BYTES$}"));
                    Box::new(EchoDriver { socket: Ws::connect(self.address, "/ws", None).await?, text })
                }
            })
        }
        .boxed_local()
    }
}

struct HelloDriver {
    connection: Http1,
    question: Vec<u8>,
}

impl Driver for HelloDriver {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async { bail!("a server that does nothing keeps nothing") }.boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            let answer = self.connection.ask(&self.question, "").await?;
            if answer.status != 200 || answer.body != HELLO.as_bytes() {
                bail!("the hello server answers {}", answer.status);
            }
            Ok(Outcome::Done)
        }
        .boxed_local()
    }
}

struct EchoDriver {
    socket: Ws,
    text: Utf8Bytes,
}

impl Driver for EchoDriver {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async { bail!("a server that does nothing keeps nothing") }.boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            self.socket.send(self.text.clone()).await?;
            if self.socket.receive().await? != self.text {
                bail!("the echo is another text");
            }
            Ok(Outcome::Done)
        }
        .boxed_local()
    }
}
