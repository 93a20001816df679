//! Draws the part of the machine that this process may use, or one that is described:
//! `cargo run --example topology -- numa:2 core:4 pu:2`.

use millpond::topology::{Topology, TopologyError};

fn main() -> Result<(), TopologyError> {
    let description = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let machine = match description.is_empty() {
        true => Topology::of_this_process(),
        false => Topology::synthetic(&description)?,
    };
    print!("{machine}");
    Ok(())
}
