//! A service in miniature: 1,000 concurrent Tokio tasks, each of which awaits conversions, as handlers of requests would.
//!
//! ```text
//! cargo run --release --example tokio_service -- [--users N] [--requests N] [--plain]
//! ```
//!
//! Beside the users a ticker wants to be woken every millisecond. How late it is shows what the runtime has left for
//! everything else. With `--plain` the users convert in their own tasks, on the threads of the runtime, for comparison.

#[path = "support/documents.rs"]
mod support;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use clap::Parser;
use millpond::{ConcurrentProcessorV2, ConversionOptions, ConversionRequest, Converter, DocumentConverter};
use tokio::task::JoinSet;

/// Awaits conversions from many Tokio tasks at once, and reports how long they waited
#[derive(Parser)]
struct Args {
    /// Tasks that send requests at the same time
    #[arg(long, default_value_t = 1_000)]
    users: usize,
    /// Requests that each of them sends, one after another
    #[arg(long, default_value_t = 20)]
    requests: usize,
    /// Convert on the runtime's own threads instead, for comparison
    #[arg(long)]
    plain: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let documents = Arc::new(read_corpus()?);
    let processor = ConcurrentProcessorV2::new();
    let ticker = tokio::spawn(tick());

    let start = Instant::now();
    let mut users = JoinSet::new();
    for user in 0..args.users {
        let (processor, documents) = (processor.clone(), Arc::clone(&documents));
        users.spawn(async move {
            let mut latencies = Vec::with_capacity(args.requests);
            for request in 0..args.requests {
                let content = documents[(user * 7 + request) % documents.len()].clone();
                let asked = Instant::now();
                if args.plain {
                    let mut out = BytesMut::new();
                    let options = ConversionOptions::default();
                    // Some documents of the corpus are broken on purpose.
                    let _ = DocumentConverter::default().convert(&content, &options, &mut out);
                    tokio::task::yield_now().await;
                } else {
                    let request = ConversionRequest::new(format!("{user}/{request}"), content);
                    let _response = processor.process_single(request).await;
                }
                latencies.push(asked.elapsed());
            }
            latencies
        });
    }
    let mut latencies: Vec<_> = users.join_all().await.into_iter().flatten().collect();
    let took = start.elapsed();
    ticker.abort();

    let requests = latencies.len();
    println!("{requests} requests of {} users in {took:.2?}", args.users);
    println!("throughput  {:.0} requests/s", requests as f64 / took.as_secs_f64());
    println!("latency     {}", percentiles(&mut latencies));
    println!("ticker late {}", percentiles(&mut LATE.lock().map_err(|_| "the ticker panicked")?));
    if !args.plain {
        let metrics = processor.get_metrics();
        let share = 100.0 * metrics.inlined as f64 / metrics.total_processed.max(1) as f64;
        println!("inlined     {share:.1} % (short documents, on the caller's thread)");
        println!("pool        {:#?}", processor.get_pool_statistics());
    }
    Ok(())
}

fn read_corpus() -> Result<Vec<Bytes>, Box<dyn Error>> {
    let found = support::find(&[support::corpus()], None).map_err(|(_, error)| error)?;
    let mut documents = Vec::new();
    for document in found.documents {
        documents.push(Bytes::from(std::fs::read(document.path)?));
    }
    if documents.is_empty() { Err("the corpus is empty".into()) } else { Ok(documents) }
}

/// How late the ticker was, each time.
static LATE: std::sync::Mutex<Vec<Duration>> = std::sync::Mutex::new(Vec::new());

async fn tick() {
    let mut interval = tokio::time::interval(Duration::from_millis(1));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let due = interval.tick().await;
        if let Ok(mut late) = LATE.lock() {
            late.push(due.elapsed());
        }
    }
}

fn percentiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |q: f64| {
        let index = (times.len() as f64 * q) as usize;
        times.get(index.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    format!(
        "p50 {:.2?}, p90 {:.2?}, p99 {:.2?}, p99.9 {:.2?}, max {:.2?}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0)
    )
}
