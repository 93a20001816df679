//! No control word makes text vanish beyond the group that it stands in.

use bytes::BytesMut;
use proptest::prelude::*;

use super::word::Word;
use millpond_convert::ConversionOptions;

/// The words of a document, each in one more group than the one before, and again on the way back.
const WORDS: [&str; 7] = ["one", "two", "three", "four", "five", "six", "seven"];

/// How many of them stand after the group that the word at that place is in. The outermost group
/// has no after.
const fn after(place: usize) -> usize {
    if place < 3 { place } else { 7 - place - 1 }
}

/// The document with `insert` before the word at `place`, which counts from 0.
fn document(place: usize, insert: &str) -> String {
    // In a font of its own, which no control word below defines anew: letters of a font of symbols
    // are others.
    let mut text = r"{\rtf1\ansi{\fonttbl{\f9 Arial;}}\f9 ".to_owned();
    for (at, word) in WORDS.iter().enumerate() {
        let brace = if (1..=3).contains(&at) { "{" } else { "" };
        let insert = if at == place { insert } else { "" };
        let end = if (3..=5).contains(&at) { "}" } else { "" };
        text += &format!("{brace}{insert} {word}{end} ");
    }
    text + r"\par}"
}

fn markdown(rtf: &str) -> String {
    let mut out = BytesMut::new();
    super::to_markdown(rtf.as_bytes(), &ConversionOptions::default(), &mut out).unwrap();
    String::from_utf8(out.to_vec()).unwrap()
}

/// A control word with or without a star, a space and a number. Raw bytes are as many as they say:
/// none here.
fn control() -> impl Strategy<Value = String> {
    let numbers = prop::sample::select(&["", "0", "1", "2", "-1"][..]);
    let star = prop::sample::select(&["", "", "\\*"][..]);
    (prop::sample::select(Word::NAMES), numbers, star).prop_map(|(name, number, star)| {
        let number = if name == "bin" { "" } else { number };
        format!("{star}\\{name}{number} ")
    })
}

#[test]
fn every_control_word_ends_with_its_group() {
    for name in Word::NAMES {
        for place in 1..WORDS.len() - 1 {
            for (star, number) in [("", ""), ("\\*", ""), ("", "1"), ("x\\*", "1")] {
                let number = if *name == "bin" { "" } else { number };
                let rtf = document(place, &format!("{star}\\{name}{number} "));
                let text = markdown(&rtf);
                for word in WORDS.iter().rev().take(after(place)) {
                    assert!(text.contains(word), "{rtf} becomes {text}");
                }
            }
        }
    }
}

#[test]
fn in_the_outermost_group_only_hidden_and_deleted_text_vanishes() {
    for name in Word::NAMES.iter().filter(|name| !["v", "deleted", "u"].contains(name)) {
        for star in ["", "\\*"] {
            let text = markdown(&format!("{{\\rtf1 one\\par {star}\\{name} two\\par\\plain three\\par}}"));
            for word in ["one", "two", "three"] {
                assert!(text.contains(word), "\\{name}: {text}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn several_control_words_end_with_their_group(
        place in 1..WORDS.len() - 1,
        controls in prop::collection::vec(control(), 1..6),
    ) {
        let rtf = document(place, &controls.concat());
        let text = markdown(&rtf);
        for word in WORDS.iter().rev().take(after(place)) {
            prop_assert!(text.contains(word), "{rtf} becomes {text}");
        }
    }
}
