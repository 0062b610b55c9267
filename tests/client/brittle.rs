//! Links in memory that break when a test wants them to.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Sink, Stream, StreamExt as _};
use strongroom_client::{Client, ClientOptions, Credentials};
use strongroom_testkit::Dice;
use strongroom_transports::memory::{self, Link, LinkClosed};

use crate::support::{Deployment, options};

/// A link in memory that breaks after so many frames in either direction.
struct Brittle {
    link: Option<Link>,
    left: Arc<AtomicU64>,
    cuts: Arc<AtomicU64>,
}

impl Brittle {
    /// Whether another frame gets through.
    fn passes(&mut self) -> bool {
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() && self.link.take().is_some() {
            self.cuts.fetch_add(1, Ordering::Relaxed);
        }
        self.link.is_some()
    }
}

impl Stream for Brittle {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(link) = &mut self.link else { return Poll::Ready(None) };
        match link.poll_next_unpin(cx) {
            Poll::Ready(Some(bytes)) if self.passes() => Poll::Ready(Some(bytes)),
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Sink<Bytes> for Brittle {
    type Error = LinkClosed;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkClosed>> {
        self.link.as_mut().map_or(Poll::Ready(Err(LinkClosed)), |link| Pin::new(link).poll_ready(cx))
    }

    fn start_send(mut self: Pin<&mut Self>, bytes: Bytes) -> Result<(), LinkClosed> {
        if !self.passes() {
            return Err(LinkClosed);
        }
        let link = self.link.as_mut().ok_or(LinkClosed)?;
        Pin::new(link).start_send(bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkClosed>> {
        self.link.as_mut().map_or(Poll::Ready(Err(LinkClosed)), |link| Pin::new(link).poll_flush(cx))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkClosed>> {
        self.link.as_mut().map_or(Poll::Ready(Ok(())), |link| Pin::new(link).poll_close(cx))
    }
}

/// A client whose links break after two to seven frames.
pub(crate) fn brittle(
    deployment: &Deployment,
    credentials: Credentials,
    seed: u64,
    cuts: &Arc<AtomicU64>,
) -> Client {
    let options = options();
    let (front, encoding, cuts) = (deployment.front().clone(), options.encoding, cuts.clone());
    let dialled = AtomicU64::new(0);
    let dial = move || {
        let dice = Dice::new(seed, &format!("link {}", dialled.fetch_add(1, Ordering::Relaxed)));
        let link = Some(memory::connect(&front, None, encoding));
        let left = Arc::new(AtomicU64::new(dice.within(2..=7)));
        std::future::ready(Ok::<_, LinkClosed>(Brittle { link, left, cuts: cuts.clone() }))
    };
    Client::frames(dial, credentials, options)
}

/// A client of nobody that tries everything once, and whose links all break after so many frames together.
pub(crate) fn cut_after(deployment: &Deployment, frames: u64) -> Client {
    let options = ClientOptions { tries_max: 1, ..options() };
    let (front, encoding) = (deployment.front().clone(), options.encoding);
    let (left, cuts) = (Arc::new(AtomicU64::new(frames)), Arc::new(AtomicU64::new(0)));
    let dial = move || {
        let link = Some(memory::connect(&front, None, encoding));
        std::future::ready(Ok::<_, LinkClosed>(Brittle { link, left: left.clone(), cuts: cuts.clone() }))
    };
    Client::frames(dial, Credentials::nobody(), options)
}
