//! A user's test of a race, between a timeout and work on the pool: with real threads and a real clock it fails now and then; stepped by
//! hand it tells, for every interleaving that a seed gives, who wins. `docs/testing.md` is about this very service.

#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use crate::pool_support::{in_time, paused};
use millpond::AdaptiveThreadPool;
use millpond::test_util::{self, Order, assert_no_leaks};
use tokio::time::{advance, timeout};
use tokio_test::task;

/// What a caller gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Image(usize),
    /// The image was not there in time.
    Placeholder,
}

/// Renders on the pool, but lets nobody wait for long.
#[derive(Clone)]
struct Thumbnails {
    pool: AdaptiveThreadPool,
    /// Every image that was rendered.
    rendered: mpsc::Sender<usize>,
}

/// Between two ticks, so that it is clear on which side a tick is.
const LIMIT: Duration = Duration::from_millis(45);
const TICK: Duration = Duration::from_millis(10);
/// With so many ticks it is over.
const LATE: u32 = 5;

impl Thumbnails {
    async fn get(self, image: usize) -> Answer {
        let rendered = self.rendered.clone();
        let work = self.pool.run(move || rendered.send(image).map(|()| image));
        match timeout(LIMIT, work).await {
            Ok(Ok(Ok(image))) => Answer::Image(image),
            _ => Answer::Placeholder,
        }
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

const CALLERS: usize = 4;

/// Callers ask, the pool works and the clock ticks, in the order of the seed. Says what each caller got, in the order of the answers.
async fn race(seed: u64) -> Vec<Answer> {
    let (pool, stepper) = test_util::manual();
    stepper.set_order(Order::Seeded(seed));
    let (rendered, renders) = mpsc::channel();
    let service = Thumbnails { pool: pool.clone(), rendered };
    let mut calls: Vec<_> = (0..CALLERS).map(|n| Some(task::spawn(service.clone().get(n)))).collect();
    let (mut asked, mut now, mut answers) = (Vec::new(), 0, Vec::new());
    let mut dice = Dice(seed);
    while answers.len() < CALLERS {
        // Who has to have an answer now, and which.
        let mut due = Vec::new();
        match dice.below(4) {
            0 if asked.len() < CALLERS => asked.push(now),
            0 | 1 => {
                if stepper.step() {
                    let image = renders.try_recv().expect("a step renders one image");
                    due.push((image, Answer::Image(image)));
                }
            }
            _ => {
                advance(TICK).await;
                now += 1;
                let late = (0..asked.len()).filter(|&n| calls[n].is_some() && now - asked[n] == LATE);
                due.extend(late.map(|n| (n, Answer::Placeholder)));
            }
        }
        for (n, call) in calls.iter_mut().enumerate().take(asked.len()) {
            let Some(running) = call else { continue };
            let expected = due.iter().find(|(caller, _)| *caller == n).map(|(_, answer)| *answer);
            match (running.poll(), expected) {
                (Poll::Pending, None) => {}
                (Poll::Ready(answer), Some(expected)) => {
                    assert_eq!(answer, expected, "seed {seed}, caller {n}, tick {now}");
                    answers.push(answer);
                    *call = None;
                }
                (got, expected) => panic!("seed {seed}, caller {n}, tick {now}: {got:?}, not {expected:?}"),
            }
        }
    }
    // Nobody waits for what was late: it was never begun.
    assert!(!stepper.step() && renders.try_recv().is_err());
    assert_no_leaks(&pool);
    answers
}

/// Several at a time: most of it is waiting for threads to start and to change.
const LANES: u64 = 8;

#[test]
fn of_10_000_seeds_each_has_the_outcome_that_follows_from_its_order() {
    let images = AtomicUsize::new(0);
    thread::scope(|scope| {
        for lane in 0..LANES {
            let images = &images;
            scope.spawn(move || {
                let (done, answers) = mpsc::channel();
                in_time(move || {
                    for seed in (lane..10_000).step_by(LANES as usize) {
                        done.send(paused().block_on(race(seed))).unwrap();
                    }
                });
                let image = |answer: &Answer| matches!(answer, Answer::Image(_));
                images.fetch_add(answers.iter().flatten().filter(image).count(), Ordering::Relaxed);
            });
        }
    });
    // Both sides of the race have won, and often.
    let images = images.into_inner();
    assert!((5_000..10_000 * CALLERS - 5_000).contains(&images), "{images} images");
}

#[test]
fn a_seed_has_the_same_outcome_again() {
    in_time(|| {
        for seed in 0..100 {
            assert_eq!(paused().block_on(race(seed)), paused().block_on(race(seed)));
        }
    });
}
