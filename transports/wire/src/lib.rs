//! The native interface as documents: operations, replies, events, frames and problem codes.
//!
//! Nothing here acts. The same operations travel as HTTP requests and as frames over a WebSocket or in memory, and a
//! client in another language mirrors exactly these types. Byte strings are canonical base64 with padding in text and
//! plain bytes in CBOR; instants are milliseconds since 1970; unknown members are refused.

mod base64_bytes;
mod event;
mod frame;
mod operation;
mod problem;
mod reply;
#[cfg(test)]
mod tests;

pub use base64_bytes::Base64Bytes;
pub use event::{Event, FeedPage, What};
pub use frame::{
    ClientFrame, Encoding, FRAME_BYTES_MAX, FrameError, HELLO_WITHIN_S, SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON,
    ServerFrame, SubscriptionId,
};
pub use operation::{Operation, Previous};
pub use problem::{Problem, ProblemCode};
pub use reply::{
    GrantInfo, GrantPage, HistoryPage, NamePage, ReceiptDocument, RecordDocument, RecordHead, RecordInfo,
    Reply, ResetDone, SessionInfo, SessionOpened, Shared, VersionInfo, Whoami,
};
