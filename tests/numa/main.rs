//! Workers and memory on the machine that runs this. The script `tests/numa/run` runs it in virtual
//! machines with several NUMA nodes. Elsewhere it shows that a pool on one node is as it would be
//! without placement.

#![cfg(all(feature = "numa", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod kernel;
mod pages;
mod placement;
mod steals;
mod wakes;

use millpond::topology::Topology;

/// What the script says of the machine, such as `2`, and its distances, row by row.
#[test]
fn the_machine_is_the_one_that_was_started() {
    let machine = Topology::of_this_process();
    println!("{machine}");
    if let Ok(nodes) = std::env::var("MILLPOND_NODES") {
        assert_eq!(machine.nodes().to_string(), nodes);
    }
    if let Ok(distances) = std::env::var("MILLPOND_DISTANCES") {
        let nodes = 0..machine.nodes();
        let pairs = nodes.clone().flat_map(|from| nodes.clone().map(move |to| (from, to)));
        let found: Vec<_> = pairs.map(|(from, to)| machine.distance(from, to).to_string()).collect();
        assert_eq!(found.join(","), distances);
    }
}
