//! The machine as a value: NUMA nodes, caches, cores and hardware threads, and the distances
//! between the nodes.

use std::collections::BTreeMap;
use std::fmt;

use super::cpu_list;

/// The distance of a node to itself, by convention of the firmware's tables (ACPI SLIT).
pub(super) const HERE: u32 = 10;
/// The distance of two nodes that is assumed where the system names none.
pub(super) const ELSEWHERE: u32 = 20;

/// The part of a machine that a process may use: packages, NUMA nodes, caches, cores, hardware
/// threads, and the distances between the nodes.
///
/// The pool places its workers by this value if the feature `numa` is on
/// ([guide](crate::guide::numa)). `Display` draws it.
///
/// ```
/// use millpond::topology::Topology;
///
/// let machine = Topology::synthetic("package:2 numa:1 core:2 pu:2")?;
/// assert_eq!((machine.nodes(), machine.cores(), machine.hardware_threads()), (2, 4, 8));
/// assert_eq!(machine.distance(0, 1), 20);
/// assert!(machine.to_string().starts_with("2 nodes, 4 cores, 8 hardware threads\n"));
///
/// println!("{}", Topology::of_this_process());
/// # Ok::<(), millpond::topology::TopologyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Sorted by node, then cache, then core, then number.
    threads: Vec<HardwareThread>,
    nodes: Vec<Node>,
    /// A row for each node.
    distances: Vec<Vec<u32>>,
}

/// A hardware thread, which the kernel calls a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HardwareThread {
    /// The kernel's number.
    pub(crate) number: usize,
    /// The index of its node.
    pub(crate) node: usize,
    /// The number of its last-level cache: that of the first hardware thread that shares it.
    pub(crate) cache: usize,
    /// The number of its core: that of the first hardware thread of the core.
    pub(crate) core: usize,
    /// The number of its package.
    pub(crate) package: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    /// The kernel's number.
    pub(super) number: usize,
    /// The bytes of its memory, if they are known.
    pub(super) memory: Option<u64>,
}

impl Topology {
    /// Returns a machine of one node with this number of cores, each with one hardware thread. At
    /// least one core.
    #[must_use]
    pub fn flat(cores: usize) -> Self {
        let thread = |number| HardwareThread { number, node: 0, cache: 0, core: number, package: 0 };
        let threads = (0..cores.max(1)).map(thread).collect();
        Self { threads, nodes: vec![Node { number: 0, memory: None }], distances: vec![vec![HERE]] }
    }

    /// Makes a machine of `threads`, whose `node` is an index of `nodes`. Nodes without a hardware
    /// thread are left out. Returns `None` without a hardware thread, or if a node is missing.
    pub(super) fn new(
        mut threads: Vec<HardwareThread>,
        nodes: &[Node],
        distance: impl Fn(usize, usize) -> u32,
    ) -> Option<Self> {
        let mut index = BTreeMap::new();
        for thread in &threads {
            index.insert(thread.node, 0);
        }
        index.values_mut().zip(0..).for_each(|(value, at)| *value = at);
        let kept: Vec<usize> = index.keys().copied().collect();
        let nodes = kept.iter().map(|&node| nodes.get(node).copied()).collect::<Option<Vec<_>>>()?;
        threads.iter_mut().for_each(|thread| thread.node = index[&thread.node]);
        threads.sort_by_key(|thread| (thread.node, thread.cache, thread.core, thread.number));
        let row = |&from: &usize| kept.iter().map(|&to| distance(from, to)).collect();
        let distances = kept.iter().map(row).collect();
        (!threads.is_empty()).then_some(Self { threads, nodes, distances })
    }

    /// Returns what is left of the machine if only the hardware threads with these numbers may be
    /// used; `None` if none is left.
    #[must_use]
    pub fn restricted_to(&self, numbers: &[usize]) -> Option<Self> {
        let threads = self.threads.iter().filter(|thread| numbers.contains(&thread.number)).copied();
        Self::new(threads.collect(), &self.nodes, |from, to| self.distances[from][to])
    }

    /// Returns the number of NUMA nodes with at least one usable hardware thread.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the number of cores.
    #[must_use]
    pub fn cores(&self) -> usize {
        self.count(|thread| thread.core)
    }

    /// Returns the number of packages.
    #[must_use]
    pub fn packages(&self) -> usize {
        self.count(|thread| thread.package)
    }

    /// Returns the number of hardware threads.
    #[must_use]
    pub fn hardware_threads(&self) -> usize {
        self.threads.len()
    }

    /// Returns the distance between two nodes, counted from 0, as the firmware states it: 10 within
    /// a node, and more the longer an access takes.
    ///
    /// # Panics
    /// There is no such node.
    #[must_use]
    #[track_caller]
    pub fn distance(&self, from: usize, to: usize) -> u32 {
        self.distances[from][to]
    }

    /// Returns the kernel's number of a node, and those of its hardware threads. `None` if there is
    /// no such node.
    #[must_use]
    pub fn node(&self, index: usize) -> Option<(usize, Vec<usize>)> {
        let node = self.nodes.get(index)?;
        let mut numbers: Vec<usize> = self.threads_of(index).map(|thread| thread.number).collect();
        numbers.sort_unstable();
        Some((node.number, numbers))
    }

    /// The hardware threads, node by node, cache by cache, core by core.
    pub(crate) fn threads(&self) -> &[HardwareThread] {
        &self.threads
    }

    fn threads_of(&self, node: usize) -> impl Iterator<Item = &HardwareThread> {
        self.threads.iter().filter(move |thread| thread.node == node)
    }

    fn count(&self, key: impl Fn(&HardwareThread) -> usize) -> usize {
        let mut keys: Vec<usize> = self.threads.iter().map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.len()
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {}, {}",
            plural(self.nodes(), "node"),
            plural(self.cores(), "core"),
            plural(self.hardware_threads(), "hardware thread")
        )?;
        for (index, node) in self.nodes.iter().enumerate() {
            write!(f, "node {}", node.number)?;
            match node.memory {
                Some(0) => f.write_str(", no memory")?,
                Some(bytes) => write!(f, ", {} MiB", bytes >> 20)?,
                None => {}
            }
            writeln!(f)?;
            self.draw_node(f, index)?;
        }
        if self.nodes() > 1 {
            self.draw_distances(f)?;
        }
        Ok(())
    }
}

impl Topology {
    fn draw_node(&self, f: &mut fmt::Formatter<'_>, node: usize) -> fmt::Result {
        let (mut package, mut cache) = (None, None);
        let mut cores: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
        for thread in self.threads_of(node) {
            cores.entry((thread.package, thread.cache, thread.core)).or_default().push(thread.number);
        }
        for ((of_package, of_cache, core), numbers) in cores {
            if package.replace(of_package) != Some(of_package) {
                writeln!(f, "  package {of_package}")?;
                cache = None;
            }
            if cache.replace(of_cache) != Some(of_cache) {
                writeln!(f, "    cache {of_cache}")?;
            }
            writeln!(f, "      core {core}: {}", cpu_list::write(&numbers))?;
        }
        Ok(())
    }

    fn draw_distances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "distance")?;
        self.nodes.iter().try_for_each(|node| write!(f, "{:>5}", node.number))?;
        writeln!(f)?;
        for (node, row) in self.nodes.iter().zip(&self.distances) {
            write!(f, "{:>8}", node.number)?;
            row.iter().try_for_each(|distance| write!(f, "{distance:>5}"))?;
            writeln!(f)?;
        }
        Ok(())
    }
}

fn plural(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}
