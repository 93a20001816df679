//! Draws the part of the machine that this process may use, and where the workers of a pool are:
//! `cargo run --example topology`, or for a described machine
//! `cargo run --example topology -- numa:2 core:4 pu:2`.

use std::collections::BTreeMap;
use std::error::Error;

use millpond::topology::Topology;
use millpond::{AdaptiveThreadPool, WorkerPlacement};

fn main() -> Result<(), Box<dyn Error>> {
    let description = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let machine = match description.is_empty() {
        true => Topology::of_this_process(),
        false => Topology::synthetic(&description)?,
    };
    print!("{machine}");
    for placement in [WorkerPlacement::Spread, WorkerPlacement::Packed] {
        let threads = machine.hardware_threads().min(1_024);
        // Half as many as fit show the difference.
        let threads = threads.div_ceil(2);
        let pool = AdaptiveThreadPool::builder().min_threads(threads).max_threads(threads);
        let pool = pool.worker_placement(placement).topology(machine.clone()).build()?;
        let mut of_node: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        // Threads that have started may not have arrived.
        while pool.workers().len() < threads {
            std::thread::yield_now();
        }
        for worker in pool.workers() {
            of_node.entry(worker.node).or_default().push(worker.index);
        }
        println!("\n{threads} workers, {placement}");
        for (node, workers) in of_node {
            match node {
                Some(node) => println!("node {node}: workers {workers:?}"),
                None => println!("on any core: workers {workers:?}"),
            }
        }
    }
    Ok(())
}
