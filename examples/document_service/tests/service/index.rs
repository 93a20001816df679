//! The example `document_service` says what it is.

use crate::document_service::index::ENDPOINTS;
use crate::pool_support::in_time_async;
use crate::service_support::{get, send};
use crate::support::{start, until_seen};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;

#[test]
fn the_root_says_what_there_is_as_text_or_json() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let root = async |method: &str, accept: &str| {
            let request =
                Request::builder().method(method).uri("/").header("host", "a").header("accept", accept);
            send(service.address, request.body(Full::<Bytes>::default()).unwrap()).await
        };
        let text = get(service.address, "/").await;
        assert_eq!(
            (text.status.as_u16(), text.header("content-type")),
            (200, Some("text/plain; charset=utf-8"))
        );
        let page = String::from_utf8(text.body.to_vec()).unwrap();
        assert!(page.starts_with(concat!("document_service ", env!("CARGO_PKG_VERSION"), "\n")), "{page}");

        let json = root("GET", "application/json").await;
        assert_eq!(
            (json.header("content-type"), json.header("vary")),
            (Some("application/json"), Some("accept"))
        );
        let index: Value = serde_json::from_slice(&json.body).unwrap();
        assert_eq!(
            (&index["name"], &index["version"]),
            (&"document_service".into(), &env!("CARGO_PKG_VERSION").into())
        );
        let endpoints = index["endpoints"].as_array().unwrap();
        assert_eq!(endpoints.len(), ENDPOINTS.len());
        for (told, endpoint) in endpoints.iter().zip(&ENDPOINTS) {
            assert_eq!((&told["method"], &told["path"]), (&endpoint.method.into(), &endpoint.path.into()));
            assert!(page.contains(&format!("{:<4} {:<10} ", endpoint.method, endpoint.path)), "{page}");
        }

        let html = root("GET", "text/html, */*;q=0.1").await;
        assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
        let html = String::from_utf8(html.body.to_vec()).unwrap();
        for link in ["/metrics", "/dashboard", "/health", index["guide"].as_str().unwrap()] {
            assert!(html.contains(&format!("<a href=\"{link}\">")), "{html}");
        }

        let head = root("HEAD", "text/plain, */*;q=0.1").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), text.header("content-length"));
        assert_eq!(root("HEAD", "application/json").await.header("content-type"), Some("application/json"));
        root("GET", "image/png").await.problem(406, "not-acceptable");
        root("POST", "*/*").await.problem(405, "method-not-allowed");
        service.stop().await;
    });
}

/// And all that there is, is told: what is counted by its path is an endpoint.
#[test]
fn what_it_says_there_is_is_there() {
    in_time_async(|| async {
        let service = start(&[]).await;
        for endpoint in &ENDPOINTS {
            let request = Request::builder().method(endpoint.method).uri(endpoint.path).header("host", "a");
            let got = send(service.address, request.body(Full::<Bytes>::default()).unwrap()).await;
            assert!(![404, 405].contains(&got.status.as_u16()), "{endpoint:?}: {got:?}");
        }
        let counted = service.service.ledger.responses();
        let counted: Vec<_> = counted.keys().map(|(path, _)| *path).collect();
        assert_eq!(counted.len(), ENDPOINTS.len());
        assert!(ENDPOINTS.iter().all(|endpoint| counted.contains(&endpoint.path)), "{counted:?}");
        service.stop().await;
    });
}

/// The page shows the load to every caller, so an address that others reach has none by itself.
#[test]
fn the_dashboard_is_there_on_a_loopback_address_unless_it_is_turned_off() {
    in_time_async(|| async {
        let service = start(&[]).await;
        assert_eq!(get(service.address, "/dashboard").await.status, 200);
        assert_eq!(get(service.address, "/dashboard/main.js").await.status, 200);
        let counted = service.service.ledger.responses();
        assert_eq!(counted.get(&("/dashboard", 200)), Some(&2), "{counted:?}");
        service.stop().await;
        for flags in [["--dashboard", "off"], ["--engine", "rayon"]] {
            let service = start(&flags).await;
            get(service.address, "/dashboard").await.problem(404, "not-found");
            let root = String::from_utf8(get(service.address, "/").await.body.to_vec()).unwrap();
            assert!(!root.contains("/dashboard"), "{root}");
            service.stop().await;
        }
    });
}

/// Its stream has no end of its own.
#[test]
fn who_looks_at_the_dashboard_does_not_hold_up_the_end() {
    in_time_async(|| async {
        let service = start(&["--drain", "1day"]).await;
        let mut viewer = service.raw().await;
        let request = b"GET /dashboard/events HTTP/1.1\r\nHost: a\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut viewer, request).await.unwrap();
        until_seen(&mut viewer, "data: {").await;
        let report = service.stop().await;
        assert_eq!((report.cut_off, report.unanswered), (0, 0));
    });
}
