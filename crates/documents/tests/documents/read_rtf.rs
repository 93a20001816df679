//! RTF that is converted while it is read becomes, byte for byte, what it becomes as a whole; or it
//! fails as the whole does.

use crate::chunked_support::rtf::{AROUND, HEAD, HOSTILE, paragraph};
use crate::chunked_support::{Chance, Read, check_read, examples, options};
use bytes::{Bytes, BytesMut};
use millpond::convert::OneByOne;
use millpond::{ConversionOptions, Converter, DocumentConverter, Format};
use proptest::prelude::*;

fn to(format: Format) -> ConversionOptions {
    ConversionOptions { chunk_size: Some(100), ..options(Format::Rtf, format) }
}

fn check_both(document: &[u8], chance: &mut Chance) -> [Read; 2] {
    [Format::Markdown, Format::Html].map(|format| check_read(document, &to(format), chance))
}

#[test]
fn what_was_written_by_this_crate() {
    let examples = examples();
    let (mut chance, mut pieces) = (Chance(1), [0, 0]);
    for _ in 0..200 {
        let mut text = String::new();
        for _ in 0..chance.below(20) + 2 {
            text += chance.pick::<String>(&examples);
            text += "\n\nText.\n\nMore.\n\n";
        }
        let mut rtf = BytesMut::new();
        let to_rtf = options(Format::Markdown, Format::Rtf);
        DocumentConverter::new().convert(text.as_bytes(), &to_rtf, &mut rtf).unwrap();
        for (count, read) in pieces.iter_mut().zip(check_both(&rtf, &mut chance)) {
            *count += usize::from(read == Read::Pieces);
        }
    }
    assert_eq!(pieces, [200, 200]);
}

#[test]
fn hostile_documents() {
    let mut chance = Chance(2);
    for hostile in HOSTILE {
        for around in AROUND {
            check_both(format!("{HEAD}{}}}", around.replace("{}", hostile)).as_bytes(), &mut chance);
        }
    }
}

/// A token that is cut in two is the token that it is.
#[test]
fn every_document_cut_anywhere() {
    let document = format!(
        "{HEAD}\\pard\\plain Text\\'e9\\'e8 \\u8364?\\u-10179?\\u-8704? \\b bold\\b0 \\f1\\'e9\\f0\\~\\par\r\n\
         {{\\pict 00ff\\bin7 }}{{\\\\\\'zz}}{{\\field{{\\*\\fldinst HYPERLINK \"u\"}}{{\\fldrslt t}}}}\\par}}}}after it \\"
    );
    let document = Bytes::from(document);
    let mut whole = BytesMut::new();
    DocumentConverter::new().convert(&document, &to(Format::Markdown), &mut whole).unwrap();
    for cut in 0..document.len() {
        let mut out = BytesMut::new();
        let mut conversion =
            DocumentConverter::new().incremental(&document[..64], &to(Format::Markdown)).unwrap().unwrap();
        let done = conversion.convert(&document.slice(..cut), false, &OneByOne, &mut out).unwrap();
        conversion.convert(&document.slice(done..), true, &OneByOne, &mut out).unwrap();
        assert_eq!(out, whole, "{:?}", String::from_utf8_lossy(&document[..cut]));
    }
}

#[test]
fn a_document_that_is_cut_off_fails_as_the_whole_does() {
    let document = format!("{HEAD}{}}}", "\\pard\\plain A{\\b b}\\par\n".repeat(5));
    let mut chance = Chance(3);
    for end in 0..document.len() {
        for read in check_both(&document.as_bytes()[..end], &mut chance) {
            assert_eq!(read, Read::Failed);
        }
    }
}

#[test]
fn the_limits_are_those_of_the_whole() {
    let body = "\\pard\\plain One{\\footnote two{\\b three}}\\par\n".repeat(4)
        + "\\pard\\plain\\intbl a\\cell\\row\\pard\\plain\\s3    \\par{}";
    let document = format!("{HEAD}{body}}}");
    let mut chance = Chance(4);
    for limit in 0..400 {
        for format in [Format::Markdown, Format::Html] {
            let small = ConversionOptions { max_output: limit, ..to(format) };
            check_read(document.as_bytes(), &small, &mut chance);
            let flat = ConversionOptions { max_groups: limit % 9, ..to(format) };
            check_read(document.as_bytes(), &flat, &mut chance);
        }
    }
}

/// Long documents become HTML piece by piece even where all of them is there.
#[test]
fn the_html_of_a_long_document_is_that_of_its_markdown() {
    let text = "\\pard\\plain A {\\b paragraph} of *some* [words].\\par\n";
    let item = "\\pard\\plain\\ls1 Item\\par\n";
    let note = "\\pard\\plain Text{\\footnote note}\\par\n";
    for pieces in [[text, text], [text, item], [item, item], [text, note], ["_* ", "words of text "]] {
        let body: String = (0..12_000).flat_map(|_| pieces).collect();
        let long = body.repeat(1 + 1_200_000 / body.len());
        let document = format!("{HEAD}{long}\\par}}");
        let convert = |input: &[u8], from, to| {
            let mut out = BytesMut::new();
            DocumentConverter::new().convert(input, &options(from, to), &mut out).unwrap();
            out
        };
        let markdown = convert(document.as_bytes(), Format::Rtf, Format::Markdown);
        let html = convert(document.as_bytes(), Format::Rtf, Format::Html);
        assert!(html == convert(&markdown, Format::Markdown, Format::Html), "{pieces:?}");
        let small = ConversionOptions { max_output: html.len() - 1, ..options(Format::Rtf, Format::Html) };
        let mut out = BytesMut::from("before");
        assert!(DocumentConverter::new().convert(document.as_bytes(), &small, &mut out).is_err());
        assert_eq!(out, "before");
    }
}

/// Shows the conversion `piece` again and again; says how much it remembers in the end.
fn remembers(format: Format, piece: &str, count: usize) -> usize {
    let mut conversion = DocumentConverter::new().incremental(HEAD.as_bytes(), &to(format)).unwrap().unwrap();
    let mut rest = Bytes::new();
    let mut show = |text: &[u8]| {
        let window = Bytes::from([&rest, text].concat());
        let done = conversion.convert(&window, false, &OneByOne, &mut BytesMut::new()).unwrap();
        rest = window.slice(done..);
        assert!(rest.len() < 20, "{rest:?}");
    };
    show(HEAD.as_bytes());
    (0..count).for_each(|_| show(piece.as_bytes()));
    conversion.held()
}

#[test]
fn what_is_remembered_does_not_grow_with_the_document() {
    let link = "{\\field{\\*\\fldinst HYPERLINK \"a\"}{\\fldrslt t}}";
    for piece in [
        format!("\\pard\\plain Text {link}\\par "),
        "\\pard\\plain{\\pntext 1.\\tab}Item\\par \\pard\\plain Text\\par ".to_owned(),
        "\\pard\\plain\\ls1 Item\\par \\pard\\plain Text\\par ".to_owned(),
        "{\\pict 00ff00ff00ff\\bin9 {{{{{{{{{}".to_owned(),
        "\\pard\\plain\\intbl a\\cell\\row\\pard\\plain Text\\par ".to_owned(),
        "\\pard\\plain\\s3 Code\\par\\pard\\plain Text\\par ".to_owned(),
    ] {
        for format in [Format::Markdown, Format::Html] {
            let [few, many] = [100, 2_000].map(|count| remembers(format, &piece, count));
            assert!(many < few + 4_000, "{piece}: {few} bytes after 100, {many} after 2,000");
        }
    }
    // Footnotes come last.
    let note = "\\pard\\plain Text{\\footnote note}\\par ";
    assert!(remembers(Format::Markdown, note, 1_000) > 1_000 * "note".len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_document(
        head in prop::sample::select(&[HEAD, "{\\rtf1\\pard "][..]),
        paragraphs in prop::collection::vec(paragraph(), 2..12),
        seed in any::<u64>(),
    ) {
        let document = format!("{head}{}}}", paragraphs.concat());
        check_both(document.as_bytes(), &mut Chance(seed));
    }
}
