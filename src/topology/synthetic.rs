//! Machines from a description, for tests and for drawings.

use super::machine::{ELSEWHERE, HERE, HardwareThread, Node, Topology};

/// The levels of a description, from the outermost.
const LEVELS: [&str; 5] = ["package", "numa", "cache", "core", "pu"];
/// The most hardware threads of a description.
const MOST: usize = 1 << 14;

/// A description of a machine that [`Topology::synthetic`] can't read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// A part that is no level with a count.
    #[error("`{0}` is none of package:N, numa:N, cache:N, core:N, pu:N (in this order) and distances:N,N,..")]
    Part(String),
    /// More hardware threads than a machine may have.
    #[error("the description has more than {MOST} hardware threads")]
    TooLarge,
    /// The distances are not one for each pair of nodes.
    #[error("there are {found} distances for {nodes} nodes: a row for each node is needed")]
    Distances {
        /// How many there are.
        found: usize,
        /// The number of nodes.
        nodes: usize,
    },
}

impl Topology {
    /// Makes a machine from a description such as `package:2 numa:2 cache:1 core:8 pu:2`: two
    /// packages, each with two NUMA nodes, each with one last-level cache, and so on. A level that
    /// is missing has the count 1. This is a part of hwloc's synthetic descriptions. Each node has
    /// the distance 10 to itself and 20 to the others, or the distances that follow, row by row:
    /// `numa:2 core:4 distances:10,31,31,10`.
    ///
    /// # Errors
    /// The description has another form, or is too large.
    pub fn synthetic(description: &str) -> Result<Self, TopologyError> {
        let mut counts = [1; LEVELS.len()];
        let mut from = 0;
        let mut distances = None;
        for part in description.split_whitespace() {
            let wrong = || TopologyError::Part(part.to_owned());
            let (level, value) = part.split_once(':').ok_or_else(wrong)?;
            if level == "distances" {
                let values = value.split(',').map(|value| value.parse().ok()).collect::<Option<Vec<u32>>>();
                distances = Some(values.ok_or_else(wrong)?);
                continue;
            }
            let at = LEVELS.iter().skip(from).position(|&name| name == level).ok_or_else(wrong)? + from;
            let count = value.parse().ok().filter(|&count: &usize| count > 0).ok_or_else(wrong)?;
            counts[at] = count;
            from = at + 1;
        }
        Self::of_counts(counts, distances)
    }

    fn of_counts(counts: [usize; 5], distances: Option<Vec<u32>>) -> Result<Self, TopologyError> {
        let total = counts.iter().try_fold(1_usize, |all, &count| all.checked_mul(count));
        let total = total.filter(|&total| total <= MOST).ok_or(TopologyError::TooLarge)?;
        let [packages, nodes, caches, cores, threads] = counts;
        let nodes = packages * nodes;
        if let Some(found) = distances.as_ref().map(Vec::len).filter(|&found| found != nodes * nodes) {
            return Err(TopologyError::Distances { found, nodes });
        }
        let thread = |number| {
            let core = number / threads;
            let cache = core / cores;
            HardwareThread {
                number,
                node: cache / caches,
                cache: cache * cores * threads,
                core: core * threads,
                package: number / (total / packages),
            }
        };
        let distance = |from: usize, to: usize| match &distances {
            Some(distances) => distances[from * nodes + to],
            None if from == to => HERE,
            None => ELSEWHERE,
        };
        let all: Vec<Node> = (0..nodes).map(|number| Node { number, memory: None }).collect();
        let machine = Self::new((0..total).map(thread).collect(), &all, distance);
        Ok(machine.unwrap_or_else(|| Self::flat(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_drawn_as_a_machine() {
        let machine =
            Topology::synthetic("package:1 numa:2 cache:2 core:1 pu:2 distances:10,21,22,10").unwrap();
        let drawn = "\
2 nodes, 4 cores, 8 hardware threads
node 0
  package 0
    cache 0
      core 0: 0-1
    cache 2
      core 2: 2-3
node 1
  package 0
    cache 4
      core 4: 4-5
    cache 6
      core 6: 6-7
distance    0    1
       0   10   21
       1   22   10
";
        assert_eq!(machine.to_string(), drawn);
        assert_eq!(Topology::synthetic("core:3"), Topology::synthetic("numa:1 core:3 pu:1"));
        assert_eq!(Topology::synthetic("core:3").unwrap(), Topology::flat(3));
    }

    #[test]
    fn a_wrong_description_is_an_error() {
        for wrong in ["numa", "numa:0", "numa:x", "core:2 numa:2", "core:2 core:2", "l9:1", "distances:a"] {
            assert!(matches!(Topology::synthetic(wrong), Err(TopologyError::Part(_))), "{wrong}");
        }
        assert_eq!(Topology::synthetic("numa:99999 core:99999"), Err(TopologyError::TooLarge));
        let error = Topology::synthetic("numa:2 distances:10,20").unwrap_err();
        assert_eq!(error.to_string(), "there are 2 distances for 2 nodes: a row for each node is needed");
    }

    #[test]
    fn every_machine_up_to_eight_nodes_of_sixty_four_cores_has_the_parts_that_were_asked_for() {
        for nodes in 1..=8 {
            for cores in [1, 2, 3, 16, 64] {
                for threads in 1..=2 {
                    let machine =
                        Topology::synthetic(&format!("numa:{nodes} core:{cores} pu:{threads}")).unwrap();
                    assert_eq!(machine.nodes(), nodes);
                    assert_eq!(machine.cores(), nodes * cores);
                    assert_eq!(machine.hardware_threads(), nodes * cores * threads);
                    let of_nodes = (0..nodes).flat_map(|node| machine.node(node).unwrap().1);
                    assert!(of_nodes.eq(0..nodes * cores * threads), "each on one node");
                    assert_eq!(machine.node(nodes), None);
                }
            }
        }
    }

    #[test]
    fn a_cpuset_leaves_out_nodes_and_keeps_the_distances_of_the_others() {
        let machine = Topology::synthetic("numa:3 core:2 distances:10,11,12,21,10,23,31,32,10").unwrap();
        let left = machine.restricted_to(&[1, 4, 5, 99]).unwrap();
        assert_eq!((left.nodes(), left.hardware_threads()), (2, 3));
        assert_eq!((left.node(0), left.node(1)), (Some((0, vec![1])), Some((2, vec![4, 5]))));
        assert_eq!((left.distance(0, 1), left.distance(1, 0)), (12, 31));
        assert_eq!(machine.restricted_to(&[3]).unwrap().nodes(), 1);
        assert_eq!(machine.restricted_to(&[]), None);
        assert_eq!(machine.restricted_to(&[0, 1, 2, 3, 4, 5]), Some(machine));
    }
}
