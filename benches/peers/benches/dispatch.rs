//! What it costs to send a closure to a pool and to await its result, for this crate's pool and for its peers.
//!
//! `cargo bench -p millpond-peers --bench dispatch -- --help`
#![allow(unsafe_code, clippy::expect_used)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};

use millpond_peers::args::Args;
use millpond_peers::crowd::Crowd;
use millpond_peers::measure::interleave;
use millpond_peers::peer::{Peer, Workload};
use millpond_peers::peers::{NAMES, OURS, Peers};
use millpond_peers::report::{Report, quartiles};
use millpond_peers::spin::Spin;
use millpond_peers::table::{Table, figure};
use millpond_peers::{alloc, cpu, user_runtime};

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

const ABOUT: &str = "What it costs to send a closure to a pool and to await its result.";

const SECTIONS: [(&str, &str); 7] = [
    ("idle", "round trip to an idle pool, one task after the other"),
    ("empty", "empty tasks of 64 and of 1,000 concurrent users"),
    ("short", "10 us tasks of 64 users"),
    ("batch", "1,600 submits of 1, 2 and 8 producers"),
    ("alloc", "heap allocations a task"),
    ("cpu", "CPU burned when 100 and 1,000 tasks a second arrive"),
    ("crowd", "throughput with 1,000 users against 64"),
];

struct Bench {
    args: Args,
    users: Handle,
    peers: Peers,
    report: Report,
}

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let report = Report::open("dispatch", &args);
    let runtime = user_runtime();
    let peers = Peers::new(runtime.handle(), args.niceness);
    let mut bench = Bench { args, users: runtime.handle().clone(), peers, report };
    let sections: [fn(&mut Bench); 7] = [
        Bench::idle,
        Bench::empty,
        Bench::short,
        Bench::batch,
        Bench::allocations,
        Bench::burned,
        Bench::crowd,
    ];
    for ((name, _), section) in SECTIONS.iter().zip(sections) {
        if bench.args.wants(name) {
            section(&mut bench);
        }
    }
    bench.report.close()
}

fn nothing() {}

impl Bench {
    /// Samples of every peer, and the verdict.
    fn contest(&mut self, title: &str, unit: &str, goal: f64, rounds: usize, workload: &impl Workload) {
        let rounds = self.args.rounds(rounds);
        let measure = |who| self.peers.measure(who, workload);
        let samples = interleave(NAMES.len(), rounds, self.args.seed, measure);
        self.report.contest(title, unit, &samples, goal);
    }

    fn crowd_of<F>(&self, users: usize, tasks: usize, work: F) -> Crowd<F> {
        Crowd { runtime: self.users.clone(), users, tasks, work }
    }

    fn idle(&mut self) {
        for (from, spawned) in [("a spawned task", true), ("`block_on`", false)] {
            let trips = Trips { runtime: self.users.clone(), spawned, trips: 3000 };
            self.contest(&format!("idle round trip from {from}"), "us", 0.85, 31, &trips);
        }
    }

    fn empty(&mut self) {
        for users in [64, 1000] {
            let crowd = self.crowd_of(users, 64_000, nothing);
            self.contest(&format!("empty tasks, {users} users"), "us a task", 0.5, 31, &crowd);
        }
    }

    fn short(&mut self) {
        let spin = Spin::calibrated(Duration::from_micros(10));
        let crowd = self.crowd_of(64, 16_000, move || spin.run());
        self.contest("10 us tasks, 64 users", "us a task", 1.0, 31, &crowd);
    }

    fn batch(&mut self) {
        for producers in [1, 2, 8] {
            let batch = Batch { runtime: self.users.clone(), producers, tasks: 1600, batches: 10 };
            self.contest(&format!("1,600 submits, {producers} producers"), "us a task", 0.7, 41, &batch);
        }
    }

    fn allocations(&mut self) {
        let trips = Trips { runtime: self.users.clone(), spawned: true, trips: 20_000 };
        let crowd = self.crowd_of(64, 64_000, nothing);
        println!("\nheap allocations a task");
        let mut table = Table::new(["", "one user", "64 users"]);
        let mut ours = 0.0;
        let rounds = self.args.rounds(5);
        let one =
            interleave(NAMES.len(), rounds, 1, |who| self.peers.measure(who, &Allocations(&trips, 20_000)));
        let many = interleave(NAMES.len(), rounds, 1, |who| {
            self.peers.measure(who, &Allocations(&crowd, crowd.total()))
        });
        for (who, name) in NAMES.iter().enumerate() {
            let (one, many) = (one.median(who), many.median(who));
            table.row([(*name).to_owned(), format!("{one:.3}"), format!("{many:.3}")]);
            if who == OURS {
                ours = one.max(many);
            }
        }
        table.print();
        // The queue's blocks are shared by many tasks, and the users themselves are allocated, too.
        self.report.at_most(&format!("heap allocations a task: {ours:.3}"), ours, 1.05);
    }

    fn burned(&mut self) {
        for rate in [100, 1000] {
            let ticker = Ticker { runtime: self.users.clone(), rate, ticks: rate };
            let rounds = self.args.rounds(11);
            // One competitor more: the ticker alone, which is taken off the others.
            let samples = interleave(NAMES.len() + 1, rounds, self.args.seed, |who| {
                if who == NAMES.len() { ticker.measure(&Inline) } else { self.peers.measure(who, &ticker) }
            });
            let alone = samples.median(NAMES.len());
            let extra = samples.map(|row| row[..NAMES.len()].iter().map(|cpu| cpu - alone).collect());
            let title = format!("CPU burned by {rate} tasks a second");
            self.report.contest(&title, "us a task", &extra, 1.0);
            println!("  (the ticker alone: {} us a tick, taken off above)", figure(alone));
        }
    }

    fn crowd(&mut self) {
        let spin = Spin::calibrated(Duration::from_micros(10));
        let empty = [64, 1000].map(|users| self.crowd_of(users, 128_000, nothing));
        let short = [64, 1000].map(|users| self.crowd_of(users, 32_000, move || spin.run()));
        let ours = &self.peers.millpond;
        let samples = interleave(4, self.args.rounds(31), self.args.seed, |who| match who {
            0 | 1 => empty[who].measure(ours),
            _ => short[who - 2].measure(ours),
        });
        println!("\nmillpond, 1,000 users against 64 (us a task)");
        let mut table = Table::new(["", "64 users", "quartiles", "1,000 users", "quartiles", "throughput"]);
        for (work, few) in [("empty", 0), ("10 us", 2)] {
            let many = few + 1;
            table.row([
                work.to_owned(),
                figure(samples.median(few)),
                quartiles(&samples, few),
                figure(samples.median(many)),
                quartiles(&samples, many),
                format!("{:.1} %", 100.0 * samples.ratio(few, many)),
            ]);
        }
        table.print();
        for (work, few) in [("empty", 0), ("10 us", 2)] {
            let kept = samples.ratio(few, few + 1);
            self.report.at_least(
                &format!("{work} tasks, throughput of 1,000 users: {kept:.3} x that of 64"),
                kept,
                0.95,
            );
        }
    }
}

/// One empty task after the other; microseconds a round trip.
struct Trips {
    runtime: Handle,
    /// Whether a task of the runtime awaits them, or the thread that blocks on it.
    spawned: bool,
    trips: usize,
}

impl Workload for Trips {
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        let (peer, trips) = (peer.clone(), self.trips);
        let travel = async move {
            let start = Instant::now();
            for _ in 0..trips {
                peer.run(nothing).await;
            }
            start.elapsed()
        };
        let took = if self.spawned {
            self.runtime.block_on(self.runtime.spawn(travel)).expect("it ends well")
        } else {
            self.runtime.block_on(travel)
        };
        took.as_secs_f64() * 1e6 / self.trips as f64
    }
}

/// Each producer submits its share without waiting, then awaits all of it; microseconds a task.
struct Batch {
    runtime: Handle,
    producers: usize,
    tasks: usize,
    batches: usize,
}

impl Workload for Batch {
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        let share = self.tasks / self.producers;
        let start = Instant::now();
        for _ in 0..self.batches {
            self.runtime.block_on(async {
                let produce = |peer: P| async move {
                    let tasks: Vec<_> = (0..share).map(|_| peer.submit(nothing)).collect();
                    for task in tasks {
                        task.await;
                    }
                };
                let producers: Vec<_> =
                    (0..self.producers).map(|_| tokio::spawn(produce(peer.clone()))).collect();
                for producer in producers {
                    producer.await.expect("it ends well");
                }
            });
        }
        start.elapsed().as_secs_f64() * 1e6 / (share * self.producers * self.batches) as f64
    }
}

/// Heap allocations of another workload, by the number of its tasks.
struct Allocations<'a, W>(&'a W, usize);

impl<W: Workload> Workload for Allocations<'_, W> {
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        let allocations = alloc::count(|| {
            self.0.measure(peer);
        });
        allocations as f64 / self.1 as f64
    }
}

/// Tasks that arrive by the clock, whether or not those before are done; microseconds of CPU a tick.
struct Ticker {
    runtime: Handle,
    rate: u32,
    ticks: u32,
}

impl Workload for Ticker {
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        let before = cpu::process_time();
        self.runtime.block_on(async {
            let (peer, rate, ticks) = (peer.clone(), self.rate, self.ticks);
            let ticker = tokio::spawn(async move {
                let mut clock = interval(Duration::from_secs(1) / rate);
                clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
                for _ in 0..ticks {
                    clock.tick().await;
                    let peer = peer.clone();
                    tokio::spawn(async move { peer.run(nothing).await });
                }
                clock.tick().await;
            });
            ticker.await.expect("it ends well");
        });
        (cpu::process_time() - before).as_secs_f64() * 1e6 / f64::from(self.ticks)
    }
}

/// No pool at all: the work is done where it is awaited.
#[derive(Clone)]
struct Inline;

impl Peer for Inline {
    async fn run<F, T>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        work()
    }

    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        std::future::ready(work())
    }
}
