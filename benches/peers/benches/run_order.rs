//! What it costs to name a tenant, a class or a deadline, and what it brings.
//!
//! `cargo bench -p millpond-peers --bench run_order -- --help`
#![allow(clippy::expect_used)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use millpond::{AdaptiveThreadPool, JoinError, Priority};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use millpond_peers::args::Args;
use millpond_peers::capacity::Capacity;
use millpond_peers::crowd::Crowd;
use millpond_peers::measure::{SplitMix, interleave, quantile};
use millpond_peers::peer::Peer;
use millpond_peers::peers::millpond::Millpond;
use millpond_peers::report::Report;
use millpond_peers::spin::Spin;
use millpond_peers::user_runtime;

const ABOUT: &str = "What it costs to name a tenant, a class or a deadline, and what it brings.";

const SECTIONS: [(&str, &str); 3] = [
    ("cost", "empty tasks of 64 and 1,000 users, plain and with class and tenant"),
    ("fairness", "one tenant that offers a hundred times what nine others do, and a light one"),
    ("deadlines", "deadlines of 5 to 100 ms, missed at 0.9 and 2 x the capacity"),
];

const TASK: Duration = Duration::from_micros(500);

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let mut report = Report::open("run_order", &args);
    let runtime = user_runtime();
    let pool = Millpond::new(args.niceness);
    if args.wants("cost") {
        cost(&args, &mut report, runtime.handle(), &pool);
    }
    let spin = Spin::calibrated(TASK);
    if args.wants("fairness") {
        fairness(&args, &mut report, runtime.handle(), &pool.0, spin);
    }
    if args.wants("deadlines") {
        deadlines(&args, &mut report, runtime.handle(), &pool.0, spin);
    }
    report.close()
}

/// The same pool, told more.
#[derive(Clone)]
struct Labelled(AdaptiveThreadPool, Arc<str>);

impl Peer for Labelled {
    async fn run<F, T>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let task = self.0.task().priority(Priority::Interactive).tenant(Arc::clone(&self.1));
        task.run(work).await.expect("no panic, no shutdown")
    }

    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let peer = self.clone();
        async move { peer.run(work).await }
    }
}

fn cost(args: &Args, report: &mut Report, users: &Handle, pool: &Millpond) {
    let labelled = Labelled(pool.0.clone(), "tenant".into());
    for (count, goal) in [(64, 1.5), (1_000, 2.5)] {
        let crowd = Crowd { runtime: users.clone(), users: count, tasks: 64_000, work: || () };
        let samples = interleave(2, args.rounds(31), args.seed, |who| {
            let took = if who == 0 { crowd.pass(pool) } else { crowd.pass(&labelled) };
            took.as_secs_f64() * 1e6 / crowd.total() as f64
        });
        let (plain, named) = (samples.median(0), samples.median(1));
        println!(
            "\nempty tasks, {count} users: plain {plain:.3} us a task, with class and tenant {named:.3} us"
        );
        report.at_most(
            &format!("with class and tenant, {count} users: {:.2} x plain", samples.ratio(1, 0)),
            samples.ratio(1, 0),
            goal,
        );
    }
}

/// Ten tenants with a backlog, the first of which has a hundred times as many tasks waiting as the others; and a light one.
fn fairness(args: &Args, report: &mut Report, users: &Handle, pool: &AdaptiveThreadPool, spin: Spin) {
    let seconds = args.rounds(5);
    let light = |crowded: bool| {
        let (pool, waits) = (pool.clone(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&waits);
        users.block_on(async move {
            let mut tasks = JoinSet::new();
            let mut ticks = tokio::time::interval(Duration::from_millis(5));
            for _ in 0..200 * if crowded { seconds } else { 2 } {
                ticks.tick().await;
                let (pool, waits) = (pool.clone(), Arc::clone(&kept));
                tasks.spawn(async move {
                    let asked = Instant::now();
                    let work = move || {
                        let waited = asked.elapsed().as_secs_f64() * 1e3;
                        spin.run();
                        waited
                    };
                    let waited = pool.task().tenant("light").run(work).await.expect("no panic, no shutdown");
                    waits.lock().unwrap_or_else(PoisonError::into_inner).push(waited);
                });
            }
            while tasks.join_next().await.is_some() {}
        });
        let waits = waits.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (quantile(waits.clone(), 0.5), quantile(waits, 0.99))
    };
    let alone = light(false);
    let served: Arc<Vec<AtomicU64>> = Arc::new((0..10).map(|_| AtomicU64::new(0)).collect());
    let over = Arc::new(AtomicU64::new(0));
    let mut clients = Vec::new();
    for tenant in 0..10_usize {
        let name: Arc<str> = format!("tenant {tenant}").into();
        for _ in 0..if tenant == 0 { 400 } else { 4 } {
            let (pool, name) = (pool.clone(), Arc::clone(&name));
            let (served, over) = (Arc::clone(&served), Arc::clone(&over));
            clients.push(users.spawn(async move {
                while over.load(Relaxed) == 0 {
                    let work = move || spin.run();
                    pool.task().tenant(Arc::clone(&name)).run(work).await.expect("no panic, no shutdown");
                    served[tenant].fetch_add(1, Relaxed);
                }
            }));
        }
    }
    let shares = {
        let served = Arc::clone(&served);
        thread::spawn(move || {
            (0..=seconds)
                .map(|_| {
                    thread::sleep(Duration::from_secs(1));
                    served.iter().map(|count| count.swap(0, Relaxed) as f64).collect::<Vec<f64>>()
                })
                .collect::<Vec<_>>()
        })
    };
    let crowded = light(true);
    let shares = shares.join().expect("it only counts");
    over.store(1, Relaxed);
    users.block_on(async {
        for client in clients {
            client.await.expect("a client ends well");
        }
    });
    let jain = |second: &Vec<f64>| {
        let sum: f64 = second.iter().sum();
        sum * sum / (second.len() as f64 * second.iter().map(|part| part * part).sum::<f64>())
    };
    // The first second is not one: the clients come while it begins.
    let least = shares[1..].iter().map(jain).fold(1.0, f64::min);
    println!(
        "\nten tenants with a backlog, of which one has a hundred times as many tasks waiting as each other"
    );
    println!("  Jain's index of what they were served, the least of {seconds} seconds: {least:.4}");
    println!(
        "  the light tenant's wait, p50 and p99: alone {:.2} and {:.2} ms, in the crowd {:.2} and {:.2} ms",
        alone.0, alone.1, crowded.0, crowded.1
    );
    report.at_least(&format!("Jain's index in every second: {least:.4}"), least, 0.99);
    let most = 2.0 * alone.1 + TASK.as_secs_f64() * 1e3;
    report.at_most(
        &format!("the light tenant's p99 in the crowd: {:.2} ms", crowded.1),
        crowded.1,
        (most * 100.0).round() / 100.0,
    );
}

#[derive(Default)]
struct Fates {
    met: AtomicU64,
    missed: AtomicU64,
    refused: AtomicU64,
}

/// Poisson arrivals with deadlines evenly from 5 to 100 ms. Says how many met it, missed it, and were refused.
fn poisson(
    users: &Handle,
    pool: &AdaptiveThreadPool,
    spin: Spin,
    rate: f64,
    named: bool,
    args: &Args,
) -> [f64; 3] {
    let (mut random, fates) = (SplitMix(args.seed), Arc::<Fates>::default());
    let (start, mut clients) = (Instant::now(), Vec::new());
    let (mut next, end) = (start, start + args.time(Duration::from_secs(3)));
    while next < end {
        let now = Instant::now();
        if next > now {
            thread::sleep((next - now).max(Duration::from_micros(200)));
            continue;
        }
        let deadline = next + Duration::from_secs_f64(0.005 + 0.095 * random.unit());
        let (pool, fates) = (pool.clone(), Arc::clone(&fates));
        clients.push(users.spawn(async move {
            let work = move || {
                spin.run();
                Instant::now()
            };
            let done =
                if named { pool.task().deadline(deadline).run(work).await } else { pool.run(work).await };
            let fate = match done {
                Ok(done) if done <= deadline => &fates.met,
                Err(JoinError::Rejected(_)) => &fates.refused,
                _ => &fates.missed,
            };
            fate.fetch_add(1, Relaxed);
        }));
        next += Duration::from_secs_f64(-(1.0 - random.unit()).ln() / rate);
    }
    users.block_on(async {
        for client in clients {
            client.await.expect("a client ends well");
        }
    });
    [&fates.met, &fates.missed, &fates.refused].map(|count| count.load(Relaxed) as f64)
}

fn deadlines(args: &Args, report: &mut Report, users: &Handle, pool: &AdaptiveThreadPool, spin: Spin) {
    let mut capacity = Capacity::of(spin);
    println!("\ndeadlines of 5 to 100 ms, Poisson arrivals of 500 us tasks");
    for load in [0.9, 2.0] {
        // Of what is left of the cores when the clients have been served.
        let rate = 0.92 * load * {
            capacity.look();
            capacity.now()
        };
        let samples: Vec<[[f64; 3]; 2]> = (0..args.rounds(3))
            .map(|_| [false, true].map(|named| poisson(users, pool, spin, rate, named, args)))
            .collect();
        let sum = |who: usize, fate: usize| samples.iter().map(|round| round[who][fate]).sum::<f64>();
        for (who, name) in ["first come, first served", "with deadlines"].into_iter().enumerate() {
            let all = sum(who, 0) + sum(who, 1) + sum(who, 2);
            let part = |fate: usize| 100.0 * sum(who, fate) / all;
            println!(
                "  {load} x, {name}: {:.2} % met, {:.2} % missed, {:.2} % refused",
                part(0),
                part(1),
                part(2)
            );
        }
        if load < 1.0 {
            let (fifo, ours) = (sum(0, 1), sum(1, 1) + sum(1, 2));
            report.at_most(
                &format!(
                    "missed or refused at {load} x: {:.3} x first come, first served",
                    ours / fifo.max(1.0)
                ),
                ours / fifo.max(1.0),
                0.1,
            );
        } else {
            let met = sum(1, 0) / (sum(1, 0) + sum(1, 1));
            report.at_least(&format!("met at {load} x, of those let in: {met:.4}"), met, 0.99);
        }
    }
}
