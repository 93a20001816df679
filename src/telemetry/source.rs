//! The metrics of a pool and of a processor: their names, their texts and their values.

use std::fmt;
use std::sync::Arc;

use super::family::Kind::{Counter, Gauge};
use super::family::{Families, Kind, Label};
use super::tenants::{MOST, TenantLabels};
use crate::convert::Converter;
use crate::memory::BufferPoolStatistics;
use crate::metrics::{ByClass, Histogram};
use crate::policy::scheduling::TenantSum;
use crate::pool::{AdaptiveThreadPool, Observer, PoolStatistics, Pressure};
use crate::processor::{ConcurrentProcessorV2, ProcessorMetrics, ProcessorReading};
use crate::sync::Mutex;

/// Something that has metrics.
pub(super) trait Source: fmt::Debug + Send + Sync {
    /// Adds the metrics as they are now.
    fn read(&self, into: &mut Families);
    /// The labels of all its samples.
    fn labels(&mut self) -> &mut Vec<Label>;
}

/// A pool.
#[derive(Debug)]
pub(super) struct PoolSource {
    pool: Observer,
    labels: Vec<Label>,
    tenants: Mutex<TenantLabels>,
}

impl PoolSource {
    pub(super) fn new(pool: &AdaptiveThreadPool) -> Self {
        let tenants = Mutex::new(TenantLabels::new(MOST));
        Self { pool: Observer::new(pool), labels: Vec::new(), tenants }
    }

    pub(super) fn set_most_tenants(&mut self, most: usize) {
        self.tenants = Mutex::new(TenantLabels::new(most));
    }
}

impl Source for PoolSource {
    fn read(&self, into: &mut Families) {
        into.begin(&self.labels);
        let statistics = self.pool.statistics();
        tasks(into, &statistics);
        admission(into, &statistics);
        threads(into, &statistics);
        workers(into, &self.pool);
        let latencies = self.pool.latencies();
        let delay = "From the submission of a task to its start; of plain tasks a sample of one in 16";
        times(into, "millpond_pool_queue_delay_seconds", delay, latencies.queue_delay);
        let time = "From the start of a task to its end; tiny tasks enter with the mean of up to eight";
        times(into, "millpond_pool_run_time_seconds", time, latencies.run_time);
        tenants(into, statistics.tenants, &self.tenants.lock().read(&self.pool));
    }

    fn labels(&mut self) -> &mut Vec<Label> {
        &mut self.labels
    }
}

fn tasks(into: &mut Families, pool: &PoolStatistics) {
    let mut count = |name, help, value: u64| into.one(Counter, name, help, value);
    count("millpond_pool_tasks_queued_total", "Tasks that entered the queue", pool.tasks_queued);
    count(
        "millpond_pool_tasks_completed_total",
        "Tasks that ran to their end, panics among them",
        pool.tasks_completed,
    );
    count("millpond_pool_tasks_panicked_total", "Tasks that panicked", pool.tasks_panicked);
    count(
        "millpond_pool_tasks_cancelled_total",
        "Tasks that were cancelled before they started",
        pool.tasks_cancelled,
    );
    count(
        "millpond_pool_tasks_expired_total",
        "Tasks whose deadline passed before they started",
        pool.tasks_expired,
    );
    count(
        "millpond_pool_tasks_shed_total",
        "Tasks that were accepted and refused later, evicted ones among them",
        pool.tasks_shed,
    );
    count(
        "millpond_pool_tasks_stolen_total",
        "Tasks that a worker took from the deque of another",
        pool.tasks_stolen,
    );
    count(
        "millpond_pool_tasks_stolen_remote_total",
        "Stolen tasks that came from another NUMA node",
        pool.tasks_stolen_remote,
    );
    let abandoned = pool.abandoned_time_ms / 1e3;
    let help = "Time of tasks whose caller gave up while they ran";
    into.one(Counter, "millpond_pool_abandoned_seconds_total", help, abandoned);
    into.one(Gauge, "millpond_pool_queue_depth", "Accepted tasks that wait", pool.queue_depth);
}

fn admission(into: &mut Families, pool: &PoolStatistics) {
    let refusals = pool.refusals.iter();
    into.by(Counter, "millpond_pool_refusals_total", "Times that work was refused", "reason", refusals);
    let mut count = |name, help, value: u64| into.one(Counter, name, help, value);
    count("millpond_pool_permits_waited_total", "Callers who had to wait for a permit", pool.permits_waited);
    count("millpond_pool_permits_lapsed_total", "Permits that were not used in time", pool.lapsed_permits);
    let mut gauge = |name, help, value: usize| into.one(Gauge, name, help, value);
    gauge(
        "millpond_pool_waiting_callers",
        "Callers who wait for a permit or for bytes",
        pool.waiting_callers,
    );
    gauge("millpond_pool_reserved_permits", "Permits that are held and not used", pool.reserved_permits);
    gauge("millpond_pool_under_way_bytes", "Bytes that labelled tasks hold", pool.bytes_under_way);
    let help = "Running and queued tasks, divided by the most that there may be";
    into.one(Gauge, "millpond_pool_load_factor", help, pool.load_factor);
    let help = "1 while the queue is full or the load factor has reached its threshold";
    into.one(Gauge, "millpond_pool_saturated", help, pool.pressure == Pressure::Saturated);
    let help = "1 while labelled tasks wait for too long";
    into.one(Gauge, "millpond_pool_overloaded", help, pool.overloaded);
}

fn threads(into: &mut Families, pool: &PoolStatistics) {
    let mut gauge = |name, help, value: usize| into.one(Gauge, name, help, value);
    gauge("millpond_pool_threads", "Threads that there are", pool.total_threads);
    gauge("millpond_pool_thread_limit", "Threads that the pool may have now", pool.thread_limit);
    gauge("millpond_pool_active_threads", "Threads that run a task", pool.active_threads);
    gauge("millpond_pool_blocked_threads", "Threads that are blocked in a task", pool.blocked_threads);
    let mut count = |name, help, value: u64| into.one(Counter, name, help, value);
    count("millpond_pool_threads_started_total", "Threads that were started", pool.threads_started);
    count(
        "millpond_pool_thread_spawn_failures_total",
        "Threads that the operating system refused",
        pool.thread_spawn_failures,
    );
    count("millpond_pool_parks_total", "Times that a thread fell asleep for want of work", pool.parks);
    count("millpond_pool_wakes_total", "Times that a sleeping thread was woken for work", pool.wakes);
    let help = "Decisions on the number of threads";
    into.by(Counter, "millpond_pool_scaling_decisions_total", help, "reason", pool.decisions.iter());
}

fn workers(into: &mut Families, pool: &Observer) {
    let workers = pool.worker_totals();
    let busy = workers.iter().map(|(index, totals)| (index.to_string(), totals.busy_ns as f64 / 1e9));
    let help = "Time that a worker spent in tasks which have ended";
    into.by(Counter, "millpond_pool_worker_busy_seconds_total", help, "worker", busy);
    let tasks = workers.iter().map(|(index, totals)| (index.to_string(), totals.completed));
    let help = "Tasks that a worker ran to their end";
    into.by(Counter, "millpond_pool_worker_tasks_total", help, "worker", tasks);
}

fn times(into: &mut Families, name: &'static str, help: &'static str, times: ByClass<Histogram>) {
    let ByClass { plain, interactive, standard, bulk } = times;
    let times = [("plain", plain), ("interactive", interactive), ("standard", standard), ("bulk", bulk)];
    into.by(Kind::Histogram, name, help, "class", times);
}

fn tenants(into: &mut Families, accounts: usize, tenants: &[(String, TenantSum)]) {
    into.one(Gauge, "millpond_pool_tenants", "Tenants with an account", accounts);
    let of =
        |value: fn(&TenantSum) -> usize| tenants.iter().map(move |(name, sum)| (name.clone(), value(sum)));
    let help = "Tasks of a tenant that wait";
    into.by(Gauge, "millpond_pool_tenant_tasks_waiting", help, "tenant", of(|sum| sum.waiting));
    let help = "Tasks of a tenant that run";
    into.by(Gauge, "millpond_pool_tenant_tasks_running", help, "tenant", of(|sum| sum.running));
    let taken = tenants.iter().map(|(name, sum)| (name.clone(), sum.taken));
    let help = "Tasks of a tenant that workers took to run";
    into.by(Counter, "millpond_pool_tenant_tasks_taken_total", help, "tenant", taken);
    let used = tenants.iter().map(|(name, sum)| (name.clone(), sum.used_ns as f64 / 1e9));
    let help = "Processor time of the tasks of a tenant that have ended";
    into.by(Counter, "millpond_pool_tenant_processor_seconds_total", help, "tenant", used);
}

/// A processor and its memory, without its pool.
pub(super) struct ProcessorSource {
    read: Arc<dyn Fn() -> ProcessorReading + Send + Sync>,
    labels: Vec<Label>,
}

impl fmt::Debug for ProcessorSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessorSource").field("labels", &self.labels).finish_non_exhaustive()
    }
}

impl ProcessorSource {
    pub(super) fn new<C: Converter>(processor: &ConcurrentProcessorV2<C>) -> Self {
        Self { read: Arc::new(processor.reader()), labels: Vec::new() }
    }
}

impl Source for ProcessorSource {
    fn read(&self, into: &mut Families) {
        into.begin(&self.labels);
        let ProcessorReading { metrics, latency, memory } = (self.read)();
        documents(into, &metrics, latency);
        buffers(into, &memory);
    }

    fn labels(&mut self) -> &mut Vec<Label> {
        &mut self.labels
    }
}

fn documents(into: &mut Families, documents: &ProcessorMetrics, latency: Histogram) {
    let mut count = |name, help, value: u64| into.one(Counter, name, help, value);
    count(
        "millpond_documents_total",
        "Documents that were answered, failures among them",
        documents.total_processed,
    );
    count("millpond_documents_failed_total", "Documents whose answer is an error", documents.total_failed);
    count(
        "millpond_documents_panicked_total",
        "Documents on which the converter panicked",
        documents.panicked,
    );
    count(
        "millpond_documents_timed_out_total",
        "Documents that were not done at the timeout of their batch",
        documents.timed_out,
    );
    count(
        "millpond_documents_inlined_total",
        "Documents that were converted on their caller's thread",
        documents.inlined,
    );
    count("millpond_documents_chunked_total", "Documents that were converted in parts", documents.chunked);
    count("millpond_document_chunks_total", "The parts of these documents", documents.chunks);
    count(
        "millpond_document_coalesced_tasks_total",
        "Tasks in which several documents of a batch were converted",
        documents.coalesced_tasks,
    );
    count(
        "millpond_document_input_bytes_total",
        "Bytes of the documents that were converted",
        documents.bytes_in,
    );
    count("millpond_document_output_bytes_total", "Bytes of the results", documents.bytes_out);
    let help = "Requests and batches under way";
    into.one(Gauge, "millpond_documents_in_flight", help, documents.in_flight);
    let help = "From a request to its answer, waiting included";
    into.one(Kind::Histogram, "millpond_document_latency_seconds", help, latency);
}

fn buffers(into: &mut Families, memory: &BufferPoolStatistics) {
    let tiers = ["small", "medium", "large", "oversized"].into_iter().zip(memory.tiers());
    let mut count = |name, help, values: [u64; 4]| {
        into.by(Counter, name, help, "tier", tiers.clone().map(|(tier, _)| tier).zip(values));
    };
    let of = |value: fn(&crate::memory::TierStatistics) -> u64| memory.tiers().map(|tier| value(&tier));
    count("millpond_memory_pool_hits_total", "Buffers that were there when asked for", of(|tier| tier.hits));
    count("millpond_memory_pool_misses_total", "Buffers that had to be allocated", of(|tier| tier.misses));
    count(
        "millpond_memory_pool_grown_total",
        "Buffers that came back larger than they had gone",
        of(|tier| tier.grown),
    );
    count(
        "millpond_memory_pool_discarded_total",
        "Buffers that came back and were not kept",
        of(|tier| tier.discarded),
    );
    count(
        "millpond_memory_pool_trimmed_total",
        "Buffers that were released because they were not needed",
        of(|tier| tier.trimmed),
    );
    count(
        "millpond_memory_pool_prepared_total",
        "Buffers that were allocated ahead of foreseen load",
        of(|tier| tier.prepared),
    );
    let mut gauge = |name, help, value: fn(&crate::memory::TierStatistics) -> usize| {
        into.by(Gauge, name, help, "tier", tiers.clone().map(|(tier, figures)| (tier, value(&figures))));
    };
    gauge("millpond_memory_pool_held_buffers", "Unused buffers", |tier| tier.buffers_held);
    gauge("millpond_memory_pool_held_bytes", "Capacity of unused buffers", |tier| tier.bytes_held);
    gauge(
        "millpond_memory_pool_held_peak_bytes",
        "An upper bound of the largest capacity of unused buffers so far",
        |tier| tier.bytes_held_peak,
    );
    gauge("millpond_memory_pool_lent_bytes", "Capacity of buffers in use", |tier| tier.bytes_out);
    gauge(
        "millpond_memory_pool_lent_peak_bytes",
        "An upper bound of the largest capacity of buffers in use so far",
        |tier| tier.bytes_out_peak,
    );
}
