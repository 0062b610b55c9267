//! Connections that break when they are told to: a lane around a link in memory, a proxy before a socket.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt, future::BoxFuture};
use strongroom_transports::memory::{Link, LinkClosed};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Breaks all connections that are made through it.
#[derive(Clone)]
pub(crate) struct Cuts(Arc<watch::Sender<u64>>);

impl Cuts {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Breaks every connection there is now, without a word to either side.
    pub(crate) fn cut(&self) {
        self.0.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections there are now.
    pub(crate) fn connections(&self) -> usize {
        self.0.receiver_count()
    }

    /// Ends once a connection that is made now is broken.
    fn broken(&self) -> BoxFuture<'static, ()> {
        let mut cuts = self.0.subscribe();
        async move {
            let _ = cuts.changed().await;
        }
        .boxed()
    }
}

/// A link in memory that can be broken.
pub(crate) struct Lane {
    link: Option<Link>,
    broken: BoxFuture<'static, ()>,
}

impl Lane {
    pub(crate) fn new(link: Link, cuts: &Cuts) -> Self {
        Self { link: Some(link), broken: cuts.broken() }
    }

    fn link(&mut self, context: &mut Context<'_>) -> Option<&mut Link> {
        if self.link.is_some() && self.broken.poll_unpin(context).is_ready() {
            self.link = None;
        }
        self.link.as_mut()
    }
}

impl Stream for Lane {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.link(context) {
            Some(link) => link.poll_next_unpin(context),
            None => Poll::Ready(None),
        }
    }
}

impl Sink<Bytes> for Lane {
    type Error = LinkClosed;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), LinkClosed>> {
        self.link(context).map_or(Poll::Ready(Err(LinkClosed)), |link| link.poll_ready_unpin(context))
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Bytes) -> Result<(), LinkClosed> {
        self.link.as_mut().ok_or(LinkClosed)?.start_send_unpin(frame)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), LinkClosed>> {
        self.link(context).map_or(Poll::Ready(Err(LinkClosed)), |link| link.poll_flush_unpin(context))
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), LinkClosed>> {
        self.link(context).map_or(Poll::Ready(Err(LinkClosed)), |link| link.poll_close_unpin(context))
    }
}

/// Stands before a socket and breaks what goes through it.
pub(crate) struct Proxy;

impl Proxy {
    /// Where to dial instead of `at`.
    pub(crate) async fn start(at: SocketAddr, cuts: &Cuts) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = cuts.clone();
        actix_rt::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let broken = cuts.broken();
                actix_rt::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(at).await else { return };
                    tokio::select! {
                        () = broken => {}
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                    }
                });
            }
        });
        address
    }
}
