//! The machine from `/sys/devices/system` (Documentation/ABI/stable/sysfs-devices-node and
//! sysfs-devices-system-cpu).

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::cpu_list;
use super::machine::{ELSEWHERE, HERE, HardwareThread, Node, Topology};

/// The highest cache that a machine may have, as an index of its folder.
const LAST_CACHE: usize = 9;

impl Topology {
    /// Returns the machine as far as the calling thread may use it, by its affinity, which respects
    /// cpusets. It is read from `/sys`. Where the system does not tell of nodes, there is one.
    ///
    /// It reads a few files for each core, which takes about 0.1 ms for each of them.
    #[must_use]
    pub fn of_this_process() -> Self {
        read().unwrap_or_else(|| Self::flat(super::usable_cores()))
    }

    /// As [`of_this_process`](Self::of_this_process), if the machine has several nodes. It reads
    /// one file if it has not.
    pub(crate) fn of_several_nodes() -> Option<Self> {
        has_several_nodes().then(Self::of_this_process)
    }
}

/// Reads this machine, as far as the calling thread may use it. `None` if the system does not tell.
#[cfg(target_os = "linux")]
fn read() -> Option<Topology> {
    use rustix::thread::{CpuSet, sched_getaffinity};

    let usable = sched_getaffinity(None).ok()?;
    let usable: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&number| usable.is_set(number)).collect();
    read_from(Path::new("/sys/devices/system"), &usable)
}

/// Unknown on this system.
#[cfg(not(target_os = "linux"))]
fn read() -> Option<Topology> {
    None
}

/// Returns whether this machine has several nodes, whether or not they may be used.
fn has_several_nodes() -> bool {
    list(Path::new("/sys/devices/system/node/online")).is_some_and(|nodes| nodes.len() > 1)
}

/// Reads the machine that `root` describes, of which the hardware threads `usable` may be used.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn read_from(root: &Path, usable: &[usize]) -> Option<Topology> {
    let numbers = list(&root.join("node/online")).filter(|numbers| !numbers.is_empty());
    let numbers = numbers.unwrap_or_else(|| vec![0]);
    let folders: Vec<_> = numbers.iter().map(|number| root.join(format!("node/node{number}"))).collect();
    let memory = |folder: &Path| parse_memory(&fs::read_to_string(folder.join("meminfo")).ok()?);
    let node = |(&number, folder): (&usize, _)| Node { number, memory: memory(folder) };
    let nodes: Vec<Node> = numbers.iter().zip(folders.iter().map(|folder| &**folder)).map(node).collect();
    let mut node_of = HashMap::new();
    for (index, folder) in folders.iter().enumerate() {
        let numbers = list(&folder.join("cpulist")).unwrap_or_default();
        node_of.extend(numbers.into_iter().map(|number| (number, index)));
    }
    let distances: Vec<Option<Vec<u32>>> = folders.iter().map(|folder| distances(folder)).collect();
    let distance = |from: usize, to: usize| {
        let stated = distances[from].as_ref().and_then(|row| row.get(to).copied());
        stated.unwrap_or(if from == to { HERE } else { ELSEWHERE })
    };
    Topology::new(threads(&root.join("cpu"), usable, &node_of), &nodes, distance)
}

/// Describes the hardware threads. What the system does not tell is as on a machine without that
/// level: each is a core of its own, and all of a node share a cache.
fn threads(root: &Path, usable: &[usize], node_of: &HashMap<usize, usize>) -> Vec<HardwareThread> {
    let (mut cores, mut caches) = (HashMap::new(), HashMap::new());
    let mut firsts: HashMap<usize, usize> = HashMap::new();
    for (&number, &node) in node_of {
        let first = firsts.entry(node).or_insert(number);
        *first = number.min(*first);
    }
    let mut threads = Vec::new();
    for &number in usable {
        let folder = root.join(format!("cpu{number}"));
        let node = node_of.get(&number).copied().unwrap_or(0);
        let siblings = || list(&folder.join("topology/thread_siblings_list"));
        let core = shared(&mut cores, number, siblings, number);
        let of_node = firsts.get(&node).copied().unwrap_or(0);
        let cache = shared(&mut caches, number, || last_cache(&folder), of_node);
        let package = fs::read_to_string(folder.join("topology/physical_package_id"));
        let package = package.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        threads.push(HardwareThread { number, node, cache, core, package });
    }
    threads
}

/// Returns the first of the hardware threads that `number` shares something with. `read` is called
/// once for all of them.
fn shared(
    known: &mut HashMap<usize, usize>,
    number: usize,
    read: impl FnOnce() -> Option<Vec<usize>>,
    otherwise: usize,
) -> usize {
    if !known.contains_key(&number) {
        let sharing = read().filter(|sharing| sharing.contains(&number));
        let first = sharing.as_ref().and_then(|sharing| sharing.first().copied()).unwrap_or(otherwise);
        known.extend(sharing.into_iter().flatten().map(|sharing| (sharing, first)));
    }
    *known.entry(number).or_insert(otherwise)
}

/// The hardware threads that share the last cache of one.
fn last_cache(folder: &Path) -> Option<Vec<usize>> {
    let shared = |index| list(&folder.join(format!("cache/index{index}/shared_cpu_list")));
    (0..=LAST_CACHE).rev().find_map(shared)
}

fn list(path: &Path) -> Option<Vec<usize>> {
    cpu_list::parse(&fs::read_to_string(path).ok()?)
}

fn distances(folder: &Path) -> Option<Vec<u32>> {
    let text = fs::read_to_string(folder.join("distance")).ok()?;
    text.split_ascii_whitespace().map(|distance| distance.parse().ok()).collect()
}

/// The bytes of a node, by the line `Node 0 MemTotal:  1234 kB` of its `meminfo`.
fn parse_memory(text: &str) -> Option<u64> {
    let total = text.lines().find_map(|line| line.split_once("MemTotal:"))?.1;
    let kilobytes: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder with the files of a machine.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("millpond-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{text}\n")).unwrap();
        }

        fn cpu(&self, number: usize, siblings: &str, cache: &str, package: usize) {
            self.write(&format!("cpu/cpu{number}/topology/thread_siblings_list"), siblings);
            self.write(&format!("cpu/cpu{number}/topology/physical_package_id"), &package.to_string());
            self.write(&format!("cpu/cpu{number}/cache/index0/shared_cpu_list"), siblings);
            self.write(&format!("cpu/cpu{number}/cache/index3/shared_cpu_list"), cache);
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn nodes_caches_cores_and_distances_are_read() {
        let folder = Folder::new("sysfs");
        folder.write("node/online", "0,2-3");
        for (node, cpus, distance) in
            [(0, "0-1,4-5", "10 21 31"), (2, "2-3", "21 10 31"), (3, "", "31 31 10")]
        {
            folder.write(&format!("node/node{node}/cpulist"), cpus);
            folder.write(&format!("node/node{node}/distance"), distance);
            folder.write(
                &format!("node/node{node}/meminfo"),
                &format!("Node {node} MemTotal:  {} kB", node << 10),
            );
        }
        for (number, siblings, cache, package) in [
            (0, "0,4", "0-1,4-5", 0),
            (1, "1,5", "0-1,4-5", 0),
            (4, "0,4", "0-1,4-5", 0),
            (5, "1,5", "0-1,4-5", 0),
        ] {
            folder.cpu(number, siblings, cache, package);
        }
        folder.cpu(2, "2", "2-3", 1);
        folder.cpu(3, "3", "2-3", 1);
        let machine = read_from(&folder.0, &[0, 1, 2, 3, 4, 5]).unwrap();
        let drawn = "\
2 nodes, 4 cores, 6 hardware threads
node 0, no memory
  package 0
    cache 0
      core 0: 0,4
      core 1: 1,5
node 2, 2 MiB
  package 1
    cache 2
      core 2: 2
      core 3: 3
distance    0    2
       0   10   21
       2   21   10
";
        assert_eq!(machine.to_string(), drawn);
        assert_eq!(machine.packages(), 2);
        let left = read_from(&folder.0, &[3, 4]).unwrap();
        assert_eq!(Some(left), machine.restricted_to(&[3, 4]));
        assert_eq!(read_from(&folder.0, &[]), None);
    }

    #[test]
    fn without_files_there_is_one_node_of_single_cores() {
        let machine = read_from(Path::new("/nowhere"), &[0, 1, 7]).unwrap();
        assert_eq!((machine.nodes(), machine.cores(), machine.packages()), (1, 3, 1));
        let folder = Folder::new("sysfs-nonsense");
        folder.write("node/online", "nonsense");
        folder.write("node/node0/distance", "ten");
        folder.cpu(0, "7-", "x", 0);
        assert_eq!(read_from(&folder.0, &[0, 1]).unwrap().cores(), 2);
    }

    #[test]
    fn this_machine_has_the_hardware_threads_of_the_affinity() {
        let machine = Topology::of_this_process();
        assert_eq!(machine.hardware_threads(), super::super::affinity());
        assert!(machine.nodes() >= 1 && machine.cores() <= machine.hardware_threads());
        for (from, to) in (0..machine.nodes()).flat_map(|from| (0..machine.nodes()).map(move |to| (from, to)))
        {
            assert!(machine.distance(from, to) >= machine.distance(from, from));
        }
    }
}
