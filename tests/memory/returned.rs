//! What is taken from a buffer pool comes back to it, whatever was done with it and wherever it ends.

use std::thread;

use bytes::{Buf, Bytes, BytesMut};
use millpond::memory::{BufferPool, BufferPoolConfig};

const KIB: usize = 1 << 10;

/// Nothing is given up for want of use, however slow the machine is.
fn pool() -> BufferPool {
    config(BufferPoolConfig::default())
}

fn config(config: BufferPoolConfig) -> BufferPool {
    let config = BufferPoolConfig { trim_after: std::time::Duration::MAX, ..config };
    BufferPool::with_config(config).unwrap()
}

fn held(pool: &BufferPool) -> [usize; 4] {
    pool.statistics().tiers().map(|tier| tier.buffers_held)
}

#[test]
fn a_buffer_is_of_the_smallest_size_that_is_enough() {
    let pool = pool();
    for (asked, capacity, expected) in [
        (0, 4 * KIB, [1, 0, 0, 0]),
        (4 * KIB, 4 * KIB, [1, 0, 0, 0]),
        (4 * KIB + 1, 64 * KIB, [1, 1, 0, 0]),
        (64 * KIB + 1, 1024 * KIB, [1, 1, 1, 0]),
    ] {
        let buffer = pool.take(asked);
        assert_eq!((buffer.len(), buffer.capacity()), (0, capacity));
        drop(buffer);
        assert_eq!(held(&pool), expected);
    }
    assert_eq!((pool.statistics().hits(), pool.statistics().misses()), (1, 3));
}

#[test]
fn the_same_memory_goes_out_again_and_it_is_empty() {
    let pool = pool();
    let mut buffer = pool.take(10);
    buffer.extend_from_slice(b"a secret");
    let memory = buffer.as_ptr();
    drop(buffer);
    let buffer = pool.take(20);
    assert_eq!(buffer.as_ptr(), memory);
    assert!(buffer.is_empty());
}

#[test]
fn frozen_bytes_are_not_copied_and_return_with_their_last_clone() {
    let pool = pool();
    let mut buffer = pool.take(60 * KIB);
    buffer.resize(60 * KIB, b'x');
    let memory = buffer.as_ptr();
    let bytes = buffer.freeze();
    assert_eq!(bytes.as_ptr(), memory);
    let (clone, slice) = (bytes.clone(), bytes.slice(100..200));
    drop(bytes);
    drop(clone);
    assert_eq!((pool.statistics().medium.buffers_held, pool.statistics().medium.bytes_out), (0, 64 * KIB));
    assert_eq!(slice, vec![b'x'; 100]);
    drop(slice);
    assert_eq!((pool.statistics().medium.buffers_held, pool.statistics().medium.bytes_out), (1, 0));
}

#[test]
fn any_thread_may_be_the_last() {
    let pool = pool();
    let frozen: Vec<Bytes> = (0..100_u8)
        .map(|n| {
            let mut buffer = pool.take(KIB);
            buffer.resize(KIB, n);
            buffer.freeze()
        })
        .collect();
    thread::scope(|scope| {
        for part in frozen.chunks(10) {
            let clones = part.to_vec();
            scope.spawn(move || drop(clones));
        }
        scope.spawn(move || drop(frozen));
    });
    let small = pool.statistics().small;
    assert_eq!((small.misses, small.buffers_held, small.bytes_out), (100, 100, 0));
}

#[test]
fn threads_that_take_and_threads_that_drop_lose_nothing() {
    let pool = pool();
    thread::scope(|scope| {
        for _ in 0..4 {
            let (send, receive) = std::sync::mpsc::sync_channel::<Bytes>(8);
            let pool = &pool;
            scope.spawn(move || {
                for n in 0..500_usize {
                    let mut buffer = pool.take(n * 40);
                    buffer.resize(n * 40 + 1, n as u8);
                    send.send(buffer.freeze()).unwrap();
                }
            });
            scope.spawn(move || {
                for (n, bytes) in receive.into_iter().enumerate() {
                    assert!(bytes.len() == n * 40 + 1 && bytes.iter().all(|&byte| byte == n as u8));
                }
            });
        }
    });
    let statistics = pool.statistics();
    assert_eq!(statistics.hits() + statistics.misses(), 2_000);
    assert_eq!(statistics.bytes_out(), 0);
    let held: usize = statistics.tiers().iter().map(|tier| tier.buffers_held).sum();
    let lost: u64 = statistics.tiers().iter().map(|tier| tier.discarded).sum();
    assert_eq!(statistics.misses(), held as u64 + lost);
}

#[test]
fn a_buffer_may_outlive_every_handle() {
    let mut buffer = pool().take(KIB);
    buffer.extend_from_slice(b"still here");
    assert_eq!(buffer.freeze(), "still here");
}

#[test]
fn a_buffer_that_has_grown_goes_where_it_fits() {
    let pool = pool();
    // It doubles: that is no size of any tier, but not much more than its own.
    let mut buffer = pool.take(4 * KIB);
    buffer.resize(4 * KIB + 1, 0);
    drop(buffer);
    assert_eq!(held(&pool), [1, 0, 0, 0]);
    // It becomes a medium one.
    let mut buffer = pool.take(4 * KIB);
    buffer.resize(64 * KIB, 0);
    drop(buffer);
    assert_eq!(held(&pool), [0, 1, 0, 0]);
    // Four times its tier's size, and not enough for the next.
    let mut buffer = pool.take(64 * KIB);
    buffer.resize(256 * KIB, 0);
    drop(buffer);
    assert_eq!(held(&pool), [0, 0, 0, 0]);
    let statistics = pool.statistics();
    assert_eq!((statistics.small.grown, statistics.medium.grown, statistics.medium.discarded), (2, 1, 1));
    assert_eq!(statistics.bytes_out(), 0);
}

#[test]
fn a_buffer_of_more_than_twice_its_size_is_none_of_them() {
    let pool = config(BufferPoolConfig { small_size: 100, medium_size: 1_000, ..Default::default() });
    for (length, expected) in [(200, 1), (201, 0)] {
        let mut buffer = pool.take(100);
        buffer.resize(length, 0);
        assert_eq!(buffer.capacity(), length);
        drop(buffer);
        assert_eq!(held(&pool), [expected, 0, 0, 0], "{length} bytes");
        pool.trim();
    }
}

#[test]
fn what_is_longer_than_the_largest_is_made_to_measure() {
    let pool = pool();
    let buffer = pool.take(5 << 20);
    assert_eq!((buffer.capacity(), pool.statistics().bytes_out()), (5 << 20, 5 << 20));
    drop(buffer);
    assert_eq!(held(&pool), [0, 0, 0, 0]);
    let oversized = pool.statistics().oversized;
    assert_eq!((oversized.misses, oversized.discarded, oversized.bytes_out), (1, 1, 0));
    // Unless it is hardly longer: then it will do as a large one.
    drop(pool.take(2 << 20));
    assert_eq!(held(&pool), [0, 0, 1, 0]);
}

#[test]
fn a_buffer_that_was_cut_up_comes_back_whole_or_not_at_all() {
    let pool = pool();
    let mut buffer = pool.take(4 * KIB);
    buffer.extend_from_slice(b"head and body");
    let head = buffer.split_to(5);
    buffer.advance(4);
    assert_eq!((&head[..], &buffer[..]), (&b"head "[..], &b"body"[..]));
    drop(head);
    drop(buffer);
    assert_eq!((held(&pool), pool.statistics().bytes_held()), ([1, 0, 0, 0], 4 * KIB));

    let mut buffer = pool.take(4 * KIB);
    buffer.extend_from_slice(b"head and body");
    let head = buffer.split_to(5);
    drop(buffer);
    assert_eq!((held(&pool), &head[..]), ([0, 0, 0, 0], &b"head "[..]));
    assert_eq!(pool.statistics().small.discarded, 1);
}

#[test]
fn a_buffer_that_was_taken_away_is_not_missed() {
    let pool = pool();
    let kept: BytesMut = std::mem::take(&mut *pool.take(KIB));
    assert_eq!((kept.capacity(), pool.statistics().bytes_out(), held(&pool)), (4 * KIB, 0, [0; 4]));
}

#[test]
fn bytes_that_are_held_for_long_hold_no_more_than_they_need() {
    let pool = config(BufferPoolConfig { max_medium_bytes: 128 * KIB, ..Default::default() });
    let filled = |length: usize, capacity: usize| {
        let mut buffer = pool.take(capacity);
        buffer.resize(length, b'x');
        buffer.into_bytes()
    };
    // Next to nothing: copied, always.
    let tiny = filled(511, 64 * KIB);
    assert_eq!((tiny.len(), pool.statistics().bytes_out()), (511, 0));
    // A sixteenth of the buffer: as it is, while few are out, and copied when more are than the pool would keep.
    let held: Vec<_> = (0..100).map(|_| filled(4 * KIB, 64 * KIB)).collect();
    assert!(held.iter().all(|bytes| bytes == &vec![b'x'; 4 * KIB]));
    assert_eq!(pool.statistics().bytes_out(), 128 * KIB);
    // A buffer that is well filled goes as it is however many are out.
    let full = filled(60 * KIB, 64 * KIB);
    assert_eq!((full.len(), pool.statistics().bytes_out()), (60 * KIB, 192 * KIB));
}
