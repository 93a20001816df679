//! One connection, from its first request to its end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Version};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tower::Service as _;

use super::busy::busy;
use super::departure::Departure;
use super::head;
use super::ledger::known;
use super::service::Service;
use super::socket::{Client, Socket};

/// The head of a request is no longer than this, and so much of a body is read at a time.
const BUFFER: usize = 64 << 10;

/// What a connection of the reserve has for the head of its one request: there are few of them, and each waits for those before.
const CROWDED_HEAD: Duration = Duration::from_secs(1);

/// How long a connection that ends is listened to; one of the reserve is needed by others.
const LINGER: Duration = Duration::from_secs(1);
const CROWDED_LINGER: Duration = Duration::from_millis(100);

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
/// answered first, unless `cut` comes as well.
pub(crate) async fn serve(
    socket: Socket,
    host: Host,
    stop: impl Future<Output = ()>,
    cut: impl Future<Output = ()>,
) {
    let (header_timeout, is_crowded) = (host.service.limits.header_timeout, host.is_crowded);
    let (header_timeout, linger) = match is_crowded {
        true => (header_timeout.min(CROWDED_HEAD), CROWDED_LINGER),
        false => (header_timeout, LINGER),
    };
    let client = Arc::clone(socket.client());
    let mut departure = Departure::new(&client);
    let answer = service_fn(move |request| -> Answering {
        Box::pin(answer(host.clone(), Arc::clone(&client), request))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(BUFFER)
        .keep_alive(!is_crowded)
        // A client may have nothing more to say, and still wait for its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(socket), answer);
    let (mut stop, mut cut) = (pin!(stop), pin!(cut));
    let mut is_stopping = false;
    // An error is a client's that has gone, or speaks no HTTP and was told so: nothing is to be done about it here.
    let ended = poll_fn(|cx| {
        if !is_stopping && stop.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        // Not before: with each request it would be looked at in vain.
        if is_stopping && cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(ended) = connection.poll_without_shutdown(cx) {
            return Poll::Ready(Some(ended));
        }
        // It takes its work along.
        departure.poll(cx).map(|()| None)
    })
    .await;
    if ended.is_some() {
        tokio::select! {
            () = connection.into_parts().io.into_inner().linger(linger) => {}
            () = cut => {}
        }
    }
}

async fn answer(
    mut host: Host,
    client: Arc<Client>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let path = known(request.uri().path());
    client.has_sent_all.store(request.body().is_end_stream(), Ordering::Relaxed);
    // A client of HTTP/1.0 knows no interim responses.
    client.is_unanswered.store(request.version() >= Version::HTTP_11, Ordering::Relaxed);
    let request = request.map(|body| Watched { body, client: Arc::clone(&client) });
    let checked = head::check(request.version(), request.headers());
    let is_malformed = checked.is_err();
    let mut response = if let Err(problem) = checked {
        problem.into_response()
    } else if host.is_crowded && !matches!(path, "/health" | "/metrics") {
        busy("too-many-connections", "there are as many connections as there may be").into_response()
    } else {
        host.router.call(request).await?
    };
    client.is_unanswered.store(false, Ordering::Relaxed);
    let status = response.status();
    host.service.ledger.responded(path, status.as_u16());
    // With a rest of the body before the next request, the connection can't be used again. After a
    // malformed head it is not known where the next request begins.
    if is_malformed || (status.as_u16() >= 400 && !client.has_sent_all.load(Ordering::Relaxed)) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// A body of which it is known whether it was read to its end.
struct Watched {
    body: Incoming,
    client: Arc<Client>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.client.has_sent_all.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
