use std::collections::HashMap;

use proptest::prelude::*;

use super::{RunOrder, Took, Turn};

use crate::task::{Label, Name, Priority};

const MS: u64 = 1_000_000;

fn took(time: u64) -> Option<Took> {
    Some(Took { cost: time, time })
}

/// An order of task numbers, and where they wait.
pub(super) struct Desk {
    pub(super) order: RunOrder<u64>,
    pub(super) waits: HashMap<u64, Label>,
    number: u64,
    /// One name for each tenant, if that is how its submitters name it.
    names: Option<HashMap<String, Name>>,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { order: RunOrder::new(usize::MAX), waits: HashMap::new(), number: 0, names: None }
    }

    fn push(&mut self, tenant: &str, priority: Priority, arrival: u64, expires: Option<u64>) -> u64 {
        self.number += 1;
        let label = Label::new(self.name(tenant), priority, arrival, expires, None);
        self.order.push(&label, true, self.number);
        self.waits.insert(self.number, label);
        self.number
    }

    fn name(&mut self, tenant: &str) -> Name {
        let named =
            self.names.as_mut().map(|names| names.entry(tenant.into()).or_insert_with(|| tenant.into()));
        named.map_or_else(|| tenant.into(), |name| Name::clone(name))
    }

    /// Whether there is hope for another one with two workers.
    pub(super) fn fits(&mut self, tenant: &str, expires: u64) -> bool {
        let (tenant, priority) = (tenant.into(), Priority::Standard);
        let label = Label::new(tenant, priority, 0, Some(expires), None);
        self.order.fits(&label, 0, 2)
    }

    pub(super) fn plain(&mut self, tenant: &str, priority: Priority, arrival: u64) -> u64 {
        self.push(tenant, priority, arrival, None)
    }

    /// Runs the next task, which takes `cost`.
    pub(super) fn serve(&mut self, cost: u64) -> Option<(u64, Name)> {
        let next = self.order.pop(None)?;
        self.order.finish(next.turn, took(cost));
        let label = self.waits.remove(&next.item)?;
        Some((next.item, label.tenant))
    }

    fn all(&mut self, cost: u64) -> Vec<u64> {
        std::iter::from_fn(|| self.serve(cost)).map(|(task, _)| task).collect()
    }
}

#[test]
fn the_more_urgent_class_goes_first_and_what_has_waited_long_before_it() {
    let mut desk = Desk::new();
    let bulk = desk.plain("", Priority::Bulk, 0);
    let standard = desk.plain("", Priority::Standard, 0);
    let urgent = desk.plain("", Priority::Interactive, 0);
    let late = desk.plain("", Priority::Interactive, 9_950 * MS);
    assert_eq!(desk.all(MS), [urgent, standard, bulk, late]);
}

#[test]
fn a_deadline_is_when_a_task_is_due() {
    let mut desk = Desk::new();
    let far = desk.push("", Priority::Interactive, 0, Some(500 * MS));
    let none = desk.plain("", Priority::Interactive, 0);
    let near = desk.push("", Priority::Bulk, 0, Some(50 * MS));
    assert_eq!(desk.all(MS), [near, none, far]);
}

#[test]
fn those_who_are_due_at_the_same_time_go_in_order_of_arrival() {
    let mut desk = Desk::new();
    let tasks: Vec<u64> = (0..100).map(|_| desk.plain("", Priority::Standard, 7)).collect();
    assert_eq!(desk.all(MS), tasks);
}

#[test]
fn tenants_share_by_weight_whatever_they_offer() {
    let mut desk = Desk::new();
    desk.order.set_weight(&"gold".into(), 3);
    for n in 0..10_000 {
        desk.plain("greedy", Priority::Standard, n);
        if n < 1_000 {
            desk.plain("gold", Priority::Standard, n);
            desk.plain("modest", Priority::Standard, n);
        }
    }
    let mut served: HashMap<Name, u64> = HashMap::new();
    for _ in 0..1_000 {
        // The greedy one's tasks are also longer: what is shared is time.
        let Some(next) = desk.order.pop(None) else { break };
        let tenant = desk.waits.remove(&next.item).unwrap().tenant;
        let cost = if &*tenant == "greedy" { 4 * MS } else { MS };
        desk.order.finish(next.turn, took(cost));
        *served.entry(tenant).or_default() += cost;
    }
    let share = |tenant: &str| served[tenant] as f64 / served.values().sum::<u64>() as f64;
    assert!((share("gold") - 0.6).abs() < 0.02, "{served:?}");
    assert!((share("modest") - 0.2).abs() < 0.02, "{served:?}");
}

#[test]
fn a_tenant_of_great_weight_has_its_share_and_no_more() {
    let mut desk = Desk::new();
    desk.order.set_weight(&"gold".into(), u32::MAX);
    for n in 0..1_000 {
        desk.plain("gold", Priority::Standard, n);
    }
    desk.plain("modest", Priority::Bulk, 0);
    // A task's cost is less than its tenant's weight, by far.
    let before = desk.all(MS).iter().position(|&task| task == 1_001).unwrap();
    assert!(before < 1_000, "{before}");
}

#[test]
fn nothing_is_saved_up_in_a_pause_and_debts_remain() {
    let mut desk = Desk::new();
    for n in 0..300 {
        desk.plain("busy", Priority::Standard, n);
    }
    (0..100).for_each(|_| _ = desk.serve(MS));
    // It was never there; it does not get a hundred turns now.
    for n in 0..100 {
        desk.plain("late", Priority::Standard, n);
    }
    let late = (0..20).filter(|_| &*desk.serve(MS).unwrap().1 == "late").count();
    assert!((10..=16).contains(&late), "{late}");
    // One long task, and away: when it is back it has still had it.
    desk.plain("rare", Priority::Interactive, 0);
    while &*desk.serve(50 * MS).unwrap().1 != "rare" {}
    desk.plain("rare", Priority::Standard, 0);
    let turns = (0..).take_while(|_| &*desk.serve(MS).unwrap().1 != "rare").count();
    assert!(turns > 20, "{turns}");
}

#[test]
fn urgent_work_of_one_tenant_goes_before_others_for_its_lead() {
    let mut desk = Desk::new();
    for _ in 0..100 {
        desk.plain("night", Priority::Bulk, 0);
        desk.plain("day", Priority::Interactive, 0);
    }
    let first: Vec<_> = (0..100).map(|_| desk.serve(MS).unwrap().1).collect();
    let urgent = first.iter().take_while(|tenant| &***tenant == "day").count();
    assert!((18..=22).contains(&urgent), "{urgent}");
    assert!(first.iter().filter(|tenant| &***tenant == "night").count() >= 35, "then it has had its share");
}

#[test]
fn no_more_of_a_tenant_run_than_may() {
    let mut order = RunOrder::new(2);
    for number in 0..3 {
        let priority = Priority::Standard;
        order.push(&Label::new("a".into(), priority, 0, None, None), true, number);
    }
    let turns: Vec<Turn> = (0..2).map(|_| order.pop(None).unwrap().turn).collect();
    assert!(order.pop(None).is_none());
    turns.into_iter().for_each(|turn| order.finish(turn, took(MS)));
    assert!(order.pop(None).is_some());
}

#[test]
fn the_least_urgent_gives_way_whether_or_not_its_tenant_may_have_more_running() {
    let mut order = RunOrder::new(1);
    let label = |number: u64, priority| Label::new(format!("{number}").into(), priority, number, None, None);
    (0..5_000).for_each(|number| order.push(&label(number, Priority::Standard), true, number));
    let turns: Vec<Turn> = std::iter::from_fn(|| order.pop(None)).map(|next| next.turn).collect();
    // This one may not run now.
    order.push(&label(4_999, Priority::Bulk), true, 6_000);
    order.push(&label(4_998, Priority::Bulk), true, 6_001);
    assert_eq!(order.evict(Priority::Standard), Some(6_000));
    turns.into_iter().for_each(|turn| order.finish(turn, took(MS)));
    assert_eq!(order.evict(Priority::Standard), Some(6_001));
    assert_eq!(order.take_any(), None);
}

#[test]
fn the_newest_of_the_most_urgent_class_can_be_taken_first() {
    let mut desk = Desk::new();
    let tasks: Vec<u64> = [
        (Priority::Bulk, 3),
        (Priority::Standard, 1),
        (Priority::Standard, 2),
        (Priority::Interactive, 1),
        (Priority::Interactive, 2),
    ]
    .map(|(priority, arrival)| desk.plain("", priority, arrival * MS))
    .into();
    let order: Vec<u64> = std::iter::from_fn(|| {
        let next = desk.order.pop(Some(5 * MS))?;
        desk.order.finish(next.turn, None);
        Some(next.item)
    })
    .collect();
    assert_eq!(order, [tasks[4], tasks[3], tasks[2], tasks[1], tasks[0]]);
}

#[test]
fn the_least_urgent_gives_way_and_never_for_its_equal() {
    let mut desk = Desk::new();
    desk.plain("a", Priority::Interactive, 0);
    let early = desk.plain("a", Priority::Bulk, 0);
    let standard = desk.plain("b", Priority::Standard, 5_000 * MS);
    let late = desk.plain("b", Priority::Bulk, MS);
    assert_eq!(desk.order.evict(Priority::Bulk), None);
    assert_eq!(desk.order.evict(Priority::Standard), Some(late));
    assert_eq!(desk.order.evict(Priority::Interactive), Some(early));
    assert_eq!(desk.order.evict(Priority::Standard), None);
    assert_eq!(desk.order.evict(Priority::Interactive), Some(standard));
    assert_eq!(desk.order.evict(Priority::Interactive), None);
}

#[test]
fn a_deadline_that_cannot_be_met_does_not_fit_but_a_tenant_is_not_held_liable_for_others() {
    let mut desk = Desk::new();
    desk.plain("greedy", Priority::Standard, 0);
    desk.serve(10 * MS);
    for _ in 0..20 {
        desk.push("greedy", Priority::Standard, 0, Some(90 * MS));
    }
    assert!(!desk.fits("greedy", 95 * MS));
    assert!(desk.fits("greedy", 150 * MS));
    assert!(desk.fits("modest", 30 * MS));
    assert!(!desk.fits("modest", 5 * MS));
}

#[test]
fn a_million_tenants_one_after_another_leave_little() {
    let mut order = RunOrder::new(usize::MAX);
    let mut most = 0;
    for number in 0..1_000_000_u64 {
        // One that is always there, so that the others have somebody to be in debt to.
        let tenant = if number % 2 == 0 { "steady".into() } else { format!("tenant {number}").into() };
        let priority = Priority::Standard;
        let label = Label::new(tenant, priority, number, None, None);
        order.push(&label, true, ());
        if number > 10 {
            let next = order.pop(None).unwrap();
            order.finish(next.turn, took(MS));
        }
        most = most.max(order.tenants());
    }
    assert!(most <= 1_050, "{most}");
}

#[derive(Debug, Clone)]
enum Step {
    Push(u8, u8, Option<u16>),
    Pop,
    Together(usize),
    Finish(prop::sample::Index, Option<u32>),
    Remove(prop::sample::Index),
    Expire,
    Evict(u8),
    Charge(u8, u32),
}

pub(super) fn class(number: u8) -> Priority {
    [Priority::Interactive, Priority::Standard, Priority::Bulk][usize::from(number) % 3]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..6_u8, 0..3_u8, proptest::option::weighted(0.3, 0..500_u16)).prop_map(|(t, p, e)| Step::Push(t, p, e)),
        4 => Just(Step::Pop),
        2 => (1..9_usize).prop_map(Step::Together),
        4 => (any::<prop::sample::Index>(), proptest::option::of(prop_oneof![any::<u32>(), 1..2_000_u32])).prop_map(|(i, c)| Step::Finish(i, c)),
        2 => any::<prop::sample::Index>().prop_map(Step::Remove),
        1 => Just(Step::Expire),
        1 => (0..3_u8).prop_map(Step::Evict),
        1 => (0..6_u8, any::<u32>()).prop_map(|(t, c)| Step::Charge(t, c)),
    ];
    proptest::collection::vec(step, 1..400)
}

proptest! {
    /// Whatever happens in whatever order, a task comes out exactly once, by one way, and when all are out nothing is left of them.
    #[test]
    fn no_task_is_lost_or_comes_twice(steps in steps(), most_running in 1..4_usize, names in any::<bool>()) {
        let names = names.then(HashMap::new);
        let mut desk = Desk { order: RunOrder::new(most_running), names, ..Desk::new() };
        let mut turns: Vec<Turn> = Vec::new();
        for (now, step) in (0_u64..).zip(steps) {
            let now = now * MS;
            match step {
                Step::Push(tenant, priority, expires) => {
                    let expires = expires.map(|ms| now + u64::from(ms) * MS);
                    desk.push(&tenant.to_string(), class(priority), now, expires);
                }
                Step::Pop => {
                    if let Some(next) = desk.order.pop((now % 3 == 0).then_some(now)) {
                        prop_assert!(desk.waits.remove(&next.item).is_some());
                        turns.push(next.turn);
                    }
                }
                Step::Together(most) => {
                    let mut together = Vec::new();
                    desk.order.pop_tiny(most, &mut together);
                    prop_assert!(together.len() <= most && together.iter().all(|task| desk.waits.remove(task).is_some()));
                }
                Step::Finish(which, cost) if !turns.is_empty() => {
                    let turn = turns.swap_remove(which.index(turns.len()));
                    desk.order.finish(turn, cost.and_then(|cost| took(cost.into())));
                }
                Step::Remove(which) if desk.number > 0 => {
                    let task = which.index(desk.number as usize) as u64 + 1;
                    if let Some(at) = desk.waits.remove(&task) {
                        prop_assert_eq!(desk.order.remove(&at), Some(task));
                        prop_assert_eq!(desk.order.remove(&at), None);
                    }
                }
                Step::Expire => while let Some(task) = desk.order.expire(now, false) {
                    let label = desk.waits.remove(&task).unwrap();
                    prop_assert!(label.expires().unwrap() <= now);
                },
                Step::Evict(than) => if let Some(task) = desk.order.evict(class(than)) {
                    let label = desk.waits.remove(&task).unwrap();
                    prop_assert!(label.priority < class(than));
                },
                Step::Charge(tenant, cost) => {
                    let tenant = desk.name(&tenant.to_string());
                    desk.order.charge(&tenant, cost.into());
                }
                _ => {}
            }
            prop_assert_eq!(desk.order.len(), desk.waits.len());
        }
        turns.drain(..).for_each(|turn| desk.order.finish(turn, took(1)));
        while let Some(task) = desk.order.take_any() {
            prop_assert!(desk.waits.remove(&task).is_some());
        }
        prop_assert!(desk.waits.is_empty());
        prop_assert!(desk.order.is_clean(), "{:?}", desk.order);
    }

    /// The bound that the module's header states: how much is served before a tenant that waits.
    #[test]
    fn nothing_starves(
        others in proptest::collection::vec((0..3_u8, 1..20_u64, 1..1_000_u32), 1..12), mine in 0..3_u8,
        seed in any::<u64>(),
    ) {
        let mut desk = Desk::new();
        let mut dice = seed;
        // They offer without end; some have been there for a while.
        let costs: HashMap<Name, (Priority, u64)> =
            others.iter().enumerate().map(|(n, &(p, ms, _))| (n.to_string().into(), (class(p), ms * MS))).collect();
        for (n, &(.., weight)) in others.iter().enumerate() {
            desk.order.set_weight(&n.to_string().into(), weight);
        }
        let refill = |desk: &mut Desk, now: u64| {
            for (tenant, (priority, _)) in &costs {
                while desk.order.waiting_of(tenant) < 5 {
                    desk.plain(tenant, *priority, now);
                }
            }
        };
        let mut now = 0;
        for _ in 0..200 {
            refill(&mut desk, now);
            let next = desk.order.pop(None).unwrap();
            let (_, longest) = costs[&*desk.waits[&next.item].tenant];
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let cost = 1 + (dice >> 20) % longest;
            desk.order.finish(next.turn, took(cost));
            now += cost;
        }
        let me = desk.plain("me", class(mine), now);
        let mut served = 0;
        loop {
            refill(&mut desk, now);
            let next = desk.order.pop(None).unwrap();
            if next.item == me {
                break;
            }
            let (_, longest) = costs[&*desk.waits[&next.item].tenant];
            desk.order.finish(next.turn, took(longest));
            (now, served) = (now + longest, served + longest);
        }
        let bound: u64 = costs.values().map(|(_, longest)| longest + 20 * MS).sum();
        prop_assert!(served <= bound, "{} ms of at most {}", served / MS, bound / MS);
    }
}
