//! What became of the clients.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

use super::connection::Answer;

/// Counted on one thread.
#[derive(Debug)]
pub(crate) struct Tally {
    begin: Instant,
    pub(crate) end: Instant,
    patience: Duration,
    good: RefCell<Vec<f64>>,
    refused: RefCell<Vec<f64>>,
    /// Clients that have no answer yet.
    waiting: Cell<u64>,
    came: Cell<u64>,
    late: Cell<u64>,
    expired: Cell<u64>,
    failed: Cell<u64>,
    without_time: Cell<u64>,
}

impl Tally {
    pub(crate) fn new(begin: Instant, end: Instant, patience: Duration) -> Self {
        Self {
            begin,
            end,
            patience,
            good: RefCell::default(),
            refused: RefCell::default(),
            waiting: Cell::default(),
            came: Cell::default(),
            late: Cell::default(),
            expired: Cell::default(),
            failed: Cell::default(),
            without_time: Cell::default(),
        }
    }

    /// A client comes. It waits from now on, so that one who does for ever is not forgotten, nor one who came before it counts.
    pub(crate) fn arrive(&self, came: Instant) {
        add(&self.waiting);
        if self.counts(came) {
            add(&self.came);
        }
    }

    fn counts(&self, came: Instant) -> bool {
        self.begin <= came && came < self.end
    }

    /// When the last who came are asked no more: twice the time that their clients give them.
    pub(crate) fn close(&self) -> Instant {
        self.end + 2 * self.patience
    }

    /// A client that came then has this answer now; `None` is none.
    pub(crate) fn count(&self, came: Instant, answer: Option<Answer>) {
        self.waiting.set(self.waiting.get() - 1);
        if !self.counts(came) {
            return;
        }
        let took = came.elapsed();
        let ms = took.as_secs_f64() * 1e3;
        match answer {
            Some(Answer { status: 200, .. }) if took <= self.patience => self.good.borrow_mut().push(ms),
            Some(Answer { status: 200, .. }) => add(&self.late),
            Some(Answer { status: 503, retry_after }) => {
                if !retry_after {
                    add(&self.without_time);
                }
                self.refused.borrow_mut().push(ms);
            }
            Some(Answer { status: 504, .. }) => add(&self.expired),
            _ => add(&self.failed),
        }
    }

    /// All of it on one line; what is a number of clients is so a second.
    pub(crate) fn summary(&self) -> String {
        let seconds = (self.end - self.begin).as_secs_f64();
        let (good, refused) = (self.good.take(), self.refused.take());
        let a_second = |count: u64| count as f64 / seconds;
        format!(
            "offered={:.0} good={:.0} late={:.0} expired={:.0} refused={:.0} without_retry_after={} failed={} unanswered={} p50_ms={:.2} p99_ms={:.2} \
             refused_p50_ms={:.2} refused_p99_ms={:.2} client_cpu_s={:.2}",
            a_second(self.came.get()),
            a_second(good.len() as u64),
            a_second(self.late.get()),
            a_second(self.expired.get()),
            a_second(refused.len() as u64),
            self.without_time.get(),
            self.failed.get(),
            self.waiting.get(),
            quantile(&good, 0.5),
            quantile(&good, 0.99),
            quantile(&refused, 0.5),
            quantile(&refused, 0.99),
            process_seconds(),
        )
    }
}

fn add(count: &Cell<u64>) {
    count.set(count.get() + 1);
}

/// Not a number if there is none.
pub(crate) fn quantile(times: &[f64], q: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let rank = (times.len() as f64 * q).ceil() as usize;
    times.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
}

/// Processor time of this process.
fn process_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
