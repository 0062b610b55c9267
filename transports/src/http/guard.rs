//! The socket as the HTTP parser sees it: only whole, accepted heads and their bodies, in time, and not too many at
//! once.
//!
//! A request that is refused here becomes a request for the target `refused:<status>`, which no peer can send because
//! targets begin with a slash; so the refusal is answered in its turn, behind the answers to what came before, and by
//! the same code that words all others. After it, and after a deadline, the parser is told that the peer has ended its
//! side.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

use super::{options::HttpLimits, seat::Seat};
use crate::sockets::framing::{Framing, HeadSizes, Place, Step};

/// The authority of a refused request's target; its port is the status.
pub(super) const REFUSED: &str = "refused";

/// How much of what a refused peer still sends is read before the socket is closed, in bytes. Closing over unread
/// bytes would reset the connection and take the answer with it.
const FAREWELL_BYTES_MAX: usize = 256 * 1024;

/// How long the above may take.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);

/// A socket with its gate.
pub(super) struct Guarded<S> {
    io: S,
    seat: Rc<Seat>,
    framing: Framing,
    times: Times,
    /// Bytes that have arrived and may not go on yet.
    held: BytesMut,
    /// How many of them may.
    cleared: usize,
    /// Nothing more is read: a refusal, a broken body or a deadline came first.
    ended: bool,
    /// Since when the present wait for the peer lasts.
    since: Instant,
    /// Since when the peer takes nothing.
    stalled: Option<Instant>,
    farewell: Option<Farewell>,
    alarm: Pin<Box<Sleep>>,
}

struct Times {
    head: Duration,
    body: Duration,
    idle: Duration,
    write: Duration,
    pipelined_max: u32,
}

struct Farewell {
    until: Instant,
    bytes: usize,
}

impl<S> Guarded<S> {
    pub(super) fn new(io: S, seat: Rc<Seat>, limits: &HttpLimits) -> Self {
        let sizes = HeadSizes { line_max: limits.line_bytes_max, head_max: limits.head_bytes_max };
        Self {
            io,
            seat,
            framing: Framing::new(sizes),
            times: Times {
                head: limits.head_within,
                body: limits.body_within,
                idle: limits.idle_within,
                write: limits.write_within,
                pipelined_max: limits.pipelined_max,
            },
            held: BytesMut::new(),
            cleared: 0,
            ended: false,
            since: now(),
            stalled: None,
            farewell: None,
            alarm: Box::pin(tokio::time::sleep(limits.head_within)),
        }
    }

    pub(super) fn seat(&self) -> &Rc<Seat> {
        &self.seat
    }

    /// By when the peer must have moved on.
    fn read_deadline(&self) -> Option<Instant> {
        let within = match self.framing.place() {
            // It is the peer who waits for us. A look from time to time notices when that has changed.
            Place::Between if self.seat.outstanding() > 0 => return Some(now() + self.times.idle),
            // The first request has to come as soon as a head has to be complete.
            Place::Between if self.seat.is_fresh() => self.times.head,
            Place::Between => self.times.idle,
            Place::Head => self.times.head,
            Place::Body => self.times.body,
            Place::Beyond => return None,
        };
        Some(self.since + within)
    }

    fn poll_alarm(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        // The alarm is moved when it rings early, not whenever a deadline moves: most deadlines are met.
        if self.alarm.deadline() > deadline {
            self.alarm.as_mut().reset(deadline);
        }
        while self.alarm.as_mut().poll(cx).is_ready() {
            if now() >= deadline {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Moves on through bytes that begin where the last cleared ones end. How many of them may go on, and whether the
    /// rest has to wait for the peer or for answers.
    fn clear(&mut self, bytes: &[u8]) -> Cleared {
        let mut passed = 0;
        while passed < bytes.len() {
            let before = self.framing.place();
            let in_head = matches!(before, Place::Between | Place::Head);
            if in_head && self.seat.outstanding() >= self.times.pipelined_max {
                return Cleared { passed, end: None };
            }
            let step = self.framing.step(&bytes[passed..]);
            let after = self.framing.place();
            if after != before || (in_head && !matches!(step, Step::Hold)) {
                self.since = now();
            }
            match step {
                Step::Pass(length) => {
                    passed += length;
                    if in_head {
                        self.seat.request_passed();
                    }
                }
                Step::Hold => break,
                Step::Refuse(status) => return Cleared { passed, end: Some(End::Refused(status)) },
                Step::Cut => return Cleared { passed, end: Some(End::Cut) },
            }
        }
        Cleared { passed, end: None }
    }

    /// Reads no more. What is left to hand out is what was cleared and, for a refusal, the request that stands for it.
    fn end(&mut self, end: End) {
        self.ended = true;
        self.held.truncate(self.cleared);
        match end {
            End::Refused(status) => {
                let line = format!("GET {REFUSED}:{status} HTTP/1.1\r\nhost: {REFUSED}\r\n\r\n");
                self.held.extend_from_slice(line.as_bytes());
                self.cleared = self.held.len();
                self.seat.request_passed();
            }
            End::Cut => self.seat.cut(400),
            End::Late => self.seat.cut(408),
            End::Idle => {}
        }
    }

    fn hand_out(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.cleared.min(buffer.remaining());
        buffer.put_slice(&self.held[..length]);
        self.held.advance(length);
        self.cleared -= length;
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }
}

struct Cleared {
    passed: usize,
    end: Option<End>,
}

#[derive(Clone, Copy)]
enum End {
    Refused(u16),
    Cut,
    Late,
    Idle,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.read_deadline() else { return Poll::Pending };
        ready!(self.poll_alarm(deadline, cx));
        let end = match self.framing.place() {
            Place::Head => End::Refused(408),
            Place::Body => End::Late,
            Place::Between | Place::Beyond => End::Idle,
        };
        self.end(end);
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.cleared == 0 && !this.held.is_empty() && !this.ended {
                // More of it may go on once earlier requests have been answered.
                let held = std::mem::take(&mut this.held);
                let Cleared { passed, end } = this.clear(&held);
                this.held = held;
                this.cleared = passed;
                if let Some(end) = end {
                    this.end(end);
                }
            }
            if this.cleared > 0 {
                this.hand_out(buffer);
                return Poll::Ready(Ok(()));
            }
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            let in_head = matches!(this.framing.place(), Place::Between | Place::Head);
            if in_head && this.seat.outstanding() >= this.times.pipelined_max {
                this.seat.wake_when_answered(cx.waker());
                return Poll::Pending;
            }
            let before = buffer.filled().len();
            match Pin::new(&mut this.io).poll_read(cx, buffer) {
                Poll::Pending => {
                    ready!(this.poll_wait(cx));
                    continue;
                }
                Poll::Ready(result) => result?,
            }
            let arrived = &buffer.filled()[before..];
            if arrived.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if this.held.is_empty() {
                // The usual case: whole requests, which stay where the parser wants them.
                let Cleared { passed, end } = this.clear(arrived);
                if passed < arrived.len() {
                    this.held.extend_from_slice(&arrived[passed..]);
                    buffer.set_filled(before + passed);
                }
                if let Some(end) = end {
                    this.end(end);
                }
                if passed > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                this.held.extend_from_slice(arrived);
                buffer.set_filled(before);
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.wrote(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.wrote(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.farewell.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            if !this.ended {
                return Poll::Ready(Ok(()));
            }
            this.farewell = Some(Farewell { until: now() + FAREWELL_WITHIN, bytes: 0 });
        }
        this.poll_farewell(cx).map(Ok)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    fn wrote(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(result) => {
                self.stalled = None;
                if self.framing.place() == Place::Between {
                    self.since = now();
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                let since = *self.stalled.get_or_insert_with(now);
                ready!(self.poll_alarm(since + self.times.write, cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 4096];
        loop {
            let Some(farewell) = &mut self.farewell else { return Poll::Ready(()) };
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    farewell.bytes += buffer.filled().len();
                    if farewell.bytes > FAREWELL_BYTES_MAX {
                        return Poll::Ready(());
                    }
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    let until = farewell.until;
                    return self.poll_alarm(until, cx);
                }
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "peers live in real time, and so do the deadlines of their sockets"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
