//! Whose a request is, is what the gateway says, and nothing that could do harm.

use crate::pool_support::in_time_async;
use crate::service_support::{Got, serve};
use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::Full;
use millpond::service::axum::{InvalidTenant, Problem, Tenant, TenantLayer};
use proptest::prelude::*;

const HEADER: &str = "x-tenant";

fn router(layer: impl Fn(Router) -> Router) -> Router {
    let handlers = Router::new()
        .route(
            "/any",
            get(async |tenant: Option<Tenant>| tenant.map_or("nobody".into(), |tenant| tenant.to_string())),
        )
        .route("/named", get(async |tenant: Tenant| tenant.to_string()));
    layer(handlers)
}

async fn ask(address: std::net::SocketAddr, path: &str, headers: &[&[u8]]) -> Got {
    let mut request = hyper::Request::get(path).header("host", "loopback");
    for value in headers {
        request = request.header(HEADER, *value);
    }
    crate::service_support::send(address, request.body(Full::<Bytes>::default()).unwrap()).await
}

#[test]
fn the_header_says_whose_it_is_if_it_is_a_name_and_the_only_one() {
    in_time_async(|| async {
        let address =
            serve(router(|handlers| handlers.layer(TenantLayer::header(HeaderName::from_static(HEADER)))))
                .await;
        let got = ask(address, "/named", &[b"acme"]).await;
        assert_eq!((got.status, &got.body[..]), (StatusCode::OK, &b"acme"[..]));
        assert_eq!(&ask(address, "/any", &[]).await.body[..], b"nobody");
        ask(address, "/named", &[]).await.problem(400, "tenant-missing");
        ask(address, "/any", &[b"acme", b"acme"]).await.problem(400, "tenant-ambiguous");
        let longest = [b'a'; Tenant::LONGEST + 1];
        for bad in [&b""[..], b"a b", b"\xc3\xa4", b"a,b", b"<script>", &longest] {
            let got = ask(address, "/any", &[bad]).await;
            got.problem(400, "tenant-invalid");
            assert!(!String::from_utf8_lossy(&got.body).contains("script"), "it is not repeated");
        }
        assert_eq!(ask(address, "/any", &[&longest[1..]]).await.status, 200);
    });
}

#[test]
fn one_that_is_required_is_refused_before_its_handler() {
    in_time_async(|| async {
        let layer = TenantLayer::header(HeaderName::from_static(HEADER)).required();
        let address = serve(router(|handlers| handlers.layer(layer.clone()))).await;
        ask(address, "/any", &[]).await.problem(400, "tenant-missing");
        assert_eq!(ask(address, "/any", &[b"acme"]).await.status, 200);
    });
}

#[test]
fn a_function_of_the_head_may_say_it_or_refuse() {
    in_time_async(|| async {
        let by_path = |parts: &Parts| match parts.uri.path() {
            "/named" => Ok(Some(Tenant::new("by-path")?)),
            _ => Err(Problem::new(StatusCode::UNAUTHORIZED, "who-are-you", "no token")),
        };
        let address = serve(router(|handlers| handlers.layer(TenantLayer::by(by_path)))).await;
        assert_eq!(&ask(address, "/named", &[b"another"]).await.body[..], b"by-path");
        ask(address, "/any", &[b"another"]).await.problem(401, "who-are-you");
    });
}

proptest! {
    #[test]
    fn every_name_that_is_accepted_is_harmless(name in ".{0,200}") {
        match Tenant::new(&name) {
            Ok(tenant) => {
                prop_assert_eq!(tenant.as_str(), &name);
                prop_assert!((1..=Tenant::LONGEST).contains(&name.len()));
                let harmless = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>&\\,;/{}=%$#".contains(&byte);
                prop_assert!(name.bytes().all(harmless));
            }
            Err(InvalidTenant::Empty) => prop_assert!(name.is_empty()),
            Err(InvalidTenant::TooLong { length }) => prop_assert_eq!(length, name.len()),
            Err(InvalidTenant::Character { position }) => prop_assert!(position < name.len()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn names_of_the_usual_kinds_are_accepted(name in "[a-zA-Z0-9._:@-]{1,128}") {
        prop_assert!(Tenant::new(&name).is_ok());
    }
}
