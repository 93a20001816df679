//! `GET /metrics`: the figures of the service, the pool and the processor.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use millpond::telemetry::{PoolCollector, ProcessorCollector};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::engine::Engine;
use super::service::Service;

/// The media type of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> Response {
    match page(&service) {
        Ok(page) => ([(CONTENT_TYPE, TEXT)], page).into_response(),
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The figures of the engine, which are read when the registry is encoded.
pub(crate) fn of_engine(engine: &Engine) -> Registry {
    let mut registry = Registry::default();
    if let Some(millpond) = engine.millpond() {
        let processor = millpond.processor();
        registry.register_collector(Box::new(PoolCollector::new(processor.pool())));
        registry.register_collector(Box::new(ProcessorCollector::new(processor)));
    }
    registry
}

fn page(service: &Arc<Service>) -> Result<String, fmt::Error> {
    let mut own = Registry::default();
    own.register_collector(Box::new(Own(Arc::clone(service))));
    let mut page = String::new();
    encode(&mut page, &own)?;
    encode(&mut page, &service.engine_metrics)?;
    Ok(page)
}

/// The figures of the service itself.
#[derive(Debug)]
struct Own(Arc<Service>);

impl Collector for Own {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(service) = self;
        let ledger = &service.ledger;
        responses(service, &mut encoder)?;
        let mut counter =
            |name, help, value: u64| put(&mut encoder, name, help, None, &ConstCounter::new(value));
        counter("document_service_accepted", "Documents and batches that were read.", ledger.accepted())?;
        counter("document_service_answered", "Those that were answered.", ledger.answered())?;
        counter("document_service_given_up", "Those whose client went before.", ledger.given_up())?;
        let mut gauge = |name, help, unit, value: usize| {
            put(&mut encoder, name, help, unit, &ConstGauge::new(value as i64))
        };
        gauge(
            "document_service_connections",
            "Connections that are open.",
            None,
            service.connections.load(Ordering::Relaxed),
        )?;
        gauge(
            "document_service_upload_budget_free",
            "Memory that is left for bodies of requests.",
            Some(&Unit::Bytes),
            service.uploads.left(),
        )?;
        let streams = service.limits.max_streams - service.streams.available_permits();
        gauge("document_service_streams", "Streams that are under way.", None, streams)
    }
}

fn responses(service: &Service, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let kind = ConstCounter::new(0_u64).metric_type();
    let help = "Responses, by path and status.";
    let mut responses = encoder.encode_descriptor("document_service_responses", help, None, kind)?;
    for ((path, status), count) in service.ledger.responses() {
        let labels = [("path", path.to_owned()), ("status", status.to_string())];
        ConstCounter::new(count).encode(responses.encode_family(&labels)?)?;
    }
    Ok(())
}

fn put(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
}
