//! The service: what all requests share, and which of them goes where.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use millpond::Dashboard;
use millpond::service::axum::Problem;
use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::busy::busy;
use super::config::{Config, Limits};
use super::engine::{Engine, Millpond};
use super::ledger::Ledger;
use super::uploads::Uploads;
use super::{batch, convert, index, metrics, stream};

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) engine: Engine,
    /// Of this crate's engine, if it is to be shown.
    pub(crate) dashboard: Option<Dashboard>,
    pub(crate) limits: Limits,
    pub(crate) uploads: Uploads,
    /// A permit for each batch that may be converted at a time.
    pub(crate) batches: Arc<Semaphore>,
    /// A permit for each request of `/stream` that may be under way.
    pub(crate) streams: Arc<Semaphore>,
    /// How many are open.
    pub(crate) connections: AtomicUsize,
    pub(crate) ledger: Arc<Ledger>,
    /// The figures of the engine.
    pub(crate) engine_metrics: Registry,
}

impl Service {
    /// # Errors
    /// The engine's threads can't be started.
    pub(crate) fn new(config: &Config) -> io::Result<Self> {
        let engine = Engine::new(config.engine, &config.work)?;
        Ok(Self {
            dashboard: engine.millpond().filter(|_| config.dashboard).map(dashboard),
            engine_metrics: metrics::of_engine(&engine),
            engine,
            uploads: Uploads::new(&config.limits),
            batches: Arc::new(Semaphore::new(config.limits.max_batches)),
            streams: Arc::new(Semaphore::new(config.limits.max_streams)),
            limits: config.limits.clone(),
            connections: AtomicUsize::new(0),
            ledger: Arc::default(),
        })
    }
}

fn dashboard(millpond: &Millpond) -> Dashboard {
    let processor = millpond.processor();
    Dashboard::new(processor.pool()).processor(processor)
}

/// A turn, if there is one now: there are only so many of what takes much.
pub(crate) fn turn(turns: &Arc<Semaphore>, code: &'static str) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(turns)
        .try_acquire_owned()
        .map_err(|_| busy(code, "there are as many of these requests under way as there may be"))
}

/// `/health` and `/metrics` need nothing that a document could hold.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let router = match &service.dashboard {
        Some(dashboard) => Router::new().nest_service("/dashboard", dashboard.router()),
        None => Router::new(),
    };
    router
        .route("/", get(index::index))
        .route("/convert", post(convert::convert))
        .route("/batch", post(batch::batch))
        .route("/stream", post(stream::stream))
        .route("/health", get(async || "ok\n"))
        .route("/metrics", get(metrics::metrics))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing of this name"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "the header Allow says what is",
            )
        })
        .with_state(service)
}
