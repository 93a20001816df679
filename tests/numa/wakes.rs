//! Which worker is woken.

use std::thread;

use millpond::topology::Topology;
use millpond::{AdaptiveThreadPool, WorkerState};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Returns once all of `count` workers sleep: a worker that searches, or that starts and is not
/// among the workers yet, would see the next task, too.
fn wait_for_sleep(pool: &AdaptiveThreadPool, count: usize) {
    let all_sleep = || {
        let workers = pool.workers();
        workers.len() == count && workers.iter().all(|worker| worker.state == WorkerState::Parked)
    };
    while !all_sleep() {
        thread::yield_now();
    }
}

#[test]
fn a_task_of_an_idle_pool_runs_on_the_node_of_its_submitter() {
    let machine = Topology::of_this_process();
    let nodes = machine.nodes();
    if nodes == 1 {
        println!("skipped: this machine has one node");
        return;
    }
    let workers = 2 * nodes;
    let pool = AdaptiveThreadPool::builder().min_threads(workers).max_threads(workers).thread_name("w");
    let pool = pool.build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for round in 0..4 * nodes {
        let (_, cores) = machine.node(round % nodes).unwrap();
        let mut set = CpuSet::new();
        cores.into_iter().for_each(|core| set.set(core));
        sched_setaffinity(None, &set).unwrap();
        wait_for_sleep(&pool, workers);
        let name =
            runtime.block_on(pool.run(|| thread::current().name().map(String::from))).unwrap().unwrap();
        let slot: usize = name.strip_prefix("w-").unwrap().parse().unwrap();
        assert_eq!(slot % nodes, round % nodes, "workers are dealt to the nodes in turn");
    }
}
