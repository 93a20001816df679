//! In a real server: limits hold over all connections, refusals are responses with all that a client needs, and a client who goes away
//! leaves nothing behind.

use std::time::{Duration, Instant};

use crate::pool_support::{fixed, hold, in_time_async};
use crate::service_support::{connect, post as send_document, serve};
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http_body_util::Full;
use millpond::TaskOptions;
use millpond::service::axum::{Respond, tenant_options};
use millpond::service::{Admission, CpuService, OffloadLayer, ServiceError};
use millpond::test_util::assert_no_leaks;
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionRequest, ConversionResponse, DocumentConverter,
    Format, ProcessorConfig, TaskContext,
};

/// While the runtime goes on.
async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_handler_runs_on_the_pool_and_reads_its_body_there() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let handler = async |body: Bytes| format!("{} {}", body.len(), TaskContext::current().is_some());
        let layer = OffloadLayer::new(pool.clone()).responding();
        let address = serve(Router::new().route("/", post(handler)).layer(layer)).await;
        let got = send_document(address, "/", vec![b'a'; 1 << 20]).await;
        assert_eq!((got.status.as_u16(), &got.body[..]), (200, &b"1048576 true"[..]));
        assert_no_leaks(&pool);
    });
}

/// `axum::serve` builds the layers again for each connection: a limit of 3 that lives in the service was seen to admit 12 of 12.
#[test]
fn the_limit_is_one_for_all_connections() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(3).build().unwrap();
        let layer = OffloadLayer::new(pool.clone()).admission(Admission::Shed).responding();
        let address = serve(Router::new().route("/", get(async || "served")).layer(layer)).await;
        let held = hold(&pool, 1);
        let mut requests: FuturesUnordered<_> =
            (0..12).map(|_| crate::service_support::get(address, "/")).collect();
        for _ in 0..9 {
            let refused = requests.next().await.unwrap();
            let after = refused.problem(503, "queue-full").unwrap();
            assert!((1..=72).contains(&after), "{after}");
        }
        held.end();
        while let Some(served) = requests.next().await {
            assert_eq!((served.status.as_u16(), &served.body[..]), (200, &b"served"[..]));
        }
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_request_waits_for_a_place_and_is_refused_when_that_takes_too_long() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let brief = Admission::WaitUpTo(Duration::from_millis(1));
        let layer = OffloadLayer::new(pool.clone()).admission(brief).responding();
        let address = serve(Router::new().route("/", get(async || "served")).layer(layer)).await;
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        assert!(crate::service_support::get(address, "/").await.problem(503, "queue-full").is_some());
        held.end();
        queued.await.unwrap();
        assert_eq!(crate::service_support::get(address, "/").await.status, 200);
        assert_no_leaks(&pool);
    });
}

#[test]
fn what_passes_its_deadline_is_a_504() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let soon = |_: &Request| TaskOptions::new().deadline(Instant::now() + Duration::from_millis(5));
        let layer = OffloadLayer::new(pool.clone()).classify(soon).responding();
        let address = serve(Router::new().route("/", get(async || "served")).layer(layer)).await;
        let held = hold(&pool, 1);
        assert_eq!(crate::service_support::get(address, "/").await.problem(504, "deadline-exceeded"), None);
        held.end();
        assert_no_leaks(&pool);
    });
}

#[test]
fn what_comes_after_its_deadline_is_a_504_however_full_the_pool_is() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        for (refused, admission) in (1..).zip([Admission::Shed, Admission::WaitUpTo(Duration::MAX)]) {
            let late = |_: &Request| TaskOptions::new().deadline(Instant::now() - Duration::from_millis(1));
            let layer = OffloadLayer::new(pool.clone()).admission(admission).classify(late).responding();
            let address = serve(Router::new().route("/", get(async || "served")).layer(layer)).await;
            let got = crate::service_support::get(address, "/").await;
            assert_eq!(got.problem(504, "deadline-exceeded"), None, "{admission:?}");
            assert_eq!(pool.statistics().backpressure_events, refused, "{admission:?}: it is counted");
        }
        held.end();
        queued.await.unwrap();
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_panic_is_a_500_that_does_not_tell_what_it_said() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        async fn handler() {
            panic!("the secret");
        }
        let router = Router::new()
            .route("/", get(handler))
            .layer(OffloadLayer::new(pool.clone()).responding())
            .route_service(
                "/function",
                Respond::new(CpuService::new(pool.clone(), |_: Request| -> () { panic!("the secret") })),
            );
        let address = serve(router).await;
        for path in ["/", "/function"] {
            let got = crate::service_support::get(address, path).await;
            assert_eq!(got.problem(500, "panicked"), None);
            assert!(!String::from_utf8_lossy(&got.body).contains("secret"));
        }
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_pool_that_is_shut_down_is_a_503_without_a_time_to_come_again() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let service = |admission| {
            Respond::new(CpuService::new(pool.clone(), |_: Request| "served").admission(admission))
        };
        let router = Router::new()
            .route_service("/backpressure", service(Admission::Backpressure))
            .route_service("/shed", service(Admission::Shed))
            .route_service("/wait", service(Admission::WaitUpTo(Duration::MAX)))
            .route(
                "/handler",
                get(async |State(pool): State<AdaptiveThreadPool>| pool.run(|| "served").await),
            )
            .with_state(pool.clone());
        let address = serve(router).await;
        for closed in [false, true] {
            for path in ["/backpressure", "/shed", "/wait", "/handler"] {
                let got = crate::service_support::get(address, path).await;
                if closed {
                    assert_eq!(got.problem(503, "shutting-down"), None);
                } else {
                    assert_eq!((got.status.as_u16(), &got.body[..]), (200, &b"served"[..]), "{path}");
                }
            }
            pool.shutdown(Duration::from_secs(60)).await;
        }
    });
}

#[test]
fn a_client_who_goes_away_cancels_its_request() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let layer = OffloadLayer::new(pool.clone()).responding();
        let address = serve(Router::new().route("/", get(async || "served")).layer(layer)).await;
        let held = hold(&pool, 1);
        let mut client = connect(address).await;
        let request = hyper::Request::get("/").header("host", "loopback").body(Full::default()).unwrap();
        let asked = tokio::spawn(async move { client.send_request(request).await });
        until(|| pool.statistics().queue_depth == 1).await;
        asked.abort();
        until(|| pool.statistics().queue_depth == 0).await;
        assert_eq!(pool.statistics().tasks_cancelled, 1);
        held.end();
        assert_no_leaks(&pool);
    });
}

fn conversions(config: ProcessorConfig) -> (Router, ConcurrentProcessorV2) {
    let pool = fixed(1).build().unwrap();
    let processor = ConcurrentProcessorV2::on_pool(pool, DocumentConverter::default(), config);
    let handler = async |State(processor): State<ConcurrentProcessorV2>, document: Bytes| {
        let request = ConversionRequest::new("", document).with_to(Format::Html);
        processor.process_single(request).await
    };
    (Router::new().route("/convert", post(handler)).with_state(processor.clone()), processor)
}

#[test]
fn a_converted_document_has_its_media_type() {
    in_time_async(|| async {
        let (router, processor) = conversions(ProcessorConfig::default());
        let address = serve(router).await;
        let got = send_document(address, "/convert", "Hello *pond*").await;
        assert_eq!((got.status.as_u16(), &got.body[..]), (200, &b"<p>Hello <em>pond</em></p>\n"[..]));
        assert_eq!(got.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
        assert_no_leaks(processor.pool());
    });
}

#[test]
fn one_that_is_too_long_is_a_413_and_one_that_is_broken_a_422() {
    in_time_async(|| async {
        let config = ProcessorConfig { max_document_size: 100, ..ProcessorConfig::default() };
        let (router, processor) = conversions(config);
        let address = serve(router).await;
        let too_long = send_document(address, "/convert", vec![b'a'; 101]).await;
        assert_eq!(too_long.problem(413, "too-large"), None);
        let not_text = send_document(address, "/convert", &b"a\xff\xfe"[..]).await;
        assert_eq!(not_text.problem(422, "not-utf8"), None);
        let cut_off = send_document(address, "/convert", &br"{\rtf1 Cut o"[..]).await;
        assert_eq!(cut_off.problem(422, "malformed"), None);
        assert_no_leaks(processor.pool());
    });
}

#[test]
fn a_tenant_that_has_its_share_of_the_queue_is_told_429() {
    in_time_async(|| async {
        // Of two places, one tenant may have one.
        let pool = fixed(1).max_queue_size(2).build().unwrap();
        let config = ProcessorConfig { inline_budget: Duration::ZERO, ..ProcessorConfig::default() };
        let processor = ConcurrentProcessorV2::on_pool(pool, DocumentConverter::default(), config);
        let handler = async |State(processor): State<ConcurrentProcessorV2>| {
            let request = ConversionRequest::new("", "Hello").with_tenant("ada").with_to(Format::Html);
            let converting = processor
                .try_process_single(request)
                .map_err(ServiceError::<std::convert::Infallible>::from)?;
            Ok::<ConversionResponse, ServiceError>(converting.await)
        };
        let address = serve(Router::new().route("/", get(handler)).with_state(processor.clone())).await;
        let held = hold(processor.pool(), 1);
        let first = tokio::spawn(crate::service_support::get(address, "/"));
        until(|| processor.pool().statistics().queue_depth == 1).await;
        assert!(crate::service_support::get(address, "/").await.problem(429, "tenant-limit").is_some());
        held.end();
        assert_eq!(first.await.unwrap().status, 200);
        assert_no_leaks(processor.pool());
    });
}

#[test]
fn requests_of_a_tenant_have_their_place_in_the_order() {
    in_time_async(|| async {
        use axum::http::HeaderName;
        use millpond::service::axum::TenantLayer;
        use millpond::test_util;
        use tower::{Layer, ServiceExt};

        let (pool, stepper) = test_util::manual();
        let offload = OffloadLayer::new(pool.clone()).classify(tenant_options).responding();
        let router: Router = Router::new().route("/", get(async || "served")).layer(offload);
        let service = TenantLayer::header(HeaderName::from_static("x-tenant")).layer(router);
        let request = Request::get("/").header("x-tenant", "ada").body(axum::body::Body::empty()).unwrap();
        let answer = tokio::spawn(service.oneshot(request));
        until(|| !stepper.waiting().is_empty()).await;
        assert_eq!(stepper.waiting()[0].tenant.as_deref(), Some("ada"));
        stepper.run_until_idle();
        until(|| stepper.step() || answer.is_finished()).await;
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
        assert_no_leaks(&pool);
    });
}
