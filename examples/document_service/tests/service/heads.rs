//! The example `document_service` refuses a request whose head it can't take at its word, whatever a client library would send.

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
