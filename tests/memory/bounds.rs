//! Whatever is done with a buffer pool: it holds no more than it may, hands out nothing but empty buffers, and its figures add
//! up.
#![allow(unsafe_code, reason = "to see what lies beyond the end of a buffer")]

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use millpond::memory::{BufferPool, BufferPoolConfig, BufferPoolStatistics, PooledBuf};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Take(usize),
    /// Fills a buffer up to its capacity and `more` bytes beyond.
    Fill {
        which: usize,
        more: usize,
    },
    Truncate {
        which: usize,
        length: usize,
    },
    /// Cuts a piece off, which is dropped with the buffer or before.
    Split {
        which: usize,
        at: usize,
        keep: bool,
    },
    Freeze {
        which: usize,
        to_hold: bool,
    },
    Clone(usize),
    Drop(usize),
    Trim,
    TrimIdle,
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0_usize..8;
    prop_oneof![
        6 => (0_usize..3_000).prop_map(Step::Take),
        3 => (which.clone(), 0_usize..900).prop_map(|(which, more)| Step::Fill { which, more }),
        1 => (which.clone(), 0_usize..900).prop_map(|(which, length)| Step::Truncate { which, length }),
        1 => (which.clone(), 0_usize..900, any::<bool>()).prop_map(|(which, at, keep)| Step::Split { which, at, keep }),
        3 => (which.clone(), any::<bool>()).prop_map(|(which, to_hold)| Step::Freeze { which, to_hold }),
        2 => which.clone().prop_map(Step::Clone),
        6 => which.prop_map(Step::Drop),
        1 => Just(Step::Trim),
        1 => Just(Step::TrimIdle),
    ]
}

/// What is in use, and what must be in it.
struct Item {
    what: What,
    content: Vec<u8>,
    capacity: usize,
    /// A piece that was cut off.
    piece: Option<BytesMut>,
}

enum What {
    Buffer(PooledBuf),
    /// Clones of the same; whether they hold a buffer of the pool, or a copy.
    Frozen(Vec<Bytes>, bool),
}

impl Item {
    fn holds(&self) -> bool {
        !matches!(self.what, What::Frozen(_, false))
    }

    fn check(&self) {
        match &self.what {
            What::Buffer(buffer) => assert_eq!(&buffer[..], &self.content[..]),
            What::Frozen(clones, _) => clones.iter().for_each(|clone| assert_eq!(clone, &self.content)),
        }
    }
}

fn lost(statistics: &BufferPoolStatistics) -> u64 {
    statistics.tiers().iter().map(|tier| tier.discarded + tier.trimmed).sum()
}

fn check(pool: &BufferPool, items: &[Item], takes: u64) {
    items.iter().for_each(Item::check);
    let (statistics, config) = (pool.statistics(), pool.config());
    for (tier, size, bound) in [
        (statistics.small, config.small_size, config.max_small_bytes),
        (statistics.medium, config.medium_size, config.max_medium_bytes),
        (statistics.large, config.large_size, config.max_large_bytes),
    ] {
        assert!(tier.bytes_held <= bound && tier.bytes_held_peak <= bound, "{tier:?}");
        assert!(
            (tier.buffers_held * size..=2 * tier.buffers_held * size).contains(&tier.bytes_held),
            "{tier:?}"
        );
        assert!(tier.bytes_out <= tier.bytes_out_peak, "{tier:?}");
    }
    assert_eq!(statistics.oversized.buffers_held, 0);
    assert_eq!(statistics.hits() + statistics.misses(), takes);
    let out = items.iter().filter(|item| item.holds());
    assert_eq!(statistics.bytes_out(), out.clone().map(|item| item.capacity).sum::<usize>());
    // Every buffer that was ever allocated is somewhere.
    let held: usize = statistics.tiers().iter().map(|tier| tier.buffers_held).sum();
    assert_eq!(statistics.misses(), (held + out.count()) as u64 + lost(&statistics));
}

/// All of a buffer's memory.
///
/// # Safety
/// Every byte of it must have been written.
unsafe fn memory(buffer: &mut BytesMut) -> &[u8] {
    let spare = buffer.spare_capacity_mut();
    // SAFETY: it is the buffer's, and initialised, as promised by the caller.
    unsafe { std::slice::from_raw_parts(spare.as_ptr().cast(), spare.len()) }
}

fn run(steps: Vec<Step>, config: BufferPoolConfig) {
    let pool = BufferPool::with_config(config).unwrap();
    let mut items: Vec<Item> = Vec::new();
    let (mut takes, mut next) = (0, 0_u8);
    for step in steps {
        let count = items.len().max(1);
        match step {
            Step::Take(capacity) => {
                let hits = pool.statistics().hits();
                let mut buffer = pool.take(capacity);
                takes += 1;
                assert!(buffer.is_empty() && buffer.capacity() >= capacity);
                if pool.config().zero_on_return && pool.statistics().hits() > hits {
                    // SAFETY: it was overwritten when it came back. (If not, Miri tells, and so do the eyes.)
                    assert!(unsafe { memory(&mut buffer) }.iter().all(|&byte| byte == 0));
                }
                let capacity = buffer.capacity();
                items.push(Item { what: What::Buffer(buffer), content: Vec::new(), capacity, piece: None });
            }
            Step::Fill { which, more } => {
                if let Some(Item { what: What::Buffer(buffer), content, .. }) = items.get_mut(which % count) {
                    next = next.wrapping_add(1).max(1);
                    let length = buffer.capacity() + more;
                    buffer.resize(length, next);
                    content.resize(length, next);
                }
            }
            Step::Truncate { which, length } => {
                if let Some(Item { what: What::Buffer(buffer), content, .. }) = items.get_mut(which % count) {
                    buffer.truncate(length);
                    content.truncate(length);
                }
            }
            Step::Split { which, at, keep } => {
                if let Some(Item { what: What::Buffer(buffer), content, piece, .. }) =
                    items.get_mut(which % count)
                {
                    let at = at.min(buffer.len());
                    let cut = buffer.split_to(at);
                    assert_eq!(cut, content.drain(..at).collect::<Vec<_>>());
                    if keep {
                        *piece = Some(cut);
                    }
                }
            }
            Step::Freeze { which, to_hold } => {
                if which < items.len() {
                    let Item { what, content, capacity, piece } = items.swap_remove(which);
                    let what = match what {
                        What::Buffer(buffer) => {
                            let out = pool.statistics().bytes_out();
                            let bytes = if to_hold { buffer.into_bytes() } else { buffer.freeze() };
                            let holds = pool.statistics().bytes_out() == out;
                            assert!(holds || (to_hold && !pool.config().zero_on_return), "that is a copy");
                            What::Frozen(vec![bytes], holds)
                        }
                        frozen @ What::Frozen(..) => frozen,
                    };
                    items.push(Item { what, content, capacity, piece });
                }
            }
            Step::Clone(which) => {
                if let Some(Item { what: What::Frozen(clones, _), .. }) = items.get_mut(which % count) {
                    clones.push(clones[0].clone());
                }
            }
            Step::Drop(which) => match items.get_mut(which % count) {
                Some(Item { what: What::Frozen(clones, _), .. }) if clones.len() > 1 => {
                    clones.pop();
                }
                Some(_) => drop(items.swap_remove(which % count)),
                None => {}
            },
            Step::Trim => {
                let before = pool.statistics().bytes_held();
                assert_eq!(pool.trim(), before);
                assert_eq!(pool.statistics().bytes_held(), 0);
            }
            Step::TrimIdle => {
                pool.trim_idle();
            }
        }
        check(&pool, &items, takes);
    }
    items.clear();
    check(&pool, &items, takes);
}

proptest! {
    #[test]
    fn it_keeps_its_bounds_and_its_books(
        steps in proptest::collection::vec(step(), 1..120),
        bounds in (0_usize..2_000, 0_usize..2_000, 0_usize..5_000),
        zero_on_return: bool,
        trims: bool,
    ) {
        let (max_small_bytes, max_medium_bytes, max_large_bytes) = bounds;
        run(steps, BufferPoolConfig {
            small_size: 100,
            medium_size: 400,
            large_size: 1_600,
            max_small_bytes,
            max_medium_bytes,
            max_large_bytes,
            trim_after: if trims { Duration::ZERO } else { Duration::MAX },
            zero_on_return,
        });
    }
}

#[test]
fn without_zeroing_the_memory_is_as_it_was_left() {
    // So the property above can fail.
    let pool = BufferPool::default();
    let mut buffer = pool.take(100);
    let capacity = buffer.capacity();
    buffer.resize(capacity, b'x');
    drop(buffer);
    let mut buffer = pool.take(100);
    assert_eq!(pool.statistics().hits(), 1);
    // SAFETY: all of it was written above, and it is the same buffer.
    assert!(unsafe { memory(&mut buffer) }.iter().all(|&byte| byte == b'x'));
}

#[test]
fn what_was_written_and_taken_back_is_zeroed_too() {
    let pool =
        BufferPool::with_config(BufferPoolConfig { zero_on_return: true, ..Default::default() }).unwrap();
    let mut buffer = pool.take(100);
    let capacity = buffer.capacity();
    buffer.resize(capacity, b'x');
    buffer.truncate(3);
    let front = buffer.split_to(1);
    drop(front);
    drop(buffer.freeze());
    let mut buffer = pool.take(100);
    assert_eq!((pool.statistics().hits(), buffer.capacity()), (1, capacity));
    // SAFETY: all of it was written above, and it is the same buffer.
    assert!(unsafe { memory(&mut buffer) }.iter().all(|&byte| byte == 0));
}

/// Threads have shelves of their own, as long as there is something on them.
#[test]
fn threads_share_what_there_is_and_what_may_be() {
    const BUFFERS: usize = 40;
    let pool = BufferPool::with_config(BufferPoolConfig { trim_after: Duration::MAX, ..Default::default() })
        .unwrap();
    let take_all = || (0..BUFFERS).map(|_| pool.take(1 << 20)).collect::<Vec<_>>();
    drop(take_all());
    let statistics = pool.statistics().large;
    // All that may be kept is kept, and no more.
    assert_eq!((statistics.bytes_held, statistics.discarded), (32 << 20, BUFFERS as u64 - 32));
    // Another thread finds all of it, and gives it back where it was.
    std::thread::scope(|scope| scope.spawn(|| drop(take_all())).join()).unwrap();
    let statistics = pool.statistics().large;
    assert_eq!((statistics.hits, statistics.misses), (32, 2 * BUFFERS as u64 - 32));
    assert_eq!((statistics.bytes_held, statistics.bytes_out), (32 << 20, 0));
    assert!(statistics.bytes_held_peak <= 32 << 20 && statistics.bytes_out_peak >= BUFFERS << 20);
    assert_eq!(pool.trim(), 32 << 20);
}
