use std::collections::HashMap;

use proptest::prelude::*;

use super::{Grant, RunOrder, Usage};
use crate::policy::splitmix64;
use crate::task::{Label, Name, Priority};

const MS: u64 = 1_000_000;

fn usage(time: u64) -> Option<Usage> {
    Some(Usage { cost: time, time })
}

/// An order of task numbers, and the labels of the waiting tasks.
pub(super) struct Fixture {
    pub(super) order: RunOrder<u64>,
    pub(super) waits: HashMap<u64, Label>,
    number: u64,
    /// One shared name for each tenant, if its submitters share one.
    names: Option<HashMap<String, Name>>,
}

impl Fixture {
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

    /// Returns whether another task fits, with two workers.
    pub(super) fn fits(&mut self, tenant: &str, expires: u64) -> bool {
        let (tenant, priority) = (tenant.into(), Priority::Standard);
        let label = Label::new(tenant, priority, 0, Some(expires), None);
        self.order.fits(&label, 0, 2)
    }

    pub(super) fn plain(&mut self, tenant: &str, priority: Priority, arrival: u64) -> u64 {
        self.push(tenant, priority, arrival, None)
    }

    /// Runs the next task with a cost of `cost`.
    pub(super) fn serve(&mut self, cost: u64) -> Option<(u64, Name)> {
        let next = self.order.pop(None)?;
        self.order.finish(next.grant, usage(cost));
        let label = self.waits.remove(&next.item)?;
        Some((next.item, label.tenant))
    }

    fn all(&mut self, cost: u64) -> Vec<u64> {
        std::iter::from_fn(|| self.serve(cost)).map(|(task, _)| task).collect()
    }
}

#[test]
fn the_more_urgent_class_goes_first_and_what_has_waited_long_before_it() {
    let mut fixture = Fixture::new();
    let bulk = fixture.plain("", Priority::Bulk, 0);
    let standard = fixture.plain("", Priority::Standard, 0);
    let urgent = fixture.plain("", Priority::Interactive, 0);
    let late = fixture.plain("", Priority::Interactive, 9_950 * MS);
    assert_eq!(fixture.all(MS), [urgent, standard, bulk, late]);
}

#[test]
fn a_deadline_is_when_a_task_is_due() {
    let mut fixture = Fixture::new();
    let far = fixture.push("", Priority::Interactive, 0, Some(500 * MS));
    let none = fixture.plain("", Priority::Interactive, 0);
    let near = fixture.push("", Priority::Bulk, 0, Some(50 * MS));
    assert_eq!(fixture.all(MS), [near, none, far]);
}

#[test]
fn those_who_are_due_at_the_same_time_go_in_order_of_arrival() {
    let mut fixture = Fixture::new();
    let tasks: Vec<u64> = (0..100).map(|_| fixture.plain("", Priority::Standard, 7)).collect();
    assert_eq!(fixture.all(MS), tasks);
}

#[test]
fn tenants_share_by_weight_whatever_they_offer() {
    let mut fixture = Fixture::new();
    fixture.order.set_weight(&"gold".into(), 3);
    for n in 0..10_000 {
        fixture.plain("greedy", Priority::Standard, n);
        if n < 1_000 {
            fixture.plain("gold", Priority::Standard, n);
            fixture.plain("modest", Priority::Standard, n);
        }
    }
    let mut served: HashMap<Name, u64> = HashMap::new();
    for _ in 0..1_000 {
        // The greedy tenant's tasks are longer too. The tenants share time.
        let Some(next) = fixture.order.pop(None) else { break };
        let tenant = fixture.waits.remove(&next.item).unwrap().tenant;
        let cost = if &*tenant == "greedy" { 4 * MS } else { MS };
        fixture.order.finish(next.grant, usage(cost));
        *served.entry(tenant).or_default() += cost;
    }
    let share = |tenant: &str| served[tenant] as f64 / served.values().sum::<u64>() as f64;
    assert!((share("gold") - 0.6).abs() < 0.02, "{served:?}");
    assert!((share("modest") - 0.2).abs() < 0.02, "{served:?}");
}

#[test]
fn a_tenant_of_great_weight_has_its_share_and_no_more() {
    let mut fixture = Fixture::new();
    fixture.order.set_weight(&"gold".into(), u32::MAX);
    for n in 0..1_000 {
        fixture.plain("gold", Priority::Standard, n);
    }
    fixture.plain("modest", Priority::Bulk, 0);
    // The cost of a task is far below its tenant's weight.
    let before = fixture.all(MS).iter().position(|&task| task == 1_001).unwrap();
    assert!(before < 1_000, "{before}");
}

#[test]
fn nothing_is_saved_up_in_a_pause_and_debts_remain() {
    let mut fixture = Fixture::new();
    for n in 0..300 {
        fixture.plain("busy", Priority::Standard, n);
    }
    (0..100).for_each(|_| _ = fixture.serve(MS));
    // This tenant was absent. It does not get a hundred turns now.
    for n in 0..100 {
        fixture.plain("late", Priority::Standard, n);
    }
    let late = (0..20).filter(|_| &*fixture.serve(MS).unwrap().1 == "late").count();
    assert!((10..=16).contains(&late), "{late}");
    // A tenant runs one long task and leaves. Its debt is still there when it returns.
    fixture.plain("rare", Priority::Interactive, 0);
    while &*fixture.serve(50 * MS).unwrap().1 != "rare" {}
    fixture.plain("rare", Priority::Standard, 0);
    let turns = (0..).take_while(|_| &*fixture.serve(MS).unwrap().1 != "rare").count();
    assert!(turns > 20, "{turns}");
}

#[test]
fn urgent_work_of_one_tenant_goes_before_others_for_its_lead() {
    let mut fixture = Fixture::new();
    for _ in 0..100 {
        fixture.plain("night", Priority::Bulk, 0);
        fixture.plain("day", Priority::Interactive, 0);
    }
    let first: Vec<_> = (0..100).map(|_| fixture.serve(MS).unwrap().1).collect();
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
    let grants: Vec<Grant> = (0..2).map(|_| order.pop(None).unwrap().grant).collect();
    assert!(order.pop(None).is_none());
    grants.into_iter().for_each(|grant| order.finish(grant, usage(MS)));
    assert!(order.pop(None).is_some());
}

#[test]
fn the_least_urgent_gives_way_whether_or_not_its_tenant_may_have_more_running() {
    let mut order = RunOrder::new(1);
    let label = |number: u64, priority| Label::new(format!("{number}").into(), priority, number, None, None);
    (0..5_000).for_each(|number| order.push(&label(number, Priority::Standard), true, number));
    let grants: Vec<Grant> = std::iter::from_fn(|| order.pop(None)).map(|next| next.grant).collect();
    // Its tenant may not run another task now.
    order.push(&label(4_999, Priority::Bulk), true, 6_000);
    order.push(&label(4_998, Priority::Bulk), true, 6_001);
    assert_eq!(order.evict(Priority::Standard), Some(6_000));
    grants.into_iter().for_each(|grant| order.finish(grant, usage(MS)));
    assert_eq!(order.evict(Priority::Standard), Some(6_001));
    assert_eq!(order.take_any(), None);
}

#[test]
fn the_newest_of_the_most_urgent_class_can_be_taken_first() {
    let mut fixture = Fixture::new();
    let tasks: Vec<u64> = [
        (Priority::Bulk, 3),
        (Priority::Standard, 1),
        (Priority::Standard, 2),
        (Priority::Interactive, 1),
        (Priority::Interactive, 2),
    ]
    .map(|(priority, arrival)| fixture.plain("", priority, arrival * MS))
    .into();
    let order: Vec<u64> = std::iter::from_fn(|| {
        let next = fixture.order.pop(Some(5 * MS))?;
        fixture.order.finish(next.grant, None);
        Some(next.item)
    })
    .collect();
    assert_eq!(order, [tasks[4], tasks[3], tasks[2], tasks[1], tasks[0]]);
}

#[test]
fn the_least_urgent_gives_way_and_never_for_its_equal() {
    let mut fixture = Fixture::new();
    fixture.plain("a", Priority::Interactive, 0);
    let early = fixture.plain("a", Priority::Bulk, 0);
    let standard = fixture.plain("b", Priority::Standard, 5_000 * MS);
    let late = fixture.plain("b", Priority::Bulk, MS);
    assert_eq!(fixture.order.evict(Priority::Bulk), None);
    assert_eq!(fixture.order.evict(Priority::Standard), Some(late));
    assert_eq!(fixture.order.evict(Priority::Interactive), Some(early));
    assert_eq!(fixture.order.evict(Priority::Standard), None);
    assert_eq!(fixture.order.evict(Priority::Interactive), Some(standard));
    assert_eq!(fixture.order.evict(Priority::Interactive), None);
}

#[test]
fn a_deadline_that_cannot_be_met_does_not_fit_but_a_tenant_is_not_held_liable_for_others() {
    let mut fixture = Fixture::new();
    fixture.plain("greedy", Priority::Standard, 0);
    fixture.serve(10 * MS);
    for _ in 0..20 {
        fixture.push("greedy", Priority::Standard, 0, Some(90 * MS));
    }
    assert!(!fixture.fits("greedy", 95 * MS));
    assert!(fixture.fits("greedy", 150 * MS));
    assert!(fixture.fits("modest", 30 * MS));
    assert!(!fixture.fits("modest", 5 * MS));
}

#[test]
fn a_million_tenants_one_after_another_leave_little() {
    let mut order = RunOrder::new(usize::MAX);
    let mut most = 0;
    for number in 0..1_000_000_u64 {
        // One tenant is always there, so that the others keep their debts.
        let tenant = if number % 2 == 0 { "steady".into() } else { format!("tenant {number}").into() };
        let priority = Priority::Standard;
        let label = Label::new(tenant, priority, number, None, None);
        order.push(&label, true, ());
        if number > 10 {
            let next = order.pop(None).unwrap();
            order.finish(next.grant, usage(MS));
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
    /// In any sequence of steps each task comes out exactly once. No trace of it is left after
    /// that.
    #[test]
    fn no_task_is_lost_or_comes_twice(steps in steps(), most_running in 1..4_usize, names in any::<bool>()) {
        let names = names.then(HashMap::new);
        let mut fixture = Fixture { order: RunOrder::new(most_running), names, ..Fixture::new() };
        let mut grants: Vec<Grant> = Vec::new();
        for (now, step) in (0_u64..).zip(steps) {
            let now = now * MS;
            match step {
                Step::Push(tenant, priority, expires) => {
                    let expires = expires.map(|ms| now + u64::from(ms) * MS);
                    fixture.push(&tenant.to_string(), class(priority), now, expires);
                }
                Step::Pop => {
                    if let Some(next) = fixture.order.pop((now % 3 == 0).then_some(now)) {
                        prop_assert!(fixture.waits.remove(&next.item).is_some());
                        grants.push(next.grant);
                    }
                }
                Step::Together(most) => {
                    let mut together = Vec::new();
                    fixture.order.pop_tiny(most, &mut together);
                    prop_assert!(together.len() <= most && together.iter().all(|task| fixture.waits.remove(task).is_some()));
                }
                Step::Finish(which, cost) if !grants.is_empty() => {
                    let grant = grants.swap_remove(which.index(grants.len()));
                    fixture.order.finish(grant, cost.and_then(|cost| usage(cost.into())));
                }
                Step::Remove(which) if fixture.number > 0 => {
                    let task = which.index(fixture.number as usize) as u64 + 1;
                    if let Some(at) = fixture.waits.remove(&task) {
                        prop_assert_eq!(fixture.order.remove(&at), Some(task));
                        prop_assert_eq!(fixture.order.remove(&at), None);
                    }
                }
                Step::Expire => while let Some(task) = fixture.order.expire(now, false) {
                    let label = fixture.waits.remove(&task).unwrap();
                    prop_assert!(label.expires().unwrap() <= now);
                },
                Step::Evict(than) => if let Some(task) = fixture.order.evict(class(than)) {
                    let label = fixture.waits.remove(&task).unwrap();
                    prop_assert!(label.priority < class(than));
                },
                Step::Charge(tenant, cost) => {
                    let tenant = fixture.name(&tenant.to_string());
                    fixture.order.charge(&tenant, cost.into());
                }
                _ => {}
            }
            prop_assert_eq!(fixture.order.len(), fixture.waits.len());
        }
        grants.drain(..).for_each(|grant| fixture.order.finish(grant, usage(1)));
        while let Some(task) = fixture.order.take_any() {
            prop_assert!(fixture.waits.remove(&task).is_some());
        }
        prop_assert!(fixture.waits.is_empty());
        prop_assert!(fixture.order.is_clean(), "{:?}", fixture.order);
    }

    /// The bound in the module's header: how much work comes before a waiting tenant.
    #[test]
    fn nothing_starves(
        others in proptest::collection::vec((0..3_u8, 1..20_u64, 1..1_000_u32), 1..12), mine in 0..3_u8,
        seed in any::<u64>(),
    ) {
        let mut fixture = Fixture::new();
        // The other tenants always have waiting tasks.
        let costs: HashMap<Name, (Priority, u64)> =
            others.iter().enumerate().map(|(n, &(p, ms, _))| (n.to_string().into(), (class(p), ms * MS))).collect();
        for (n, &(.., weight)) in others.iter().enumerate() {
            fixture.order.set_weight(&n.to_string().into(), weight);
        }
        let refill = |fixture: &mut Fixture, now: u64| {
            for (tenant, (priority, _)) in &costs {
                while fixture.order.placed_of(tenant) < 5 {
                    fixture.plain(tenant, *priority, now);
                }
            }
        };
        let mut now = 0;
        for n in 0..200 {
            refill(&mut fixture, now);
            let next = fixture.order.pop(None).unwrap();
            let (_, longest) = costs[&*fixture.waits[&next.item].tenant];
            let cost = 1 + (splitmix64::nth(seed, n) * longest as f64) as u64;
            fixture.order.finish(next.grant, usage(cost));
            now += cost;
        }
        let me = fixture.plain("me", class(mine), now);
        let mut served = 0;
        loop {
            refill(&mut fixture, now);
            let next = fixture.order.pop(None).unwrap();
            if next.item == me {
                break;
            }
            let (_, longest) = costs[&*fixture.waits[&next.item].tenant];
            fixture.order.finish(next.grant, usage(longest));
            (now, served) = (now + longest, served + longest);
        }
        let bound: u64 = costs.values().map(|(_, longest)| longest + 20 * MS).sum();
        prop_assert!(served <= bound, "{} ms of at most {}", served / MS, bound / MS);
    }
}
