//! Tokio's own two ways: its blocking pool, and a second runtime.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::cores;
use crate::peer::Peer;

/// `spawn_blocking` of the users' runtime.
#[derive(Clone)]
pub struct SpawnBlocking(pub Handle);

impl Peer for SpawnBlocking {
    async fn run<F, T>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.spawn_blocking(work).await.expect("no panic, no shutdown")
    }

    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let task = self.0.spawn_blocking(work);
        async move { task.await.expect("no panic, no shutdown") }
    }
}

/// A second multi-thread runtime, for the heavy work only.
#[derive(Clone)]
pub struct SecondRuntime(Arc<Runtime>);

impl SecondRuntime {
    pub fn new() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(cores()).thread_name("second").build();
        Self(Arc::new(runtime.expect("a second runtime")))
    }
}

impl Peer for SecondRuntime {
    async fn run<F, T>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.spawn(async move { work() }).await.expect("no panic, no shutdown")
    }

    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let task = self.0.spawn(async move { work() });
        async move { task.await.expect("no panic, no shutdown") }
    }
}
