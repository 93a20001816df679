//! What nobody needs is given back.

use std::time::Duration;

use millpond::memory::{BufferPool, BufferPoolConfig, PooledBuf};

fn pool(trim_after: Duration) -> BufferPool {
    BufferPool::with_config(BufferPoolConfig { trim_after, ..BufferPoolConfig::default() }).unwrap()
}

fn take(pool: &BufferPool, count: usize) -> Vec<PooledBuf> {
    (0..count).map(|_| pool.take(1_000)).collect()
}

#[test]
fn trim_gives_everything_back_that_is_not_in_use() {
    let pool = pool(Duration::MAX);
    let mut used = take(&pool, 5);
    used.extend([pool.take(50_000), pool.take(500_000)]);
    let in_use = used.pop();
    drop(used);
    assert_eq!(pool.trim(), 5 * (4 << 10) + (64 << 10));
    let statistics = pool.statistics();
    assert_eq!((statistics.bytes_held(), statistics.bytes_out()), (0, 1 << 20));
    assert_eq!((statistics.small.trimmed, statistics.medium.trimmed), (5, 1));
    drop(in_use);
    assert_eq!(pool.statistics().large.buffers_held, 1);
}

#[test]
fn what_was_not_needed_since_the_last_look_goes() {
    // A period is over with every look.
    let pool = pool(Duration::ZERO);
    drop(take(&pool, 10));
    assert_eq!(pool.trim_idle(), 0, "all ten were needed at once");
    drop(take(&pool, 4));
    assert_eq!(pool.trim_idle(), 6 * (4 << 10), "six were not");
    assert_eq!(pool.trim_idle(), 4 * (4 << 10), "nor were the others since");
    assert_eq!((pool.statistics().small.trimmed, pool.statistics().bytes_held()), (10, 0));
}

#[test]
fn to_look_at_the_figures_is_a_look_too() {
    let pool = pool(Duration::ZERO);
    drop(take(&pool, 3));
    assert_eq!(pool.statistics().small.buffers_held, 3);
    assert_eq!(pool.statistics().small.buffers_held, 0);
}

#[test]
fn a_pool_that_is_used_looks_by_itself() {
    let pool = pool(Duration::ZERO);
    drop(take(&pool, 100));
    // Nobody asks; one buffer is enough for all of these.
    (0..100).for_each(|_| drop(pool.take(1)));
    let small = pool.statistics().small;
    assert!(small.trimmed >= 99, "{small:?}");
    assert_eq!((small.misses, small.hits), (100, 100));
}

#[test]
fn nothing_goes_before_its_time() {
    let pool = pool(Duration::MAX);
    drop(take(&pool, 10));
    assert_eq!((pool.trim_idle(), pool.trim_idle()), (0, 0));
    assert_eq!(pool.statistics().small.buffers_held, 10);
}
