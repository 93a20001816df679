//! How much memory a conversion holds at a time, by byte of input. `docs/converters.md` states the
//! factors, and `Converter::memory` counts by them.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::BytesMut;
use millpond::{ConversionOptions, ConvertError, Converter, DocumentConverter, Format};

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, which keeps count of what is held and of the most that was.
struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it is copied, both are there.
        take(size);
        // SAFETY: as promised by the caller.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        HELD.fetch_sub(layout.size(), Relaxed);
        moved
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn take(size: usize) {
    PEAK.fetch_max(HELD.fetch_add(size, Relaxed) + size, Relaxed);
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The factors that `docs/converters.md` states, with a little room.
const MOST_TO_MARKDOWN: f64 = 40.0;
const MOST_TO_HTML: f64 = 160.0;

/// How long the documents are, about, in bytes.
const LENGTH: usize = 640 << 10;

/// What a conversion held at the most beside its input, output included, by byte of input.
fn factor(document: &str, to: Format) -> f64 {
    let options = ConversionOptions { from: Some(Format::Rtf), to: Some(to), ..Default::default() };
    let mut out = BytesMut::new();
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    let converter = DocumentConverter::new();
    match converter.convert(document.as_bytes(), &options, &mut out) {
        Ok(_) | Err(ConvertError::TooDeep { .. } | ConvertError::TooComplex { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    let held = PEAK.load(Relaxed) - before;
    assert!(held <= converter.memory(document.as_bytes(), &options), "{held} bytes");
    (PEAK.load(Relaxed) - before) as f64 / document.len() as f64
}

/// Pieces that make the reader or the writers remember much for few bytes: what goes before them
/// all, each, and what follows.
const SHAPES: &[(&str, &str, &str, &str)] = &[
    ("words", "", "some words of text ", ""),
    ("paragraphs", "", "a\\par ", ""),
    ("headings", "\\outlinelevel0 ", "a\\par ", ""),
    ("lines", "", "a\\line ", ""),
    ("marks", "", "*", ""),
    ("brackets", "", "[", ""),
    ("marks in paragraphs", "", "*a* *a* *a* *a* *a* *a* *a* *a* *a* *a* *a* *a* *a* *a* *a* *a*\\par ", ""),
    ("tildes", "", "~_", ""),
    ("less-than signs", "", "<a", ""),
    ("runs", "", "{\\b a}b", ""),
    ("styles", "", "{\\b\\i\\ul\\strike a}{\\super b}", ""),
    ("super", "", "{\\super a}b", ""),
    ("cells", "\\intbl ", "a\\cell ", "\\row"),
    ("empty cells", "\\intbl ", "\\cell ", "a\\row"),
    ("rows", "\\intbl ", "a\\cell\\row ", ""),
    ("empty rows", "\\intbl a\\cell ", "\\cell\\row ", ""),
    ("cells of symbols", "\\intbl ", "*_\\cell\\row ", ""),
    ("items", "\\ls4 ", "a\\par ", ""),
    ("labels", "\\ls1 ", "a\\par ", ""),
    ("quotes", "\\s3 ", "a\\par ", ""),
    ("code", "\\s4 ", "a\\par ", ""),
    ("notes", "a", "{\\footnote a}", ""),
    ("links", "", "{\\field{\\*\\fldinst HYPERLINK a}{\\fldrslt b}}", ""),
    ("bytes", "", "\\'e9", ""),
    ("characters", "\\uc0 ", "\\u9", ""),
    ("groups", "", "{", ""),
    ("fonts", "{\\fonttbl", "\\f#\\fcharset2 ", "}"),
    ("definitions of styles", "{\\stylesheet", "\\s#Quote;", "}"),
    ("definitions of lists", "{\\*\\listtable", "\\list\\listlevel", "}"),
    ("levels of lists", "{\\*\\listtable\\list", "\\listlevel\\leveltext\\'01a", "}"),
    ("identities of lists", "{\\*\\listtable\\list", "\\listid#", "}"),
    ("overrides of lists", "{\\*\\listoverridetable", "\\listoverride\\lfolevel\\listlevel", "}"),
    ("overrides by number", "{\\*\\listoverridetable\\listoverride", "\\ls#", "}"),
    ("lists that no table has", "", "\\ls#a\\par", ""),
    ("formulas", "{\\*\\moMath ", "\\mf\\mnum a", "}"),
];

fn document(before: &str, piece: &str, after: &str) -> String {
    const HEAD: &str = r"{\rtf1\ansi{\stylesheet{\s3 Quote;}{\s4 HTML Preformatted;}}{\*\listtable{\list{\listlevel\levelnfc4{\leveltext\'02\'00);}}\listid1}
{\list{\listlevel\levelnfc23}\listid4}}{\*\listoverridetable{\listoverride\listid1\ls1}{\listoverride\listid4\ls4}}";
    let mut text = format!("{HEAD}{before}");
    let mut number = 100;
    while text.len() < LENGTH {
        text += &piece.replace('#', &number.to_string());
        number += 1;
    }
    let open = if piece == "{" { text.matches('{').count() - text.matches('}').count() - 1 } else { 0 };
    text + after + &"}".repeat(open) + "\\par}"
}

/// Markdown whose tree is large for its bytes, or whose RTF is long, `#` being a number.
const MARKDOWN: &[&str] = &[
    "A paragraph, and *some* of `it`.\n\n",
    "A line of words that goes on.\n",
    "*a* ",
    "*a*bccc ",
    "`a` ",
    "x\n",
    "a\\\n",
    "1. a\n\n- b\n\n",
    "- a\n",
    "# a\n\n",
    "> a\n\n",
    "|a|\n|-|\n|b|\n\n",
    "<b>",
    "[a](b) ",
    "[^a] ",
    "a[^#]\n\n[^#]: b\n\n",
    "[a#]: b\n",
    "- [ ] a\n",
    "$a$ ",
];

/// No conversion holds more than it is counted for, whichever way it goes.
fn no_more_than_it_counts_for() {
    let converter = DocumentConverter::new();
    for piece in MARKDOWN {
        let mut document = String::new();
        for number in 0.. {
            document += &piece.replace('#', &number.to_string());
            if document.len() >= LENGTH {
                break;
            }
        }
        for to in [Format::Html, Format::Rtf] {
            let options =
                ConversionOptions { from: Some(Format::Markdown), to: Some(to), ..Default::default() };
            let before = HELD.load(Relaxed);
            PEAK.store(before, Relaxed);
            let mut out = BytesMut::new();
            let done = converter.convert(document.as_bytes(), &options, &mut out);
            assert!(matches!(done, Ok(_) | Err(ConvertError::TooComplex { .. })), "{done:?}");
            let (held, counted) =
                (PEAK.load(Relaxed) - before, converter.memory(document.as_bytes(), &options));
            assert!(held <= counted, "{piece:?} to {to} holds {held}, counts {counted}");
        }
    }
}

/// What is held is counted for all threads, so all is one test.
#[test]
fn no_document_holds_more_than_is_stated() {
    no_more_than_it_counts_for();
    worst_shapes();
    windows_of_paragraphs();
}

fn worst_shapes() {
    let mut most = [0.0_f64; 2];
    for (name, before, piece, after) in SHAPES {
        let document = document(before, piece, after);
        let factors = [Format::Markdown, Format::Html].map(|to| factor(&document, to));
        println!("{name:25} {:6.1} {:6.1}", factors[0], factors[1]);
        for (most, factor) in most.iter_mut().zip(factors) {
            *most = most.max(factor);
        }
    }
    let [markdown, html] = most;
    assert!(markdown < MOST_TO_MARKDOWN, "{markdown:.1} bytes by byte");
    assert!(html < MOST_TO_HTML, "{html:.1} bytes by byte");
}

/// Of a document of many paragraphs, only a window is a tree at a time.
fn windows_of_paragraphs() {
    let paragraphs = "A paragraph of {\\b some} words, and {\\i more}.\\par ";
    let [short, long] = [1, 8].map(|times| {
        let document = document("", paragraphs, "");
        let body = document.get(document.find("A para").unwrap()..document.len() - 6).unwrap();
        factor(&document.replace(body, &body.repeat(times)), Format::Html)
    });
    println!("{short:.1} {long:.1}");
    assert!(short < 12.0 && long < 5.0, "{short:.1} {long:.1}");
}
