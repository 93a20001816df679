//! In which order an idle worker steals.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Barrier, Mutex};

use millpond::AdaptiveThreadPool;
use millpond::topology::Topology;

/// The subtasks of each blocked worker.
const SUBTASKS: usize = 20;

#[test]
fn a_worker_steals_from_other_nodes_only_when_its_own_is_empty() {
    let machine = Topology::of_this_process();
    let machine = match machine.nodes() {
        1 => Topology::synthetic("numa:2 core:1").unwrap(),
        _ => machine,
    };
    let nodes = machine.nodes();
    let workers = 2 * nodes;
    let pool = AdaptiveThreadPool::builder().min_threads(workers).max_threads(workers).max_blocked_threads(0);
    let pool = Arc::new(pool.topology(machine).thread_name("w").build().unwrap());

    // Each worker but the first has subtasks and is blocked in its task.
    let (ready, barrier) = (Arc::new(Barrier::new(workers)), Arc::new(Barrier::new(workers)));
    let stolen = Arc::new(Mutex::new(Vec::new()));
    let before = Arc::new(Mutex::new(None));
    let (done, all_done) = mpsc::channel();
    let blocked: Vec<_> = (0..workers)
        .map(|_| {
            let (pool2, ready, barrier) = (Arc::clone(&pool), Arc::clone(&ready), Arc::clone(&barrier));
            let (stolen, done, before) = (Arc::clone(&stolen), done.clone(), Arc::clone(&before));
            let task = move || {
                ready.wait();
                let slot = slot();
                if slot != 0 {
                    spawn_subtasks(&pool2, slot, &stolen, &done);
                }
                drop(done);
                ready.wait();
                if slot == 0 {
                    // Workers may have stolen the tasks that now run.
                    *before.lock().unwrap() = Some(pool2.statistics());
                } else {
                    barrier.wait();
                }
            };
            pool.try_spawn(task).unwrap()
        })
        .collect();
    drop(done);
    // The first worker has nothing of its own and steals all of them.
    let count = (workers - 1) * SUBTASKS;
    assert_eq!(all_done.iter().take(count).count(), count);
    barrier.wait();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    blocked.into_iter().for_each(|task| runtime.block_on(task).unwrap());

    // Workers are dealt to the nodes in turn: those of the first node have the slots 0 and `nodes`.
    let stolen = stolen.lock().unwrap();
    println!("stolen from the workers {stolen:?}");
    let (near, far) = stolen.split_at(SUBTASKS);
    assert!(near.iter().all(|&slot| slot % nodes == 0), "{near:?}");
    assert!(far.iter().all(|&slot| slot % nodes != 0), "{far:?}");
    let statistics = pool.statistics().diff(before.lock().unwrap().as_ref().unwrap());
    assert_eq!((statistics.tasks_stolen, statistics.tasks_stolen_remote), (count as u64, far.len() as u64));
}

/// The slot of the calling worker.
fn slot() -> usize {
    std::thread::current().name().unwrap().strip_prefix("w-").unwrap().parse().unwrap()
}

fn spawn_subtasks(pool: &AdaptiveThreadPool, of: usize, stolen: &Arc<Mutex<Vec<usize>>>, done: &Sender<()>) {
    for _ in 0..SUBTASKS {
        let (stolen, done) = (Arc::clone(stolen), done.clone());
        let subtask = move || {
            stolen.lock().unwrap().push(of);
            done.send(()).unwrap();
        };
        drop(pool.try_spawn(subtask).unwrap());
    }
}
