//! One connection, from its first request to its end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use millpond::service::axum::Problem;
use tower::Service as _;

use super::ledger::known;
use super::service::Service;
use super::socket::Socket;

/// The head of a request is no longer than this, and so much of a body is read at a time.
const BUFFER: usize = 64 << 10;

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// What a connection is served with.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) service: Arc<Service>,
    pub(crate) router: Router,
    /// There are as many others as there may be: this one is for one look at `/health` or `/metrics`.
    pub(crate) is_crowded: bool,
}

/// Serves a connection until its client goes, sends nothing for too long, or `stop` is there; then a request that is under way is
/// answered first.
pub(crate) async fn serve(socket: Socket, host: Host, stop: impl Future<Output = ()>) {
    let header_timeout = host.service.limits.header_timeout;
    let is_crowded = host.is_crowded;
    let answer = service_fn(move |request| -> Answering { Box::pin(answer(host.clone(), request)) });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(BUFFER)
        .keep_alive(!is_crowded)
        .serve_connection(TokioIo::new(socket), answer);
    let mut stop = pin!(stop);
    let mut is_stopping = false;
    // An error is a client's that has gone, or speaks no HTTP and was told so: nothing is to be done about it here.
    let _ = poll_fn(|cx| {
        if !is_stopping && stop.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        connection.poll_without_shutdown(cx)
    })
    .await;
    connection.into_parts().io.into_inner().linger().await;
}

async fn answer(mut host: Host, request: Request<Incoming>) -> Result<Response, Infallible> {
    let path = known(request.uri().path());
    let may_be_unread = may_be_unread(request.headers());
    let mut response = if host.is_crowded && !matches!(path, "/health" | "/metrics") {
        crowded().into_response()
    } else {
        host.router.call(request).await?
    };
    let status = response.status();
    host.service.ledger.responded(path, status.as_u16());
    if status.as_u16() >= 400 && may_be_unread {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Whether an error may come before the body was read: then the connection can't be used again, and the client had better know.
fn may_be_unread(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    headers.contains_key(EXPECT) || headers.contains_key(TRANSFER_ENCODING) || length > Some(BUFFER)
}

fn crowded() -> Problem {
    let detail = "there are as many connections as there may be";
    let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-connections", detail);
    problem.retry_after = Some(Duration::from_secs(1));
    problem
}
