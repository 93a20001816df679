//! The dashboard over real connections: what it answers, and that it shows the figures of the pool
//! and nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get as answer_get;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionRequest, Dashboard, DocumentConverter, Format,
    Pressure, ProcessorConfig,
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::pool_support::{fixed, hold, in_time_async};
use crate::service_support::{Got, connect, get, post, send, serve};

/// A dashboard at `/dash`, read as often as may be.
async fn mounted(dashboard: &Dashboard) -> SocketAddr {
    serve(Router::new().nest_service("/dash", dashboard.router())).await
}

fn of(pool: &AdaptiveThreadPool) -> Dashboard {
    Dashboard::new(pool).interval(Duration::from_millis(100))
}

fn json(got: &Got) -> Value {
    assert_eq!((got.status.as_u16(), got.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&got.body).unwrap()
}

/// A viewer: the frames that come over a connection.
struct Viewer {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Viewer {
    async fn try_new(address: SocketAddr) -> Response<Incoming> {
        let request = Request::get("/dash/events").header("host", "loopback").body(Full::<Bytes>::default());
        connect(address).await.send_request(request.unwrap()).await.unwrap()
    }

    async fn new(address: SocketAddr) -> Self {
        let response = Self::try_new(address).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        assert_eq!(response.headers()["x-accel-buffering"], "no", "a proxy passes frames on at once");
        Self { body: response.into_body(), buffer: Vec::new() }
    }

    /// The next frame; `None` at the end of the stream.
    async fn frame(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<_> = self.buffer.drain(..end + 2).collect();
                let data = std::str::from_utf8(&event).unwrap().strip_prefix("data: ").unwrap();
                return Some(serde_json::from_str(data).unwrap());
            }
            let frame = self.body.frame().await?.ok()?;
            self.buffer.extend_from_slice(frame.data_ref().unwrap());
        }
    }
}

/// While the runtime goes on.
async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn the_page_and_all_its_files_are_there_wherever_it_is_mounted() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let dashboard = of(&pool);
        let router = Router::new()
            .nest("/nested", dashboard.router())
            .nest_service("/a/served", dashboard.router())
            .route("/", answer_get(async || "the application"));
        let (inner, alone) = (serve(router).await, serve(dashboard.router()).await);
        for (address, path, folder) in [
            (inner, "/nested", "/nested/"),
            (inner, "/a/served", "/a/served/"),
            (inner, "/a/served/", "/a/served/"),
            (alone, "/", "/"),
        ] {
            let page = get(address, path).await;
            assert_eq!(
                (page.status.as_u16(), page.header("content-type")),
                (200, Some("text/html; charset=utf-8"))
            );
            let page = String::from_utf8(page.body.to_vec()).unwrap();
            let begin = format!("=\"{}", url_base(path));
            let named = page.split(&begin).skip(1);
            let named: Vec<_> = named.map(|rest| rest.split('"').next().unwrap()).collect();
            assert!(named.len() >= 6, "{path}: {named:?}");
            for name in named {
                let file = get(address, &format!("{folder}{name}")).await;
                assert_eq!(file.status, 200, "{path}: {name}");
                assert!(!file.body.is_empty());
            }
        }
        assert_eq!(&get(inner, "/").await.body[..], b"the application");
        assert_eq!(get(alone, "/../Cargo.toml").await.status, 404);
        assert_eq!(post(alone, "/", "").await.status, 405);
    });
}

/// Where a browser looks for the files of a page at this path.
fn url_base(path: &str) -> String {
    match path.rsplit('/').next().unwrap() {
        "" => "./".into(),
        last => format!("./{last}/"),
    }
}

#[test]
fn every_answer_forbids_foreign_scripts_frames_and_caches() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let address = mounted(&of(&pool)).await;
        for path in ["/dash", "/dash/main.js", "/dash/style.css", "/dash/frame.json", "/dash/none.js"] {
            let got = get(address, path).await;
            let policy = got.header("content-security-policy").unwrap();
            for rule in
                ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"]
            {
                assert!(policy.contains(rule), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{path}: {policy}");
            assert_eq!(got.header("cache-control"), Some("no-store"), "{path}");
            assert_eq!(got.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(got.header("access-control-allow-origin"), None, "{path}");
        }
    });
}

#[test]
fn at_rest_a_frame_has_the_statistics_of_the_pool() {
    in_time_async(|| async {
        let pool = fixed(2).max_queue_size(4).build().unwrap();
        let address = mounted(&of(&pool)).await;
        for n in 0..50_u64 {
            pool.run(move || n).await.unwrap();
        }
        pool.task().tenant("ada").run(|| ()).await.unwrap();
        let held = hold(&pool, 2);
        let accepted: Vec<_> = (0..4).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        assert!(pool.try_spawn(|| ()).is_err());
        assert_eq!(*pool.pressure().borrow(), Pressure::Saturated);
        let frame = json(&get(address, "/dash/frame.json").await);
        assert_eq!(
            (&frame["pool"]["queue_depth"], &frame["pool"]["pressure"]),
            (&4.into(), &"saturated".into())
        );
        assert_eq!(frame["pool"]["refusals"]["queue_full"], 1);
        held.end();
        for task in accepted {
            task.await.unwrap();
        }

        // A worker may still be on its way to its rest.
        let mut viewer = Viewer::new(address).await;
        let timeless = |mut statistics: Value| {
            statistics.as_object_mut().unwrap().remove("elapsed_ms").unwrap();
            statistics
        };
        // Read as the frame is: a figure that was written and read again may differ in its last
        // bit.
        let read = || {
            let text = serde_json::to_string(&pool.statistics()).unwrap();
            timeless(serde_json::from_str(&text).unwrap())
        };
        let mut before = read();
        loop {
            let frame = viewer.frame().await.unwrap();
            let after = read();
            let count = |kind: &str| -> u64 {
                let classes = frame["latencies"][kind].as_object().unwrap().values();
                classes
                    .flat_map(|counts| counts.as_array().unwrap())
                    .map(|count| count.as_u64().unwrap())
                    .sum()
            };
            // The run times of tiny tasks are entered together, at the latest when the worker
            // rests.
            if before == after && count("run_time") == pool.statistics().tasks_completed {
                assert_eq!(timeless(frame["pool"].clone()), after);
                assert_eq!(frame["limits"]["max_queue_size"], 4);
                assert_eq!(frame["workers"].as_array().unwrap().len(), 2);
                assert_eq!(frame["tenants"][0]["name"], "ada");
                let bounds = frame["latencies"]["bounds"].as_array().unwrap().len();
                assert_eq!(frame["latencies"]["run_time"]["plain"].as_array().unwrap().len(), bounds + 1);
                return;
            }
            before = after;
        }
    });
}

#[test]
fn with_a_processor_it_has_its_documents_and_its_memory_but_no_content() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let processor = ConcurrentProcessorV2::on_pool(
            pool.clone(),
            DocumentConverter::default(),
            ProcessorConfig::default(),
        );
        let address = mounted(&of(&pool).processor(&processor)).await;
        let request = ConversionRequest::new("secret-id", "a *secret* text".to_owned()).with_to(Format::Html);
        processor.process_single(request).await.result.unwrap();
        let got = get(address, "/dash/frame.json").await;
        let frame = json(&got);
        assert_eq!(
            (&frame["documents"]["total_processed"], &frame["documents"]["bytes_in"]),
            (&1.into(), &15.into())
        );
        assert!(frame["memory"]["small"]["misses"].is_u64(), "{frame}");
        assert!(!String::from_utf8_lossy(&got.body).contains("secret"), "{frame}");
    });
}

/// Names may be anything; the page sets them as text.
#[test]
fn names_and_messages_are_json_strings_within_bounds() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let address = mounted(&of(&pool)).await;
        let name = "<script>alert(1)</script>\n\ndata: {}";
        let long = "x".repeat(5000);
        pool.task().name(name).tenant("</td><b>").run(|| ()).await.unwrap();
        let panics =
            pool.task().name(name).tenant(long.as_str()).run(|| panic!("<img src=x>{}", "y".repeat(5000)));
        assert!(panics.await.is_err());
        let mut viewer = Viewer::new(address).await;
        let frame = viewer.frame().await.unwrap();
        let tenants: Vec<_> =
            frame["tenants"].as_array().unwrap().iter().map(|tenant| &tenant["name"]).collect();
        assert!(tenants.contains(&&Value::from("</td><b>")), "{tenants:?}");
        let event = frame["events"].as_array().unwrap().last().unwrap();
        assert_eq!((&event["kind"], &event["task"]), (&"panicked".into(), &name.into()));
        assert!(event["detail"].as_str().unwrap().contains("<img src=x>"), "{event}");
        assert!(frame.to_string().len() < 10_000, "{}", frame.to_string().len());
        let page = get(address, "/dash").await;
        assert!(!String::from_utf8_lossy(&page.body).contains("alert"));
    });
}

#[test]
fn a_viewer_who_leaves_is_no_viewer_any_more() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let dashboard = of(&pool);
        let address = mounted(&dashboard).await;
        get(address, "/dash").await;
        get(address, "/dash/frame.json").await;
        assert_eq!(dashboard.viewers(), 0, "a look is no viewer");
        let mut viewers = vec![Viewer::new(address).await, Viewer::new(address).await];
        for viewer in &mut viewers {
            assert!(viewer.frame().await.unwrap()["pool"].is_object());
        }
        assert_eq!(dashboard.viewers(), 2);
        drop(viewers);
        until(|| dashboard.viewers() == 0).await;
    });
}

#[test]
fn only_so_many_may_look_at_a_time() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let dashboard = of(&pool);
        let address = mounted(&dashboard).await;
        let mut viewers = Vec::new();
        for _ in 0..Dashboard::MOST_VIEWERS {
            viewers.push(Viewer::new(address).await);
        }
        let refused = Viewer::try_new(address).await;
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (503, &"5".parse().unwrap())
        );
        drop(viewers);
        until(|| dashboard.viewers() == 0).await;
        assert!(Viewer::new(address).await.frame().await.is_some());
    });
}

#[test]
fn closing_lets_a_server_end_at_once() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let dashboard = of(&pool);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().nest_service("/dash", dashboard.router());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server =
            axum::serve(listener, router).with_graceful_shutdown(async { stopped.await.unwrap_or_default() });
        let server = tokio::spawn(std::future::IntoFuture::into_future(server));
        let mut viewer = Viewer::new(address).await;
        assert!(viewer.frame().await.is_some());
        dashboard.close();
        while viewer.frame().await.is_some() {}
        assert_eq!(Viewer::try_new(address).await.status(), 503);
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    });
}

#[test]
fn a_pool_that_is_shut_down_is_shown_as_such() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let address = mounted(&of(&pool)).await;
        pool.shutdown(Duration::MAX).await;
        let frame = json(&get(address, "/dash/frame.json").await);
        assert_eq!((&frame["closed"], &frame["pool"]["total_threads"]), (&true.into(), &0.into()));
    });
}

/// Otherwise a stranger's page could read it, under a name of its own that leads to this machine.
#[test]
fn on_the_loopback_address_it_answers_to_no_strange_name() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dashboard = of(&pool);
        tokio::spawn(async move { dashboard.serve_on(listener).await });
        let named = async |host: &str| {
            let request = Request::get("/frame.json").header("host", host).body(Full::<Bytes>::default());
            send(address, request.unwrap()).await.status.as_u16()
        };
        assert_eq!(named(&address.to_string()).await, 200);
        assert_eq!(named("localhost").await, 200);
        assert_eq!(named("pages.example").await, 421);
    });
}
