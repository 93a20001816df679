//! This crate's processor, on a pool with as many threads as every peer has.

use bytes::Bytes;
use millpond::memory::BufferPoolConfig;
use millpond::{ConcurrentProcessorV2, ConversionRequest, ProcessorConfig};

use super::conversion;
use super::peers::millpond::config;

/// Converts as a service would: through the processor, one document or a batch.
#[derive(Clone)]
pub struct Processor(std::sync::Arc<ConcurrentProcessorV2>);

impl Processor {
    pub fn new(niceness: Option<u8>) -> Self {
        Self::with_memory(niceness, BufferPoolConfig::default())
    }

    /// With buffers as that says.
    pub fn with_memory(niceness: Option<u8>, memory: BufferPoolConfig) -> Self {
        let config = ProcessorConfig { pool: config(niceness), memory, ..ProcessorConfig::default() };
        let processor = ConcurrentProcessorV2::with_config(config);
        Self(std::sync::Arc::new(processor))
    }

    /// The requests for these documents; to build them is no part of what is measured.
    pub fn requests(documents: &[Bytes]) -> Vec<ConversionRequest> {
        let request = |(id, document): (usize, &Bytes)| {
            let mut request = ConversionRequest::new(id.to_string(), document.clone());
            request.options = conversion::options();
            request
        };
        documents.iter().enumerate().map(request).collect()
    }

    /// One document; the length of its HTML.
    pub async fn single(&self, request: ConversionRequest) -> usize {
        let response = self.0.process_single(request).await;
        response.result.expect("Markdown becomes HTML").len()
    }

    /// The part of all documents so far that was converted on the caller's thread.
    pub fn inlined(&self) -> f64 {
        let metrics = self.0.get_metrics();
        metrics.inlined as f64 / metrics.total_processed.max(1) as f64
    }

    /// A batch; the length of its HTML. The responses are held until the last is there.
    pub async fn batch(&self, requests: Vec<ConversionRequest>) -> usize {
        let responses = self.0.process_batch(requests).await;
        let lengths = responses.iter().map(|response| response.result.as_ref().map_or(0, |html| html.len()));
        lengths.sum()
    }
}
