//! Ids of headings: derived from their text by GitHub's rules, or `{#id}` at their end.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use pulldown_cmark::{CowStr, Event};

/// The ids in use, and the last number appended to each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slugs {
    taken: HashMap<String, usize>,
    bytes: usize,
}

impl Slugs {
    /// The approximate size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number that makes the id unique; 0 if it already is.
    pub(crate) fn number(&mut self, slug: &str) -> usize {
        let mut number = 0;
        while let Some(last) = self.taken.get_mut(slug) {
            number = *last + 1;
            *last = number;
            let id = numbered(slug, number);
            let len = id.len();
            if let Entry::Vacant(place) = self.taken.entry(id) {
                place.insert(0);
                self.bytes += len + size_of::<(String, usize)>();
                return number;
            }
        }
        self.take_new(slug.to_owned());
        number
    }

    /// Registers an id set by the author. It is never changed, even if it is in use.
    pub(crate) fn take(&mut self, id: &str) {
        if !self.taken.contains_key(id) {
            self.take_new(id.to_owned());
        }
    }

    fn take_new(&mut self, id: String) {
        self.bytes += id.len() + size_of::<(String, usize)>();
        self.taken.insert(id, 0);
    }
}

/// Returns the id with its number appended; without one if it is 0.
pub(crate) fn numbered(slug: &str, number: usize) -> String {
    if number == 0 { slug.to_owned() } else { format!("{slug}-{number}") }
}

/// The id derived from the text of a heading; empty if no character remains.
pub(in super::super) fn slug<'a>(events: impl Iterator<Item = &'a Event<'a>>) -> String {
    let mut slug = String::new();
    for event in events {
        match event {
            Event::Text(text) | Event::Code(text) => add(text, &mut slug),
            Event::SoftBreak | Event::HardBreak => slug.push('-'),
            _ => {}
        }
    }
    slug
}

/// Appends the characters of a text that may be in an id.
pub(crate) fn add(text: &str, slug: &mut String) {
    for c in text.chars() {
        match c {
            ' ' => slug.push('-'),
            '-' | '_' => slug.push(c),
            c if c.is_ascii_alphanumeric() => slug.push(c.to_ascii_lowercase()),
            c if !c.is_ascii() && c.is_alphanumeric() => slug.extend(c.to_lowercase()),
            _ => {}
        }
    }
}

/// The content of `{#id .class}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) id: String,
    pub(crate) classes: Vec<String>,
}

/// Removes `{#id}` from the end of the text.
pub(crate) fn take_attributes(text: &mut CowStr<'_>) -> Option<Attributes> {
    let trimmed = text.trim_end().strip_suffix('}')?;
    let (before, inner) = trimmed.rsplit_once('{')?;
    let (mut id, mut classes) = (None, Vec::new());
    for word in inner.split_ascii_whitespace() {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
        };
        if let Some(name) = word.strip_prefix('#').filter(|name| is_name(name)) {
            id = Some(name.to_owned());
        } else {
            classes.push(word.strip_prefix('.').filter(|name| is_name(name))?.to_owned());
        }
    }
    let attributes = Attributes { id: id?, classes };
    *text = before.trim_end().to_owned().into();
    Some(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug_of(text: &str) -> String {
        slug([Event::Text(text.into())].iter())
    }

    #[test]
    fn slugs_are_those_of_github() {
        for (text, slug) in [
            ("My Part", "my-part"),
            ("What's new? (2.0)", "whats-new-20"),
            ("a  b", "a--b"),
            ("snake_case & more", "snake_case--more"),
            ("Überblick 日本", "überblick-日本"),
            ("!?", ""),
        ] {
            assert_eq!(slug_of(text), slug);
        }
    }

    #[test]
    fn ids_are_unique() {
        let mut slugs = Slugs::default();
        let mut ids = |texts: &[&str]| -> Vec<String> {
            texts.iter().map(|slug| numbered(slug, slugs.number(slug))).collect()
        };
        assert_eq!(ids(&["a", "a", "a-1", "a", "b"]), ["a", "a-1", "a-1-1", "a-2", "b"]);
        slugs.take("c");
        assert_eq!(slugs.number("c"), 1);
    }

    #[test]
    fn attributes_are_taken_where_they_name_an_id() {
        let take = |text: &str| {
            let mut text = CowStr::from(text.to_owned());
            take_attributes(&mut text)
                .map(|attributes| (text.to_string(), attributes.id, attributes.classes.join(" ")))
        };
        assert_eq!(take("A {#b}"), Some(("A".into(), "b".into(), String::new())));
        assert_eq!(take("A {#b .c .d} "), Some(("A".into(), "b".into(), "c d".into())));
        for other in
            ["A {b}", "A {.c}", "A {#b onclick=c}", "A {#}", "/users/{id}", "A {#b} c", "A #b}", "{#\"}"]
        {
            assert_eq!(take(other), None, "{other}");
        }
    }
}
