//! What a service would be built on without this crate, as somebody would write it who knows both: no more conversions at a time
//! than there are cores, a limit of what waits, nothing begun that is too late or that nobody waits for.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use ::millpond::service::axum::Problem;
use ::millpond::{ConversionOptions, Converter, DocumentConverter};
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use super::super::busy::busy;
use super::super::config::WorkConfig;
use super::Converted;

#[derive(Debug)]
pub(crate) struct Peer {
    threads: Threads,
    /// For what waits and what runs; given back when it has run, not when its client has gone.
    places: Arc<Semaphore>,
    max_document: usize,
}

#[derive(Debug)]
enum Threads {
    /// Tokio's, a permit for each that may run: its own limit is 512.
    SpawnBlocking(Arc<Semaphore>),
    Rayon(rayon::ThreadPool),
}

impl Peer {
    pub(crate) fn spawn_blocking(config: &WorkConfig) -> Self {
        let threads = threads(config);
        Self::new(Threads::SpawnBlocking(Arc::new(Semaphore::new(threads))), threads, config)
    }

    pub(crate) fn rayon(config: &WorkConfig) -> io::Result<Self> {
        let threads = threads(config);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other)?;
        Ok(Self::new(Threads::Rayon(pool), threads, config))
    }

    fn new(kind: Threads, threads: usize, config: &WorkConfig) -> Self {
        let places = Arc::new(Semaphore::new(config.queue_limit + threads));
        Self { threads: kind, places, max_document: config.max_document }
    }

    pub(super) fn has_room(&self) -> Result<(), Problem> {
        if self.places.available_permits() == 0 { Err(full()) } else { Ok(()) }
    }

    /// A place, if there is one.
    fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| full())
    }

    /// A place as soon as there is one.
    async fn wait(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Problem> {
        let place = timeout_at(deadline.into(), Arc::clone(&self.places).acquire_owned()).await;
        place.map_err(|_| expired())?.map_err(|_| full())
    }

    pub(super) async fn convert(
        &self,
        content: Bytes,
        options: ConversionOptions,
        deadline: Instant,
    ) -> Converted {
        self.convert_in(self.enter()?, content, options, deadline).await
    }

    pub(super) async fn convert_all(
        &self,
        requests: impl Iterator<Item = (Bytes, ConversionOptions)>,
        deadline: Instant,
    ) -> Vec<Converted> {
        let convert = async |(content, options)| {
            self.convert_in(self.wait(deadline).await?, content, options, deadline).await
        };
        join_all(requests.map(convert)).await
    }

    async fn convert_in(
        &self,
        place: OwnedSemaphorePermit,
        content: Bytes,
        options: ConversionOptions,
        deadline: Instant,
    ) -> Converted {
        if content.len() > self.max_document {
            let detail =
                format!("the document is longer than the {} bytes that are accepted", self.max_document);
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail));
        }
        let convert = move || {
            let mut out = BytesMut::with_capacity(content.len());
            DocumentConverter::default().convert(&content, &options, &mut out).map(|_| out.freeze())
        };
        self.run(place, deadline, convert).await?.map_err(Problem::from)
    }

    pub(super) async fn compute<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let deadline = deadline.unwrap_or_else(|| Instant::now() + NEVER);
        self.run(self.wait(deadline).await?, deadline, work).await
    }

    async fn run<T, F>(&self, place: OwnedSemaphorePermit, deadline: Instant, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let work = move || {
            let _place = place;
            if answer.is_closed() || Instant::now() >= deadline {
                return;
            }
            if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
                // Whoever asked may have gone.
                let _ = answer.send(done);
            }
        };
        match &self.threads {
            Threads::Rayon(pool) => pool.spawn(work),
            Threads::SpawnBlocking(running) => {
                let permit = timeout_at(deadline.into(), Arc::clone(running).acquire_owned()).await;
                let permit = permit.map_err(|_| expired())?.map_err(|_| full())?;
                drop(spawn_blocking(move || {
                    work();
                    drop(permit);
                }));
            }
        }
        match answered.await {
            Ok(done) => Ok(done),
            Err(_) if Instant::now() >= deadline => Err(expired()),
            Err(_) => {
                let detail = "the request could not be processed";
                Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "panicked", detail))
            }
        }
    }
}

/// As good as no deadline at all.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn threads(config: &WorkConfig) -> usize {
    config.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from))
}

fn full() -> Problem {
    busy("queue-full", "the queue is full")
}

fn expired() -> Problem {
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "deadline-exceeded", "the deadline passed")
}
