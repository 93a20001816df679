//! How many threads the pool has under loads of several kinds, on this machine.
//!
//! `cargo bench -p millpond-peers --bench scaling -- --help`
#![allow(unsafe_code, clippy::expect_used)]

use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use millpond::{AdaptiveThreadPool, PoolBuilder};

use millpond_peers::args::Args;
use millpond_peers::cores;
use millpond_peers::load::Load;
use millpond_peers::measure::quantile;
use millpond_peers::report::Report;
use millpond_peers::spin::Spin;

const ABOUT: &str = "The number of threads under loads of several kinds, and how soon it is right.";

const SECTIONS: [(&str, &str); 7] = [
    ("cpu", "tasks that only compute: threads, and context switches a task against a pool of fixed size"),
    ("sleep", "tasks that sleep 90 % of their time: throughput against the best fixed size"),
    (
        "share",
        "tasks that sleep 0 to 90 % of their time: threads after half a second, and changes after that",
    ),
    ("hog", "another process computes on every core"),
    ("step", "from one thread to one a core, when load comes"),
    ("stuck", "every worker blocks without a word: until other work goes on"),
    ("end", "from the end of the load to the least number of threads"),
];

const SECOND: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let mut report = Report::open("scaling", &args);
    let sections: [fn(&Args, &mut Report); 7] = [cpu, sleep, share, hog, step, stuck, end];
    for ((name, _), section) in SECTIONS.into_iter().zip(sections) {
        if args.wants(name) {
            section(&args, &mut report);
        }
    }
    report.close()
}

fn adaptive() -> PoolBuilder {
    AdaptiveThreadPool::builder().max_threads(32 * cores())
}

fn fixed(threads: usize) -> AdaptiveThreadPool {
    build(AdaptiveThreadPool::builder().min_threads(threads).max_threads(threads))
}

fn build(builder: PoolBuilder) -> AdaptiveThreadPool {
    builder.build().expect("threads for the pool")
}

fn threads(pool: &AdaptiveThreadPool) -> usize {
    pool.statistics().total_threads
}

/// A task that computes for a part of a millisecond and sleeps for the rest of it.
fn task(blocked: f64) -> impl Fn() + Copy + Send + 'static {
    let spin = Spin::calibrated(Duration::from_secs_f64((1.0 - blocked) * 1e-3));
    let pause = Duration::from_secs_f64(blocked * 1e-3);
    move || {
        spin.run();
        if !pause.is_zero() {
            thread::sleep(pause);
        }
    }
}

fn cpu(args: &Args, report: &mut Report) {
    println!("\ntasks of 200 us that only compute");
    let spin = Spin::calibrated(Duration::from_micros(200));
    let work = move || {
        spin.run();
    };
    let switches = |pool: &AdaptiveThreadPool| {
        let load = Load::keep(pool, 64 * cores(), work);
        thread::sleep(SECOND);
        let before = context_switches();
        let rate = load.throughput(if args.quick { SECOND } else { 5 * SECOND });
        let seconds = if args.quick { 1.0 } else { 5.0 };
        let a_task = (context_switches() - before) as f64 / (rate * seconds);
        (a_task, rate, threads(pool))
    };
    let (of_fixed, rate_of_fixed, _) = switches(&fixed(cores()));
    let (ours, rate, size) = switches(&build(adaptive()));
    println!("  fixed: {of_fixed:.3} context switches a task, {rate_of_fixed:.0} tasks a second");
    println!("  ours:  {ours:.3} context switches a task, {rate:.0} tasks a second, {size} threads");
    report.at_most("tasks that only compute: threads", size as f64, cores() as f64);
    report.at_most(
        "tasks that only compute: context switches a task / fixed",
        ours / of_fixed.max(0.01),
        1.1,
    );
}

fn sleep(args: &Args, report: &mut Report) {
    println!("\ntasks of 1 ms that sleep for 0.9 ms");
    let (work, under_way) = (task(0.9), 256 * cores());
    let time = if args.quick { SECOND / 2 } else { 2 * SECOND };
    let mut best = (0.0, 0);
    for size in [1, 2, 4, 6, 8, 10, 12, 16, 24, 32].map(|times| times * cores()) {
        let pool = fixed(size);
        let load = Load::keep(&pool, under_way, work);
        thread::sleep(SECOND / 5);
        let rate = load.throughput(time);
        println!("  fixed {size:>3}: {rate:.0} tasks a second");
        best = if rate > best.0 { (rate, size) } else { best };
    }
    let pool = build(adaptive());
    let load = Load::keep(&pool, under_way, work);
    thread::sleep(SECOND);
    let (size, rate) = (threads(&pool), load.throughput(time));
    println!("  ours: {size} threads after a second, {} later; {rate:.0} tasks a second", threads(&pool));
    let what = format!("tasks that sleep: throughput / that of {} threads, the best fixed size", best.1);
    report.at_least(&what, rate / best.0, 0.9);
}

fn share(args: &Args, report: &mut Report) {
    let watch = if args.quick { 3 } else { 60 };
    println!("\nthreads after half a second, and changes of the limit in the {watch} s after that");
    for blocked in [0.0, 0.25, 0.5, 0.75, 0.9] {
        let pool = build(adaptive());
        // What a thread really is blocked for: a sleep takes longer than it was asked for.
        let _load = Load::keep(&pool, 256 * cores(), task(blocked));
        thread::sleep(SECOND / 2);
        let size = pool.statistics().thread_limit;
        let (mut changes, mut now, start) = (0, size, Instant::now());
        while start.elapsed() < watch * SECOND {
            thread::sleep(Duration::from_millis(50));
            let limit = pool.statistics().thread_limit;
            changes += u32::from(limit != std::mem::replace(&mut now, limit));
        }
        let measured = pool.last_decision().map_or(0.0, |why| why.blocked_share);
        let plain = cores() as f64 / (1.0 - measured);
        // With 1.2 standard deviations to spare: docs/decisions/0006-scaling.md.
        let right = plain * (1.0 + 1.2 * (measured / cores() as f64).sqrt());
        println!(
            "  asleep {:>2.0} %, blocked {:>4.1} % as measured: cores / (1 - b) is {plain:.1}, with some to spare {right:.1}; \
             {size} after 0.5 s, in the end {now}, {changes} changes",
            100.0 * blocked,
            100.0 * measured,
        );
        let what =
            format!("asleep {:.0} %: threads off the number with some to spare after 0.5 s", 100.0 * blocked);
        report.at_most(&what, (size as f64 - right).abs(), 1.5);
        report.at_most(
            &format!("asleep {:.0} %: changes after that", 100.0 * blocked),
            f64::from(changes),
            0.0,
        );
    }
}

/// Ends with it.
struct Hog(Child);

impl Drop for Hog {
    fn drop(&mut self) {
        // It has ended by itself, then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn hog(args: &Args, report: &mut Report) {
    println!("\na process that computes on every core beside tasks that only compute");
    let hog = || {
        let child = Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn();
        Hog(child.expect("a shell"))
    };
    let _hogs: Vec<Hog> = (0..cores()).map(|_| hog()).collect();
    let pool = build(adaptive());
    let _load = Load::keep(&pool, 64 * cores(), task(0.0));
    let mut most = 0;
    for _ in 0..if args.quick { 20 } else { 100 } {
        thread::sleep(Duration::from_millis(50));
        most = most.max(threads(&pool));
    }
    println!(
        "  at the most {most} threads: {}",
        pool.last_decision().map_or(String::new(), |why| why.reason.to_string())
    );
    report.at_most("beside a hog on every core: threads", most as f64, cores() as f64);
}

fn step(args: &Args, report: &mut Report) {
    let once = || {
        let pool = build(adaptive());
        let all = Arc::new(Barrier::new(cores() + 1));
        let start = Instant::now();
        for _ in 0..cores() {
            let all = Arc::clone(&all);
            // Never refused: the queue is empty.
            let _ = pool.try_spawn(move || all.wait().is_leader());
        }
        all.wait();
        start.elapsed().as_secs_f64() * 1e3
    };
    median("from one thread to one a core (ms)", args, report, 2.0, once);
}

fn stuck(args: &Args, report: &mut Report) {
    let once = || {
        let pool = build(adaptive());
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(std::sync::Mutex::new(released));
        let blocked = Arc::new(Barrier::new(cores() + 1));
        for _ in 0..cores() {
            let (released, blocked) = (Arc::clone(&released), Arc::clone(&blocked));
            let _ = pool.try_spawn(move || {
                blocked.wait();
                // One waits for the message, the others for the lock.
                let _ = released.lock().map(|released| released.recv());
            });
        }
        blocked.wait();
        let start = Instant::now();
        let (tell, told) = mpsc::channel();
        let _ = pool.try_spawn(move || tell.send(()));
        let went_on = told.recv();
        let took = start.elapsed().as_secs_f64() * 1e3;
        drop(release);
        assert!(went_on.is_ok());
        took
    };
    median("every worker blocked: until other work goes on (ms)", args, report, 10.0, once);
}

fn end(args: &Args, report: &mut Report) {
    let (timeout, interval) = (Duration::from_millis(200), Duration::from_millis(100));
    let once = || {
        let pool = build(adaptive().idle_timeout(timeout).sampling_interval(interval));
        let load = Load::keep(&pool, 64 * cores(), task(0.9));
        thread::sleep(SECOND);
        drop(load);
        while pool.statistics().active_threads > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let start = Instant::now();
        while threads(&pool) > 1 {
            thread::sleep(Duration::from_millis(1));
        }
        start.elapsed().as_secs_f64() * 1e3
    };
    let limit = (timeout + interval).as_secs_f64() * 1e3;
    median("from the end of the load to one thread, idle timeout 200 ms (ms)", args, report, limit, once);
}

fn median(what: &str, args: &Args, report: &mut Report, limit: f64, once: impl Fn() -> f64) {
    let times: Vec<f64> = (0..args.rounds(15)).map(|_| once()).collect();
    let (least, most) = (quantile(times.clone(), 0.0), quantile(times.clone(), 1.0));
    let median = quantile(times, 0.5);
    println!("\n{what}: {median:.2}, from {least:.2} to {most:.2}");
    report.at_most(&format!("{what}: {median:.2}"), median, limit);
}

/// Of the pool's threads so far.
fn context_switches() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks
        .filter(|task| {
            std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("millpond-"))
        })
        .filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok())
        .flat_map(|status| {
            let of = |line: &str| {
                line.split_once("ctxt_switches:").and_then(|(_, n)| n.trim().parse::<u64>().ok())
            };
            status.lines().filter_map(of).collect::<Vec<_>>()
        })
        .sum()
}
