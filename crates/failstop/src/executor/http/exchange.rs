//! One request and its response over a fresh connection. From the first byte on nothing proves that there was no effect,
//! so whatever breaks here is unknown.

use std::{convert::Infallible, future::pending};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;

use super::connect::Wire;
use crate::executor::Answer;

/// Status line and headers of a response may not be longer.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// A response that came whole, as far as it was wanted.
pub(super) struct Reception {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The body of a 2xx. `None` if it was not read to its end, because the status says all or it is too long.
    pub(super) body: Option<Vec<u8>>,
}

/// Sends the request and receives its response. The connection is closed at the end, and by a drop.
pub(super) async fn exchange(
    wire: Box<dyn Wire>,
    request: Request<Full<Bytes>>,
    max_body_bytes: usize,
) -> Result<Reception, Answer> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD_BYTES);
    let (mut sender, connection) = builder
        .handshake(TokioIo::new(wire))
        .await
        .map_err(|_| Answer::not_applied().with_code("connect_failed"))?;
    let conversation = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = if head.status.is_success() { read(body, max_body_bytes).await? } else { None };
        Ok(Reception { status: head.status, headers: head.headers, body })
    };
    // How the connection ended is also what the conversation comes to know.
    let transport = async {
        let _ = connection.await;
        pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        reception = conversation => reception.map_err(|fault: hyper::Error| broken(&fault)),
        never = transport => match never {},
    }
}

fn broken(fault: &hyper::Error) -> Answer {
    Answer::unknown().with_code(if fault.is_parse() { "bad_response" } else { "connection_lost" })
}

async fn read(mut body: Incoming, max_bytes: usize) -> Result<Option<Vec<u8>>, hyper::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if data.len() > max_bytes - bytes.len() {
            return Ok(None);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Some(bytes))
}
