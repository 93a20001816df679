//! This crate's pool.

use std::future::Future;

use millpond::{AdaptiveThreadPool, PoolConfig};

use crate::cores;
use crate::peer::Peer;

/// The pool with its defaults, but for the number of threads, which is that of every peer.
#[derive(Clone)]
pub struct Millpond(pub AdaptiveThreadPool);

impl Millpond {
    pub fn new(niceness: Option<u8>) -> Self {
        let config = config(niceness);
        Self(AdaptiveThreadPool::with_config(config))
    }
}

/// What the pool is given, and that of the processor.
pub fn config(niceness: Option<u8>) -> PoolConfig {
    let default = PoolConfig::default();
    let worker_niceness = niceness.unwrap_or(default.worker_niceness);
    PoolConfig { max_threads: cores(), worker_niceness, ..default }
}

impl Peer for Millpond {
    async fn run<F, T>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.run(work).await.expect("no panic, no shutdown")
    }

    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let task = self.0.try_spawn(work).expect("the benches stay below `max_queue_size`");
        async move { task.await.expect("no panic, no shutdown") }
    }
}
