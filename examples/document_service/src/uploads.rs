//! Bodies: read whole, within limits of length, time and memory, before the engine hears of them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use millpond::service::axum::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::busy::busy;
use super::config::Limits;

/// The first buffer of a body that comes in pieces is no longer than this, whatever it says of its length.
const FIRST: usize = 64 << 10;

/// The body of a client who has it ready is there within this time.
const PROMPT: Duration = Duration::from_millis(10);

/// A body of so many bytes is read sooner than another connection is made.
const SHORT: u64 = 256 << 10;

/// The memory for all bodies under way, and the times that they have.
#[derive(Debug)]
pub(crate) struct Uploads {
    /// A permit a byte.
    budget: Arc<Semaphore>,
    idle: Duration,
    whole: Duration,
}

/// A body, and its part of the budget until it is dropped.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) bytes: Bytes,
    _part: Option<OwnedSemaphorePermit>,
}

impl Uploads {
    pub(crate) fn new(limits: &Limits) -> Self {
        let budget = Arc::new(Semaphore::new(limits.upload_budget.min(Semaphore::MAX_PERMITS)));
        Self { budget, idle: limits.body_idle_timeout, whole: limits.body_timeout }
    }

    /// Reads a body to its end. It takes of the budget as it comes: a client who announces much and sends little takes
    /// little.
    ///
    /// # Errors
    /// 413 if it is longer than `longest`, before it is read where it says so; 408 if it takes too long, 503 if there is no
    /// memory for it, 400 if it breaks off.
    pub(crate) async fn read(&self, mut body: Body, longest: usize) -> Result<Upload, Problem> {
        let announced = body.size_hint().lower();
        if announced > longest as u64 {
            return Err(too_long(longest));
        }
        let end = Instant::now() + self.whole;
        let mut part: Option<OwnedSemaphorePermit> = None;
        let mut pieces = Pieces::default();
        while let Some(frame) =
            timeout_at(end.min(Instant::now() + self.idle), body.frame()).await.map_err(too_slow)?
        {
            // Trailers say nothing here.
            let Ok(data) = frame.map_err(broken_off)?.into_data() else { continue };
            if pieces.len() + data.len() > longest {
                return Err(too_long(longest));
            }
            let more = self.take(data.len())?;
            match &mut part {
                Some(part) => part.merge(more),
                None => part = Some(more),
            }
            pieces.push(data, announced);
        }
        Ok(Upload { bytes: pieces.join(), _part: part })
    }

    /// Reads a body to its end, and keeps a `turn` meanwhile; but not for longer than it takes a client who has all of it ready. The
    /// turn comes back if it was kept.
    pub(crate) async fn read_in_turn<T>(
        &self,
        body: Body,
        longest: usize,
        turn: T,
    ) -> Result<(Upload, Option<T>), Problem> {
        let mut reading = pin!(self.read(body, longest));
        match timeout(PROMPT, &mut reading).await {
            Ok(upload) => Ok((upload?, Some(turn))),
            Err(_) => {
                drop(turn);
                Ok((reading.await?, None))
            }
        }
    }

    /// Takes what comes of a body that nobody wants, if it is short and there already: the connection can be used again then, which
    /// costs both sides less than another.
    pub(crate) async fn discard(&self, mut body: Body) {
        if body.size_hint().upper().is_some_and(|length| length <= SHORT) {
            let _ = timeout(PROMPT, async { while let Some(Ok(_)) = body.frame().await {} }).await;
        }
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.budget)
            .try_acquire_many_owned(bytes)
            .map_err(|_| busy("uploads-full", "there is no memory for more requests at the moment"))
    }

    /// How many bytes may still come.
    pub(crate) fn left(&self) -> usize {
        self.budget.available_permits()
    }
}

/// What has come of a body. Most come in one piece, which is not copied.
#[derive(Debug, Default)]
struct Pieces {
    first: Bytes,
    joined: BytesMut,
}

impl Pieces {
    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    fn push(&mut self, data: Bytes, announced: u64) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.joined.is_empty() {
            let announced = usize::try_from(announced).unwrap_or(FIRST).min(FIRST);
            self.joined.reserve(announced.max(self.first.len() + data.len()));
            self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.joined.extend_from_slice(&data);
    }

    fn join(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }
}

fn too_long(longest: usize) -> Problem {
    let detail = format!("the body is longer than the {longest} bytes that are accepted");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}

fn too_slow(_: tokio::time::error::Elapsed) -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "the body did not come in time")
}

/// Most of those who see to that are gone, and hear nothing of it.
fn broken_off(_: axum::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "unreadable", "the body could not be read to its end")
}
