//! The other pools that hand out futures.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::cores;
use crate::peer::Peer;

/// affinitypool: one thread a core, shards by default, which is what its documentation advises.
#[derive(Clone)]
pub(super) struct AffinityPool(Arc<affinitypool::Threadpool>);

impl AffinityPool {
    pub(super) fn new() -> Self {
        Self(Arc::new(affinitypool::Builder::new().worker_threads(cores()).build()))
    }
}

impl Peer for AffinityPool {
    async fn run<F, T>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.spawn(work).await
    }

    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.spawn(work)
    }
}

/// `rusty_pool`: `evaluate` for closures; its handle's receiver is the future (the handle itself only blocks).
#[derive(Clone)]
pub(super) struct RustyPool(rusty_pool::ThreadPool);

impl RustyPool {
    pub(super) fn new() -> Self {
        let pool = rusty_pool::ThreadPool::new(cores(), cores(), Duration::from_secs(60));
        pool.start_core_threads();
        Self(pool)
    }
}

impl Peer for RustyPool {
    async fn run<F, T>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.evaluate(work).receiver.await.expect("no panic")
    }

    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let task = self.0.evaluate(work);
        async move { task.receiver.await.expect("no panic") }
    }
}
