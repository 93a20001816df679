//! Whatever its clients do, the example `document_service` answers or closes, keeps nothing for them, and serves the others.

use std::sync::atomic::Ordering;

use crate::pool_support::{hold, in_time_async};
use crate::service_support::{connect, get};
use crate::support::{LONG, Running, request, rest, start, until, until_seen};
use http_body_util::BodyExt;
use millpond::test_util::assert_no_leaks;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// It comes with its head, so no time for its body can pass.
const SHORT: &[u8] = br"{\rtf1 One}";

fn head(length: usize) -> Vec<u8> {
    let head =
        "POST /convert HTTP/1.1\r\nhost: loopback\r\ncontent-type: application/rtf\r\ncontent-length: ";
    format!("{head}{length}\r\n\r\n").into_bytes()
}

/// Nothing of any client is left.
async fn is_at_rest(service: &Running) {
    until(|| service.service.connections.load(Ordering::Relaxed) == 0).await;
    assert_eq!(service.service.uploads.left(), service.service.limits.upload_budget);
    assert_no_leaks(&service.pool());
}

#[test]
fn an_upload_that_stalls_holds_no_place() {
    in_time_async(|| async {
        let service = start(&["--body-idle-timeout", "1day", "--queue-limit", "1"]).await;
        let mut slow = service.raw().await;
        slow.write_all(&head(LONG.len())).await.unwrap();
        slow.write_all(&LONG[..1000]).await.unwrap();
        let budget = service.service.limits.upload_budget;
        until(|| service.service.uploads.left() < budget).await;
        // There is one place, and somebody else has it.
        assert_eq!(service.convert_rtf(LONG).await.status, 200);
        assert_eq!(service.service.ledger.accepted(), 1);
        drop(slow);
        is_at_rest(&service).await;
        service.stop().await;
    });
}

#[test]
fn an_upload_that_stalls_is_a_408() {
    in_time_async(|| async {
        let service = start(&["--body-idle-timeout", "1ms"]).await;
        let mut slow = service.raw().await;
        slow.write_all(&head(LONG.len())).await.unwrap();
        let answer = rest(&mut slow).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"too-slow\""), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert_eq!(service.service.ledger.accepted(), 0);
        is_at_rest(&service).await;
        service.stop().await;
    });
}

#[test]
fn a_batch_that_stalls_gives_its_turn_to_others() {
    in_time_async(|| async {
        let service = start(&["--max-batches", "1", "--body-idle-timeout", "1day"]).await;
        let mut slow = service.raw().await;
        let json = "POST /batch HTTP/1.1\r\nhost: loopback\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[";
        slow.write_all(json.as_bytes()).await.unwrap();
        let budget = service.service.limits.upload_budget;
        until(|| service.service.uploads.left() < budget).await;
        while service.post("/batch", &[("content-type", "application/json")], "[]").await.status != 200 {}
        slow.write_all(b"]").await.unwrap();
        until_seen(&mut slow, "HTTP/1.1 200 OK").await;
        drop(slow);
        is_at_rest(&service).await;
        service.stop().await;
    });
}

/// To connect again costs more than the document.
#[test]
fn a_client_who_was_refused_may_ask_again_on_the_same_connection() {
    in_time_async(|| async {
        let service = start(&["--queue-limit", "1"]).await;
        let pool = service.pool();
        let held = hold(&pool, 1);
        let waiting = pool.try_spawn(|| ()).unwrap();
        let mut client = connect(service.address).await;
        let rtf = [("content-type", "text/rtf")];
        let refused = client.send_request(request("/convert", &rtf, SHORT)).await.unwrap();
        assert_eq!((refused.status().as_u16(), refused.headers().get("connection")), (503, None));
        refused.into_body().collect().await.unwrap();
        held.end();
        waiting.await.unwrap();
        client.ready().await.unwrap();
        assert_eq!(client.send_request(request("/convert", &rtf, LONG)).await.unwrap().status(), 200);
        service.stop().await;
    });
}

#[test]
fn an_upload_that_drips_is_a_408_in_the_end() {
    in_time_async(|| async {
        let service = start(&["--body-timeout", "50ms", "--body-idle-timeout", "1day"]).await;
        let mut slow = service.raw().await;
        slow.write_all(&head(8 << 20)).await.unwrap();
        let (mut answers, mut writer) = slow.split();
        let drips = async {
            while writer.write_all(b"a").await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        let answered = async {
            let mut answer = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut answers, &mut answer).await.unwrap();
            answer
        };
        let answer = tokio::select! {
            answer = answered => answer,
            () = drips => panic!("cut off without an answer"),
        };
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"too-slow\""), "{answer}");
        drop(slow);
        is_at_rest(&service).await;
        service.stop().await;
    });
}

#[test]
fn a_head_that_stalls_and_a_connection_that_asks_nothing_are_closed() {
    in_time_async(|| async {
        let service = start(&["--header-timeout", "300ms"]).await;
        assert_eq!(service.say(b"GET /health HT").await, "");
        assert_eq!(service.say(b"").await, "");
        let kept = service.say(b"GET /health HTTP/1.1\r\nhost: loopback\r\n\r\n").await;
        assert!(kept.ends_with("\r\n\r\nok\n"), "{kept}");
        is_at_rest(&service).await;
        service.stop().await;
    });
}

#[test]
fn what_is_no_http_is_told_so_and_closed() {
    in_time_async(|| async {
        let service = start(&[]).await;
        for nonsense in [
            "nonsense\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "GET /health HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n",
            "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
            "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
            "POST /convert HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\nabc",
        ] {
            let answer = service.say(nonsense.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{nonsense:?}: {answer:?}");
        }
        let long = format!("GET /health HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(1 << 20));
        let mut stream = service.raw().await;
        // It is closed before all of it is sent.
        let _ = stream.write_all(long.as_bytes()).await;
        let answer = until_seen(&mut stream, "\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
        drop(stream);
        let chunks = "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-type: text/rtf\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n";
        let answer = service.say(chunks.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"unreadable\""), "{answer:?}");
        is_at_rest(&service).await;
        service.stop().await;
    });
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_sent_and_in_the_midst_of_it() {
    in_time_async(|| async {
        let service = start(&["--max-document", "1KiB"]).await;
        // It waits for a `100 Continue` that does not come.
        let head = "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-type: text/rtf\r\nexpect: 100-continue\r\n";
        let answer = service.say(format!("{head}content-length: 1025\r\n\r\n").as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 413 ") && answer.contains("\r\nconnection: close\r\n"),
            "{answer}"
        );

        let mut stream = service.raw().await;
        stream.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
        until_seen(&mut stream, "HTTP/1.1 100 Continue").await;
        stream.write_all(format!("401\r\n{}\r\n", "a".repeat(1025)).as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.contains("HTTP/1.1 413 ") && answer.contains("\"too-large\""), "{answer}");
        is_at_rest(&service).await;
        service.stop().await;
    });
}

/// A document that waits in the queue, behind what holds the only thread.
async fn queued(service: &Running, version: &str) -> TcpStream {
    let depth = service.pool().statistics().queue_depth;
    let mut client = service.raw().await;
    let head = String::from_utf8(head(LONG.len())).unwrap().replace("HTTP/1.1", version);
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(LONG).await.unwrap();
    until(|| service.pool().statistics().queue_depth == depth + 1).await;
    client
}

const INTERIM: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// What an answer's `Content-Length` says is what came, and it is the whole.
fn is_whole(answer: &str) -> bool {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.split("\r\ncontent-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    head.contains(" 200 OK\r\n") && length.parse() == Ok(body.len()) && body.len() > 10_000
}

#[test]
fn a_client_who_closes_its_half_gets_its_whole_answer() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let held = hold(&service.pool(), 1);
        let mut older = queued(&service, "HTTP/1.0").await;
        older.shutdown().await.unwrap();
        let mut half = queued(&service, "HTTP/1.1").await;
        half.shutdown().await.unwrap();
        // It is asked whether it is still there.
        until_seen(&mut half, INTERIM).await;
        held.end();
        let answer = rest(&mut half).await;
        assert!(is_whole(answer.trim_start_matches(INTERIM)), "{answer}");
        // Which a client of HTTP/1.0 would not understand.
        let answer = rest(&mut older).await;
        assert!(is_whole(&answer), "{answer}");
        assert_eq!((service.service.ledger.answered(), service.service.ledger.given_up()), (2, 0));
        is_at_rest(&service).await;
        service.stop().await;
    });
}

/// As `printf ... | nc -N` does: all at once, and two requests if it likes.
#[test]
fn requests_that_end_with_their_half_are_all_answered() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let mut half = service.raw().await;
        let mut requests = b"GET /health HTTP/1.1\r\nhost: loopback\r\n\r\n".to_vec();
        requests.extend_from_slice(&head(SHORT.len()));
        requests.extend_from_slice(SHORT);
        half.write_all(&requests).await.unwrap();
        half.shutdown().await.unwrap();
        let answers = rest(&mut half).await.replace(INTERIM, "");
        assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answers}");
        assert!(answers.contains("\r\n\r\nok\n") && answers.ends_with("\r\n\r\nOne\n"), "{answers}");
        is_at_rest(&service).await;
        service.stop().await;
    });
}

#[test]
fn a_client_who_closes_the_connection_has_given_up() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let pool = service.pool();
        let held = hold(&pool, 1);
        let gone = queued(&service, "HTTP/1.1").await;
        drop(gone);
        until(|| pool.statistics().queue_depth == 0).await;
        assert_eq!((pool.statistics().tasks_cancelled, service.service.ledger.given_up()), (1, 1));
        // One that closed its half, waited a while and goes then.
        let mut half = queued(&service, "HTTP/1.1").await;
        half.shutdown().await.unwrap();
        until_seen(&mut half, INTERIM).await;
        drop(half);
        until(|| pool.statistics().queue_depth == 0).await;
        assert_eq!((pool.statistics().tasks_cancelled, service.service.ledger.given_up()), (2, 2));
        // One that resets it.
        let reset = queued(&service, "HTTP/1.0").await;
        reset.set_zero_linger().unwrap();
        drop(reset);
        until(|| pool.statistics().queue_depth == 0).await;
        assert_eq!((pool.statistics().tasks_cancelled, service.service.ledger.given_up()), (3, 3));
        held.end();
        is_at_rest(&service).await;
        service.stop().await;
    });
}

#[test]
fn a_client_who_goes_in_the_midst_of_its_upload_leaves_nothing() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let mut client = service.raw().await;
        client.write_all(&head(LONG.len())).await.unwrap();
        client.write_all(&LONG[..50_000]).await.unwrap();
        let budget = service.service.limits.upload_budget;
        until(|| service.service.uploads.left() < budget).await;
        drop(client);
        is_at_rest(&service).await;
        assert_eq!(service.service.ledger.accepted(), 0);
        service.stop().await;
    });
}

#[test]
fn uploads_together_take_no_more_memory_than_they_may() {
    in_time_async(|| async {
        let flags = ["--max-document", "1KiB", "--max-batch", "1KiB", "--upload-budget", "1KiB"];
        let service = start(&flags).await;
        let document = format!("{{\\rtf1 {}}}", "a".repeat(900));
        let (begin, end) = document.split_at(800);
        let mut first = service.raw().await;
        first.write_all(&head(document.len())).await.unwrap();
        first.write_all(begin.as_bytes()).await.unwrap();
        until(|| service.service.uploads.left() == 1024 - 800).await;
        assert_eq!(service.convert_rtf(document.clone()).await.problem(503, "uploads-full"), Some(1));
        first.write_all(end.as_bytes()).await.unwrap();
        until_seen(&mut first, "HTTP/1.1 200 OK").await;
        drop(first);
        is_at_rest(&service).await;
        assert_eq!(service.convert_rtf(document).await.status, 200);
        service.stop().await;
    });
}

#[test]
fn of_too_many_connections_those_who_watch_are_served_still() {
    in_time_async(|| async {
        let service = start(&["--max-connections", "2"]).await;
        let open = || service.service.connections.load(Ordering::Relaxed);
        let (first, _second) = (service.raw().await, service.raw().await);
        until(|| open() == 2).await;
        assert_eq!(service.convert_rtf(LONG).await.problem(503, "too-many-connections"), Some(1));
        assert_eq!(&get(service.address, "/health").await.body[..], b"ok\n");
        assert_eq!(get(service.address, "/metrics").await.status, 200);
        // It is for one look only.
        let looked = service.say(b"GET /health HTTP/1.1\r\nhost: loopback\r\n\r\n").await;
        assert!(looked.ends_with("\r\n\r\nok\n"), "{looked}");
        drop(first);
        until(|| open() == 1).await;
        assert_eq!(service.convert_rtf(LONG).await.status, 200);
        service.stop().await;
    });
}

/// There are few places in the reserve: whoever is there and says nothing is closed soon, however long others may think.
#[test]
fn a_connection_beside_those_there_may_be_is_not_kept_waiting_for() {
    in_time_async(|| async {
        let service = start(&["--max-connections", "1", "--header-timeout", "1day"]).await;
        let _first = service.raw().await;
        until(|| service.service.connections.load(Ordering::Relaxed) == 1).await;
        assert_eq!(service.say(b"").await, "");
        assert_eq!(service.say(b"GET /health HT").await, "");
        service.stop().await;
    });
}
