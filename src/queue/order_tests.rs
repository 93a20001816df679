//! How far tasks from outside overtake each other, whatever the workers do and whichever are
//! blocked.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;

use super::{Found, Group, Layout, Local, Node, Queues, Source};
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
    /// From where workers took what was not in their own deques or their node's injector.
    sources: RefCell<Vec<Source>>,
}

/// Workers on nodes, `each` on each, where every node is as far from the others.
fn nodes(count: usize, each: usize) -> Layout {
    let others = |node: usize| (node + 1..count).chain(0..node).collect();
    let slots = |node: usize| (node * each..(node + 1) * each).collect();
    Layout {
        positions: (0..count * each).map(|slot| (slot / each, slot % each)).collect(),
        groups: (0..count).map(|node| Group { node, slots: slots(node) }).collect(),
        nodes: (0..count).map(|node| Node { groups: [node].into(), others: others(node) }).collect(),
    }
}

impl Model {
    fn new(workers: usize, from: From) -> Self {
        Self::with_layout(Layout::flat(workers), from)
    }

    fn with_layout(layout: Layout, from: From) -> Self {
        let workers = 0..layout.positions.len();
        let queues = Queues::new(layout);
        let workers = workers.filter_map(|slot| queues.claim(slot)).collect();
        let (run_queue, numbers, begun, sources) = Default::default();
        Self { queues, workers, from, run_queue, numbers, begun, sources }
    }

    fn submit(&mut self, tasks: usize) {
        self.submit_at(tasks, None);
    }

    fn submit_at(&mut self, tasks: usize, node: Option<usize>) {
        for _ in 0..tasks {
            let task: TaskRef = TaskCell::new(|| (), Place::Queued(Ticket::HELD), None, None);
            self.numbers.insert(Arc::as_ptr(&task).cast(), self.numbers.len());
            match self.from {
                From::Injector => drop(self.queues.inject(task, || node)),
                From::RunQueue => self.run_queue.push_back(task),
            }
        }
    }

    /// Lets a worker begin its next task, as the worker's loop does it.
    fn turn(&mut self, worker: usize, batch: usize) -> Option<usize> {
        let (local, queues) = (&self.workers[worker], &self.queues);
        let own = || if self.from == From::RunQueue { local.pop_batch() } else { None };
        let take = |found: Found| {
            self.sources.borrow_mut().push(found.from);
            found.task
        };
        let task = own()
            .or_else(|| local.overdue(queues).map(take))
            .or_else(|| {
                let first = self.run_queue.pop_front()?;
                let more = (batch - 1).min(self.run_queue.len());
                if more > 0 {
                    local.set_aside(self.run_queue.drain(..more), queues);
                }
                Some(first)
            })
            .or_else(|| local.next_own(queues))
            .or_else(|| local.next_injected(queues, batch).map(|found| found.task))
            .or_else(|| local.steal(queues, batch).map(take))?;
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

    /// The tasks of a node keep their order among themselves, whichever workers take them.
    #[test]
    fn with_nodes_a_task_of_a_node_is_overtaken_by_two_batches_of_each_worker_at_most(
        (count, each) in (2_usize..4, 1_usize..3),
        steps in proptest::collection::vec(
            (any::<prop::sample::Index>(), 1_usize..=MOST, 1_usize..60, 0_usize..40, 0_usize..4), 1..60,
        ),
    ) {
        let workers = count * each;
        let mut model = Model::with_layout(nodes(count, each), From::Injector);
        let mut node_of = Vec::new();
        for (worker, batch, turns, submitted, node) in steps {
            model.submit_at(submitted, Some(node % count));
            node_of.extend(std::iter::repeat_n(node % count, submitted));
            for _ in 0..turns {
                model.turn(worker.index(workers), batch);
            }
        }
        while (0..workers).any(|worker| model.turn(worker, 1).is_some()) {}
        prop_assert_eq!(model.begun.len(), model.numbers.len(), "all begin");
        prop_assert!(!model.queues.has_work());
        let order: Vec<_> = model.begun.iter().map(|&(number, _)| number).collect();
        for (at, &number) in order.iter().enumerate() {
            let later = |&earlier: &&usize| *earlier > number && node_of[*earlier] == node_of[number];
            let overtaken = order[..at].iter().filter(later).count();
            prop_assert!(overtaken <= 2 * workers * MOST, "{} of {} workers", overtaken, workers);
        }
    }
}

#[test]
fn a_worker_empties_its_node_before_it_takes_from_others() {
    let mut model = Model::with_layout(nodes(3, 2), From::Injector);
    for node in 0..3 {
        model.submit_at(8, Some(node));
    }
    // Worker 1 is on node 0. Worker 0 has set a part of that node's tasks aside.
    assert_eq!(model.turn(0, 4), Some(0));
    let near: Vec<_> = (0..7).map_while(|_| model.turn(1, 2)).collect();
    assert!(near.iter().all(|number| (1..8).contains(number)), "{near:?}");
    assert!(model.sources.borrow().iter().all(|&source| source == Source::Near));
    // Then the next node, half of what is left at once, and then the last one.
    let far: Vec<_> = (0..16).map_while(|_| model.turn(1, MOST)).collect();
    assert!(far.into_iter().eq(8..24));
    assert!(model.sources.borrow().contains(&Source::Batch));
    assert!(!model.sources.borrow().contains(&Source::Far), "no other worker had any");
}

#[test]
fn a_node_whose_workers_are_all_blocked_is_not_left_alone() {
    let mut model = Model::with_layout(nodes(2, 1), From::Injector);
    model.submit_at(64, Some(1));
    assert_eq!(model.turn(1, 8), Some(0), "this worker is blocked from here on");
    let mut of_blocked = 0;
    for _ in 0..100 * 61 {
        // The other worker always has work of its own.
        model.submit_at(1, Some(0));
        of_blocked += usize::from(model.turn(0, 1).unwrap() < 64);
    }
    assert_eq!(of_blocked, 63);
}

#[test]
fn work_enters_at_its_own_node_or_at_the_emptiest_that_has_a_worker() {
    let queues = Queues::new(nodes(3, 1));
    let task = || -> TaskRef { TaskCell::new(|| (), Place::Queued(Ticket::HELD), None, None) };
    let lengths = || queues.injectors.iter().map(super::Injector::len).collect::<Vec<_>>();
    // Nobody is there yet.
    queues.inject(task(), || Some(2));
    assert_eq!(lengths(), [0, 0, 1]);
    let (first, second) = (queues.claim(0).unwrap(), queues.claim(1).unwrap());
    queues.inject(task(), || Some(1));
    queues.inject(task(), || Some(2));
    queues.inject(task(), || None);
    assert_eq!(lengths(), [2, 1, 1], "its own, the emptiest, and the first of two");
    queues.give_back(second);
    queues.inject(task(), || Some(1));
    assert_eq!(lengths(), [3, 1, 1]);
    queues.give_back(first);
    assert_eq!(queues.injected(), 5);
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

#[test]
fn work_of_the_own_node_begins_beside_endless_subtasks_and_endless_work_of_another_node() {
    let mut model = Model::with_layout(nodes(2, 1), From::Injector);
    model.submit_at(1, Some(0));
    let begins = (0..200).any(|_| {
        model.submit_at(1, Some(1));
        let subtask: TaskRef = TaskCell::new(|| (), Place::Subtask, None, None);
        model.numbers.insert(Arc::as_ptr(&subtask).cast(), model.numbers.len());
        model.workers[0].push(subtask);
        model.turn(0, 1) == Some(0)
    });
    assert!(begins);
}
