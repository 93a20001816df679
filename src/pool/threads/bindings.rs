//! Where the workers of a pool run, on a machine with several NUMA nodes.

use std::sync::Once;

use crate::config::{PoolConfig, WorkerPinning};
use crate::policy::placement::Placement;
use crate::pool::events;
use crate::queue::Layout;
use crate::topology::{HardwareThread, Home, NodeMap, Topology};

/// The hardware threads to which each worker slot is bound, if workers are placed.
#[derive(Debug, Default)]
pub(in crate::pool) struct Bindings {
    /// Empty where workers are not placed.
    of_slots: Box<[HardwareThread]>,
    threads: Box<[HardwareThread]>,
    pinning: WorkerPinning,
    nodes: NodeMap,
}

impl Bindings {
    /// Decides where the workers of a pool run. `machine`: instead of this one. The layout is flat
    /// if workers are not placed; if that was asked for, the reason is logged once in a process.
    pub(in crate::pool) fn new(config: &PoolConfig, machine: Option<Topology>) -> (Self, Layout) {
        let slots = config.most_workers();
        let flat = || (Self::default(), Layout::flat(slots));
        if !config.numa_aware {
            return flat();
        }
        let machine = match find(machine) {
            Ok(machine) => machine,
            Err(reason) => {
                static SAID: Once = Once::new();
                SAID.call_once(|| events::not_placed(reason));
                return flat();
            }
        };
        let Placement { threads: of_slots, layout } =
            Placement::new(&machine, slots, config.worker_placement);
        let nodes = NodeMap::new(&machine);
        let threads = machine.threads().into();
        (Self { of_slots, threads, pinning: config.worker_pinning, nodes }, layout)
    }

    /// Binds the calling thread, which is the worker of `slot`. If that fails, logs it once in a
    /// process and continues.
    pub(in crate::pool) fn bind(&self, slot: usize, home: &Home) {
        static SAID: Once = Once::new();
        let Some(own) = self.of_slots.get(slot) else { return };
        let wanted = self.threads.iter().filter(|thread| match self.pinning {
            WorkerPinning::Core => thread.core == own.core,
            WorkerPinning::Node => thread.node == own.node,
        });
        if let Err(error) = home.place(wanted.map(|thread| thread.number)) {
            SAID.call_once(|| events::worker_not_bound(&error, slot));
        }
    }

    /// Returns the kernel's number of the node of a worker; `None` if workers are not placed.
    pub(in crate::pool) fn node_of(&self, slot: usize) -> Option<usize> {
        self.nodes.number(self.of_slots.get(slot)?.node)
    }

    /// Returns the nodes of the machine; one if workers are not placed.
    pub(in crate::pool) fn nodes(&self) -> &NodeMap {
        &self.nodes
    }
}

/// Returns a machine of several nodes, or why there is none.
fn find(machine: Option<Topology>) -> Result<Topology, &'static str> {
    if !cfg!(feature = "numa") {
        return Err("the feature `numa` is off");
    }
    if !cfg!(target_os = "linux") {
        return Err("workers are placed on Linux only");
    }
    let machine = machine.or_else(Topology::of_several_nodes);
    machine.filter(|machine| machine.nodes() > 1).ok_or("this process may use one NUMA node")
}

#[cfg(all(test, target_os = "linux", not(millpond_loom)))]
mod tests {
    use super::*;

    fn layout(config: &PoolConfig, description: &str) -> Layout {
        Bindings::new(config, Topology::synthetic(description).ok()).1
    }

    #[test]
    fn workers_are_placed_only_with_the_feature_on_several_nodes_and_if_that_is_asked_for() {
        let config = PoolConfig::default();
        let flat = Layout::flat(config.most_workers());
        assert_eq!(layout(&config, "numa:2 core:2") != flat, cfg!(feature = "numa"));
        assert_eq!(layout(&config, "core:4"), flat);
        let unaware = PoolConfig { numa_aware: false, ..config };
        assert_eq!(layout(&unaware, "numa:2 core:2"), flat);
    }

    #[test]
    fn the_reason_why_workers_are_not_placed_is_told() {
        let reason = find(Topology::synthetic("core:4").ok()).err();
        let one = if cfg!(feature = "numa") {
            "this process may use one NUMA node"
        } else {
            "the feature `numa` is off"
        };
        assert_eq!(reason, Some(one));
    }

    #[cfg(feature = "numa")]
    #[test]
    fn a_worker_is_on_its_node_by_the_kernels_number() {
        let machine =
            Topology::synthetic("numa:3 core:1").ok().and_then(|machine| machine.restricted_to(&[0, 2]));
        let (bindings, layout) = Bindings::new(&PoolConfig::default(), machine);
        assert_eq!([0, 1, 2].map(|slot| bindings.node_of(slot)), [Some(0), Some(2), Some(0)]);
        assert_eq!([0, 1, 2].map(|slot| layout.node_of(slot)), [0, 1, 0]);
        assert_eq!((bindings.nodes().count(), Bindings::default().node_of(0)), (2, None));
    }
}
