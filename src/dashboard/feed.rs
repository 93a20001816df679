//! Frames for all viewers: one task reads the pool while there are any, and each frame is written
//! once.
//!
//! A viewer holds a receiver of a `watch` channel. The channel keeps the newest frame only, so a
//! slow viewer skips frames, and memory does not depend on how slow it is.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tokio::time::timeout;

/// The newest frame.
#[derive(Debug, Clone, Default)]
enum Latest {
    #[default]
    Nothing,
    Frame(Bytes),
    /// There will be none any more.
    Closed,
}

/// Why there is no place for a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

/// The frames, and whether there is a task that makes them.
#[derive(Debug, Default)]
pub(super) struct Feed {
    latest: watch::Sender<Latest>,
    /// Changed, and looked at together with the number of receivers, under the lock.
    is_sampled: Mutex<bool>,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_sampled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn viewers(&self) -> usize {
        self.latest.receiver_count()
    }

    /// Drops a frame that will be old when the next viewer comes.
    fn forget(&self) {
        self.set(Latest::Nothing);
    }

    /// Replaces what there is, unless the feed is closed.
    fn set(&self, new: Latest) {
        self.latest.send_if_modified(|latest| {
            let is_open = !matches!(latest, Latest::Closed);
            if is_open {
                *latest = new;
            }
            is_open
        });
    }

    /// Ends all streams.
    pub(super) fn close(&self) {
        let _locked = self.lock();
        self.latest.send_replace(Latest::Closed);
    }

    /// Returns the frames for a viewer, from the newest on. For the first viewer a task begins that
    /// calls `sample` once per interval. It ends when there is no viewer.
    ///
    /// It has to be called within a runtime.
    pub(super) fn view<F: FnMut() -> Bytes + Send + 'static>(
        self: &Arc<Self>,
        most: usize,
        interval: Duration,
        sample: F,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<F>, Refused> {
        let mut is_sampled = self.lock();
        if matches!(*self.latest.borrow(), Latest::Closed) {
            return Err(Refused::Closed);
        }
        if self.viewers() >= most {
            return Err(Refused::Full);
        }
        let mut viewer = self.latest.subscribe();
        // The frame that is there is new to this viewer.
        viewer.mark_changed();
        if !*is_sampled {
            *is_sampled = true;
            tokio::spawn(Sampler { feed: Arc::clone(self), is_done: false }.run(interval, sample));
        }
        Ok(stream::unfold(viewer, next))
    }
}

/// The next frame for a viewer.
async fn next(
    mut viewer: watch::Receiver<Latest>,
) -> Option<(Result<Bytes, Infallible>, watch::Receiver<Latest>)> {
    loop {
        viewer.changed().await.ok()?;
        let latest = viewer.borrow_and_update().clone();
        match latest {
            Latest::Nothing => {}
            Latest::Frame(frame) => return Some((Ok(frame), viewer)),
            Latest::Closed => return None,
        }
    }
}

/// The task that makes the frames. Wherever it ends, the next viewer gets another one.
struct Sampler {
    feed: Arc<Feed>,
    /// It has said that it ends: another task may make the frames by now.
    is_done: bool,
}

impl Sampler {
    async fn run(mut self, interval: Duration, mut sample: impl FnMut() -> Bytes) {
        while self.is_watched() {
            self.feed.set(Latest::Frame(sample()));
            // Until the next frame, or until the last viewer leaves.
            let _ = timeout(interval, self.feed.latest.closed()).await;
        }
    }

    /// Whether there are viewers. If not, the task ends, and the next viewer does not see an old
    /// frame.
    fn is_watched(&mut self) -> bool {
        let mut is_sampled = self.feed.lock();
        let is_closed = matches!(*self.feed.latest.borrow(), Latest::Closed);
        if self.feed.viewers() > 0 && !is_closed {
            return true;
        }
        *is_sampled = false;
        self.feed.forget();
        self.is_done = true;
        false
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        if !self.is_done {
            let mut is_sampled = self.feed.lock();
            *is_sampled = false;
            self.feed.forget();
        }
    }
}

#[cfg(test)]
mod tests;
