//! Clients of the example `document_service`, for `scripts/wrk-service`: as many as come in a second whether or not those before
//! them were served, or a number of them one request after the other; and beside them somebody who looks at `/health`.
//!
//! ```text
//! cargo run --release -p document_service --bin document_load -- --address 127.0.0.1:3000 [--rate N] [--connections N] DOCUMENTS...
//! ```

mod arrivals;
mod connection;
mod probe;
mod request;
mod tally;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use std::{error, thread};

use clap::Parser;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::Instant;

use self::arrivals::{Idle, closed, open};
use self::request::Request;
use self::tally::Tally;

/// Asks a document_service for conversions, and prints what came of it
#[derive(Debug, Parser)]
struct Args {
    /// Where the service listens
    #[arg(long)]
    address: SocketAddr,
    /// Clients that come in a second, by chance; without it each connection asks as soon as it was answered
    #[arg(long)]
    rate: Option<f64>,
    /// Connections at most
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How long it is counted, in seconds, after a quarter of that which is not
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// An answer that comes later is not counted as good, in milliseconds from when its client came
    #[arg(long, default_value_t = 1000.0)]
    patience: f64,
    /// Ask first (`Expect: 100-continue`), and send the document only if the service wants it
    #[arg(long)]
    expect: bool,
    /// Send all documents as one batch, again and again
    #[arg(long)]
    batch: bool,
    /// The arrivals and the documents follow from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is sent, by chance; none is no load, and only `/health` is asked
    documents: Vec<PathBuf>,
}

fn main() -> Result<(), Box<dyn error::Error>> {
    let args = Args::parse();
    let mut requests = Vec::new();
    if args.batch {
        requests.push(Rc::new(Request::batch(&args.documents, args.expect)?));
    } else {
        for path in &args.documents {
            requests.push(Rc::new(Request::convert(path, args.expect)?));
        }
    }
    let begin = Instant::now() + Duration::from_secs_f64(args.seconds / 4.0);
    let end = begin + Duration::from_secs_f64(args.seconds);
    // A thread of its own: it is to tell how the service is, and not how busy these clients are.
    let watch = thread::spawn(move || probe::watch(args.address, begin, end));
    let tally = Rc::new(Tally::new(begin, end, Duration::from_secs_f64(args.patience / 1e3)));
    if !requests.is_empty() {
        let clients = LocalSet::new();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        clients.block_on(&runtime, async {
            match args.rate {
                Some(rate) => {
                    let idle = Idle::new(args.address, args.connections, Rc::clone(&tally));
                    open(rate, args.seed, &requests, &idle, end).await;
                }
                None => closed(args.address, args.connections, args.seed, &requests, &tally).await,
            }
        });
    }
    let health = watch.join().map_err(|_| "the probe panicked")??;
    println!("RESULT {} {health}", tally.summary());
    Ok(())
}
