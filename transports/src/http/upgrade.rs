//! From a request to a WebSocket on the same socket.

use std::rc::Rc;

use actix_codec::Framed;
use actix_http::{ConnectionType, Request, body::BodySize, h1};
use actix_web::http::StatusCode;
use futures_util::SinkExt;

use super::{
    edge::{Edge, Handler, headers_of, status_of},
    guard::Guarded,
    seat::Seat,
};
use crate::{exchange, sockets::stream::Stream, ws};

type Wire = Framed<Guarded<Stream>, h1::Codec>;

/// Answers a request that would leave HTTP, and serves the WebSocket if it may.
pub(super) async fn upgrade<H: Handler>(
    edge: Rc<Edge<H>>,
    request: Request,
    mut wire: Wire,
) -> Result<(), actix_http::Error> {
    let Some(seat) = request.conn_data::<Rc<Seat>>().cloned() else {
        unreachable!("every connection has a seat")
    };
    let asked = edge.request(request.head(), &seat);
    let (admitted, address) = (edge.handler.admit(&asked), asked.peer.address);
    // What is known of the request is not kept for as long as the connection lasts.
    drop((asked, request));
    match admitted {
        Ok(admitted) => {
            let mut switching = actix_http::Response::with_body(StatusCode::SWITCHING_PROTOCOLS, ());
            *switching.headers_mut() = headers_of(&admitted.headers());
            switching.head_mut().set_connection_type(ConnectionType::Upgrade);
            if wire.send(h1::Message::Item((switching, BodySize::None))).await.is_err() {
                return Ok(());
            }
            let parts = wire.into_parts();
            let first = parts.read_buf.to_vec();
            drop((parts.read_buf, parts.write_buf));
            let ws::Admitted { credential, tongue, agent, .. } = admitted;
            let opening = ws::Opening { credential, tongue, address, agent };
            ws::serve_stream(edge.handler.front(), parts.io, first, opening).await;
        }
        Err(refusal) => {
            let exchange::Response { status, headers, body } = *refusal;
            let mut response = actix_http::Response::with_body(status_of(status), ());
            *response.headers_mut() = headers_of(&headers);
            response.head_mut().set_connection_type(ConnectionType::Close);
            let size = BodySize::Sized(body.len() as u64);
            if wire.feed(h1::Message::Item((response, size))).await.is_ok()
                && wire.send(h1::Message::Chunk(Some(body))).await.is_ok()
            {
                ws::part(wire.into_parts().io).await;
            }
        }
    }
    Ok(())
}
