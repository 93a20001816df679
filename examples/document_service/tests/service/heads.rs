//! The example `document_service` refuses a request whose head is ambiguous.

use crate::pool_support::in_time_async;
use crate::support::{Running, start};

/// The status of the only answer to these bytes, after which the service has closed the connection.
async fn told(service: &Running, bytes: &str) -> (u16, String) {
    let answer = service.say(bytes.as_bytes()).await;
    let status = answer.strip_prefix("HTTP/1.1 ").or(answer.strip_prefix("HTTP/1.0 ")).unwrap_or_default();
    assert_eq!(answer.matches("\r\ndate: ").count(), 1, "{bytes:?}: {answer:?}");
    (status.split(' ').next().unwrap().parse().unwrap(), answer)
}

#[test]
fn a_request_without_one_host_that_is_one_is_a_400() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let again = "GET /health HTTP/1.1\r\nhost: a\r\n\r\n";
        for hosts in [
            "",
            "host: a\r\nhost: a\r\n",
            "host: a\r\nHOST: b\r\n",
            "host: a b\r\n",
            "host: user@a\r\n",
            "host: a/b\r\n",
            "host: a, b\r\n",
            "host: a:port\r\n",
            "host: a:1:2\r\n",
            "host: a:+1\r\n",
            "host: a:65536\r\n",
            "host: [::1\r\n",
            "host: [::1]x\r\n",
            "host: [name]\r\n",
            "host: a%2\r\n",
            "host: \u{e4}\r\n",
        ] {
            for request in ["GET /health", "GET http://a/health", "POST /nowhere"] {
                let (status, answer) =
                    told(&service, &format!("{request} HTTP/1.1\r\n{hosts}\r\n{again}")).await;
                assert_eq!(status, 400, "{hosts:?}: {answer}");
                assert!(answer.contains("\"bad-host\""), "{hosts:?}: {answer}");
                assert!(answer.contains("\r\nconnection: close\r\n"), "{hosts:?}: {answer}");
            }
        }
        service.stop().await;
    });
}

#[test]
fn a_host_of_any_kind_is_one_and_http_1_0_needs_none() {
    in_time_async(|| async {
        let service = start(&[]).await;
        for host in ["", "a", "a:", "a:80", "127.0.0.1:3000", "[::1]", "[::1]:80", "x_y.example.", "%C3%A4"] {
            let request = format!("GET /health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            assert_eq!(told(&service, &request).await.0, 200, "{host:?}");
        }
        assert_eq!(told(&service, "GET /health HTTP/1.0\r\n\r\n").await.0, 200);
        let doubled = "GET /health HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n";
        assert_eq!(told(&service, doubled).await.0, 400);
        service.stop().await;
    });
}

fn chunked(codings: &str) -> String {
    let head = "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-type: text/markdown\r\n";
    format!(
        "{head}{codings}\r\n1\r\na\r\n0\r\n\r\nGET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    )
}

#[test]
fn a_body_with_a_transfer_coding_that_is_not_undone_is_refused() {
    in_time_async(|| async {
        let service = start(&[]).await;
        for (codings, expected) in [
            ("transfer-encoding: gzip, chunked\r\n", 501),
            ("transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n", 501),
            ("transfer-encoding: identity, chunked\r\n", 501),
            ("transfer-encoding: x;a=\"b,chunked\r\n", 501),
            ("transfer-encoding: \u{e4},chunked\r\n", 400),
            ("transfer-encoding: chunked, chunked\r\n", 400),
            ("transfer-encoding: chunked\r\ntransfer-encoding: Chunked\r\n", 400),
            ("transfer-encoding: chunked, gzip\r\n", 400),
            ("transfer-encoding: chunked;a=b\r\n", 400),
            ("transfer-encoding: gzip\r\n", 400),
            ("transfer-encoding: xchunked\r\n", 400),
            ("transfer-encoding:\r\n", 400),
        ] {
            let (status, answer) = told(&service, &chunked(codings)).await;
            assert_eq!(status, expected, "{codings:?}: {answer}");
        }
        assert_eq!(service.service.ledger.accepted(), 0);
        service.stop().await;
    });
}

#[test]
fn chunked_is_chunked_in_any_case_and_whatever_length_is_named_beside_it() {
    in_time_async(|| async {
        let service = start(&[]).await;
        for codings in ["Chunked", " ,CHUNKED", "chunked\t"] {
            let answers = service.say(chunked(&format!("transfer-encoding: {codings}\r\n")).as_bytes()).await;
            assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answers}");
        }
        // What comes after such a request is not trusted to be another.
        let (status, answer) =
            told(&service, &chunked("content-length: 3\r\ntransfer-encoding: chunked\r\n")).await;
        assert_eq!(status, 200);
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        service.stop().await;
    });
}

#[test]
fn a_content_coding_is_a_415_that_says_so_wherever_it_is_named() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let convert = async |codings: &str| {
            let head =
                "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-type: text/markdown\r\nconnection: close\r\n";
            told(&service, &format!("{head}content-length: 1\r\n{codings}\r\na")).await
        };
        for codings in [
            "content-encoding: gzip\r\n",
            "content-encoding: GZip\r\n",
            "content-encoding: identity, br\r\n",
            "content-encoding: identity\r\ncontent-encoding: gzip\r\n",
            "content-encoding: gzip\r\ncontent-encoding: identity\r\n",
            "content-encoding: \u{e4}\r\n",
        ] {
            let (status, answer) = convert(codings).await;
            assert_eq!(status, 415, "{codings:?}: {answer}");
            assert!(answer.contains("\"unsupported-content-coding\""), "{answer}");
            assert!(answer.contains("\r\naccept-encoding: identity\r\n"), "{answer}");
        }
        for codings in ["identity", "Identity", "", " , identity ,IDENTITY"] {
            let (status, answer) = convert(&format!("content-encoding: {codings}\r\n")).await;
            assert_eq!(status, 200, "{codings:?}: {answer}");
        }
        // RFC 9110, 12.5.3: only where the coding is the reason.
        let other = service.post("/convert", &[("content-type", "text/csv")], "a").await;
        assert_eq!((other.status.as_u16(), other.header("accept-encoding")), (415, None));
        assert_eq!(other.header("accept"), Some("application/rtf, text/rtf, text/markdown"));
        service.stop().await;
    });
}
