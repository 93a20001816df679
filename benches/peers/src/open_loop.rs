//! Clients that come whether or not those before them were served, and that do not wait for ever.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::timeout_at;

use super::cores;
use super::cpu::{Others, process_time};
use super::measure::{SplitMix, quantile};
use super::spin::Spin;

/// How long a client waits for its answer.
pub const PATIENCE: Duration = Duration::from_millis(50);

/// Clients come, but are not counted yet: until the queues are as long as they will be.
const APPROACH: Duration = Duration::from_millis(250);

/// The generator sleeps at least so long, and then sends all that are due: each wake, its own and that of the runtime,
/// costs more than a client does. The delay is part of the client's latency, and small against its patience.
const NAP: Duration = Duration::from_micros(200);

/// The same where more than [`MANY`] clients come in a second: several are due at every wake there.
const LONG_NAP: Duration = Duration::from_micros(500);

const MANY: f64 = 10_000.0;

/// A queue without a bound keeps what its clients have given up, so the number of clients is the bound of its memory.
const MOST_CLIENTS: f64 = 500_000.0;

/// One measurement.
pub struct OpenLoop {
    pub users: Handle,
    pub spin: Spin,
    /// Clients a second.
    pub rate: f64,
    /// For so long the clients are counted.
    pub time: Duration,
    /// The arrivals follow from it.
    pub seed: u64,
}

/// What became of the clients, all of them a second.
#[derive(Clone)]
pub struct Outcome {
    pub offered: f64,
    /// Answered with a result, and in time.
    pub good: f64,
    pub refused: f64,
    pub given_up: f64,
    /// Those that had a result when the client, or the runtime that it lives on, got round to it: too late.
    pub late: f64,
    /// Tasks that ended after their client had gone.
    pub wasted: f64,
    /// From the intended arrival to the result, in milliseconds.
    pub p50: f64,
    pub p99: f64,
    /// The share of the cores that this process had.
    pub cpu: f64,
    /// The share of the cores that other programs, and the host, left.
    pub left: f64,
    /// The p99 of how late the generator was, in milliseconds.
    pub behind: f64,
}

impl OpenLoop {
    /// Poisson arrivals, one after the other; returns when nothing of it is left anywhere.
    pub fn measure(&self, contender: &Arc<dyn Contender>) -> Outcome {
        let longest = Duration::from_secs_f64(MOST_CLIENTS / self.rate);
        let start = Instant::now() + Duration::from_millis(1);
        let from = start + APPROACH.min(longest / 4);
        let until = from + self.time.min(longest / 2);
        let cell = Arc::new(Cell { from, until, ..Cell::default_at(start) });
        let (cpu, began, others) = (process_time(), Instant::now(), Others::watch());
        // Those who come after the end are not counted, either: they keep the load up until the last that counts is gone.
        let behind = self.generate(contender, &cell, start, until + PATIENCE);
        let (cpu, took) = (process_time() - cpu, began.elapsed());
        let left = 1.0 - others.share().unwrap_or(0.0);
        cell.drain();
        let seconds = (until - from).as_secs_f64();
        let a_second = |count: &AtomicU64| count.load(Relaxed) as f64 / seconds;
        let latencies = cell.latencies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Outcome {
            offered: a_second(&cell.offered),
            good: a_second(&cell.good),
            refused: a_second(&cell.refused),
            given_up: a_second(&cell.given_up),
            late: a_second(&cell.late),
            wasted: a_second(&cell.wasted),
            p50: quantile(latencies.clone(), 0.5),
            p99: quantile(latencies, 0.99),
            cpu: cpu.as_secs_f64() / (took.as_secs_f64() * cores() as f64),
            left,
            behind: quantile(behind, 0.99),
        }
    }

    /// A thread and not a Tokio task: Tokio's timer knows whole milliseconds only. When it is late it makes up for it,
    /// and no client's time begins later for that.
    fn generate(
        &self,
        contender: &Arc<dyn Contender>,
        cell: &Arc<Cell>,
        start: Instant,
        end: Instant,
    ) -> Vec<f64> {
        let (mut random, mut next, mut behind) = (SplitMix(self.seed), start, Vec::new());
        let nap = if self.rate > MANY { LONG_NAP } else { NAP };
        while next < end {
            let now = Instant::now();
            if next > now {
                thread::sleep((next - now).max(nap));
                continue;
            }
            behind.push((now - next).as_secs_f64() * 1e3);
            let mut due = Vec::new();
            while next <= now && next < end {
                let work = Work { spin: self.spin, gone: next + PATIENCE, cell: Arc::clone(cell) };
                due.push(client(Arc::clone(contender), work, next));
                next += Duration::from_secs_f64(-(1.0 - random.unit()).ln() / self.rate);
            }
            // One wake for all of them: from a worker of the runtime a spawn costs far less than from outside.
            self.users.spawn(async move { due.into_iter().for_each(|client| drop(tokio::spawn(client))) });
        }
        behind
    }
}

/// Comes, asks, and goes with an answer or without.
async fn client(contender: Arc<dyn Contender>, work: Work, arrival: Instant) {
    let (cell, gone) = (Arc::clone(&work.cell), work.gone);
    // A busy runtime may get round to a client that has gone already: it asks for nothing any more.
    let answer = if Instant::now() < gone {
        timeout_at(gone.into(), contender.answer(work, gone)).await.ok()
    } else {
        None
    };
    let now = Instant::now();
    if !cell.counts(arrival) {
        return;
    }
    cell.offered.fetch_add(1, Relaxed);
    let became = match answer {
        Some(Err(_)) => &cell.refused,
        Some(Ok(())) if now <= gone => &cell.good,
        // The timer, too, is late: by a millisecond, and by more where the runtime gets no CPU.
        Some(Ok(())) => &cell.late,
        None => &cell.given_up,
    };
    became.fetch_add(1, Relaxed);
    if let Some(Ok(())) = answer {
        let mut latencies = cell.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        latencies.push((now - arrival).as_secs_f64() * 1e3);
    }
}

/// "Not now": the client goes at once.
pub struct Refused;

/// Awaited by the client, dropped when it gives up.
pub type Answer = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;

/// A way to serve clients.
pub trait Contender: Send + Sync {
    /// Has the work done for a client that goes at `deadline`. Most have no use for that time.
    fn answer(&self, work: Work, deadline: Instant) -> Answer;
}

/// What a client wants to have done.
pub struct Work {
    spin: Spin,
    /// When its client goes.
    gone: Instant,
    cell: Arc<Cell>,
}

impl Work {
    /// Does it; and notes if that was in vain. Like most closures, it does not look whether somebody waits for it.
    pub fn run(self) {
        if self.cell.over.load(Relaxed) {
            return;
        }
        self.spin.run();
        let now = Instant::now();
        if now > self.gone && self.cell.counts(now) {
            self.cell.wasted.fetch_add(1, Relaxed);
        }
    }
}

/// What is counted. All that is still to do, or to wait for, holds on to it.
struct Cell {
    from: Instant,
    until: Instant,
    over: AtomicBool,
    offered: AtomicU64,
    good: AtomicU64,
    refused: AtomicU64,
    given_up: AtomicU64,
    late: AtomicU64,
    wasted: AtomicU64,
    latencies: Mutex<Vec<f64>>,
}

impl Cell {
    fn default_at(now: Instant) -> Self {
        Self {
            from: now,
            until: now,
            over: AtomicBool::new(false),
            offered: AtomicU64::new(0),
            good: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            late: AtomicU64::new(0),
            wasted: AtomicU64::new(0),
            latencies: Mutex::default(),
        }
    }

    fn counts(&self, when: Instant) -> bool {
        (self.from..self.until).contains(&when)
    }

    /// Waits until every client has gone and every task has been run or dropped. What is left in the queues does nothing
    /// any more, so this is soon.
    fn drain(self: &Arc<Self>) {
        self.over.store(true, Relaxed);
        let start = Instant::now();
        while Arc::strong_count(self) > 1 {
            assert!(start.elapsed() < Duration::from_secs(60), "a contender does not let go of its work");
            thread::sleep(Duration::from_millis(1));
        }
        // Threads fall asleep again.
        thread::sleep(Duration::from_millis(20));
    }
}
