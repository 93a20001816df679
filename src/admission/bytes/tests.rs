use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;

/// Reports its weight and its number when it starts. The test can take its weight from its shelf,
/// which gives it up.
struct Work {
    number: usize,
    shelf: Shelf,
    started: Started,
}

type Shelf = Arc<Mutex<Option<Weight<Work>>>>;
type Started = Arc<Mutex<Vec<(usize, Weight<Work>)>>>;

impl Start for Work {
    fn start(self) {
        let weight = self.shelf.lock().take();
        if let Some(weight) = weight {
            self.started.lock().push((self.number, weight));
        }
    }
}

fn shelve(weight: Weight<Work>) -> Shelf {
    Arc::new(Mutex::new(Some(weight)))
}

fn give_up(shelf: &Shelf) {
    let weight = shelf.lock().take();
    drop(weight);
}

/// Joins the line with work that is brought at once.
fn wait(budget: &Arc<ByteBudget<Work>>, number: usize, bytes: usize, started: &Started) -> Shelf {
    let (weight, arrival) = budget.join_line(bytes).unwrap();
    let shelf = shelve(weight);
    let (kept, started) = (Arc::clone(&shelf), Arc::clone(started));
    budget.bring(arrival, Work { number, shelf: kept, started });
    shelf
}

fn numbers(started: &Started) -> Vec<usize> {
    started.lock().iter().map(|(number, _)| *number).collect()
}

fn finish_all(started: &Started) {
    while let Some(done) = { started.lock().pop() } {
        drop(done);
    }
}

#[test]
fn the_head_blocks_the_line_and_nobody_overtakes() {
    let (budget, started) = (ByteBudget::new(10), Started::default());
    let first = budget.try_take(6).unwrap();
    for (number, bytes) in [5, 2, 3, 1].into_iter().enumerate() {
        wait(&budget, number, bytes, &started);
    }
    assert!(matches!(budget.try_take(1), Err(Refused::Full)), "there is room, but others wait");
    assert_eq!((budget.taken(), budget.waiting()), (6, 4));
    drop(first);
    assert_eq!(numbers(&started), [0, 1, 2], "5, 2 and 3 are 10");
    assert_eq!((budget.taken(), budget.waiting()), (10, 1));
    finish_all(&started);
    assert_eq!((budget.taken(), budget.waiting()), (0, 0));
}

#[test]
fn more_than_there_is_never_fits_and_nothing_always_does() {
    let (budget, started) = (ByteBudget::new(10), Started::default());
    assert_eq!(budget.limit(), 10);
    assert!(matches!(budget.try_take(11), Err(Refused::NeverFits)));
    assert!(matches!(budget.join_line(11), Err(NeverFits)));
    let all = budget.try_take(10).unwrap();
    wait(&budget, 0, 10, &started);
    {
        let _nobody_needs_it = budget.state.lock();
        drop(budget.try_take(0).unwrap());
        wait(&budget, 1, 0, &started);
        assert_eq!(numbers(&started), [1]);
        finish_all(&started);
    }
    drop(all);
    assert_eq!(numbers(&started), [0]);
    finish_all(&started);
    let empty = ByteBudget::<Work>::new(0);
    assert!(empty.try_take(0).is_ok());
    assert!(matches!(empty.try_take(1), Err(Refused::NeverFits)));
}

#[test]
fn when_the_head_gives_up_those_behind_it_may_fit() {
    let (budget, started) = (ByteBudget::new(10), Started::default());
    let first = budget.try_take(6).unwrap();
    let head = wait(&budget, 0, 10, &started);
    wait(&budget, 1, 1, &started);
    wait(&budget, 2, 3, &started);
    wait(&budget, 3, 1, &started);
    give_up(&head);
    assert_eq!(numbers(&started), [1, 2]);
    assert_eq!((budget.taken(), budget.waiting()), (10, 1));
    drop(first);
    finish_all(&started);
    assert_eq!((budget.taken(), budget.waiting()), (0, 0));
}

#[test]
fn a_place_whose_work_never_comes_strands_nothing() {
    let budget = ByteBudget::<Work>::new(1);
    let first = budget.try_take(1).unwrap();
    let (waits, _) = budget.join_line(1).unwrap();
    let (granted, _) = budget.join_line(1).unwrap();
    drop(waits);
    drop(first);
    assert!(matches!(budget.try_take(1), Err(Refused::Full)), "it is granted");
    drop(granted);
    assert_eq!((budget.taken(), budget.waiting()), (0, 0));
}

#[test]
fn what_is_turned_away_gives_back_what_it_was_counted_for() {
    let (budget, started) = (ByteBudget::new(usize::MAX), Started::default());
    let first = budget.try_take(usize::MAX).unwrap();
    for number in 0..3 {
        wait(&budget, number, usize::MAX, &started);
    }
    let (unmade, arrival) = budget.join_line(usize::MAX).unwrap();
    budget.turn_away();
    assert_eq!(numbers(&started), [0, 1, 2]);
    assert_eq!((budget.taken(), budget.waiting()), (usize::MAX, 0));
    let (number, shelf) = (3, shelve(unmade));
    budget.bring(arrival, Work { number, shelf, started: Arc::clone(&started) });
    assert_eq!(numbers(&started), [0, 1, 2, 3]);
    finish_all(&started);
    assert!(matches!(budget.try_take(1), Err(Refused::Full)));
    drop(first);
    assert_eq!((budget.taken(), budget.waiting()), (0, 0));
}

#[test]
fn work_that_is_dropped_when_it_starts_needs_no_deep_stack() {
    struct Drops(#[allow(dead_code)] Weight<Drops>);
    impl Start for Drops {
        fn start(self) {}
    }
    // One after the other, all at once, and turned away.
    for (limit, turned_away) in [(1, false), (200_000, false), (1, true)] {
        let budget = ByteBudget::<Drops>::new(limit);
        let first = budget.try_take(limit).unwrap();
        for _ in 0..200_000 {
            let (weight, arrival) = budget.join_line(1).unwrap();
            budget.bring(arrival, Drops(weight));
        }
        assert_eq!(budget.waiting(), 200_000);
        if turned_away {
            budget.turn_away();
        }
        drop(first);
        assert_eq!((budget.taken(), budget.waiting()), (0, 0));
    }
}

/// Runs on the thread that starts it, and reports if more bytes are out than the limit.
struct Runs {
    weight: Weight<Runs>,
    out: Arc<AtomicUsize>,
    ran: Arc<AtomicUsize>,
}

impl Start for Runs {
    fn start(self) {
        let (bytes, limit) = (self.weight.bytes, self.weight.budget.limit);
        assert!(self.out.fetch_add(bytes, Ordering::SeqCst) + bytes <= limit);
        thread::yield_now();
        self.out.fetch_sub(bytes, Ordering::SeqCst);
        self.ran.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn threads_that_start_each_others_work_keep_to_the_limit() {
    const THREADS: usize = 4;
    const WORKS: usize = 5_000;
    let budget = ByteBudget::<Runs>::new(7);
    let (out, ran) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (budget, out, ran) = (&budget, &out, &ran);
            scope.spawn(move || {
                for number in 0..WORKS {
                    let bytes = (number + thread) % 8;
                    let work = |weight| Runs { weight, out: Arc::clone(out), ran: Arc::clone(ran) };
                    match budget.try_take(bytes) {
                        Ok(weight) => work(weight).start(),
                        Err(refused) => {
                            assert_eq!(refused, Refused::Full);
                            let (weight, arrival) = budget.join_line(bytes).unwrap();
                            budget.bring(arrival, work(weight));
                        }
                    }
                }
            });
        }
    });
    assert_eq!(ran.load(Ordering::SeqCst), THREADS * WORKS);
    assert_eq!((budget.taken(), budget.waiting()), (0, 0));
}

/// A weight that joined the line and, as far as the test knows, was not started.
struct Waits {
    number: usize,
    bytes: usize,
    shelf: Shelf,
    /// Its work is still being made.
    unmade: Option<Arrival>,
}

proptest! {
    /// Taking, waiting, bringing, finishing and giving up in any order: the limit is never
    /// exceeded, the head never waits while enough bytes are free, nobody overtakes, and in the end
    /// nothing is left.
    #[test]
    fn bytes_are_neither_lost_nor_made(
        limit in 0_usize..12,
        steps in proptest::collection::vec((0_u8..6, 0_usize..14, any::<prop::sample::Index>()), 1..300),
    ) {
        let (budget, started) = (ByteBudget::<Work>::new(limit), Started::default());
        let bring = |waits: &mut Waits| if let Some(arrival) = waits.unmade.take() {
            let (shelf, started) = (Arc::clone(&waits.shelf), Arc::clone(&started));
            budget.bring(arrival, Work { number: waits.number, shelf, started });
        };
        // In order of arrival.
        let mut line: Vec<Waits> = Vec::new();
        for (number, (step, bytes, which)) in steps.into_iter().enumerate() {
            match step {
                0 => {
                    let fits = budget.waiting() == 0 && budget.taken() + bytes <= limit;
                    match budget.try_take(bytes) {
                        Ok(weight) => {
                            prop_assert!(bytes == 0 || fits);
                            started.lock().push((number, weight));
                        }
                        Err(Refused::NeverFits) => prop_assert!(bytes > limit),
                        Err(Refused::Full) => prop_assert!(bytes > 0 && bytes <= limit && !fits),
                    }
                }
                1 | 2 => match budget.join_line(bytes) {
                    Err(NeverFits) => prop_assert!(bytes > limit),
                    Ok((weight, arrival)) => {
                        let mut waits = Waits { number, bytes, shelf: shelve(weight), unmade: Some(arrival) };
                        // A weight of 0 bytes has no place in the line.
                        if step == 1 || bytes == 0 {
                            bring(&mut waits);
                        }
                        line.push(waits);
                    }
                },
                3 if !line.is_empty() => {
 let at = which.index(line.len());
 bring(&mut line[at]);
}
                4 => {
                    let done = {
                        let mut started = started.lock();
                        let at = (!started.is_empty()).then(|| which.index(started.len()));
                        at.map(|at| started.remove(at))
                    };
                    drop(done);
                }
                5 if !line.is_empty() => {
                    // Its work may have been brought or not, and may still come.
                    let mut waits = line.remove(which.index(line.len()));
                    give_up(&waits.shelf);
                    bring(&mut waits);
                }
                _ => {}
            }
            line.retain(|waits| waits.shelf.lock().is_some());
            prop_assert!(budget.waiting() <= line.len());
            let (granted, waiting) = line.split_at(line.len() - budget.waiting());
            prop_assert!(granted.iter().all(|granted| granted.unmade.is_some()), "it fits and was not started");
            let out = started.lock().iter().map(|(_, weight)| weight.bytes).sum::<usize>()
                + granted.iter().map(|granted| granted.bytes).sum::<usize>();
            prop_assert_eq!(budget.taken(), out);
            prop_assert!(out <= limit);
            prop_assert!(waiting.first().is_none_or(|head| out + head.bytes > limit));
        }
        line.into_iter().for_each(|waits| give_up(&waits.shelf));
        finish_all(&started);
        prop_assert_eq!((budget.taken(), budget.waiting()), (0, 0));
    }
}
