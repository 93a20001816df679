//! Samples the last interval for the controller, from the pool and the system.
//!
//! A sample of ten workers takes 10 to 30 us on the timer thread. It takes about 30 us more for
//! each worker that was busy all the time with few turns on a core: for such a worker the sampler
//! also reads whether it slept, and the kernel writes the thread's whole status for that.

use std::time::{Duration, Instant};

use crate::metrics::Totals;
use crate::policy::nanos;
use crate::policy::scaling::{Clocks, Sample, Waits};
use crate::pool::shared::Shared;
use crate::topology::{Quota, Spent, ThreadClock, affinity, process_cpu};

/// The clocks of the workers' threads, opened once for each thread.
#[derive(Debug, Default)]
pub(in crate::pool) struct ThreadClocks(Vec<Open>);

#[derive(Debug, Default)]
struct Open {
    thread: Option<u32>,
    clock: Option<ThreadClock>,
}

impl ThreadClocks {
    /// Returns the clock of the thread that is now in `slot`.
    pub(in crate::pool) fn of(&mut self, slot: usize, thread: Option<u32>) -> Option<&ThreadClock> {
        if self.0.len() <= slot {
            self.0.resize_with(slot + 1, Open::default);
        }
        let open = &mut self.0[slot];
        if open.thread != thread {
            *open = Open { thread, clock: thread.and_then(|thread| ThreadClock::open(thread).ok()) };
        }
        open.clock.as_ref()
    }
}

/// The last readings.
#[derive(Debug)]
pub(in crate::pool) struct Sampler {
    quota: Quota,
    at: Instant,
    workers: Vec<Reading>,
    totals: Totals,
    came: u64,
    process: Option<Duration>,
    throttled: Duration,
}

/// The last reading of one worker.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    thread: Option<u32>,
    spent: Spent,
    away_ns: u64,
    waits: Waits,
}

/// A thread that was put on a core more often than this in an interval can't have waited long for
/// one, so the sampler need not read whether it slept.
const MANY_TURNS: u64 = 40;

impl Sampler {
    /// Takes the first reading. A sample is the difference of two readings.
    pub(in crate::pool) fn new(shared: &Shared, clocks: &mut ThreadClocks) -> Self {
        let mut sampler = Self {
            quota: Quota::of_this_process(),
            at: Instant::now(),
            workers: vec![Reading::default(); shared.workers.len()],
            totals: Totals::default(),
            came: 0,
            process: None,
            throttled: Duration::ZERO,
        };
        sampler.sample(shared, clocks);
        sampler
    }

    /// Returns what has happened since the last call.
    pub(in crate::pool) fn sample(&mut self, shared: &Shared, clocks: &mut ThreadClocks) -> Sample {
        let now = Instant::now();
        let interval = now.saturating_duration_since(std::mem::replace(&mut self.at, now));
        let (threads_clocks, on_cpu) = self.read_workers(shared, clocks, interval);
        let process = process_cpu();
        let others = match (process, std::mem::replace(&mut self.process, process)) {
            // Without the threads' clocks the pool's own time can't be told from the time of
            // others.
            (Some(now), Some(before)) if threads_clocks.is_some() => {
                now.saturating_sub(before).saturating_sub(on_cpu)
            }
            _ => Duration::ZERO,
        };
        let throttled = self.quota.throttled();
        let totals = shared.totals();
        let queued = shared.queue_depth();
        let came = totals.started + queued as u64;
        let census = shared.idle.census();
        let completions = totals.completed.saturating_sub(self.totals.completed);
        let sample = Sample {
            interval,
            usable_cores: self.usable_cores(),
            other_cores: share(others, interval),
            threads: census.total(),
            idle: census.idle() + census.searching(),
            queued,
            arrivals: came.saturating_sub(self.came),
            completions,
            queue_delay: (completions > 0).then(|| interval.mul_f64(queued as f64 / completions as f64)),
            clocks: threads_clocks,
            throttled: throttled.saturating_sub(std::mem::replace(&mut self.throttled, throttled)),
        };
        (self.totals, self.came) = (totals, came);
        sample
    }

    /// Returns the cores that the process may use now.
    fn usable_cores(&self) -> f64 {
        let cores = affinity() as f64;
        self.quota.cores().map_or(cores, |quota| quota.min(cores))
    }

    /// Returns the sum of the workers' clocks, if there are any, and the time that they were on
    /// cores.
    fn read_workers(
        &mut self,
        shared: &Shared,
        clocks: &mut ThreadClocks,
        interval: Duration,
    ) -> (Option<Clocks>, Duration) {
        let interval_ns = nanos(interval);
        let now_ns = shared.now_ns();
        let mut sum: Option<(u64, u64, u64)> = None;
        for (slot, (worker, before)) in shared.workers.iter().zip(&mut self.workers).enumerate() {
            let thread = worker.thread();
            let clock = clocks.of(slot, thread);
            let spent = clock.and_then(ThreadClock::read);
            let away_ns = worker.away().sum(now_ns);
            // A thread that is new since the last reading has spent all of its time since then.
            let (from, mut waits) =
                if before.thread == thread { (before.spent, before.waits) } else { Default::default() };
            let away = away_ns.saturating_sub(before.away_ns);
            let now = spent.unwrap_or_default();
            let few_turns = now.turns.saturating_sub(from.turns) <= MANY_TURNS;
            let rest = clock.filter(|_| few_turns && away == 0).and_then(ThreadClock::rest);
            let was_busy = interval_ns.saturating_sub(away);
            let was_on_cpu = now.on_cpu_ns.saturating_sub(from.on_cpu_ns);
            let entered = now.runnable_ns.saturating_sub(from.runnable_ns);
            let room = was_busy.saturating_sub(was_on_cpu);
            let waited = waits.count(room, was_on_cpu, entered, rest);
            *before = Reading { thread, spent: now, away_ns, waits };
            if spent.is_none() {
                continue;
            }
            let (busy, on_cpu, runnable) = sum.get_or_insert_default();
            *busy += was_busy;
            *on_cpu += was_on_cpu;
            *runnable += waited;
        }
        let (_, on_cpu, _) = sum.unwrap_or_default();
        let clocks = sum.map(|(busy, on_cpu, runnable)| Clocks {
            busy: Duration::from_nanos(busy),
            on_cpu: Duration::from_nanos(on_cpu),
            runnable: Duration::from_nanos(runnable),
        });
        (clocks, Duration::from_nanos(on_cpu))
    }
}

fn share(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 0.0 } else { part.as_secs_f64() / whole.as_secs_f64() }
}
