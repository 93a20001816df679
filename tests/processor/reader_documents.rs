//! Documents that are converted while they are read become what `process_single` makes of them, however they come.
#![cfg(feature = "documents")]

use crate::chunked_support::{Chance, examples};
use crate::reader_support::{Narrow, Slow};
use bytes::{Bytes, BytesMut};
use millpond::processor::ReaderError;
use millpond::{
    ConcurrentProcessorV2, ConversionOptions, ConversionRequest, ConvertError, Converter, DocumentConverter,
    Format, PoolConfig, ProcessError, ProcessorConfig,
};

fn processor() -> ConcurrentProcessorV2 {
    let pool = PoolConfig { max_threads: 3, ..PoolConfig::default() };
    ConcurrentProcessorV2::with_config(ProcessorConfig { pool, ..ProcessorConfig::default() })
}

/// What becomes of a document, read a few bytes at a time and written so, too.
async fn read(
    processor: &ConcurrentProcessorV2,
    document: &Bytes,
    options: &ConversionOptions,
    chance: &mut Chance,
) -> (Result<u64, ReaderError>, Vec<u8>) {
    let (most_read, most_taken) = (*chance.pick(&[1, 100, 10_000]), *chance.pick(&[1, 100, 10_000]));
    let (mut reads, mut takes) = (Chance(chance.below(1 << 30) as u64), Chance(chance.below(1 << 30) as u64));
    let reader = Slow { document: document.clone(), next: move || reads.below(most_read + 1), error: None };
    let next = move || takes.below(most_taken + 1);
    let mut writer = Narrow { taken: Vec::new(), next, limit: usize::MAX, error: None, flushed: 0 };
    let request = ConversionRequest::new("", "").with_options(options.clone());
    let done = processor.process_reader(request, reader, &mut writer).await;
    if let Ok(response) = &done {
        assert_eq!(
            (response.bytes_in, response.bytes_out),
            (document.len() as u64, writer.taken.len() as u64)
        );
        assert_eq!(writer.flushed, writer.taken.len());
    }
    (done.map(|response| response.windows), writer.taken)
}

/// Converts both ways, and demands the same, or its beginning and an error. Says whether it was read piece by piece.
async fn check(
    processor: &ConcurrentProcessorV2,
    document: &Bytes,
    options: &ConversionOptions,
    chance: &mut Chance,
) -> bool {
    let (done, written) = read(processor, document, options, chance).await;
    let request = ConversionRequest::new("", document.clone()).with_options(options.clone());
    match (done, processor.process_single(request).await.result) {
        (Ok(windows), Ok(whole)) => {
            assert!(written == whole, "{}", String::from_utf8_lossy(document));
            windows > 1
        }
        (Err(error), Ok(whole)) => {
            assert!(
                matches!(
                    &error,
                    ReaderError::Process {
                        source: ProcessError::Convert(ConvertError::NeedsWhole { .. }),
                        ..
                    }
                ),
                "{error:?} of {}",
                String::from_utf8_lossy(document)
            );
            assert!(whole.starts_with(&written) && error.written() == written.len() as u64);
            false
        }
        (Err(ReaderError::Process { source, .. }), Err(error)) => {
            assert_eq!(source.to_string(), error.to_string());
            false
        }
        (done, whole) => panic!("{done:?}, but {whole:?} of {}", String::from_utf8_lossy(document)),
    }
}

fn glued(examples: &[String], chance: &mut Chance) -> String {
    let mut text = String::new();
    for _ in 0..chance.below(60) + 2 {
        text += chance.pick::<String>(examples);
        text += *chance.pick(&["\n", "\n\n", "\n\nText, *marked*.\n\n# A heading\n\n"]);
    }
    text
}

#[tokio::test]
async fn markdown_and_rtf_in_every_way_they_may_come() {
    let (processor, mut chance) = (processor(), Chance(1));
    let all = examples();
    let plain: Vec<String> = all.iter().filter(|example| !example.contains('[')).cloned().collect();
    let mut pieces = [0; 4];
    for _ in 0..100 {
        let examples = *chance.pick(&[&all, &plain]);
        let markdown = Bytes::from(glued(examples, &mut chance));
        let mut rtf = BytesMut::new();
        let to_rtf = ConversionOptions { from: Some(Format::Markdown), ..ConversionOptions::default() };
        DocumentConverter::new().convert(&markdown, &to_rtf, &mut rtf).unwrap();
        let rtf = rtf.freeze();
        let ways = [
            (&markdown, Format::Markdown, Format::Html),
            (&markdown, Format::Markdown, Format::Rtf),
            (&rtf, Format::Rtf, Format::Markdown),
            (&rtf, Format::Rtf, Format::Html),
        ];
        for (count, (document, from, to)) in pieces.iter_mut().zip(ways) {
            let chunk_size = Some(*chance.pick(&[1, 100, 500]));
            let parallel_chunks = chance.below(2) == 0;
            let from = (chance.below(2) == 0 || from == Format::Markdown).then_some(from);
            let options = ConversionOptions {
                from,
                to: Some(to),
                chunk_size,
                parallel_chunks,
                ..ConversionOptions::default()
            };
            *count += usize::from(check(&processor, document, &options, &mut chance).await);
        }
    }
    // RTF that is written has a head that only the end can tell.
    assert!(pieces[0] > 40 && pieces[1] == 0 && pieces[2] > 80 && pieces[3] > 80, "{pieces:?}");
    assert_eq!(processor.memory_pool().statistics().bytes_out(), 0);
}

#[tokio::test]
async fn broken_documents_fail_in_the_same_way() {
    let (processor, mut chance) = (processor(), Chance(2));
    let paragraphs = "\\pard\\plain Some text {\\b bold}\\par\n".repeat(20);
    let to = |to| ConversionOptions { to: Some(to), chunk_size: Some(100), ..ConversionOptions::default() };
    for (document, options) in [
        (format!("{{\\rtf1 {paragraphs}"), to(Format::Markdown)),
        (
            format!("{{\\rtf1 {paragraphs}{}", "{".repeat(2_000)),
            ConversionOptions { max_groups: 1_000, ..to(Format::Html) },
        ),
        (format!("{{\\rtf1 {paragraphs}}}"), to(Format::Rtf)),
        (format!("{{\\rtf1 {paragraphs}}}"), ConversionOptions { max_output: 300, ..to(Format::Html) }),
        (format!("no RTF {paragraphs}"), ConversionOptions { from: Some(Format::Rtf), ..to(Format::Html) }),
        ("Text.\n\n".repeat(100), ConversionOptions { max_output: 300, ..to(Format::Html) }),
        (format!("{}{}", "Text.\n\n".repeat(100), "> ".repeat(2_000)), to(Format::Html)),
        // After so much white space it is RTF all the same.
        (format!("{}{{\\rtf1 {paragraphs}}}", "\n".repeat(500)), to(Format::Markdown)),
    ] {
        check(&processor, &Bytes::from(document), &options, &mut chance).await;
    }
    let mut bytes = "Text.\n\n".repeat(100).into_bytes();
    bytes.push(0xff);
    assert!(!check(&processor, &Bytes::from(bytes), &to(Format::Html), &mut chance).await);
}

/// A reference whose definition comes last keeps all that follows it in memory, and no more than may be.
#[tokio::test]
async fn what_must_wait_for_its_definition_is_bounded() {
    let config =
        ProcessorConfig { max_document_size: 20_000, chunk_size: 1 << 10, ..ProcessorConfig::default() };
    let processor = ConcurrentProcessorV2::with_config(config);
    let text = "Some words of text.\n\n";
    for (words, is_ok) in [(500, true), (2_000, false)] {
        let document =
            format!("{}See [there].\n\n{}[there]: /place\n", text.repeat(5_000), text.repeat(words));
        let request = ConversionRequest::new("", "").with_to(Format::Html);
        let mut html = Vec::new();
        let done = processor.process_reader(request, document.as_bytes(), &mut html).await;
        match done {
            Ok(_) => assert!(html.ends_with(b"<p>Some words of text.</p>\n")),
            Err(ReaderError::TooLarge { limit: 20_000, written }) => {
                assert!(written > 100_000 && written == html.len() as u64);
            }
            Err(ref error) => panic!("{error}"),
        }
        assert_eq!(done.is_ok(), is_ok);
    }
}

/// The usual window, of a chunk for each core, would be all that may be in memory, or more.
#[tokio::test]
async fn a_limit_that_is_less_than_a_window_does_not_cut_a_document_off() {
    let paragraphs = "\\pard\\plain Some text {\\b bold}\\par\n".repeat(60_000);
    let document = Bytes::from(format!("{{\\rtf1 {paragraphs}}}"));
    for (limit, chunk_size) in [(512 << 10, 256 << 10), (100_000, 1 << 20), (1 << 10, 256 << 10)] {
        let config = ProcessorConfig { max_document_size: limit, chunk_size, ..ProcessorConfig::default() };
        let request = ConversionRequest::new("", "").with_to(Format::Markdown);
        let mut markdown = Vec::new();
        let processor = ConcurrentProcessorV2::with_config(config);
        let response = processor.process_reader(request, &document[..], &mut markdown).await.unwrap();
        assert_eq!(response.bytes_in, document.len() as u64);
        assert!(
            markdown
                == "Some text **bold**\n\n"
                    .repeat(60_000)
                    .trim_end()
                    .as_bytes()
                    .iter()
                    .chain(b"\n")
                    .copied()
                    .collect::<Vec<_>>()
        );
    }
}
