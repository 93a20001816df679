//! A page that shows what a pool does now. With the feature `dashboard`.
//!
//! [`Dashboard`] serves it from the application itself: as an axum `Router` to mount, or on a
//! listener of its own. The guide [dashboard](crate::guide::dashboard) explains the panels.

mod assets;
mod feed;
mod frame;
mod listener;
mod read;
mod routes;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

use self::read::Source;
use self::routes::Served;
use crate::convert::Converter;
use crate::pool::AdaptiveThreadPool;
use crate::processor::ConcurrentProcessorV2;

/// A page that shows what a pool does now: throughput, queue, workers, threads, latencies, tenants,
/// refusals, and the tasks that run.
///
/// The page and all that it needs are part of the program: it loads nothing from other hosts. It
/// reads the pool once per [`interval`](Self::interval) while a viewer is connected, and never
/// otherwise. A clone is another handle to the same dashboard.
///
/// # Who may see it
/// The page has no access control. It shows the names of tasks and tenants, the messages of panics,
/// and the load of the program. It never shows what a task or a document contains, but a message or
/// a name may, if the program puts it there. Mount it behind your own authentication, or serve it
/// on the loopback address.
///
/// # The pool
/// A dashboard holds a handle of its pool, so the pool does not end because other handles are
/// dropped. Use [`shutdown`](AdaptiveThreadPool::shutdown).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use axum::{Router, routing::get};
/// use millpond::{AdaptiveThreadPool, Dashboard};
///
/// let pool = AdaptiveThreadPool::new();
/// let dashboard = Dashboard::new(&pool);
/// let app: Router = Router::new()
///     .route("/", get(async || "the application"))
///     .nest_service("/dashboard", dashboard.router());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// // A viewer's connection never ends by itself: `close` ends it.
/// let stopped = async move { dashboard.close() };
/// axum::serve(listener, app).with_graceful_shutdown(stopped).await
/// # }
/// ```
#[derive(Clone)]
pub struct Dashboard(Served);

impl Dashboard {
    /// The address for [`serve`](Self::serve) that only this machine reaches: 127.0.0.1:9650.
    pub const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9650);

    /// The number of viewers at a time. Others are refused (503), and try again by themselves.
    pub const MOST_VIEWERS: usize = routes::MOST_VIEWERS;

    /// Creates a dashboard of a pool.
    #[must_use]
    pub fn new(pool: &AdaptiveThreadPool) -> Self {
        Self(Served { source: Source::new(pool), interval: Duration::from_secs(1), feed: Arc::default() })
    }

    /// Shows the documents and the memory of a processor too. Its pool should be the dashboard's.
    #[must_use]
    pub fn processor<C: Converter>(mut self, processor: &ConcurrentProcessorV2<C>) -> Self {
        self.0.source.documents = Some(Arc::new(processor.clone()));
        self
    }

    /// Sets how often the pool is read while a viewer is connected: 100 ms to 1 min, by
    /// default 1 s. Values beyond are taken as the nearest of these.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.0.interval = interval.clamp(Duration::from_millis(100), Duration::from_secs(60));
        self
    }

    /// Returns the page as a router, for [`Router::nest_service`] or [`Router::nest`] at any path.
    ///
    /// `nest_service` serves the page at the path with and without a slash at its end, `nest` only
    /// without.
    ///
    /// It answers to every name of its host. [`serve`](Self::serve) refuses those of strangers.
    ///
    /// | Path | Answer |
    /// |---|---|
    /// | `/` | the page |
    /// | `/frame.json` | what the page shows, once, as JSON. Its fields may change in any version |
    /// | `/events` | the same as server-sent events, without end |
    /// | others | the files of the page |
    pub fn router(&self) -> Router {
        routes::router(self.0.clone())
    }

    /// Serves the page at `http://ADDRESS/` on a listener of its own, without end.
    ///
    /// # Safety of the address
    /// [`LOOPBACK`](Self::LOOPBACK) is reached from this machine only. Requests that come in through
    /// a loopback address must name it as `localhost` or by its IP address, so that a web page of a
    /// stranger's cannot read the dashboard through a name of its own (DNS rebinding). At any other
    /// address everybody who reaches it sees the page, and there is no limit of connections or of
    /// time: put a proxy before it. The event at level `WARN` says so.
    ///
    /// # Errors
    /// The address cannot be had.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener. Connections that are open go on;
    /// [`close`](Self::close) ends those of viewers.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use millpond::{AdaptiveThreadPool, Dashboard};
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let dashboard = Dashboard::new(&pool);
    /// tokio::spawn(async move { dashboard.serve(Dashboard::LOOPBACK).await });
    /// # }
    /// ```
    pub async fn serve(&self, address: SocketAddr) -> io::Result<()> {
        self.serve_on(TcpListener::bind(address).await?).await
    }

    /// Serves the page on this listener, as [`serve`](Self::serve) does.
    ///
    /// # Errors
    /// The listener has no address.
    ///
    /// # Cancel safety
    /// As [`serve`](Self::serve).
    pub async fn serve_on(&self, listener: TcpListener) -> io::Result<()> {
        listener::serve(listener, self.router()).await
    }

    /// Returns how many viewers are connected.
    #[must_use]
    pub fn viewers(&self) -> usize {
        self.0.feed.viewers()
    }

    /// Ends the connections of all viewers, and refuses further ones (503). Call it when a server
    /// shuts down: it would wait for them otherwise.
    pub fn close(&self) {
        self.0.feed.close();
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut dashboard = f.debug_struct("Dashboard");
        dashboard.field("interval", &self.0.interval).field("viewers", &self.viewers());
        dashboard.finish_non_exhaustive()
    }
}
