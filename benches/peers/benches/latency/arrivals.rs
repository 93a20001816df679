//! Tasks that come at random, whether or not those before them have ended: how long each takes, from when it was due to come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use millpond_peers::measure::SplitMix;
use millpond_peers::peer::Peer;
use millpond_peers::spin::Spin;
use tokio::runtime::Handle;

/// Tasks come, but are not counted yet: until the queue is as long as it will be.
const APPROACH: Duration = Duration::from_millis(100);

/// From this rate on the generator sleeps for at least [`NAP`], so that it does not take the cores that it measures.
const MANY: f64 = 5_000.0;
const NAP: Duration = Duration::from_micros(100);

/// Tasks of one kind, or of two.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    common: Duration,
    rare: Duration,
    /// One task in so many is a rare one.
    one_in: u64,
}

impl Kind {
    pub(crate) const fn plain(name: &'static str, time: Duration) -> Self {
        Self { name, common: time, rare: time, one_in: u64::MAX }
    }

    pub(crate) const fn mixed(name: &'static str, common: Duration, rare: Duration, one_in: u64) -> Self {
        Self { name, common, rare, one_in }
    }

    /// The mean time of a task, in seconds.
    pub(crate) fn mean(self) -> f64 {
        let rare = if self.one_in == u64::MAX { 0.0 } else { 1.0 / self.one_in as f64 };
        self.common.as_secs_f64() * (1.0 - rare) + self.rare.as_secs_f64() * rare
    }

    pub(crate) fn calibrated(self) -> Work {
        Work { common: Spin::calibrated(self.common), rare: Spin::calibrated(self.rare), one_in: self.one_in }
    }
}

/// Their work, calibrated.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    common: Spin,
    rare: Spin,
    one_in: u64,
}

impl Work {
    fn of(self, number: u64) -> Spin {
        if number % self.one_in == self.one_in - 1 { self.rare } else { self.common }
    }
}

/// One measurement.
pub(crate) struct Arrivals {
    pub(crate) work: Work,
    /// Tasks a second.
    pub(crate) rate: f64,
    /// For so long tasks are counted.
    pub(crate) time: Duration,
    pub(crate) seed: u64,
}

/// What was seen.
pub(crate) struct Seen {
    /// Of each task that was counted, from its arrival to the next line of who awaited it, in microseconds.
    pub(crate) latencies: Vec<f64>,
    /// Tasks a second that ended while tasks were counted.
    pub(crate) ended: f64,
}

struct Board {
    slots: Vec<AtomicU64>,
    from: Instant,
    until: Instant,
    ended: AtomicU64,
}

impl Arrivals {
    /// Poisson arrivals from this thread, each of which a task of the runtime awaits.
    pub(crate) fn measure<P: Peer>(&self, users: &Handle, peer: &P) -> Seen {
        let mut random = SplitMix(self.seed);
        let span = (APPROACH + self.time).as_secs_f64();
        let mut arrivals = Vec::with_capacity((span * self.rate * 1.1) as usize);
        let mut at = 0.0;
        while at < span {
            arrivals.push(Duration::from_secs_f64(at));
            at -= (1.0 - random.unit()).ln() / self.rate;
        }
        let start = Instant::now() + Duration::from_millis(1);
        let from = start + APPROACH;
        let slots = arrivals.iter().map(|_| AtomicU64::new(0)).collect();
        let board = Arc::new(Board { slots, from, until: from + self.time, ended: AtomicU64::new(0) });
        let users_done: Vec<_> = arrivals
            .iter()
            .enumerate()
            .map(|(number, &at)| {
                let due = start + at;
                self.wait_until(due);
                let (peer, board, spin) = (peer.clone(), Arc::clone(&board), self.work.of(number as u64));
                users.spawn(async move {
                    peer.run(move || spin.run()).await;
                    board.note(number, due);
                })
            })
            .collect();
        users.block_on(async {
            for user in users_done {
                user.await.expect("a user ends well");
            }
        });
        let counted = arrivals.iter().zip(&board.slots).filter(|(at, _)| **at >= APPROACH);
        let latencies = counted.map(|(_, slot)| slot.load(Relaxed) as f64 / 1e3).collect();
        Seen { latencies, ended: board.ended.load(Relaxed) as f64 / self.time.as_secs_f64() }
    }

    fn wait_until(&self, due: Instant) {
        loop {
            let now = Instant::now();
            if now >= due {
                return;
            }
            let nap = if self.rate > MANY { NAP } else { Duration::ZERO };
            thread::sleep((due - now).max(nap));
        }
    }
}

impl Board {
    fn note(&self, number: usize, due: Instant) {
        let now = Instant::now();
        self.slots[number].store((now - due).as_nanos() as u64, Relaxed);
        if (self.from..self.until).contains(&now) {
            self.ended.fetch_add(1, Relaxed);
        }
    }
}
