//! The guides: how the crate works, how to use it in a service and in a test, and what it costs.
//!
//! They are the files of the folder `docs` in the repository, so they can be read there as well.
//! [`decisions`] holds the decision records: what was chosen, what was not, and the figures.

/// Declares a module for each file. The link definitions of `guide/links.md` come first and override those at the end of the file,
/// which apply where the file itself is read. See `docs/decisions/0040-guides.md`.
macro_rules! pages {
    ($($(#[$attribute:meta])* $name:ident: $file:literal,)*) => {$(
        $(#[$attribute])*
        // Not for doctests, whose names and lines are then those of the guide.
        #[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
        #[doc = include_str!(concat!("../docs/", $file))]
        pub mod $name {}
    )*};
}

pages! {
    architecture: "architecture.md",
    converters: "converters.md",
    dashboard: "dashboard.md",
    documents: "documents.md",
    events: "events.md",
    // Its examples need tonic and hyper: the package `tests/services` compiles them.
    #[cfg(not(doctest))]
    integration: "integration.md",
    metrics: "metrics.md",
    moving_from: "moving-from.md",
    numa: "numa.md",
    performance: "performance.md",
    processor: "processor.md",
    scaling: "scaling.md",
    scheduling: "scheduling.md",
    service: "service.md",
    testing: "testing.md",
}

/// The decision records, by number: the question, the options, the choice and its figures.
pub mod decisions {
    pages! {
        d0001: "decisions/0001-permits-own-line.md",
        d0002: "decisions/0002-on-a-worker.md",
        d0003: "decisions/0003-looking-on.md",
        d0004: "decisions/0004-short-tasks.md",
        d0005: "decisions/0005-end-of-a-pool.md",
        d0006: "decisions/0006-scaling.md",
        d0007: "decisions/0007-forecast.md",
        d0008: "decisions/0008-sizing-at-work.md",
        d0009: "decisions/0009-run-order.md",
        d0010: "decisions/0010-rtf-reader.md",
        d0011: "decisions/0011-memory-pool.md",
        d0012: "decisions/0012-chunks.md",
        d0013: "decisions/0013-while-it-is-read.md",
        d0014: "decisions/0014-test-util.md",
        d0020: "decisions/0020-inlining.md",
        d0021: "decisions/0021-tenants.md",
        d0022: "decisions/0022-batches.md",
        d0023: "decisions/0023-parts.md",
        d0024: "decisions/0024-retry.md",
        d0025: "decisions/0025-passing-on.md",
        d0030: "decisions/0030-services.md",
        d0031: "decisions/0031-document-service.md",
        d0032: "decisions/0032-dashboard.md",
        d0040: "decisions/0040-guides.md",
        d0041: "decisions/0041-packages-and-constructors.md",
        d0042: "decisions/0042-handing-the-core-over.md",
        d0043: "decisions/0043-deferred-wakes.md",
        d0044: "decisions/0044-the-timer-thread-runs-no-user-code.md",
        d0045: "decisions/0045-order-of-equals-and-saturation.md",
        d0046: "decisions/0046-one-way-in-and-tickets.md",
        d0047: "decisions/0047-run-on-a-worker.md",
        d0048: "decisions/0048-what-the-report-of-a-shutdown-says.md",
        d0049: "decisions/0049-blocked-workers.md",
        d0050: "decisions/0050-the-runtime-of-a-task.md",
        d0051: "decisions/0051-cancellation-is-a-tree.md",
        d0054: "decisions/0054-events.md",
        d0055: "decisions/0055-numa.md",
    }
}
