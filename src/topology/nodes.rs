//! On which node a thread is.

use super::Topology;

/// The node of each hardware thread, by index of the topology that it was made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeMap {
    /// The kernel's numbers.
    numbers: Box<[usize]>,
    /// By the kernel's number of the hardware thread.
    of: Box<[Option<usize>]>,
}

impl NodeMap {
    pub(crate) fn new(machine: &Topology) -> Self {
        let last = machine.threads().iter().map(|thread| thread.number).max().unwrap_or(0);
        let mut of = vec![None; last + 1];
        machine.threads().iter().for_each(|thread| of[thread.number] = Some(thread.node));
        let numbers = (0..machine.nodes()).filter_map(|node| Some(machine.node(node)?.0));
        Self { numbers: numbers.collect(), of: of.into() }
    }

    /// Returns the number of nodes; at least 1.
    pub(crate) fn count(&self) -> usize {
        self.numbers.len().max(1)
    }

    /// Returns the kernel's number of a node.
    pub(crate) fn number(&self, node: usize) -> Option<usize> {
        self.numbers.get(node).copied()
    }

    /// Returns the node on which the calling thread runs now; `None` if that is unknown. It may run
    /// on another one in a moment. A call takes some ten nanoseconds.
    pub(crate) fn here(&self) -> Option<usize> {
        self.of.get(hardware_thread()?).copied()?
    }
}

#[cfg(target_os = "linux")]
fn hardware_thread() -> Option<usize> {
    Some(rustix::thread::sched_getcpu())
}

#[cfg(not(target_os = "linux"))]
fn hardware_thread() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_on_a_node_of_this_machine() {
        let machine = Topology::of_this_process();
        let map = NodeMap::new(&machine);
        assert_eq!(map.count(), machine.nodes());
        assert!(map.here().is_none_or(|node| node < machine.nodes()));
        assert_eq!((NodeMap::default().count(), NodeMap::default().here()), (1, None));
    }
}
