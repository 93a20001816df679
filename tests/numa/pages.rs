//! On which nodes the pages of buffers are.

use std::sync::{Arc, Barrier};

use millpond::AdaptiveThreadPool;
use millpond::memory::{BufferPool, BufferPoolConfig};
use millpond::topology::Topology;

use crate::kernel::{Memory, PAGE};

/// Pages that are on the node of the worker that uses them, and all pages.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    near: usize,
    all: usize,
}

/// The node to which the kernel gives memory that the calling thread touches first.
fn node_here(memory: &Memory) -> usize {
    // So large that the allocator always asks the kernel.
    let mut new = vec![0_u8; 33 << 20];
    let middle = new.len() / 2;
    std::hint::black_box(&mut new)[middle] = 1;
    memory.node_of(new.as_ptr() as usize + middle).unwrap()
}

/// Takes buffers of all sizes, writes to them, and looks where their pages are.
fn use_buffers(buffers: &BufferPool, memory: &Memory, home: usize) -> Tally {
    let mut tally = Tally::default();
    for capacity in [3_000, 60_000, 1_000_000] {
        let mut buffer = buffers.take(capacity);
        buffer.resize(capacity, 1);
        let address = buffer.as_ptr() as usize;
        // Whole pages: what is beside a small buffer may be somebody else's.
        for page in (address.next_multiple_of(PAGE)..address + capacity).step_by(PAGE) {
            let node = memory.node_of(page).unwrap();
            tally.near += usize::from(node == home);
            tally.all += 1;
        }
    }
    tally
}

#[test]
fn the_pages_of_buffers_are_on_the_node_of_the_worker_that_uses_them() {
    let Some(memory) = Memory::of_this_process() else {
        println!("skipped: this needs the right to read page frames (root)");
        return;
    };
    let memory = Arc::new(memory);
    let workers = 2 * Topology::of_this_process().nodes();
    let pool = AdaptiveThreadPool::builder().min_threads(workers).max_threads(workers).max_blocked_threads(0);
    let pool = pool.build().unwrap();
    let buffers = pool.buffer_pool(BufferPoolConfig::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut sum = Tally::default();
    for _ in 0..4 {
        // One task on each worker, all at the same time.
        let barrier = Arc::new(Barrier::new(workers));
        let tasks: Vec<_> = (0..workers)
            .map(|_| {
                let (barrier, memory, buffers) = (Arc::clone(&barrier), Arc::clone(&memory), buffers.clone());
                let task = move || {
                    barrier.wait();
                    let home = node_here(&memory);
                    let tally = (0..3).map(|_| use_buffers(&buffers, &memory, home));
                    let tally = tally.fold(Tally::default(), |sum, tally| Tally {
                        near: sum.near + tally.near,
                        all: sum.all + tally.all,
                    });
                    barrier.wait();
                    tally
                };
                pool.try_spawn(task).unwrap()
            })
            .collect();
        for task in tasks {
            let tally = runtime.block_on(task).unwrap();
            sum = Tally { near: sum.near + tally.near, all: sum.all + tally.all };
        }
    }
    let statistics = buffers.statistics();
    println!("{} of {} pages near; {} hits", sum.near, sum.all, statistics.hits());
    assert!(statistics.hits() > statistics.misses(), "buffers are used again");
    assert!(sum.near * 100 >= sum.all * 95, "{sum:?}");
}
