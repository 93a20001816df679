//! From the pool and the processor to a frame. Every list and every text in it has a bound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::frame::{Classes, Event, Frame, Latencies, Limits, Tenant, Worker};
use crate::convert::Converter;
use crate::memory::BufferPoolStatistics;
use crate::metrics::{ByClass, Histogram};
use crate::pool::{
    AdaptiveThreadPool, PoolLatencies, RecentEvent, RecentKind, TenantStatistics, WorkerState,
    WorkerStatistics,
};
use crate::processor::{ConcurrentProcessorV2, ProcessorMetrics};

/// Threads in a frame.
const WORKERS: usize = 256;
/// Tenants in a frame, beside the sum of the others.
const TENANTS: usize = 24;
/// Events in a frame, the newest.
const EVENTS: usize = 64;
/// Characters of a name.
const NAME: usize = 96;
/// Characters of what happened.
const DETAIL: usize = 240;

/// A processor of any converter.
pub(super) trait Documents: Send + Sync {
    fn metrics(&self) -> ProcessorMetrics;
    fn memory(&self) -> BufferPoolStatistics;
}

impl<C: Converter> Documents for ConcurrentProcessorV2<C> {
    fn metrics(&self) -> ProcessorMetrics {
        self.get_metrics()
    }

    fn memory(&self) -> BufferPoolStatistics {
        self.memory_pool().statistics()
    }
}

/// What is read.
#[derive(Clone)]
pub(super) struct Source {
    pool: AdaptiveThreadPool,
    pub(super) documents: Option<Arc<dyn Documents>>,
    began: Instant,
}

impl Source {
    pub(super) fn new(pool: &AdaptiveThreadPool) -> Self {
        Self { pool: pool.clone(), documents: None, began: Instant::now() }
    }

    /// Reads a frame, and writes it as JSON.
    pub(super) fn frame(&self, every: Duration) -> String {
        // Its maps have strings as keys, and nothing in it fails to be written.
        serde_json::to_string(&self.read(every)).unwrap_or_default()
    }

    fn read(&self, every: Duration) -> Frame {
        let (pool, config) = (&self.pool, self.pool.config());
        let workers = pool.workers();
        Frame {
            version: env!("CARGO_PKG_VERSION"),
            name: clip(&config.thread_name, NAME),
            at: self.began.elapsed().as_secs_f64(),
            every: every.as_secs_f64(),
            closed: pool.is_closed(),
            limits: Limits {
                min_threads: config.min_threads,
                max_threads: config.max_threads,
                max_queue_size: config.max_queue_size,
                backpressure_threshold: config.backpressure_threshold,
            },
            pool: pool.statistics(),
            decision: pool.last_decision(),
            latencies: latencies(&pool.latencies()),
            more_workers: workers.len().saturating_sub(WORKERS),
            workers: workers.into_iter().take(WORKERS).map(worker).collect(),
            tenants: pool.tenants(TENANTS).iter().filter_map(tenant).collect(),
            events: events(pool),
            documents: self.documents.as_ref().map(|documents| documents.metrics()),
            memory: self.documents.as_ref().map(|documents| documents.memory()),
        }
    }
}

fn latencies(of: &PoolLatencies) -> Latencies {
    let bounded = |bound: &Duration| *bound < Duration::MAX;
    let bounds = of.run_time.plain.buckets().map(|(bound, _)| bound).filter(bounded);
    Latencies {
        bounds: bounds.map(|bound| bound.as_secs_f64()).collect(),
        queue_delay: classes(&of.queue_delay),
        run_time: classes(&of.run_time),
    }
}

fn classes(of: &ByClass<Histogram>) -> Classes {
    let counts = |histogram: &Histogram| histogram.buckets().map(|(_, count)| count).collect();
    Classes {
        plain: counts(&of.plain),
        interactive: counts(&of.interactive),
        standard: counts(&of.standard),
        bulk: counts(&of.bulk),
    }
}

fn worker(of: WorkerStatistics) -> Worker {
    Worker {
        index: of.index,
        state: match of.state {
            WorkerState::Running => "running",
            WorkerState::Searching => "searching",
            WorkerState::Parked => "parked",
            WorkerState::Blocked => "blocked",
        },
        task: of.task.as_deref().map(|name| clip(name, NAME)),
        running_for: of.running_for.map(|time| time.as_secs_f64()),
        busy: of.busy.as_secs_f64(),
        completed: of.tasks_completed,
        stolen: of.tasks_stolen,
        parks: of.parks,
    }
}

/// `None` for the sum of the others if there are none.
fn tenant(of: &TenantStatistics) -> Option<Tenant> {
    (of.name.is_some() || of.tasks_taken > 0 || of.waiting > 0).then(|| Tenant {
        name: of.name.as_deref().map(|name| clip(name, NAME)),
        waiting: of.waiting,
        running: of.running,
        started: of.tasks_taken,
        time: of.processor_time.as_secs_f64(),
    })
}

fn events(pool: &AdaptiveThreadPool) -> Vec<Event> {
    let (all, age) = (pool.recent_events(), pool.age());
    let newest = all.len().saturating_sub(EVENTS);
    all.into_iter().skip(newest).map(|event| self::event(event, age)).collect()
}

fn event(of: RecentEvent, age: Duration) -> Event {
    Event {
        ago: age.saturating_sub(of.at).as_secs_f64(),
        kind: match of.kind {
            RecentKind::Refused => "refused",
            RecentKind::Expired => "expired",
            RecentKind::Shed => "shed",
            RecentKind::Panicked => "panicked",
            RecentKind::SlowTask => "slow_task",
            RecentKind::LongWait => "long_wait",
            RecentKind::AllBlocked => "all_blocked",
            RecentKind::ThreadRefused => "thread_refused",
        },
        task: of.task.as_deref().map(|name| clip(name, NAME)),
        tenant: of.tenant.as_deref().map(|name| clip(name, NAME)),
        detail: clip(&of.detail, DETAIL),
        skipped: of.skipped,
    }
}

/// The beginning of a text that is longer.
fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::clip;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(clip("žížala", 6), "žížala");
        assert_eq!(clip("žížala", 5), "žíža…");
        assert_eq!(clip("", 5), "");
    }
}
