//! The example `document_service` converts a document of any length while it is read, and never passes off a part for the whole.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use crate::document_service::service::{Service, router};
use crate::pool_support::in_time_async;
use crate::service_support::connect;
use crate::support::{Running, configured, request, rest, start, until, until_seen};
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::poll_fn;
use http_body_util::BodyExt;
use hyper::Request;
use millpond::test_util::assert_no_leaks;
use millpond::{ConversionRequest, Format};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tower::ServiceExt;

const MARKDOWN: [(&str, &str); 2] = [("content-type", "text/markdown"), ("accept", "text/html")];
const HEAD: &[u8] =
    b"POST /stream HTTP/1.1\r\nhost: loopback\r\ncontent-type: text/markdown\r\naccept: text/html\r\n\
                      transfer-encoding: chunked\r\n\r\n";

fn book(bytes: usize) -> String {
    let paragraph = "A paragraph, and *another*, of the usual length.\n\n";
    paragraph.repeat(bytes.div_ceil(paragraph.len()))
}

async fn chunk(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.write_all(b"\r\n").await.unwrap();
}

/// All that a stream may hold is free again.
async fn is_over(service: &Running) {
    until(|| service.service.streams.available_permits() == service.service.limits.max_streams).await;
    assert_no_leaks(&service.pool());
}

#[test]
fn a_document_beyond_every_limit_of_length_becomes_what_it_would_whole() {
    in_time_async(|| async {
        let service = start(&["--max-document", "1MiB", "--max-output", "1MiB"]).await;
        let book = book(3 << 20);
        let whole =
            ConversionRequest::new("", book.clone()).with_from(Format::Markdown).with_to(Format::Html);
        let unlimited = millpond::ConcurrentProcessorV2::new();
        let whole = unlimited.process_single(whole).await.result.unwrap();
        service.post("/convert", &MARKDOWN, book.clone()).await.problem(413, "too-large");
        let got = service.post("/stream", &MARKDOWN, book).await;
        assert_eq!((got.status.as_u16(), got.header("transfer-encoding")), (200, Some("chunked")));
        assert_eq!(got.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(got.body == whole, "{} bytes, not {}", got.body.len(), whole.len());
        is_over(&service).await;
        service.stop().await;
    });
}

#[test]
fn the_answer_begins_before_the_document_has_ended() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let mut stream = service.raw().await;
        stream.write_all(HEAD).await.unwrap();
        chunk(&mut stream, book(2 << 20).as_bytes()).await;
        until_seen(&mut stream, "<p>A paragraph, and <em>another</em>").await;
        // Only now.
        chunk(&mut stream, b"The end.\n").await;
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        until_seen(&mut stream, "<p>The end.</p>\n\r\n0\r\n\r\n").await;
        is_over(&service).await;
        service.stop().await;
    });
}

#[test]
fn an_error_after_the_answer_has_begun_cuts_it_off_for_all_to_see() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let mut broken = book(2 << 20).into_bytes();
        broken.extend_from_slice(b"no \xff\xfe text\n");
        let mut client = connect(service.address).await;
        let response = client.send_request(request("/stream", &MARKDOWN, broken)).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.into_body().collect().await.is_err(), "it looks complete");
        is_over(&service).await;
        service.stop().await;
    });
}

#[test]
fn an_error_before_that_is_a_problem_like_any_other() {
    in_time_async(|| async {
        let service = start(&[]).await;
        service.post("/stream", &MARKDOWN, &b"no \xff\xfe text\n"[..]).await.problem(422, "not-utf8");
        service
            .post("/stream", &[("content-type", "text/csv")], "x")
            .await
            .problem(415, "unsupported-media-type");
        let empty = service.post("/stream", &MARKDOWN, "").await;
        assert_eq!((empty.status.as_u16(), &empty.body[..]), (200, &b""[..]));
        is_over(&service).await;
        service.stop().await;
        let service = start(&["--engine", "rayon"]).await;
        service.post("/stream", &MARKDOWN, "x").await.problem(501, "not-implemented");
        service.stop().await;
    });
}

#[test]
fn no_more_streams_are_under_way_than_there_may_be() {
    in_time_async(|| async {
        let service = start(&["--max-streams", "1"]).await;
        let mut first = service.raw().await;
        first.write_all(HEAD).await.unwrap();
        chunk(&mut first, b"*One*\n").await;
        until(|| service.service.streams.available_permits() == 0).await;
        assert_eq!(service.post("/stream", &MARKDOWN, "x").await.problem(503, "too-many-streams"), Some(1));
        first.write_all(b"0\r\n\r\n").await.unwrap();
        until_seen(&mut first, "<em>One</em>").await;
        is_over(&service).await;
        assert_eq!(service.post("/stream", &MARKDOWN, "x").await.status, 200);
        service.stop().await;
    });
}

/// With these flags, a stream of which no more comes than its begin.
fn stalls_and_is_a_408(flags: &'static [&'static str]) {
    in_time_async(move || async move {
        let service = start(flags).await;
        let mut stream = service.raw().await;
        stream.write_all(HEAD).await.unwrap();
        chunk(&mut stream, b"*One*\n").await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"too-slow\""), "{answer}");
        is_over(&service).await;
        service.stop().await;
    });
}

#[test]
fn an_upload_that_stalls_is_a_408() {
    stalls_and_is_a_408(&["--body-idle-timeout", "1ms"]);
}

/// Without a socket: its body is always ready until the answer has begun, so no machine is too slow for it.
#[test]
fn an_upload_that_stalls_after_the_answer_has_begun_does_not_look_complete() {
    in_time_async(|| async {
        let service = Service::new(&configured(&["--threads", "1", "--body-idle-timeout", "1ms"])).unwrap();
        let service = Arc::new(service);
        let (has_begun, piece) = (Arc::new(AtomicBool::new(false)), Bytes::from(book(64 << 10)));
        let pieces = {
            let has_begun = Arc::clone(&has_begun);
            poll_fn(move |_| match has_begun.load(Ordering::SeqCst) {
                true => Poll::Pending,
                false => Poll::Ready(Some(Ok::<_, Infallible>(piece.clone()))),
            })
        };
        let mut request = Request::post("/stream");
        for (name, value) in MARKDOWN {
            request = request.header(name, value);
        }
        let request = request.body(Body::from_stream(pieces)).unwrap();
        let response = router(Arc::clone(&service)).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        has_begun.store(true, Ordering::SeqCst);
        assert!(response.into_body().collect().await.is_err(), "it looks complete");
        until(|| service.streams.available_permits() == service.limits.max_streams).await;
        assert_no_leaks(service.engine.millpond().unwrap().processor().pool());
    });
}

#[test]
fn a_stream_that_takes_too_long_in_all_is_cut_off_too() {
    stalls_and_is_a_408(&["--stream-timeout", "20ms"]);
}

#[test]
fn a_client_who_takes_nothing_of_the_answer_is_cut_off() {
    in_time_async(|| async {
        let service = start(&["--write-timeout", "20ms"]).await;
        let stream = service.raw().await;
        let (_unread, mut writer) = stream.into_split();
        writer.write_all(HEAD).await.unwrap();
        let piece = book(64 << 10);
        // More than all the buffers between hold, so in the end it is told that nobody is there.
        loop {
            let framed = format!("{:x}\r\n{piece}\r\n", piece.len());
            if writer.write_all(framed.as_bytes()).await.is_err() {
                break;
            }
        }
        is_over(&service).await;
        assert_eq!(service.service.ledger.given_up(), 1);
        service.stop().await;
    });
}
