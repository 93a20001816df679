//! A handler of a runtime that is woken once a millisecond, and how late it runs.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::measure::quantile;
use crate::peer::{Peer, Workload};
use crate::saturation::Saturation;
use crate::spin::Spin;

/// How often the handler is woken.
const PERIOD: Duration = Duration::from_millis(1);

/// What wakes the handler.
#[derive(Clone, Copy)]
pub enum Wake {
    Message,
    Timer,
}

impl Wake {
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Timer => "timer",
        }
    }
}

/// A handler that is woken once a millisecond, on the runtime whose tasks saturate a pool.
pub struct Lag {
    pub users: Handle,
    pub wake: Wake,
    pub events: u32,
    pub spin: Spin,
    /// The lags of the last measurement, in microseconds.
    pub seen: Mutex<Vec<f64>>,
}

impl Workload for Lag {
    /// The p99, in microseconds.
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        let saturation = Saturation::start(&self.users, peer, self.spin);
        let p99 = self.beside_nothing();
        saturation.end(&self.users);
        p99
    }
}

impl Lag {
    /// The p99, in microseconds, beside whatever runs.
    pub fn beside_nothing(&self) -> f64 {
        // What was just started, or has just ended, comes to its steady state first.
        thread::sleep(Duration::from_millis(50));
        let events = self.events;
        let lags = match self.wake {
            Wake::Message => {
                let (sender, receiver) = mpsc::unbounded_channel();
                let handler = self.users.spawn(messages(receiver));
                // This thread is the one that sends.
                for _ in 0..events {
                    thread::sleep(PERIOD);
                    let _ = sender.send(Instant::now());
                }
                drop(sender);
                self.users.block_on(handler)
            }
            Wake::Timer => self.users.block_on(self.users.spawn(ticks(events))),
        };
        let lags = lags.expect("the handler ends well");
        let p99 = quantile(lags.clone(), 0.99);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = lags;
        p99
    }

    pub fn take(&self) -> Vec<f64> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The lag behind every message. Those that queue up behind a late one are late, too, and counted so.
async fn messages(mut receiver: mpsc::UnboundedReceiver<Instant>) -> Vec<f64> {
    let mut lags = Vec::new();
    while let Some(sent) = receiver.recv().await {
        lags.push(micros(sent));
    }
    lags
}

/// The lag behind every deadline; one that is missed does not move the next.
async fn ticks(events: u32) -> Vec<f64> {
    let mut clock = interval(PERIOD);
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    clock.tick().await;
    let mut lags = Vec::new();
    for _ in 0..events {
        lags.push(micros(clock.tick().await));
    }
    lags
}

fn micros(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}
