//! Prepares a thread for its first task.

use std::hint::black_box;
use std::sync::Once;

use crate::config::PoolConfig;
use crate::pool::events;
use crate::topology::{lower_priority, niceness};

/// Sets the priority of the calling thread, and touches the memory that its first task would have
/// to wait for. What fails is logged once, and the thread continues.
pub(in crate::pool) fn prepare(config: &PoolConfig) {
    static NICENESS: Once = Once::new();
    static SLICE: Once = Once::new();
    let nice = config.worker_niceness;
    // A process that was started with a higher niceness keeps it.
    if nice > 0 && niceness().is_none_or(|now| now < i32::from(nice)) {
        if let Err(error) = lower_priority(nice) {
            NICENESS.call_once(|| events::niceness_not_set(&error, nice));
        }
    }
    if let Some(slice) = config.worker_slice {
        // The kernel soon lets woken threads in beside a thread with a time slice of its own.
        if let Err(error) = millpond_slice::set(slice) {
            SLICE.call_once(|| events::slice_not_set(&error, slice));
        }
    }
    if config.warm_up {
        touch();
    }
}

/// Touches the pages of stack and heap.
fn touch() {
    const STACK: usize = 64 * 1024;
    const PAGE: usize = 4096;
    let mut stack = [0_u8; STACK];
    for page in (0..STACK).step_by(PAGE) {
        stack[page] = 1;
    }
    black_box(&stack);
    // The allocator sets up this thread's arena with the first allocation.
    black_box(Vec::<u8>::with_capacity(STACK));
}
