//! Markdown to HTML, in batches and one by one: this crate's processor, its peers, one thread, and as many plain threads.
//!
//! `cargo bench -p millpond-peers --bench batch -- --help`
#![allow(unsafe_code, clippy::expect_used)]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;

use millpond_peers::args::Args;
use millpond_peers::conversion::{convert, options};
use millpond_peers::corpus::{self, Bucket};
use millpond_peers::measure::{Samples, interleave};
use millpond_peers::peer::{Peer, Workload};
use millpond_peers::peers::{NAMES, OURS, Peers};
use millpond_peers::processor::Processor;
use millpond_peers::report::{Report, quartiles};
use millpond_peers::table::{Table, figure};
use millpond_peers::{cores, user_runtime};

const ABOUT: &str = "Markdown to HTML: the processor against its peers, which get a document a job.";

const SECTIONS: [(&str, &str); 4] = [
    ("single", "one document of 1 KB, against converting it in place"),
    ("10", "batches of 10 documents"),
    ("100", "batches of 100 documents"),
    ("1000", "batches of 1,000 documents"),
];

/// Those beside the peers, whose numbers follow upon theirs.
const SEQUENTIAL: usize = NAMES.len();
const THREADS: usize = NAMES.len() + 1;
const POOL: usize = NAMES.len() + 2;
const COMPETITORS: usize = NAMES.len() + 3;

fn name(who: usize) -> &'static str {
    match who {
        OURS => "millpond, the processor",
        SEQUENTIAL => "one after the other",
        THREADS => "plain threads, shared counter",
        POOL => "millpond, a job a document",
        peer => NAMES[peer],
    }
}

struct Bench {
    args: Args,
    users: Handle,
    peers: Peers,
    processor: Processor,
    report: Report,
}

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let report = Report::open("batch", &args);
    let Some(buckets) = corpus::buckets(1000) else {
        println!("no Markdown in Cargo's registry: nothing to convert");
        return report.close();
    };
    let runtime = user_runtime();
    let users = runtime.handle().clone();
    let (peers, processor) = (Peers::new(&users, args.niceness), Processor::new(args.niceness));
    let mut bench = Bench { args, users, peers, processor, report };
    for bucket in &buckets {
        let bytes: usize = bucket.documents.iter().map(Bytes::len).sum();
        println!(
            "\n{}: {} documents, {} KB on average",
            bucket.name,
            bucket.documents.len(),
            bytes / 1_000_000
        );
    }
    if bench.args.wants("single") {
        bench.single(&buckets[0]);
    }
    for size in [10, 100, 1000] {
        if bench.args.wants(&size.to_string()) {
            buckets.iter().for_each(|bucket| bench.batches(bucket, size));
        }
    }
    bench.report.close()
}

impl Bench {
    fn single(&mut self, bucket: &Bucket) {
        // The bucket has documents of half to twice the size; here the question is what one of 1 KB costs.
        let near = bucket.documents.iter().filter(|document| (800..=1250).contains(&document.len()));
        let documents: &[Bytes] = &near.take(500).cloned().collect::<Vec<_>>();
        let rounds = self.args.rounds(31);
        let samples = interleave(NAMES.len() + 1, rounds, self.args.seed, |who| match who {
            OURS => self.timed_singles(documents),
            SEQUENTIAL => self.timed(documents.len(), {
                let documents = documents.to_vec();
                async move { documents.iter().map(|document| convert(document, &options()).len()).sum() }
            }),
            peer => self.peers.measure(peer, &OneByOne { users: &self.users, documents }),
        });
        println!("\none document of {} (us)", bucket.name);
        let mut table = Table::new(["", "median", "quartiles", "/ in place"]);
        for who in 0..samples.competitors() {
            table.row([
                if who == SEQUENTIAL { "in place" } else { name(who) }.to_owned(),
                figure(1e6 * samples.median(who)),
                quartiles(&samples.map(|row| row.iter().map(|s| s * 1e6).collect()), who),
                format!("{:.2}", samples.ratio(who, SEQUENTIAL)),
            ]);
        }
        table.print();
        println!("  ({:.1} % of the processor's were converted in place)", 100.0 * self.processor.inlined());
        let ratio = samples.ratio(OURS, SEQUENTIAL);
        self.report.at_most(&format!("a document of 1 KB: {ratio:.2} x in place"), ratio, 1.15);
    }

    fn timed_singles(&self, documents: &[Bytes]) -> f64 {
        let requests = Processor::requests(documents);
        let processor = self.processor.clone();
        self.timed(documents.len(), async move {
            let mut bytes = 0;
            for request in requests {
                bytes += processor.single(request).await;
            }
            bytes
        })
    }

    /// Seconds, by `count`, that a task of the users' runtime takes for this.
    fn timed(&self, count: usize, work: impl Future<Output = usize> + Send + 'static) -> f64 {
        seconds(&self.users, work).as_secs_f64() / count as f64
    }

    fn batches(&mut self, bucket: &Bucket, size: usize) {
        let documents = &bucket.documents[..size];
        let input: usize = documents.iter().map(Bytes::len).sum();
        // Small batches are repeated, so that a sample takes milliseconds.
        let repeats = (2_000_000 / input).max(1);
        let rounds = self.args.rounds(if input > 10_000_000 { 11 } else { 31 });
        let samples = interleave(COMPETITORS, rounds, self.args.seed, |who| {
            let batch = Batch { users: &self.users, documents };
            let once = |_| match who {
                OURS => {
                    let (requests, processor) = (Processor::requests(documents), self.processor.clone());
                    seconds(&self.users, async move { processor.batch(requests).await }).as_secs_f64()
                }
                SEQUENTIAL => one_after_the_other(documents),
                THREADS => plain_threads(documents),
                POOL => self.peers.measure(OURS, &batch),
                peer => self.peers.measure(peer, &batch),
            };
            (0..repeats).map(once).sum::<f64>() * 1000.0 / repeats as f64
        });
        self.show(bucket, size, &samples);
    }

    fn show(&mut self, bucket: &Bucket, size: usize, samples: &Samples) {
        println!("\nbatches of {size}, {} each (ms a batch)", bucket.name);
        let mut table = Table::new(["", "median", "quartiles", "speed-up", "ours /"]);
        for who in 0..COMPETITORS {
            table.row([
                name(who).to_owned(),
                figure(samples.median(who)),
                quartiles(samples, who),
                format!("{:.2}", samples.ratio(SEQUENTIAL, who)),
                if who == OURS { String::new() } else { format!("{:.2}", samples.ratio(OURS, who)) },
            ]);
        }
        table.print();
        if size == 1000 {
            let (cores, what) = (cores(), format!("batch of {size}, {}", bucket.name));
            let speed_up = samples.ratio(SEQUENTIAL, OURS);
            let plain = samples.ratio(SEQUENTIAL, THREADS);
            let goal = 0.93 * cores as f64;
            let said = format!("{what}: {speed_up:.2} x sequential (plain threads reach {plain:.2} here)");
            self.report.at_least(&said, speed_up, goal);
            let best = samples.best(OURS + 1..NAMES.len());
            let ratio = samples.ratio(OURS, best);
            self.report.at_most(&format!("{what}: {ratio:.2} x {}", NAMES[best]), ratio, 1.0);
        }
    }
}

/// How long a task of this runtime takes for this.
fn seconds(users: &Handle, work: impl Future<Output = usize> + Send + 'static) -> Duration {
    let task = users.spawn(async move {
        let start = Instant::now();
        black_box(work.await);
        start.elapsed()
    });
    users.block_on(task).expect("it ends well")
}

fn one_after_the_other(documents: &[Bytes]) -> f64 {
    let start = Instant::now();
    black_box(documents.iter().map(|document| convert(document, &options())).collect::<Vec<_>>());
    start.elapsed().as_secs_f64()
}

/// What the machine gives at best: a thread a core, which take the documents off a shared counter. Two cores that share
/// something do not give twice the work of one.
fn plain_threads(documents: &[Bytes]) -> f64 {
    let next = AtomicUsize::new(0);
    let work = || {
        let mine = std::iter::from_fn(|| documents.get(next.fetch_add(1, Relaxed)));
        black_box(mine.map(|document| convert(document, &options())).collect::<Vec<_>>())
    };
    // The threads are all but there before the clock starts.
    let line = Barrier::new(cores() + 1);
    let run = || {
        line.wait();
        work()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores()).map(|_| scope.spawn(run)).collect();
        let start = Instant::now();
        line.wait();
        let results: Vec<_> =
            threads.into_iter().map(|thread| thread.join().expect("it ends well")).collect();
        drop(black_box(results));
        start.elapsed().as_secs_f64()
    })
}

/// A job a document, all submitted before the first is awaited; seconds a batch.
struct Batch<'a> {
    users: &'a Handle,
    documents: &'a [Bytes],
}

impl Workload for Batch<'_> {
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        let (peer, documents) = (peer.clone(), self.documents.to_vec());
        let took = seconds(self.users, async move {
            let submit = |document: Bytes| peer.submit(move || convert(&document, &options()));
            let tasks: Vec<_> = documents.into_iter().map(submit).collect();
            // The results are held until the last is there, as a batch's responses are.
            let mut results = Vec::with_capacity(tasks.len());
            for task in tasks {
                results.push(task.await);
            }
            results.iter().map(Bytes::len).sum()
        });
        took.as_secs_f64()
    }
}

/// One document after the other; seconds each.
struct OneByOne<'a> {
    users: &'a Handle,
    documents: &'a [Bytes],
}

impl Workload for OneByOne<'_> {
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        let (peer, documents) = (peer.clone(), self.documents.to_vec());
        let count = documents.len();
        let took = seconds(self.users, async move {
            let mut bytes = 0;
            for document in documents {
                bytes += peer.run(move || convert(&document, &options())).await.len();
            }
            bytes
        });
        took.as_secs_f64() / count as f64
    }
}
