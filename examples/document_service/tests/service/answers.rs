//! The example `document_service` answers each request with what it asked for, or says clearly why not, whatever converts.

use std::sync::Arc;

use crate::document_service::quote::MAX_ID;
use crate::pool_support::{hold, in_time_async};
use crate::service_support::get;
use crate::support::{LONG, start, until};
use millpond::test_util::assert_no_leaks;
use serde_json::{Value, json};

const ENGINES: [&str; 3] = ["millpond", "spawn-blocking", "rayon"];
const MARKDOWN: (&str, &str) = ("content-type", "text/markdown");
const RTF: (&str, &str) = ("content-type", "text/rtf");
const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn a_document_becomes_what_its_client_accepts() {
    in_time_async(|| async {
        for engine in ENGINES {
            let service = start(&["--engine", engine]).await;
            let html = service.post("/convert", &[MARKDOWN, ("accept", "text/html")], "Hello *pond*").await;
            assert_eq!((html.status.as_u16(), &html.body[..]), (200, &b"<p>Hello <em>pond</em></p>\n"[..]));
            assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
            assert_eq!(html.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(html.header("vary"), Some("accept"));

            let rtf = service.post("/convert", &[MARKDOWN], "Hello *pond*").await;
            assert_eq!((rtf.status.as_u16(), rtf.header("content-type")), (200, Some("application/rtf")));
            let back = service.post("/convert", &[RTF], rtf.body).await;
            assert_eq!((back.status.as_u16(), &back.body[..]), (200, &b"Hello _pond_\n"[..]), "{engine}");
            assert_eq!(back.header("content-type"), Some("text/markdown; charset=utf-8"));
            let report = service.stop().await;
            assert_eq!((report.accepted, report.answered, report.cut_off), (3, 3, 0));
        }
    });
}

#[test]
fn what_is_wrong_is_told_by_status_and_problem_details() {
    in_time_async(|| async {
        for engine in ENGINES {
            let flags = ["--engine", engine, "--max-document", "1KiB", "--max-output", "2KiB"];
            let service = start(&flags).await;
            let convert = async |headers: &[(&str, &str)], body: &'static [u8]| {
                service.post("/convert", headers, body).await
            };
            convert(&[("content-type", "text/plain")], b"x").await.problem(415, "unsupported-media-type");
            convert(&[], b"x").await.problem(415, "unsupported-media-type");
            let packed = [MARKDOWN, ("content-encoding", "gzip")];
            convert(&packed, b"x").await.problem(415, "unsupported-content-coding");
            convert(&[MARKDOWN, ("accept", "image/png")], b"x").await.problem(406, "not-acceptable");
            convert(&[MARKDOWN], &[b'a'; 1025]).await.problem(413, "too-large");
            convert(&[RTF], br"{\rtf1 Cut o").await.problem(422, "malformed");
            convert(&[MARKDOWN], b"a\xff").await.problem(422, "not-utf8");
            let swells = [MARKDOWN, ("accept", "text/html")];
            convert(&swells, &[b'<'; 1024]).await.problem(422, "output-too-large");
            get(service.address, "/convert").await.problem(405, "method-not-allowed");
            assert_eq!(get(service.address, "/convert").await.header("allow"), Some("POST"));
            get(service.address, "/elsewhere").await.problem(404, "not-found");
            service.stop().await;
        }
    });
}

#[test]
fn a_batch_is_answered_in_order_and_a_failure_is_one_answer() {
    in_time_async(|| async {
        for engine in ENGINES {
            let service = start(&["--engine", engine, "--max-document", "1KiB"]).await;
            let batch = json!([
                { "id": "a", "from": "markdown", "to": "html", "content": "*a*" },
                { "id": "a", "from": "rtf", "to": "markdown", "content": "no RTF" },
                { "id": "base64", "from": "md", "to": "html", "content_base64": "KmIq" },
                { "id": "bad base64", "from": "md", "to": "html", "content_base64": "?" },
                { "id": "unknown", "from": "docx", "to": "html", "content": "" },
                { "id": "to itself", "from": "html", "to": "html", "content": "" },
                { "id": "nothing", "from": "rtf", "to": "html" },
                { "id": "both", "from": "rtf", "to": "html", "content": "", "content_base64": "" },
                { "id": "long", "from": "md", "to": "html", "content": "a".repeat(1025) },
                { "id": "", "from": "markdown", "to": "html", "content": "last" },
            ]);
            let got = service.post("/batch", &[JSON], batch.to_string()).await;
            assert_eq!((got.status.as_u16(), got.header("content-type")), (200, Some("application/json")));
            let answers: Vec<Value> = serde_json::from_slice(&got.body).unwrap();
            let told = |answer: &Value| {
                let what = answer.get("code").or(answer.get("content")).unwrap().as_str().unwrap().to_owned();
                (answer["id"].as_str().unwrap().to_owned(), answer["status"].as_u64().unwrap(), what)
            };
            let told: Vec<_> = answers.iter().map(told).collect();
            let expected = [
                ("a", 200, "<p><em>a</em></p>\n"),
                ("a", 422, "malformed"),
                ("base64", 200, "<p><em>b</em></p>\n"),
                ("bad base64", 422, "not-base64"),
                ("unknown", 422, "unknown-format"),
                ("to itself", 422, "unsupported"),
                ("nothing", 422, "no-content"),
                ("both", 422, "no-content"),
                ("long", 413, "too-large"),
                ("", 200, "<p>last</p>\n"),
            ];
            assert_eq!(told, expected.map(|(id, status, what)| (id.to_owned(), status, what.to_owned())));
            assert_eq!(answers[0]["content_type"], "text/html; charset=utf-8");
            assert!(answers[1]["detail"].is_string());
            service.stop().await;
        }
    });
}

#[test]
fn the_answers_of_a_batch_are_no_longer_together_than_they_may_be() {
    in_time_async(|| async {
        for engine in ENGINES {
            let service = start(&["--engine", engine, "--max-batch-output", "1KiB"]).await;
            let item = |content: String| json!({ "id": "", "from": "md", "to": "html", "content": content });
            // The second is longer than a fourth of it, and has what the others left; then there is not enough for the third.
            let batch = ["a".repeat(200), "b".repeat(600), "c".repeat(600), "last".to_owned()].map(item);
            let got = service.post("/batch", &[JSON], json!(batch).to_string()).await;
            let answers: Vec<Value> = serde_json::from_slice(&got.body).unwrap();
            let statuses: Vec<_> = answers.iter().map(|answer| answer["status"].as_u64().unwrap()).collect();
            assert_eq!(statuses, [200, 200, 422, 200], "{engine}");
            assert_eq!(answers[1]["content"], format!("<p>{}</p>\n", "b".repeat(600)));
            assert_eq!(answers[2]["code"], "batch-output-too-large");
            service.stop().await;
        }
    });
}

/// JSON makes six bytes of a control character, and a document may be made of them.
#[test]
fn the_answers_of_a_batch_are_measured_as_json_has_them() {
    in_time_async(|| async {
        for engine in ENGINES {
            let service = start(&["--engine", engine, "--max-batch-output", "8KiB"]).await;
            let most = service.service.limits.max_batch_output;
            let item = |content: String| json!({ "id": "", "from": "md", "to": "html", "content": content });
            let swelling = |count: usize| item("\u{1}".repeat(count));
            let contents = async |batch: Vec<Value>| {
                let got = service.post("/batch", &[JSON], json!(batch).to_string()).await;
                let answers: Vec<Value> = serde_json::from_slice(&got.body).unwrap();
                let contents = answers.iter().filter_map(|answer| answer.get("content"));
                let length: usize = contents.map(|content| content.to_string().len() - 2).sum();
                assert!(length <= most, "{length} bytes of contents");
                let told = answers
                    .iter()
                    .map(|answer| answer.get("code").or(answer.get("status")).cloned().unwrap());
                told.collect::<Vec<_>>()
            };
            let too_large = json!("batch-output-too-large");
            // The first takes 6 KiB. The second would take more than the 2 KiB that are left then.
            let batch = vec![swelling(1000), swelling(340), item("last".into()), swelling(300)];
            let got = contents(batch).await;
            assert_eq!(got, [json!(200), too_large.clone(), json!(200), json!(200)], "{engine}");
            // A failure takes nothing.
            let fails = json!({ "id": "", "from": "rtf", "to": "html", "content": "no RTF" });
            let got = contents(vec![fails, swelling(1), swelling(1000), swelling(400)]).await;
            assert_eq!(got, [json!("malformed"), json!(200), json!(200), too_large.clone()], "{engine}");
            // Each within its portion of bytes, and not of JSON.
            let got = contents(vec![swelling(1000); 4]).await;
            assert_eq!(
                got,
                [json!(200), too_large.clone(), too_large.clone(), too_large.clone()],
                "{engine}"
            );
            // One alone, that is converted whole and does not fit.
            assert_eq!(contents(vec![swelling(2000)]).await, [too_large], "{engine}");
            service.stop().await;
        }
    });
}

#[test]
fn what_an_answer_repeats_of_a_batch_is_cut_to_a_length() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let long = "\u{e4}".repeat(100_000);
        let batch = json!([{ "id": long, "from": long, "to": "html", "content": "" }]);
        let got = service.post("/batch", &[JSON], batch.to_string()).await;
        let answers: Vec<Value> = serde_json::from_slice(&got.body).unwrap();
        assert_eq!(answers[0]["id"].as_str().unwrap(), format!("{}…", "\u{e4}".repeat(MAX_ID / 2)));
        assert_eq!(answers[0]["code"], "unknown-format");
        assert!(got.body.len() < 1000, "{} bytes", got.body.len());
        for wrong in
            [json!([{ (long.clone()): 1 }]), json!([long]), json!([{ "id": "a", "to": { (long): 1 } }])]
        {
            let got = service.post("/batch", &[JSON], wrong.to_string()).await;
            got.problem(400, "malformed-batch");
            assert!(got.body.len() < 500, "{:?}", got.body);
        }
        service.stop().await;
    });
}

#[test]
fn what_is_no_batch_is_refused_whole() {
    in_time_async(|| async {
        let service = start(&["--max-batch-documents", "2", "--max-batch", "1KiB"]).await;
        let item = json!({ "id": "a", "from": "md", "to": "html", "content": "a" });
        let batch = async |body: String| service.post("/batch", &[JSON], body).await;
        batch("[".into()).await.problem(400, "malformed-batch");
        batch(r#"[{"id":"a"}]"#.into()).await.problem(400, "malformed-batch");
        batch(json!([item, item, item]).to_string()).await.problem(413, "too-many-documents");
        // It is read no further than that.
        batch(format!("[{item},{item},{item},and so on")).await.problem(413, "too-many-documents");
        batch(format!("[{item},{item}]?")).await.problem(400, "malformed-batch");
        batch(" ".repeat(1025)).await.problem(413, "too-large");
        service.post("/batch", &[MARKDOWN], "[]").await.problem(415, "unsupported-media-type");
        let packed = [JSON, ("content-encoding", "gzip")];
        service.post("/batch", &packed, "[]").await.problem(415, "unsupported-content-coding");
        assert_eq!(&batch("[]".into()).await.body[..], b"[]");
        service.stop().await;
    });
}

#[test]
fn a_full_queue_is_a_503_with_a_time_to_come_again_and_health_goes_on() {
    in_time_async(|| async {
        let service = start(&["--queue-limit", "1"]).await;
        let pool = service.pool();
        let held = hold(&pool, 1);
        let waiting = pool.try_spawn(|| ()).unwrap();
        for path in ["/convert", "/stream"] {
            let refused = service.post(path, &[RTF], LONG).await;
            assert!(refused.problem(503, "queue-full").unwrap() >= 1);
        }
        assert!(service.post("/batch", &[JSON], "[]").await.problem(503, "queue-full").is_some());
        assert_eq!(&get(service.address, "/health").await.body[..], b"ok\n");
        let metrics = get(service.address, "/metrics").await;
        let page = std::str::from_utf8(&metrics.body).unwrap();
        assert!(page.contains("\nmillpond_pool_queue_depth 1\n"), "{page}");
        assert!(page.contains("_responses_total{path=\"/convert\",status=\"503\"} 1\n"), "{page}");
        held.end();
        waiting.await.unwrap();
        assert_eq!(service.convert_rtf(LONG).await.status, 200);
        assert_no_leaks(&pool);
        service.stop().await;
    });
}

/// The documents of a batch wait for places, so their number is bounded by that of the batches.
#[test]
fn no_more_batches_are_under_way_than_there_may_be() {
    in_time_async(|| async {
        for engine in ENGINES {
            let service = start(&["--engine", engine, "--max-batches", "1"]).await;
            let turn = Arc::clone(&service.service.batches).try_acquire_owned().unwrap();
            assert_eq!(service.post("/batch", &[JSON], "[]").await.problem(503, "too-many-batches"), Some(1));
            drop(turn);
            assert_eq!(service.post("/batch", &[JSON], "[]").await.status, 200);
            assert_eq!(service.post("/batch", &[JSON], "[]").await.status, 200);
            service.stop().await;
        }
    });
}

#[test]
fn a_document_may_wait_for_a_place_if_it_is_so_configured() {
    in_time_async(|| async {
        let service = start(&["--queue-limit", "1", "--wait", "1day", "--deadline", "1day"]).await;
        let pool = service.pool();
        let held = hold(&pool, 1);
        let waiting = pool.try_spawn(|| ()).unwrap();
        let asks = service.convert_rtf(LONG);
        let opens = async {
            until(|| pool.statistics().waiting_callers == 1).await;
            held.end();
        };
        assert_eq!(tokio::join!(asks, opens).0.status, 200);
        waiting.await.unwrap();
        service.stop().await;
    });
}

#[test]
fn a_document_that_is_not_begun_by_its_deadline_is_a_504() {
    in_time_async(|| async {
        let service = start(&["--deadline", "5ms"]).await;
        let pool = service.pool();
        let held = hold(&pool, 1);
        assert_eq!(service.convert_rtf(LONG).await.problem(504, "deadline-exceeded"), None);
        held.end();
        assert_no_leaks(&pool);
        service.stop().await;
    });
}

/// By the rules of the text format: a family is described once, before its samples, which are together.
#[test]
fn the_metrics_are_well_formed() {
    in_time_async(|| async {
        let service = start(&[]).await;
        assert_eq!(service.convert_rtf(LONG).await.status, 200);
        let got = get(service.address, "/metrics").await;
        assert_eq!(got.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        let page = String::from_utf8(got.body.to_vec()).unwrap();
        assert!(page.ends_with('\n'));
        let (mut seen, mut family, mut kind) = (Vec::new(), "", "");
        let mut lines = page.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split(' ').next().unwrap();
                assert!(help.len() > family.len() + 1 && !seen.contains(&family), "{line}");
                seen.push(family);
                let described = lines.next().unwrap().strip_prefix("# TYPE ").unwrap();
                kind = described.strip_prefix(family).unwrap().trim();
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{described}");
                assert_eq!(kind == "counter", family.ends_with("_total"), "{family}");
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            assert!(value.is_finite() && value >= 0.0, "{line}");
            let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
            let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_count", "_sum"] } else { &[""] };
            assert!(suffixes.contains(&name.strip_prefix(family).unwrap()), "{line}");
            assert!(labels.ends_with('}'), "{line}");
            assert_eq!(name.ends_with("_bucket"), labels.contains("le=\""), "{line}");
        }
        assert!(seen.len() > 30, "{seen:?}");
        for line in ["millpond_documents_total 1", "document_service_accepted_total 1"] {
            assert!(page.lines().any(|found| found == line), "{line} is missing:\n{page}");
        }
        service.stop().await;
    });
}
