//! Rayon with a oneshot channel, as Tokio's documentation advises for CPU-bound work, and tokio-rayon, its ready-made form.

use std::future::Future;
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;
use tokio_rayon::AsyncThreadPool;

use crate::cores;
use crate::peer::Peer;

fn pool() -> Arc<ThreadPool> {
    Arc::new(ThreadPoolBuilder::new().num_threads(cores()).build().expect("a rayon pool"))
}

#[derive(Clone)]
pub struct RayonOneshot(Arc<ThreadPool>);

impl RayonOneshot {
    pub fn new() -> Self {
        Self(pool())
    }
}

impl Peer for RayonOneshot {
    async fn run<F, T>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.submit(work).await
    }

    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.0.spawn(move || {
            let _ = sender.send(work());
        });
        async move { receiver.await.expect("no panic") }
    }
}

#[derive(Clone)]
pub struct TokioRayon(Arc<ThreadPool>);

impl TokioRayon {
    pub fn new() -> Self {
        Self(pool())
    }
}

impl Peer for TokioRayon {
    async fn run<F, T>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.spawn_async(work).await
    }

    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.spawn_async(work)
    }
}
