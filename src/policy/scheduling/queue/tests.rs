use proptest::prelude::*;

use super::*;

fn waiting(number: u64, priority: Priority, expires: bool) -> Waiting<u64> {
    let (placed, gives_way) = (number % 2 > 0, number % 3 > 0);
    Waiting { item: number, facts: Facts { priority, arrival: 0, expires, placed, gives_way, time: 0 } }
}

/// What the newest task of the most urgent class is, by its definition. The flags: whether a
/// task is in the sorted map, and whether it has a deadline.
fn newest(model: &BTreeMap<Key, (Priority, bool, bool)>, now: u64) -> Option<Key> {
    let newest = |class: Priority| {
        let of_class = |(key, task): &(&Key, &(Priority, bool, bool))| match **task {
            (_, true, _) => key.0 <= now + class.slack_ns(),
            (own, false, _) => own == class,
        };
        model.iter().rev().find(of_class).map(|(&key, _)| key)
    };
    CLASSES.into_iter().rev().find_map(newest).or_else(|| model.keys().next_back().copied())
}

/// Which task is to be evicted, by its definition.
fn victim(model: &BTreeMap<Key, (Priority, bool, bool)>, than: Priority) -> Option<(Priority, Key)> {
    let mut tasks: Vec<(Priority, Key)> = model.iter().map(|(&key, task)| (task.0, key)).collect();
    tasks.retain(|&(class, key)| class < than && key.1 % 3 > 0 && !model[&key].2);
    let least = tasks.iter().map(|task| task.0).min();
    tasks.into_iter().filter(|task| Some(task.0) == least).max()
}

proptest! {
    /// Whatever comes and goes, in any order, the queue answers as one sorted map would.
    #[test]
    fn it_answers_as_a_sorted_map_would(
        steps in proptest::collection::vec(
            (0_u64..300, 0_usize..3, any::<bool>(), any::<prop::sample::Index>()), 1..300,
        ),
        leaves in 1_u64..5,
    ) {
        const SECOND: u64 = 1_000_000_000;
        let (mut queue, mut model) = (Queue::new(), BTreeMap::new());
        for (number, (due, class, expires, which)) in (1..).zip(steps) {
            let due = if due % 4 == 0 { due / 25 } else { number / 25 };
            let (key, class) = ((due * SECOND + number % 7, number), CLASSES[class]);
            let late = queue.lanes[class as usize].last().is_some_and(|last| key < last);
            let is_first = queue.insert(key, waiting(number, class, expires));
            model.insert(key, (class, late || expires, expires));
            prop_assert_eq!(is_first, model.keys().next() == Some(&key));
            if number % leaves == 0 {
                let &gone = model.keys().nth(which.index(model.len())).unwrap();
                model.remove(&gone);
                prop_assert_eq!(queue.remove(gone).map(|task| task.item), Some(gone.1));
                prop_assert!(queue.remove(gone).is_none());
            }
            prop_assert_eq!(queue.len(), model.len());
            prop_assert_eq!(queue.placed(), model.keys().filter(|(_, number)| number % 2 > 0).count());
            prop_assert_eq!(queue.first().map(|(key, _)| key), model.keys().next().copied());
            let now = which.index(12) as u64 * SECOND;
            prop_assert_eq!(queue.newest(now), newest(&model, now));
            for than in CLASSES {
                prop_assert_eq!(queue.victim(than, usize::MAX), victim(&model, than));
            }
        }
        prop_assert_eq!(queue.iter().map(|(key, _)| key).max(), model.keys().next_back().copied());
        prop_assert_eq!(queue.iter().count(), model.len());
        while let Some((key, _)) = queue.first() {
            let popped = queue.pop_first(|task| task.item % 2 == 0).map(|(key, _)| key);
            prop_assert_eq!(popped, Some(key).filter(|key| key.1 % 2 == 0));
            let next = popped.or_else(|| queue.remove(key).map(|_| key));
            prop_assert_eq!(next, model.pop_first().map(|(key, _)| key));
        }
        prop_assert!(queue.is_empty() && model.is_empty());
        prop_assert!(queue.lanes.iter().all(|lane| lane.tasks.is_empty() && lane.gaps == 0));
    }
}

#[test]
fn gaps_do_not_accumulate_and_an_empty_lane_keeps_little() {
    let mut queue = Queue::new();
    (0..10_000).for_each(|n| _ = queue.insert((n, n), waiting(n, Priority::Standard, false)));
    (1..9_999).for_each(|n| assert!(queue.remove((n, n)).is_some()));
    let lane = &queue.lanes[Priority::Standard as usize];
    assert!(queue.len() == 2 && lane.tasks.len() <= 2 + MIN_GAPS);
    [0, 9_999].iter().for_each(|&n| assert!(queue.remove((n, n)).is_some()));
    assert!(queue.is_empty() && queue.lanes[Priority::Standard as usize].tasks.capacity() < 10 * KEPT);
}

#[test]
fn the_newest_is_of_the_most_urgent_class_and_the_victim_of_the_least() {
    let mut queue = Queue::new();
    for (number, priority) in (1..).zip([Priority::Bulk, Priority::Standard, Priority::Standard]) {
        let mut task = waiting(number, priority, false);
        task.facts.gives_way = true;
        queue.insert((number + priority.slack_ns(), number), task);
    }
    let (standard, bulk) = (Priority::Standard.slack_ns(), Priority::Bulk.slack_ns());
    assert_eq!(queue.newest(3), Some((3 + standard, 3)));
    assert_eq!(queue.victim(Priority::Interactive, 8), Some((Priority::Bulk, (1 + bulk, 1))));
    queue.remove((1 + bulk, 1));
    assert_eq!(queue.victim(Priority::Interactive, 8).map(|(_, key)| key.1), Some(3));
    assert_eq!(queue.victim(Priority::Standard, 8), None);
}

#[test]
fn no_more_tasks_are_examined_for_a_victim_than_allowed() {
    let mut queue = Queue::new();
    for number in 1..=3 {
        let mut task = waiting(number, Priority::Bulk, false);
        task.facts.gives_way = number == 1;
        queue.insert((number, number), task);
    }
    assert_eq!(queue.victim(Priority::Standard, 2), None);
    assert_eq!(queue.victim(Priority::Standard, 3), Some((Priority::Bulk, (1, 1))));
}
