//! Every decision of a pool is an event of `tracing`, told once, and what goes wrong is among the
//! recent events. A subscriber is code of a user: it may ask the pool that tells it something,
//! block, and panic.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

#[path = "support/pool.rs"]
mod pool_support;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use millpond::{AdaptiveThreadPool, Priority, RecentKind, Shedding};
use pool_support::{Gate, block_on, fixed, hold, in_time, poll_once, until, usable_cores};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// An event that was told.
#[derive(Debug, Clone)]
struct Told {
    name: &'static str,
    level: Level,
    fields: BTreeMap<&'static str, String>,
    thread: String,
}

impl Told {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Whether it has these fields with these values.
    fn has(&self, fields: &[(&str, &str)]) -> bool {
        fields.iter().all(|(name, value)| self.field(name) == Some(value))
    }
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

static TOLD: Mutex<Vec<Told>> = Mutex::new(Vec::new());
/// The most detailed level that is listened to, as a number of [`LEVELS`].
static LEVEL: AtomicUsize = AtomicUsize::new(5);
const LEVELS: [LevelFilter; 6] = [
    LevelFilter::OFF,
    LevelFilter::ERROR,
    LevelFilter::WARN,
    LevelFilter::INFO,
    LevelFilter::DEBUG,
    LevelFilter::TRACE,
];
/// Whether the listener panics, whatever it is told.
static PANICS: AtomicBool = AtomicBool::new(false);
/// Asked for its last decision at each event.
static ASKED: Mutex<Option<AdaptiveThreadPool>> = Mutex::new(None);
/// What the listener waits for when a deadline has passed.
static GATE: Mutex<Option<Arc<Gate>>> = Mutex::new(None);
static SPANS: AtomicUsize = AtomicUsize::new(0);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Listener;

impl Listener {
    fn panic_if_asked() {
        if PANICS.load(Ordering::SeqCst) {
            panic!("in a subscriber, on purpose");
        }
    }
}

impl Subscriber for Listener {
    fn enabled(&self, what: &Metadata<'_>) -> bool {
        what.target().starts_with("millpond::") && *what.level() <= LEVELS[LEVEL.load(Ordering::SeqCst)]
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LEVELS[LEVEL.load(Ordering::SeqCst)])
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        SPANS.fetch_add(1, Ordering::SeqCst);
        Self::panic_if_asked();
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let (name, level) = (event.metadata().name(), *event.metadata().level());
        let thread = thread::current().name().unwrap_or_default().to_owned();
        let mut told = Told { name, level, fields: BTreeMap::new(), thread };
        event.record(&mut told);
        lock(&TOLD).push(told);
        let asked = lock(&ASKED).clone();
        let _ = asked.map(|pool| pool.last_decision());
        let gate = lock(&GATE).clone();
        if let Some(gate) = gate.filter(|_| name == "expired") {
            gate.pass();
        }
        Self::panic_if_asked();
    }
    fn enter(&self, _: &Id) {
        Self::panic_if_asked();
    }
    fn exit(&self, _: &Id) {
        Self::panic_if_asked();
    }
}

/// The only test that runs now, because all pools have one listener.
struct Listening {
    _alone: MutexGuard<'static, ()>,
}

fn listen() -> Listening {
    static ALONE: Mutex<()> = Mutex::new(());
    static ONCE: Once = Once::new();
    let alone = lock(&ALONE);
    ONCE.call_once(|| tracing::subscriber::set_global_default(Listener).unwrap());
    listen_up_to(LevelFilter::TRACE);
    PANICS.store(false, Ordering::SeqCst);
    lock(&TOLD).clear();
    Listening { _alone: alone }
}

fn listen_up_to(level: LevelFilter) {
    LEVEL.store(LEVELS.iter().position(|known| *known == level).unwrap(), Ordering::SeqCst);
    tracing_core::callsite::rebuild_interest_cache();
}

impl Listening {
    /// The events of this name so far.
    fn told(&self, name: &str) -> Vec<Told> {
        lock(&TOLD).iter().filter(|told| told.name == name).cloned().collect()
    }

    /// Waits for an event of this name with these fields, and returns it. It is the only one.
    fn one(&self, name: &str, fields: &[(&str, &str)]) -> Told {
        let all = || self.told(name).into_iter().filter(|told| told.has(fields)).collect::<Vec<_>>();
        until(|| !all().is_empty());
        let mut all = all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        PANICS.store(false, Ordering::SeqCst);
        // Its drop may tell something, so the lock is not held.
        let asked = lock(&ASKED).take();
        drop(asked);
        *lock(&GATE) = None;
    }
}

/// Occupies its worker for a millisecond at the least.
fn millisecond() {
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(1) {
        std::hint::spin_loop();
    }
}

/// Shuts the pool down. Its threads have told everything when this returns.
fn end(pool: &AdaptiveThreadPool) {
    until(|| block_on(pool.shutdown(Duration::MAX)).threads_remaining == 0);
}

fn kinds(pool: &AdaptiveThreadPool) -> Vec<RecentKind> {
    pool.recent_events().iter().map(|event| event.kind).collect()
}

#[test]
fn a_refusal_is_told_once_with_its_facts() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        pool.try_spawn(|| ()).unwrap_err();
        let plain = listening.one("refused", &[("reason", "queue_full"), ("depth", "1"), ("limit", "1")]);
        assert_eq!(plain.level, Level::DEBUG);
        assert!(plain.field("retry_after_ms").is_some() && plain.field("load_factor").is_some());
        assert_eq!((plain.field("task"), plain.field("tenant")), (None, None));

        pool.task().name("report").tenant("ada").try_spawn(|| ()).unwrap_err();
        listening.one("refused", &[("task", "report"), ("tenant", "ada")]);
        pool.task().name("late").deadline(Instant::now()).try_spawn(|| ()).unwrap_err();
        listening.one("refused", &[("reason", "expired"), ("task", "late")]);
        pool.try_acquire().unwrap_err();
        assert_eq!(listening.told("refused").len(), 4);
        // Who goes on to wait was not refused.
        assert!(poll_once(&mut Box::pin(pool.spawn(|| ()))).is_pending());
        assert!(poll_once(&mut Box::pin(pool.task().name("waits").spawn(|| ()))).is_pending());
        assert_eq!(listening.told("refused").len(), 4);

        let recent = pool.recent_events();
        assert_eq!(kinds(&pool), [RecentKind::Refused; 4]);
        assert!(recent[0].detail.starts_with("the queue is full (1 of 1"), "{recent:?}");
        assert_eq!((recent[1].task.as_deref(), recent[1].tenant.as_deref()), (Some("report"), Some("ada")));
        held.end();
        block_on(queued).unwrap();
        block_on(pool.shutdown(Duration::MAX));
        pool.try_spawn(|| ()).unwrap_err();
        let closed = listening.one("refused", &[("reason", "shutting_down")]);
        assert_eq!(closed.field("retry_after_ms"), None);
        assert!(block_on(pool.run(|| ())).unwrap_err().is_closed());
        assert_eq!(listening.told("refused").len(), 6);
    });
}

#[test]
fn a_cancellation_is_told_once_and_says_whether_the_pool_shuts_down() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let named = |name: &'static str| pool.task().name(name).tenant("ada").try_spawn(|| ()).unwrap();
        let given_up = named("given up");
        given_up.abort();
        given_up.abort();
        let told = listening.one("cancelled", &[("task", "given up"), ("tenant", "ada")]);
        assert_eq!((told.level, told.field("shutting_down")), (Level::DEBUG, Some("false")));
        assert!(told.field("waited_ms").is_some());
        let aborted = named("aborted");
        let report = block_on(pool.cancel_and_wait(Duration::ZERO));
        assert_eq!(report.cancelled, 1);
        listening.one("cancelled", &[("task", "aborted"), ("shutting_down", "true")]);
        assert!(block_on(aborted).unwrap_err().is_cancelled());
        assert!(pool.recent_events().is_empty(), "who cancels knows it");
        held.end();
        end(&pool);
    });
}

#[test]
fn a_deadline_that_passes_is_told_once_and_not_by_the_timer_thread() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).thread_name("expiring").build().unwrap();
        let held = hold(&pool, 1);
        let soon = Instant::now() + Duration::from_millis(1);
        let task = pool.task().name("report").deadline(soon).run(|| ());
        // It may come too late already: then it is refused.
        if block_on(task).unwrap_err().is_expired() && listening.told("refused").is_empty() {
            let told = listening.one("expired", &[("task", "report")]);
            assert_eq!((told.level, &*told.thread), (Level::DEBUG, "expiring-helper"));
            assert_eq!(kinds(&pool), [RecentKind::Expired]);
        }
        held.end();
        end(&pool);
    });
}

#[test]
fn a_subscriber_that_blocks_delays_no_deadline() {
    in_time(|| {
        let _listening = listen();
        let gate = Arc::<Gate>::default();
        *lock(&GATE) = Some(Arc::clone(&gate));
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let expires = || {
            let soon = Instant::now() + Duration::from_millis(5);
            block_on(pool.task().deadline(soon).run(|| ())).unwrap_err().is_expired()
        };
        assert!((0..20).all(|_| expires()));
        *lock(&GATE) = None;
        gate.open();
        held.end();
        end(&pool);
    });
}

#[test]
fn an_eviction_is_told_of_the_task_that_gives_way() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let bulk = pool.task().name("bulk").priority(Priority::Bulk).try_spawn(|| ()).unwrap();
        let urgent = pool.task().name("urgent").priority(Priority::Interactive).try_spawn(|| ()).unwrap();
        assert!(block_on(bulk).unwrap_err().is_rejected());
        let told = listening.one("evicted", &[("task", "bulk")]);
        assert_eq!(told.level, Level::DEBUG);
        assert!(listening.told("refused").is_empty());
        assert_eq!(kinds(&pool), [RecentKind::Shed]);
        held.end();
        block_on(urgent).unwrap();
        end(&pool);
    });
}

#[test]
fn work_that_is_shed_is_told_once_each() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).shedding(Shedding::OldestFirst).build().unwrap();
        let work = || (0..6).for_each(|_| millisecond());
        let tasks: Vec<_> = (0..60).map(|_| pool.task().name("old").try_spawn(work).unwrap()).collect();
        let refused = tasks.into_iter().filter_map(|task| block_on(task).err()).count();
        until(|| listening.told("shed").len() >= refused);
        assert_eq!(listening.told("shed").len(), refused);
        assert!(listening.told("shed").iter().all(|told| told.has(&[("task", "old")])));
        end(&pool);
    });
}

#[test]
fn a_panic_is_told_once_with_its_message_and_is_known_before_its_result() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).build().unwrap();
        let task = pool.task().name("report").tenant("ada").run(|| -> () { panic!("no paper") });
        assert!(block_on(task).unwrap_err().is_panic());
        let recent = pool.recent_events();
        assert_eq!((recent.len(), recent[0].kind, &*recent[0].detail), (1, RecentKind::Panicked, "no paper"));
        let told = listening.one("panicked", &[("task", "report"), ("tenant", "ada"), ("panic", "no paper")]);
        assert_eq!(told.level, Level::WARN);
        assert!(block_on(pool.run(|| -> () { std::panic::panic_any(7) })).unwrap_err().is_panic());
        until(|| listening.told("panicked").len() == 2);
        assert_eq!(pool.recent_events()[1].detail, "(no message)");
        end(&pool);
    });
}

#[test]
fn a_slow_task_is_told_with_its_name_and_time() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).slow_task(Duration::from_micros(500)).build().unwrap();
        block_on(pool.task().name("report").run(millisecond)).unwrap();
        let told = listening.one("slow_task", &[("task", "report"), ("tasks", "1"), ("suppressed", "0")]);
        assert_eq!(told.level, Level::WARN);
        assert!(told.field("time_ms").unwrap().parse::<u64>().unwrap() >= 1);
        let recent = pool.recent_events();
        assert_eq!((recent[0].kind, recent[0].task.as_deref()), (RecentKind::SlowTask, Some("report")));
        assert!(recent[0].detail.starts_with("it ran for "), "{recent:?}");
        end(&pool);
    });
}

#[test]
fn a_long_wait_is_told_as_the_task_starts() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).long_wait(Duration::from_micros(500)).build().unwrap();
        let held = hold(&pool, 1);
        let waits = pool.task().name("report").try_spawn(|| ()).unwrap();
        millisecond();
        held.end();
        block_on(waits).unwrap();
        let told = listening.one("long_wait", &[("task", "report"), ("suppressed", "0")]);
        assert_eq!(told.level, Level::WARN);
        assert!(told.field("waited_ms").unwrap().parse::<u64>().unwrap() >= 1);
        assert!(kinds(&pool).contains(&RecentKind::LongWait));
        end(&pool);
    });
}

#[test]
fn without_limits_no_task_is_slow_and_no_wait_is_long() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).slow_task(None).long_wait(None).build().unwrap();
        let held = hold(&pool, 1);
        let waits = pool.task().name("report").try_spawn(millisecond).unwrap();
        millisecond();
        held.end();
        block_on(waits).unwrap();
        assert!(pool.recent_events().is_empty());
        assert_eq!(listening.told("slow_task").len() + listening.told("long_wait").len(), 0);
        end(&pool);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn that_all_workers_are_blocked_is_told_and_kept() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).sampling_interval(Duration::from_millis(1)).build().unwrap();
        let gate = Arc::<Gate>::default();
        let within = Arc::clone(&gate);
        let blocked = pool.task().name("blocked").try_spawn(move || within.pass()).unwrap();
        until(|| pool.statistics().active_threads == 1);
        let waits = pool.try_spawn(|| ()).unwrap();
        let told = listening.one("all_blocked", &[("threads", "1"), ("waiting", "1")]);
        assert_eq!((told.level, told.field("tasks")), (Level::WARN, Some("[\"blocked\"]")));
        assert_eq!(pool.recent_events()[0].detail, "1 workers, 1 tasks wait; blocked: blocked");
        gate.open();
        block_on(blocked).unwrap();
        block_on(waits).unwrap();
        end(&pool);
    });
}

#[test]
fn threads_that_start_leave_or_are_refused_are_told() {
    in_time(|| {
        let listening = listen();
        let refuses = Arc::new(AtomicBool::new(false));
        let refused = Arc::clone(&refuses);
        let pool = AdaptiveThreadPool::builder()
            .max_threads(2)
            .thread_name("told")
            .spawn_handler(move |thread, body| match refused.load(Ordering::SeqCst) {
                true => Err(std::io::Error::other("no more")),
                false => thread.spawn(body).map(drop),
            })
            .build()
            .unwrap();
        let by_pool = |name| {
            let told = listening.told(name).into_iter();
            told.filter(|told| told.thread == "told-0" && told.has(&[("worker", "0")])).count()
        };
        assert_eq!(by_pool("thread_started"), 1);
        refuses.store(true, Ordering::SeqCst);
        let held = hold(&pool, 1);
        let waits = pool.try_spawn(|| ()).unwrap();
        until(|| !listening.told("thread_refused").is_empty());
        let told = listening.told("thread_refused").remove(0);
        assert!(told.has(&[("error", "no more"), ("threads", "1")]), "{told:?}");
        assert_eq!(told.level, Level::WARN);
        assert_eq!(pool.recent_events()[0].kind, RecentKind::ThreadRefused);
        held.end();
        block_on(waits).unwrap();
        block_on(pool.shutdown(Duration::MAX));
        assert_eq!(by_pool("thread_left"), 1);
    });
}

#[test]
fn a_change_of_pressure_is_told_and_so_is_the_end() {
    in_time(|| {
        let listening = listen();
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let saturated = listening.one("pressure_changed", &[("pressure", "saturated"), ("load", "2")]);
        assert_eq!(saturated.level, Level::DEBUG);
        lock(&TOLD).clear();
        held.end();
        block_on(queued).unwrap();
        listening.one("pressure_changed", &[("pressure", "normal")]);
        block_on(pool.shutdown(Duration::MAX));
        assert_eq!(listening.one("closing", &[]).level, Level::DEBUG);
        let end = listening.one("shut_down", &[("cancelled", "0"), ("still_running", "0")]);
        assert_eq!(end.level, Level::INFO);
        assert!(end.field("completed").is_some() && end.field("threads_remaining").is_some());
    });
}

#[test]
fn every_decision_on_the_number_of_threads_is_told_and_not_by_the_timer_thread() {
    in_time(|| {
        let listening = listen();
        let pool = AdaptiveThreadPool::builder()
            .max_threads(usable_cores())
            .sampling_interval(Duration::from_millis(1))
            .build()
            .unwrap();
        *lock(&ASKED) = Some(pool.clone());
        let held = hold(&pool, usable_cores());
        let waits = pool.try_spawn(|| ()).unwrap();
        until(|| listening.told("target_kept").len() >= 3);
        let first = listening.told("target_changed").remove(0);
        assert_eq!(first.level, Level::DEBUG);
        assert!(["threads", "cores", "sample"].iter().all(|name| first.field(name).is_some()));
        let reason = first.field("reason").unwrap();
        assert!(pool.statistics().decisions.iter().any(|(name, _)| name == reason), "{reason}");
        let all = lock(&TOLD).clone();
        assert!(all.iter().all(|told| !told.thread.ends_with("-timer")), "{all:?}");
        held.end();
        block_on(waits).unwrap();
        end(&pool);
    });
}

#[test]
fn nobody_is_told_what_nobody_listens_to() {
    in_time(|| {
        let _listening = listen();
        let pool = fixed(1).max_queue_size(1).task_spans(true).build().unwrap();
        let noise = || {
            let held = hold(&pool, 1);
            let queued = pool.task().name("queued").try_spawn(|| ()).unwrap();
            pool.try_spawn(|| ()).unwrap_err();
            held.end();
            block_on(queued).unwrap();
            assert!(block_on(pool.run(|| -> () { panic!("on purpose") })).unwrap_err().is_panic());
        };
        listen_up_to(LevelFilter::WARN);
        lock(&TOLD).clear();
        let before = SPANS.load(Ordering::SeqCst);
        noise();
        until(|| !lock(&TOLD).is_empty());
        assert!(lock(&TOLD).iter().all(|told| told.name == "panicked"));
        listen_up_to(LevelFilter::OFF);
        lock(&TOLD).clear();
        noise();
        drop(pool.recent_events());
        assert!(lock(&TOLD).is_empty());
        assert_eq!(SPANS.load(Ordering::SeqCst), before);
        assert_eq!(kinds(&pool).len(), 4, "they are kept all the same");
        end(&pool);
    });
}

#[test]
fn a_subscriber_that_panics_takes_nobody_with_it() {
    in_time(|| {
        let _listening = listen();
        let pool = fixed(2).max_queue_size(1).slow_task(Duration::from_micros(500)).build().unwrap();
        PANICS.store(true, Ordering::SeqCst);
        let held = hold(&pool, 2);
        let named = || pool.task().name("report");
        let task = named().try_spawn(|| 7).unwrap();
        named().try_spawn(|| ()).unwrap_err();
        held.end();
        assert_eq!(block_on(task).unwrap(), 7);
        assert!(block_on(named().run(|| -> () { panic!("in a task") })).unwrap_err().is_panic());
        block_on(named().run(millisecond)).unwrap();
        // Neither worker was lost.
        hold(&pool, 2).end();
        let held = hold(&pool, 2);
        let aborted = named().try_spawn(|| ());
        assert_eq!(block_on(pool.shutdown(Duration::from_millis(1))).still_running, 2);
        drop(aborted);
        held.end();
        end(&pool);
    });
}
