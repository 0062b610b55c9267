//! What a connection's socket and its requests know of each other.

use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    task::Waker,
};

use crate::sockets::seats::Ticket;

/// One connection, as its socket and its requests see it. Lives on one thread.
#[derive(Debug)]
pub(super) struct Seat {
    /// The socket's other end.
    pub(super) address: IpAddr,
    /// Whether the socket itself is encrypted.
    pub(super) secure: bool,
    fresh: Cell<bool>,
    outstanding: Cell<u32>,
    cut: Cell<Option<u16>>,
    reader: RefCell<Option<Waker>>,
    _ticket: Ticket,
}

impl Seat {
    pub(super) fn new(ticket: Ticket, address: IpAddr, secure: bool) -> Self {
        Self {
            address,
            secure,
            fresh: Cell::new(true),
            outstanding: Cell::new(0),
            cut: Cell::new(None),
            reader: RefCell::new(None),
            _ticket: ticket,
        }
    }

    /// Whether no request has come yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh.get()
    }

    /// Requests that went on to the parser and have no answer yet.
    pub(super) fn outstanding(&self) -> u32 {
        self.outstanding.get()
    }

    pub(super) fn request_passed(&self) {
        self.fresh.set(false);
        self.outstanding.set(self.outstanding.get() + 1);
    }

    pub(super) fn request_answered(&self) {
        self.outstanding.set(self.outstanding.get().saturating_sub(1));
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Wakes `reader` with the next answer.
    pub(super) fn wake_when_answered(&self, reader: &Waker) {
        self.reader.replace(Some(reader.clone()));
    }

    /// Ends the body that is on its way; `status` says why.
    pub(super) fn cut(&self, status: u16) {
        self.cut.set(Some(status));
    }

    /// The status for a body that did not come whole.
    pub(super) fn cut_status(&self) -> u16 {
        self.cut.get().unwrap_or(400)
    }
}
