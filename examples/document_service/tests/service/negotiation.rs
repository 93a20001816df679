//! The example `document_service` gives each client the type that it likes best, by RFC 9110.

use crate::document_service::media::{Asked, Conversion};
use crate::document_service::negotiation::choose;
use crate::pool_support::in_time_async;
use crate::support::start;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use millpond::Format;
use proptest::prelude::*;

fn asked(content_type: &str, accept: Option<&str>) -> Result<(Format, Format), u16> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    if let Some(accept) = accept {
        headers.insert(ACCEPT, accept.parse().unwrap());
    }
    let asked = Asked::by(&headers).map(|Asked { conversion: Conversion { from, to }, .. }| (from, to));
    asked.map_err(|refusal| refusal.problem.status.as_u16())
}

#[test]
fn a_type_is_known_by_any_of_its_names_and_no_other() {
    for rtf in ["application/rtf", "text/rtf", "Application/RTF; charset=windows-1252"] {
        assert_eq!(asked(rtf, None), Ok((Format::Rtf, Format::Markdown)), "{rtf}");
    }
    for markdown in [
        "text/markdown",
        "text/x-markdown",
        "text/markdown; charset=UTF-8; variant=GFM",
        "text/markdown\t;\tcharset=\"utf-8\"",
    ] {
        assert_eq!(asked(markdown, None), Ok((Format::Markdown, Format::Rtf)), "{markdown}");
    }
    for other in [
        "text/plain",
        "text/html",
        "text/markdown; charset=latin1",
        "text/markdown; charset=\"utf-8",
        "text/markdown, text/rtf",
        "text/markdown+rtf",
        "nonsense",
        "",
    ] {
        assert_eq!(asked(other, None), Err(415), "{other}");
    }
    let mut twice = HeaderMap::new();
    twice.append(CONTENT_TYPE, HeaderValue::from_static("text/markdown"));
    twice.append(CONTENT_TYPE, HeaderValue::from_static("text/rtf"));
    assert_eq!(Asked::by(&twice).unwrap_err().problem.status, 415);
}

#[test]
fn a_client_gets_what_it_likes_best() {
    let markdown = |accept| asked("text/markdown", Some(accept)).map(|(_, to)| to);
    for (accept, to) in [
        ("*/*", Format::Rtf),
        ("", Format::Rtf),
        (" , ", Format::Rtf),
        ("text/html", Format::Html),
        ("text/*", Format::Html),
        ("text/rtf", Format::Rtf),
        ("application/*", Format::Rtf),
        ("TEXT/HTML", Format::Html),
        ("application/rtf;q=0.5, text/html;q=0.8", Format::Html),
        ("application/rtf ; q=0.5\t,\ttext/html ; q=0.8", Format::Html),
        ("text/*, application/rtf;q=0.1", Format::Html),
        ("*/*, application/rtf;q=0, text/rtf;q=0", Format::Html),
        ("text/*;q=0.1, text/html;q=0.9, application/rtf;q=0.5", Format::Html),
        ("text/html;q=0.9, text/html;charset=utf-8;q=0.1, application/rtf;q=0.5", Format::Rtf),
        ("text/html;charset=\"UTF-8\"", Format::Html),
        ("text/html;level=\"a, application/rtf\", text/rtf", Format::Rtf),
        ("application/rtf;x=\"\\\",\\\"\", text/html;q=0.1", Format::Html),
        ("application/rtf;q=0.4, text/html;q=.5", Format::Html),
        ("application/rtf;q=0., text/html;q=0.001", Format::Html),
        ("application/rtf;q=0.123, text/html;Q=0.124", Format::Html),
        ("application/rtf;q=0.9999, text/html;q=1.000", Format::Html),
        ("application/rtf;q=0.99, text/html;q=1.", Format::Html),
        ("nonsense, text/html", Format::Html),
        ("*; q=.2, */*; q=.2", Format::Rtf),
    ] {
        assert_eq!(markdown(accept), Ok(to), "{accept}");
    }
    for accept in [
        "text/html;q=0",
        "text/html;q=0.000",
        "text/html;q=2",
        "text/html;q=1.1",
        "text/html;q=-1",
        "text/html;q=.",
        "text/html;q=",
        "text/html;q=x",
        "text/html;level=1",
        "text/html;charset=latin1",
        "text/html;a=\"unfinished",
        "image/png, text/markdown",
        "*/html",
        "nonsense",
    ] {
        assert_eq!(markdown(accept), Err(406), "{accept}");
    }
    assert_eq!(asked("text/rtf", Some("text/html, text/markdown;q=0.9")), Ok((Format::Rtf, Format::Html)));
}

/// The example of RFC 9110, 12.5.1.
#[test]
fn the_most_specific_range_counts() {
    let accept =
        "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5";
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    let mut offers = [
        "text/html",                 // 0.3
        "text/plain; format=fixed",  // 0.4
        "image/jpeg",                // 0.5
        "text/plain",                // 0.7
        "text/plain; format=flowed", // 1
    ]
    .map(|media_type| ((), media_type))
    .to_vec();
    while let Some((_, best)) = offers.last().copied() {
        assert_eq!(choose(&headers, &offers), Some(((), best)));
        offers.pop();
    }
}

#[test]
fn an_answer_has_the_type_that_was_accepted_or_says_which_there_are() {
    in_time_async(|| async {
        let service = start(&[]).await;
        let convert = async |accept: &str| {
            let head =
                "POST /convert HTTP/1.1\r\nhost: a\r\ncontent-type: text/markdown\r\nconnection: close\r\n";
            service.say(format!("{head}content-length: 1\r\n{accept}\r\na").as_bytes()).await
        };
        for (accept, media_type) in [
            ("", "application/rtf"),
            ("accept:\r\n", "application/rtf"),
            ("accept: text/*\r\n", "text/html; charset=utf-8"),
            ("accept: text/rtf\r\n", "text/rtf"),
            (
                "accept: image/png\r\naccept: text/html ;q=\"0.5\" , */* ; q=0.1\r\n",
                "text/html; charset=utf-8",
            ),
        ] {
            let answer = convert(accept).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{accept}: {answer}");
            assert!(answer.contains(&format!("\r\ncontent-type: {media_type}\r\n")), "{accept}: {answer}");
        }
        let answer = convert("accept: image/png\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 406 "), "{answer}");
        assert!(
            answer.contains("can become application/rtf, text/html; charset=utf-8 or text/rtf"),
            "{answer}"
        );
        service.stop().await;
    });
}

proptest! {
    /// However it is spelled, a range of a type that is offered is accepted, and what comes beside
    /// it changes nothing.
    #[test]
    fn a_type_is_accepted_in_every_spelling(
        space in prop::collection::vec("[ \t]{0,3}", 4),
        weight in "(0\\.[0-9]{0,2}[1-9]|1|1\\.0{0,3})",
        name in "q|Q",
        beside in "[!-+.-:<-~ ]{0,20}",
        text in "[ -!#-\\[\\]-~]{0,20}",
    ) {
        let [a, b, c, d] = &space[..] else { unreachable!() };
        let range = format!("{a}text/html{b};{c}{name}={weight}{d}");
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, format!("x/{beside}").parse().unwrap());
        headers.append(ACCEPT, format!("x/y;z=\"{text}\",{range},x/z").parse().unwrap());
        let offers = [("csv", "text/csv"), ("html", "text/html")];
        prop_assert_eq!(choose(&headers, &offers), Some(offers[1]));
    }

    #[test]
    fn whatever_is_sent_is_read(accept in prop::collection::vec(any::<u8>(), 0..80), content_type in "\\PC{0,40}") {
        let mut headers = HeaderMap::new();
        if let (Ok(accept), Ok(content_type)) = (HeaderValue::from_bytes(&accept), content_type.parse()) {
            headers.insert(ACCEPT, accept);
            headers.insert(CONTENT_TYPE, content_type);
        }
        let _ = choose(&headers, &[((), "text/html; charset=utf-8")]);
        let _ = Asked::by(&headers);
    }
}
