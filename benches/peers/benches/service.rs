//! What a call costs as a service of tower, against `pool.run`, and against what a service does without this crate: a limit over
//! `spawn_blocking`.
//!
//! `cargo bench -p millpond-peers --bench service --features tower -- --help`
#![allow(clippy::expect_used)]

use std::convert::Infallible;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use millpond::AdaptiveThreadPool;
use millpond::service::{Admission, CpuService, OffloadLayer};
use tokio::runtime::Handle;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt, service_fn};

use millpond_peers::args::Args;
use millpond_peers::measure::interleave;
use millpond_peers::peers::millpond::config;
use millpond_peers::report::{Report, quartiles};
use millpond_peers::table::{Table, figure};
use millpond_peers::{cores, user_runtime};

const ABOUT: &str = "A call as a service of tower against `pool.run`.";

const SECTIONS: [(&str, &str); 2] = [
    ("lone", "one caller, one empty call after the other"),
    ("crowd", "64 callers at the same time, empty calls"),
];

const CONTENDERS: [&str; 8] = [
    "pool.run",
    "CpuService, Shed",
    "CpuService, WaitUpTo",
    "CpuService, Backpressure",
    "OffloadLayer, WaitUpTo: ready at the first poll",
    "OffloadLayer, Backpressure: ready at the first poll",
    "OffloadLayer, WaitUpTo: woken once in between",
    "tower's limit over spawn_blocking",
];

const LONG: Admission = Admission::WaitUpTo(Duration::from_secs(60));

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let mut report = Report::open("service", &args);
    let runtime = user_runtime();
    if args.wants("lone") {
        compare(&args, &mut report, runtime.handle(), "lone", 1, 2_000);
    }
    if args.wants("crowd") {
        compare(&args, &mut report, runtime.handle(), "crowd", 64, 20_000);
    }
    report.close()
}

fn compare(args: &Args, report: &mut Report, users: &Handle, title: &str, callers: usize, calls: usize) {
    let pool = AdaptiveThreadPool::with_config(config(args.niceness));
    let function = |admission| CpuService::new(pool.clone(), |n: u64| black_box(n)).admission(admission);
    let offload = |admission| OffloadLayer::new(pool.clone()).admission(admission);
    let at_once = service_fn(async |n: u64| Ok::<_, Infallible>(black_box(n)));
    let woken = service_fn(async |n: u64| {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(black_box(n))
    });
    // As many as there are places in the pool's queue and threads beside it.
    let limit = GlobalConcurrencyLimitLayer::new(pool.config().max_queue_size + cores());
    let blocking =
        limit.layer(service_fn(async |n: u64| tokio::task::spawn_blocking(move || black_box(n)).await));
    let ours = pool.clone();
    let run = service_fn(move |n: u64| {
        let pool = ours.clone();
        async move { pool.run(move || black_box(n)).await }
    });
    let crowd = Crowd { users, callers, calls };
    let samples = interleave(CONTENDERS.len(), args.rounds(31), args.seed, |who| match who {
        0 => crowd.pass(run.clone()),
        1 => crowd.pass(function(Admission::Shed)),
        2 => crowd.pass(function(LONG)),
        3 => crowd.pass(function(Admission::Backpressure)),
        4 => crowd.pass(offload(LONG).layer(at_once)),
        5 => crowd.pass(offload(Admission::Backpressure).layer(at_once)),
        6 => crowd.pass(offload(LONG).layer(woken)),
        _ => crowd.pass(blocking.clone()),
    });
    println!("\n{title}: {callers} callers, empty calls (us a call)");
    let mut table = Table::new(["", "median", "quartiles", "/ run"]);
    for (who, name) in CONTENDERS.into_iter().enumerate() {
        let ratio = format!("{:.2}", samples.ratio(who, 0));
        table.row([name.to_owned(), figure(samples.median(who)), quartiles(&samples, who), ratio]);
    }
    table.print();
    for (who, goal) in [(1, 1.5), (2, 1.5), (4, 2.5)] {
        let what = format!("{title}: {} / pool.run = {:.2}", CONTENDERS[who], samples.ratio(who, 0));
        report.at_most(&what, samples.ratio(who, 0), goal);
    }
}

/// Callers, each of them a Tokio task that makes one call after the other.
struct Crowd<'r> {
    users: &'r Handle,
    callers: usize,
    calls: usize,
}

impl Crowd<'_> {
    /// Microseconds a call.
    fn pass<S>(&self, service: S) -> f64
    where
        S: Service<u64, Error: std::fmt::Debug, Future: Send> + Clone + Send + 'static,
    {
        let each = self.calls.div_ceil(self.callers);
        let start = Instant::now();
        self.users.block_on(async {
            let callers: Vec<_> = (0..self.callers)
                .map(|_| {
                    let mut service = service.clone();
                    tokio::spawn(async move {
                        for n in 0..each as u64 {
                            let ready = service.ready().await.expect("it is ready");
                            ready.call(n).await.expect("it is served");
                        }
                    })
                })
                .collect();
            for caller in callers {
                caller.await.expect("a caller ends well");
            }
        });
        start.elapsed().as_secs_f64() * 1e6 / (each * self.callers) as f64
    }
}
