//! Where the kernel lets workers run.

use millpond::topology::Topology;
use millpond::{AdaptiveThreadPool, WorkerPinning, WorkerPlacement};

use crate::kernel::{allowed, numbers, threads};

/// The nodes of the workers, by the cores on which the kernel lets them run; `None`: on several.
fn nodes_of_workers(machine: &Topology, prefix: &str) -> Vec<(Vec<usize>, Option<usize>)> {
    let nodes: Vec<_> = (0..machine.nodes()).filter_map(|node| machine.node(node)).collect();
    let workers = threads(prefix).into_iter().map(|(_, task)| {
        let cores = numbers(&allowed(&task));
        let on = nodes.iter().position(|(_, of_node)| cores.iter().all(|core| of_node.contains(core)));
        (cores, on)
    });
    workers.collect()
}

fn pool(
    name: &str,
    threads: usize,
    placement: WorkerPlacement,
    pinning: WorkerPinning,
) -> AdaptiveThreadPool {
    let pool = AdaptiveThreadPool::builder().min_threads(threads).max_threads(threads);
    pool.worker_placement(placement).worker_pinning(pinning).thread_name(name).build().unwrap()
}

#[test]
fn every_worker_is_on_its_node() {
    let machine = Topology::of_this_process();
    let (nodes, cores) = (machine.nodes(), machine.hardware_threads());
    for (round, count) in [1, nodes, cores, 2 * cores].into_iter().enumerate() {
        // Threads of the last pool may still be about to end.
        let name = format!("node{round}");
        let _pool = pool(&name, count, WorkerPlacement::Spread, WorkerPinning::Node);
        let workers = nodes_of_workers(&machine, &format!("{name}-"));
        assert_eq!(workers.len(), count);
        let mut on = vec![0; nodes];
        for (slot, (cores, node)) in workers.into_iter().enumerate() {
            let node = node.unwrap_or_else(|| panic!("worker {slot} may run on {cores:?}"));
            assert_eq!(cores, machine.node(node).unwrap().1, "the whole node");
            on[node] += 1;
        }
        println!("{count} workers, spread: {on:?} on the nodes");
        if nodes > 1 {
            assert!(on.iter().max().unwrap() - on.iter().min().unwrap() <= 1, "{on:?}");
        }
    }
}

#[test]
fn packed_workers_fill_one_node_before_the_next() {
    let machine = Topology::of_this_process();
    let first = machine.node(0).unwrap().1.len();
    let _pool = pool("packed", first, WorkerPlacement::Packed, WorkerPinning::Node);
    assert!(nodes_of_workers(&machine, "packed-").iter().all(|(_, node)| *node == Some(0)));
}

#[test]
fn workers_pinned_to_cores_have_one_each() {
    let machine = Topology::of_this_process();
    let cores = machine.cores();
    let _pool = pool("core", cores, WorkerPlacement::Spread, WorkerPinning::Core);
    let mut taken: Vec<_> = nodes_of_workers(&machine, "core-").into_iter().map(|(cores, _)| cores).collect();
    taken.sort();
    taken.dedup();
    if machine.nodes() > 1 {
        assert_eq!(taken.len(), cores, "{taken:?}");
    } else {
        assert_eq!(taken, [machine.node(0).unwrap().1], "on one node nobody is bound");
    }
}

#[test]
fn a_pool_that_does_not_place_leaves_its_workers_where_they_are() {
    let machine = Topology::of_this_process();
    let all = numbers(&allowed(&rustix::thread::gettid().as_raw_nonzero().to_string()));
    let _pool = AdaptiveThreadPool::builder().numa_aware(false).thread_name("free").build().unwrap();
    for (cores, _) in nodes_of_workers(&machine, "free-") {
        assert_eq!(cores, all);
    }
}

#[test]
fn a_machine_that_is_not_this_one_stops_no_pool() {
    // The cores from 1024 on exist nowhere here.
    let other = Topology::synthetic("numa:4 core:1024").unwrap();
    let far: Vec<_> = (1024..4096).collect();
    let pool =
        AdaptiveThreadPool::builder().topology(other.restricted_to(&far)).min_threads(2).max_threads(2);
    let pool = pool.build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(pool.run(|| 6 * 7)).unwrap(), 42);
}
