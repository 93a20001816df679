//! The hooks that a user can give to a pool.

use std::io;
use std::sync::Arc;
use std::thread;

use crate::pool::propagate::Propagate;

/// Starts a thread from a prepared builder; see
/// [`PoolBuilder::spawn_handler`](crate::PoolBuilder::spawn_handler).
pub type SpawnHandler =
    dyn Fn(thread::Builder, Box<dyn FnOnce() + Send + 'static>) -> io::Result<()> + Send + Sync + 'static;

/// The hooks of a pool.
#[derive(Clone, Default)]
pub(in crate::pool) struct Hooks {
    pub(in crate::pool) thread_start: Option<Arc<dyn Fn() + Send + Sync + 'static>>,
    pub(in crate::pool) thread_stop: Option<Arc<dyn Fn() + Send + Sync + 'static>>,
    pub(in crate::pool) spawn: Option<Arc<SpawnHandler>>,
    /// What tasks capture where they are submitted, outermost first.
    pub(in crate::pool) propagate: Vec<Arc<dyn Propagate>>,
}

impl Hooks {
    /// Starts a thread. Returns its handle, unless a spawn handler has started it.
    pub(in crate::pool) fn spawn(
        &self,
        builder: thread::Builder,
        body: Box<dyn FnOnce() + Send>,
    ) -> io::Result<Option<thread::JoinHandle<()>>> {
        match &self.spawn {
            Some(spawn) => spawn(builder, body).map(|()| None),
            None => builder.spawn(body).map(Some),
        }
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").field("propagate", &self.propagate.len()).finish_non_exhaustive()
    }
}
