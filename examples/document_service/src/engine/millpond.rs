//! This crate's processor.

use std::time::{Duration, Instant};

use ::millpond::service::axum::Problem;
use ::millpond::service::{Admission, ConversionService};
use ::millpond::{
    BuildError, ConcurrentProcessorV2, ConversionOptions, ConversionRequest, PoolConfig, ProcessorConfig,
};
use bytes::Bytes;
use tower::ServiceExt;

use super::super::config::WorkConfig;
use super::Converted;

#[derive(Debug)]
pub(crate) struct Millpond {
    service: ConversionService,
    /// Whether a document may wait for a place.
    waits: bool,
}

impl Millpond {
    pub(crate) fn new(config: &WorkConfig) -> Result<Self, BuildError> {
        let defaults = PoolConfig::default();
        let pool = PoolConfig {
            max_threads: config.threads.unwrap_or(defaults.max_threads),
            // A conversion computes only: none waits for another.
            max_blocked_threads: 0,
            max_queue_size: config.queue_limit,
            // All are one tenant here: it may have the whole queue.
            tenant_queue_share: 1.0,
            byte_budget: Some(config.memory_budget),
            ..defaults
        };
        let processor = ConcurrentProcessorV2::try_with_config(ProcessorConfig {
            inline_budget: config.inline,
            max_document_size: config.max_document,
            // The deadline of its documents is that of a batch.
            batch_timeout: Duration::MAX,
            pool,
            ..ProcessorConfig::default()
        })?;
        let admission =
            if config.wait.is_zero() { Admission::Shed } else { Admission::WaitUpTo(config.wait) };
        let service = ConversionService::new(processor).admission(admission);
        Ok(Self { service, waits: !config.wait.is_zero() })
    }

    pub(crate) fn processor(&self) -> &ConcurrentProcessorV2 {
        self.service.processor()
    }

    pub(super) fn has_room(&self) -> Result<(), Problem> {
        if self.waits {
            return Ok(());
        }
        self.processor().pool().try_acquire().map(drop).map_err(Problem::from)
    }

    pub(super) async fn convert(
        &self,
        content: Bytes,
        options: ConversionOptions,
        deadline: Instant,
    ) -> Converted {
        let request = ConversionRequest::new("", content).with_options(options).with_deadline(deadline);
        self.service.clone().oneshot(request).await?.result.map_err(Problem::from)
    }

    pub(super) async fn convert_all(
        &self,
        requests: impl Iterator<Item = (Bytes, ConversionOptions)>,
        deadline: Instant,
    ) -> Vec<Converted> {
        let request = |(content, options)| {
            ConversionRequest::new("", content).with_options(options).with_deadline(deadline)
        };
        let answers = self.processor().process_batch(requests.map(request).collect()).await;
        answers.into_iter().map(|answer| answer.result.map_err(Problem::from)).collect()
    }

    pub(super) async fn compute<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let pool = self.processor().pool();
        match deadline {
            Some(deadline) => pool.task().deadline(deadline).run(work).await,
            None => pool.run(work).await,
        }
        .map_err(Problem::from)
    }
}
