//! Where one request ends and the next begins, decided strictly and before the parser sees a byte. Sans-IO.
//!
//! The HTTP parser behind this is forgiving in places where a proxy in front of it may read the same bytes otherwise:
//! a lone line feed, chunk extensions and trailers, odd spellings of a length, targets that are no paths. Two readings
//! of one message are how a request is smuggled, so whatever has two is refused here. Heads are read by `httparse`;
//! what is added is the list of things that are not accepted, their sizes, and the walk over bodies.
//!
//! The one thing to believe: a byte is passed on only as part of a whole head that was accepted, or of its body.

use std::mem::MaybeUninit;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Fields in a head.
const FIELDS_MAX: usize = 64;

/// Hexadecimal digits in the size of a chunk: up to 256 MiB, far above any limit on bodies.
const CHUNK_DIGITS_MAX: u8 = 7;

/// Decimal digits in a `Content-Length`.
const LENGTH_DIGITS_MAX: usize = 15;

/// Sizes of heads, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadSizes {
    /// The request line, line end included.
    pub(crate) line_max: usize,
    /// The whole head.
    pub(crate) head_max: usize,
}

/// What may be done with bytes that have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// This many of them, and never none, go on to the parser.
    Pass(usize),
    /// Nothing goes on until more have arrived.
    Hold,
    /// No request: answered with this status, and nothing after it is read.
    Refuse(u16),
    /// The body of a request that has gone on already is malformed: it ends here, and nothing after it is read.
    Cut,
}

/// Where on the connection the next byte lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the first byte of a head.
    Between,
    /// Inside a head.
    Head,
    /// Inside a body.
    Body,
    /// Past the last request: what follows is no HTTP.
    Beyond,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Head,
    Counted(u64),
    Chunked(Chunk),
    Switched,
}

#[derive(Debug, Clone, Copy)]
enum Chunk {
    Size { digits: u8, value: u64 },
    SizeEnd { value: u64 },
    Data(u64),
    DataEnd,
    DataEnded,
    LastEnd,
    LastEnded,
}

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Framing {
    sizes: HeadSizes,
    state: State,
    /// Bytes of the present head that were looked at already, so that a head sent byte by byte costs what it weighs.
    scanned: usize,
    line_start: usize,
}

impl Framing {
    pub(crate) fn new(sizes: HeadSizes) -> Self {
        Self { sizes, state: State::Head, scanned: 0, line_start: 0 }
    }

    pub(crate) fn place(&self) -> Place {
        match self.state {
            State::Head if self.scanned == 0 => Place::Between,
            State::Head => Place::Head,
            State::Counted(_) | State::Chunked(_) => Place::Body,
            State::Switched => Place::Beyond,
        }
    }

    /// Looks at bytes that begin where the last passed ones ended. After [`Step::Hold`], the same bytes are shown
    /// again with more behind them.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> Step {
        match &mut self.state {
            State::Head => self.head(bytes),
            State::Counted(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                if *left == 0 {
                    self.state = State::Head;
                }
                Step::Pass(taken)
            }
            State::Chunked(chunk) => match chunk.walk(bytes) {
                Walk::More => Step::Pass(bytes.len()),
                Walk::Ended(taken) => {
                    self.state = State::Head;
                    Step::Pass(taken)
                }
                Walk::Malformed => Step::Cut,
            },
            State::Switched => Step::Pass(bytes.len()),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Step {
        // Somebody who speaks another protocol is told at once.
        if !bytes.first().is_some_and(u8::is_ascii_uppercase) {
            return Step::Refuse(400);
        }
        while let Some(found) = bytes[self.scanned..].iter().position(|byte| *byte == b'\n') {
            let at = self.scanned + found;
            // A line feed alone ends a line for some readers and not for others.
            if at == self.line_start || bytes[at - 1] != b'\r' {
                return Step::Refuse(400);
            }
            let line = at + 1 - self.line_start;
            if self.line_start == 0 && line > self.sizes.line_max {
                return Step::Refuse(414);
            }
            if at + 1 > self.sizes.head_max {
                return Step::Refuse(431);
            }
            self.scanned = at + 1;
            if line == 2 {
                self.scanned = 0;
                self.line_start = 0;
                return match accept(&bytes[..=at]) {
                    Ok(state) => {
                        self.state = state;
                        Step::Pass(at + 1)
                    }
                    Err(status) => Step::Refuse(status),
                };
            }
            self.line_start = at + 1;
        }
        self.scanned = bytes.len();
        if self.line_start == 0 && bytes.len() >= self.sizes.line_max {
            return Step::Refuse(414);
        }
        if bytes.len() >= self.sizes.head_max {
            return Step::Refuse(431);
        }
        Step::Hold
    }
}

enum Walk {
    More,
    Ended(usize),
    Malformed,
}

impl Chunk {
    fn walk(&mut self, bytes: &[u8]) -> Walk {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let next = match *self {
                Self::Size { digits, value } => match char::from(byte).to_digit(16) {
                    Some(digit) if digits < CHUNK_DIGITS_MAX => {
                        Some(Self::Size { digits: digits + 1, value: value << 4 | u64::from(digit) })
                    }
                    None if byte == b'\r' && digits > 0 => Some(Self::SizeEnd { value }),
                    _ => None,
                },
                Self::SizeEnd { value: 0 } => (byte == b'\n').then_some(Self::LastEnd),
                Self::SizeEnd { value } => (byte == b'\n').then_some(Self::Data(value)),
                Self::Data(left) => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    at += taken - 1;
                    let left = left - taken as u64;
                    Some(if left == 0 { Self::DataEnd } else { Self::Data(left) })
                }
                Self::DataEnd => (byte == b'\r').then_some(Self::DataEnded),
                Self::DataEnded => (byte == b'\n').then_some(Self::Size { digits: 0, value: 0 }),
                Self::LastEnd => (byte == b'\r').then_some(Self::LastEnded),
                Self::LastEnded if byte == b'\n' => return Walk::Ended(at + 1),
                Self::LastEnded => None,
            };
            match next {
                Some(next) => *self = next,
                None => return Walk::Malformed,
            }
            at += 1;
        }
        Walk::More
    }
}

/// Reads a whole head and says what follows it, or with which status it is refused.
fn accept(head: &[u8]) -> Result<State, u16> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, &mut fields) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        _ => return Err(400),
    }
    let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
        return Err(400);
    };
    // Absolute and authority forms name a host of their own, which nobody here may believe; a fragment would be cut
    // off by one reader and not by another.
    let is_path =
        target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !is_path || method == "CONNECT" {
        return Err(400);
    }
    let named = Fields::of(head, request.headers)?;
    if named.hosts != 1 && (version == 1 || named.hosts > 1) {
        return Err(400);
    }
    if named.websocket {
        // From here on the parser reads no more HTTP, so this has to be an upgrade and nothing else.
        let whole = method == "GET"
            && version == 1
            && named.connection_upgrade
            && named.length.is_none()
            && !named.chunked;
        return if whole { Ok(State::Switched) } else { Err(400) };
    }
    match (named.length, named.chunked) {
        (None | Some(0), false) => Ok(State::Head),
        (Some(length), false) => Ok(State::Counted(length)),
        (None, true) if version == 1 => Ok(State::Chunked(Chunk::Size { digits: 0, value: 0 })),
        _ => Err(400),
    }
}

/// Target and fields of a head that was accepted.
pub(crate) fn read_accepted(head: &[u8]) -> Option<(String, HeaderMap)> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    request.parse(head).ok()?;
    let target = request.path?.to_owned();
    let fields = request.headers.iter().map(|field| {
        Some((
            HeaderName::from_bytes(field.name.as_bytes()).ok()?,
            HeaderValue::from_bytes(field.value).ok()?,
        ))
    });
    Some((target, fields.collect::<Option<_>>()?))
}

/// What a head says about its own boundaries.
#[derive(Default)]
struct Fields {
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
    websocket: bool,
    connection_upgrade: bool,
}

impl Fields {
    fn of(head: &[u8], fields: &[httparse::Header<'_>]) -> Result<Self, u16> {
        let mut named = Self::default();
        for field in fields {
            let is = |name: &str| field.name.eq_ignore_ascii_case(name);
            // The names in question differ in length, which makes the others cheap to pass over.
            match field.name.len() {
                4 if is("host") => named.hosts += 1,
                7 if is("upgrade") && lists(field.value, "websocket") => {
                    if !field.value.eq_ignore_ascii_case(b"websocket") {
                        return Err(400);
                    }
                    named.websocket = true;
                }
                10 if is("connection") => named.connection_upgrade |= lists(field.value, "upgrade"),
                14 if is("content-length") => {
                    if named.length.is_some() || !stands_alone(head, field.value) {
                        return Err(400);
                    }
                    named.length = Some(length(field.value).ok_or(400u16)?);
                }
                17 if is("transfer-encoding") => {
                    if named.chunked || field.value != b"chunked" || !stands_alone(head, field.value) {
                        return Err(400);
                    }
                    named.chunked = true;
                }
                _ => {}
            }
        }
        Ok(named)
    }
}

/// Whether a comma-separated list names `token`.
fn lists(value: &[u8], token: &str) -> bool {
    value.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// Digits and nothing else.
fn length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > LENGTH_DIGITS_MAX {
        return None;
    }
    value.iter().try_fold(0, |length: u64, digit| {
        digit.is_ascii_digit().then(|| length * 10 + u64::from(digit - b'0'))
    })
}

/// Whether at most one space stands before a value, and its line end right behind it.
fn stands_alone(head: &[u8], value: &[u8]) -> bool {
    let start = (value.as_ptr() as usize).wrapping_sub(head.as_ptr() as usize);
    let before = head.get(..start).is_some_and(|before| before.ends_with(b":") || before.ends_with(b": "));
    before && head.get(start + value.len()..).is_some_and(|after| after.starts_with(b"\r\n"))
}

#[cfg(test)]
mod tests;
