//! Prepares a thread for its first task.

use std::hint::black_box;
use std::sync::Once;

use crate::config::PoolConfig;
use crate::pool::events;
use crate::topology::{lower_priority, niceness};

/// Touches the pages of stack and heap for which a first task would otherwise have to wait.
pub(in crate::pool) fn touch() {
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

/// Sets the worker's time slice, so that the kernel soon lets woken threads in. If that fails, logs
/// it once and continues.
pub(in crate::pool) fn set_slice(config: &PoolConfig) {
    static SAID: Once = Once::new();
    let Some(slice) = config.worker_slice else { return };
    if let Err(error) = millpond_slice::set(slice) {
        SAID.call_once(|| events::slice_not_set(&error, slice));
    }
}

/// Sets the niceness of the calling thread, behind the async runtime. If that fails, logs it once
/// and continues.
pub(in crate::pool) fn rank(config: &PoolConfig) {
    static SAID: Once = Once::new();
    let wanted = config.worker_niceness;
    // A process that was started with a higher niceness keeps it.
    if wanted == 0 || niceness().is_some_and(|now| now >= i32::from(wanted)) {
        return;
    }
    if let Err(error) = lower_priority(wanted) {
        SAID.call_once(|| events::niceness_not_set(&error, wanted));
    }
}
