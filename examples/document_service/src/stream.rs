//! `POST /stream`: one document of any length, converted while it is read, in bounded memory.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use millpond::processor::ReaderError;
use millpond::service::axum::Problem;
use millpond::{ConversionOptions, ConversionRequest};
use tokio::io::{AsyncRead, DuplexStream, duplex};
use tokio::time::timeout;
use tokio_util::io::{ReaderStream, StreamReader};

use super::convert::head;
use super::media::Asked;
use super::refusal::Refusal;
use super::service::{Service, turn};

/// So much of the answer may wait for its client, beside what the processor holds.
const PIPE: usize = 64 << 10;

/// The response begins with the first byte of the answer. An error before that is a problem like any other; one after it
/// cuts the body off, without the chunk that would end it: no client can take a part for the whole.
pub(crate) async fn stream(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let Asked { conversion, media_type } = Asked::by(&headers)?;
    let Some(millpond) = service.engine.millpond() else {
        let detail = "only the engine millpond converts documents while they are read";
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "not-implemented", detail).into());
    };
    service.engine.has_room()?;
    let turn = turn(&service.streams, "too-many-streams")?;
    let accepted = service.ledger.accept();
    // What is written is on its way to the client at once: however long it gets, it takes no more memory.
    let options = ConversionOptions { max_output: usize::MAX, ..service.engine.options(conversion) };
    let request = ConversionRequest::new("", "").with_options(options);
    let (processor, limits) = (millpond.processor().clone(), &service.limits);
    let (reader, whole) = (reader(body, limits.body_idle_timeout), limits.stream_timeout);
    let (writer, answer) = duplex(PIPE);
    let work = async move {
        // It owns the writer: at its end the answer has one.
        let done = timeout(whole, processor.process_reader(request, reader, writer)).await;
        accepted.answered();
        drop(turn);
        done.map_err(|_| Failure::TooSlow)?.map(drop).map_err(Failure::Conversion)
    };
    let mut converting = Converting {
        work: Some(Box::pin(work)),
        answer: ReaderStream::with_capacity(answer, PIPE),
        failure: None,
    };
    let body = match converting.next().await {
        None => Body::empty(),
        Some(Ok(first)) => Body::from_stream(stream::iter([Ok(first)]).chain(converting)),
        Some(Err(failure)) => return Err(Problem::from(failure).into()),
    };
    Ok((head(media_type), body).into_response())
}

/// The body, for as long as something of it comes now and then.
fn reader(body: Body, idle: Duration) -> Pin<Box<dyn AsyncRead + Send>> {
    let pieces = stream::unfold(body.into_data_stream(), move |mut body| async move {
        let piece = match timeout(idle, body.next()).await {
            Ok(piece) => piece?.map_err(io::Error::other),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        Some((piece, body))
    });
    Box::pin(StreamReader::new(pieces))
}

/// Why a stream was not converted to its end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the document did not come in time")]
    TooSlow,
    #[error("{0}")]
    Conversion(ReaderError),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Conversion(ReaderError::Read { source, .. })
                if source.kind() == io::ErrorKind::TimedOut =>
            {
                Failure::TooSlow.into()
            }
            Failure::Conversion(error) => error.into(),
            Failure::TooSlow => {
                Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "the document did not come in time")
            }
        }
    }
}

type Work = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// The conversion and what comes of it, as one stream: whoever drops it drops both, and while nobody takes of it, it
/// stands still.
struct Converting {
    work: Option<Work>,
    answer: ReaderStream<DuplexStream>,
    failure: Option<Failure>,
}

impl Stream for Converting {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(work) = &mut self.work
            && let Poll::Ready(done) = work.as_mut().poll(cx)
        {
            self.work = None;
            self.failure = done.err();
        }
        match Pin::new(&mut self.answer).poll_next(cx) {
            Poll::Ready(Some(piece)) => {
                // A pipe in memory does not fail.
                Poll::Ready(Some(Ok(piece.unwrap_or_default())))
            }
            // What was written before it failed is sent first.
            Poll::Ready(None) => Poll::Ready(self.failure.take().map(Err)),
            Poll::Pending => Poll::Pending,
        }
    }
}
