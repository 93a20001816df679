//! How far tasks from outside overtake each other, whatever the workers do and whichever are
//! blocked.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;

use super::{Local, Queues};
use crate::task::{Place, TaskCell, TaskRef, Ticket};

/// The largest batch.
const MOST: usize = 32;

/// The queue in which the tasks from outside wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// The injector, as plain work.
    Injector,
    /// The run order, as labelled work.
    RunQueue,
}

/// A model of workers. Each begins one task at a time, when the test says so.
struct Model {
    queues: Queues,
    workers: Vec<Local>,
    from: From,
    run_queue: VecDeque<TaskRef>,
    /// The number of each task that was submitted, by its address.
    numbers: HashMap<*const (), usize>,
    /// The tasks that have begun, in that order. They are kept, so that no address is used twice.
    begun: Vec<(usize, TaskRef)>,
}

impl Model {
    fn new(workers: usize, from: From) -> Self {
        let queues = Queues::new(workers);
        let workers = (0..workers).filter_map(|slot| queues.claim(slot)).collect();
        let (run_queue, numbers, begun) = Default::default();
        Self { queues, workers, from, run_queue, numbers, begun }
    }

    fn submit(&mut self, tasks: usize) {
        for _ in 0..tasks {
            let task: TaskRef = TaskCell::new(|| (), Place::Queued(Ticket::HELD), None, None);
            self.numbers.insert(Arc::as_ptr(&task).cast(), self.numbers.len());
            match self.from {
                From::Injector => self.queues.inject(task),
                From::RunQueue => self.run_queue.push_back(task),
            }
        }
    }

    /// Lets a worker begin its next task, as the worker's loop does it.
    fn turn(&mut self, worker: usize, batch: usize) -> Option<usize> {
        let (local, queues) = (&self.workers[worker], &self.queues);
        let own = || if self.from == From::RunQueue { local.pop_batch() } else { None };
        let task = own()
            .or_else(|| local.overdue(queues))
            .or_else(|| {
                let first = self.run_queue.pop_front()?;
                let more = (batch - 1).min(self.run_queue.len());
                if more > 0 {
                    local.set_aside(self.run_queue.drain(..more), queues);
                }
                Some(first)
            })
            .or_else(|| local.next(queues, batch).map(|(task, _)| task))
            .or_else(|| local.steal(queues))?;
        let number = self.numbers[&Arc::as_ptr(&task).cast()];
        self.begun.push((number, task));
        Some(number)
    }

    /// Returns the largest number of later tasks that overtook one task.
    fn most_overtaken(&self) -> usize {
        let order = || self.begun.iter().map(|&(number, _)| number);
        let overtaken =
            |(at, number): (usize, usize)| order().take(at).filter(|&earlier| earlier > number).count();
        order().enumerate().map(overtaken).max().unwrap_or(0)
    }
}

proptest! {
    /// A worker that gets no turn is blocked in its task.
    #[test]
    fn a_task_is_overtaken_by_a_batch_of_each_other_worker_at_most(
        workers in 1_usize..6,
        from in prop_oneof![Just(From::Injector), Just(From::RunQueue)],
        steps in proptest::collection::vec(
            (any::<prop::sample::Index>(), 1_usize..=MOST, 1_usize..60, 0_usize..40), 1..60,
        ),
    ) {
        let mut model = Model::new(workers, from);
        for (worker, batch, turns, submitted) in steps {
            model.submit(submitted);
            for _ in 0..turns {
                model.turn(worker.index(workers), batch);
            }
        }
        while (0..workers).any(|worker| model.turn(worker, 1).is_some()) {}
        prop_assert_eq!(model.begun.len(), model.numbers.len(), "all begin");
        prop_assert!(!model.queues.has_work());
        let most = model.most_overtaken();
        prop_assert!(most <= (workers - 1) * MOST, "{} of {} workers", most, workers);
    }
}

#[test]
fn what_a_stuck_worker_has_set_aside_comes_before_what_came_later() {
    for from in [From::Injector, From::RunQueue] {
        let mut model = Model::new(2, from);
        model.submit(8);
        let taken = match from {
            From::Injector => 4, // An injector gives half of what it has.
            From::RunQueue => 8,
        };
        assert_eq!(model.turn(0, 8), Some(0));
        model.submit(100);
        // One batch of the other worker, then all tasks that wait behind the blocked one.
        let first: Vec<_> = (0..4).map_while(|_| model.turn(1, 4)).collect();
        assert!(first.into_iter().eq(taken..taken + 4), "{from:?}");
        let then: Vec<_> = (1..taken).map_while(|_| model.turn(1, 4)).collect();
        assert!(then.into_iter().eq(1..taken), "{from:?}");
        assert_eq!(model.turn(1, 4), Some(taken + 4));
    }
}

#[test]
fn thieves_take_the_oldest_of_a_batch_first() {
    let mut model = Model::new(3, From::RunQueue);
    model.submit(16);
    assert_eq!((model.turn(1, 8), model.turn(0, 8)), (Some(0), Some(8)));
    // No other work is left, so an idle worker steals from the oldest batch, not from the nearest.
    let stolen: Vec<_> = std::iter::from_fn(|| model.turn(2, 1)).collect();
    assert!(stolen.into_iter().eq((1..8).chain(9..16)));
}

#[test]
fn one_worker_begins_all_in_order() {
    let mut model = Model::new(1, From::Injector);
    model.submit(5_000);
    let order: Vec<_> = std::iter::from_fn(|| model.turn(0, MOST)).collect();
    assert!(order.into_iter().eq(0..5_000));
}
