//! The generator's own wire: HTTP/1.1 by hand, gRPC over HTTP/2, WebSocket.
//!
//! Nothing here knows a record or a server. Believe this: each of the three does as little per operation as its
//! protocol allows, because the generator's cost is borne by the same cores as the server's.

pub(crate) mod grpc;
pub(crate) mod http1;
pub(crate) mod ws;
