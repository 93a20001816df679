//! How much crosses nodes, with the pool's own queues in a simulated time, against queues that do
//! not know the nodes.

use std::collections::HashMap;

use super::*;
use crate::policy::splitmix64;
use crate::queue::{Found, Local, Queues, Source};
use crate::task::{Place, TaskCell, TaskRef, Ticket};

/// Subtasks of each task from outside.
const SUBTASKS: usize = 6;

/// What was counted.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    tasks: usize,
    /// Tasks that ran on another node than that of their data.
    remote: usize,
    near_steals: usize,
    far_steals: usize,
}

struct Simulation<'m> {
    placement: &'m Placement,
    queues: Queues,
    workers: Vec<Local>,
    busy_until: Vec<u64>,
    /// Of each waiting task, the node of its data, and whether it has subtasks.
    tasks: HashMap<*const (), (usize, bool)>,
    /// Those that have run. They are kept, so that no address is used twice.
    done: Vec<TaskRef>,
    counts: Counts,
    random: u64,
}

impl<'m> Simulation<'m> {
    fn new(placement: &'m Placement, layout: Layout) -> Self {
        let slots = placement.threads.len();
        let queues = Queues::new(layout);
        let workers = (0..slots).filter_map(|slot| queues.claim(slot)).collect();
        let (tasks, done, counts) = Default::default();
        Self { placement, queues, workers, busy_until: vec![0; slots], tasks, done, counts, random: 7 }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random += 1;
        (splitmix64::nth(7, self.random) * bound as f64) as u64
    }

    fn task(&mut self, node: usize, has_subtasks: bool) -> TaskRef {
        let task: TaskRef = TaskCell::new(|| (), Place::Queued(Ticket::HELD), None, None);
        self.tasks.insert(std::ptr::from_ref(&*task).cast(), (node, has_subtasks));
        task
    }

    /// Lets time pass. Each node gets a task in `1/pause` of all ticks.
    fn run(&mut self, ticks: u64, pause: u64) -> Counts {
        let nodes = self.placement.layout.nodes.len();
        for now in 0..ticks {
            for node in 0..nodes {
                if self.below(pause) == 0 {
                    let task = self.task(node, true);
                    self.queues.inject(task, || Some(node));
                }
            }
            // The workers look for work in no certain order.
            let first = self.below(self.workers.len() as u64) as usize;
            for slot in (first..self.workers.len()).chain(0..first) {
                if self.busy_until[slot] <= now {
                    self.turn(slot, now);
                }
            }
        }
        self.counts
    }

    fn turn(&mut self, slot: usize, now: u64) {
        let (local, queues) = (&self.workers[slot], &self.queues);
        let own = || local.next_own(queues).map(|task| Found { task, from: Source::Own });
        let found = local.overdue(queues).or_else(own).or_else(|| local.next_injected(queues, 2));
        let Some(Found { task, from }) = found.or_else(|| local.steal(queues, 2)) else { return };
        let (node, has_subtasks) = self.tasks[&std::ptr::from_ref(&*task).cast()];
        let here = self.placement.threads[slot].node;
        self.counts.tasks += 1;
        self.counts.remote += usize::from(node != here);
        match from {
            Source::Near => self.counts.near_steals += 1,
            Source::Far => self.counts.far_steals += 1,
            _ => {}
        }
        self.busy_until[slot] = now + 1 + self.below(20);
        for _ in 0..if has_subtasks { SUBTASKS } else { 0 } {
            // A subtask works on what its parent has read.
            let subtask = self.task(here, false);
            self.workers[slot].push(subtask);
        }
        self.done.push(task);
    }
}

/// Returns the shares of tasks that ran on another node than that of their data: with queues that
/// know the nodes, and with queues that do not. `load` is in percent of what the workers can do.
fn remote_shares(nodes: usize, cores: usize, load: usize) -> (f64, f64) {
    let machine = Topology::synthetic(&format!("numa:{nodes} core:{cores}")).unwrap();
    let placement = Placement::new(&machine, nodes * cores, WorkerPlacement::Spread);
    // A task and its subtasks take 74 ticks on average.
    let pause = (74 * 100 / (load * cores)) as u64;
    let run = |layout| Simulation::new(&placement, layout).run(2_000, pause);
    let (knowing, blind) = (run(placement.layout.clone()), run(Layout::flat(nodes * cores)));
    println!("{nodes} nodes of {cores} cores, load {load} %: {knowing:?}, blind {blind:?}");
    assert!(knowing.tasks * 100 > blind.tasks * 97, "as much is done");
    let share = |counts: Counts| counts.remote as f64 / counts.tasks as f64;
    (share(knowing), share(blind))
}

#[test]
fn where_all_nodes_are_busy_a_third_or_less_crosses_them() {
    for nodes in [2, 4, 8] {
        let (knowing, blind) = remote_shares(nodes, 8, 140);
        assert!(knowing < blind / 3.0, "{nodes} nodes: {knowing}, blind {blind}");
    }
}

#[test]
fn where_workers_are_idle_no_more_crosses_nodes_than_with_queues_that_do_not_know_them() {
    for nodes in [2, 4, 8] {
        let (knowing, blind) = remote_shares(nodes, 8, 60);
        assert!(knowing < blind, "{nodes} nodes: {knowing}, blind {blind}");
    }
}
