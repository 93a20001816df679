//! The table of events in the guide `events` says what the code emits.

use std::collections::BTreeMap;

use crate::read;

/// What an event is told with: its target, its levels, and its fields in order.
type Event = (String, String, Vec<String>);

/// The events of the guide, by name.
fn documented() -> BTreeMap<String, Event> {
    let guide = read("docs/events.md");
    let rows = guide.lines().filter(|line| line.starts_with("| `") && line.contains("| `millpond::"));
    rows.map(|row| {
        let cells: Vec<_> =
            row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
        let fields = cells[3].split_whitespace().map(String::from).collect();
        (cells[0].clone(), (cells[1].clone(), cells[2].clone(), fields))
    })
    .collect()
}

/// The events of the code, by name. The least severe level of an event that has several is left
/// out.
fn emitted() -> BTreeMap<String, Event> {
    let code = read("src/pool/events/mod.rs");
    let target = |name: &str| {
        let constant = format!("const {name}: &str = \"");
        code.split(&constant).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let mut events = BTreeMap::new();
    for call in code.split("untold!(").skip(1) {
        let (head, fields) = call.split_once("\";").unwrap();
        let (level, head) = head.split_once(", ").unwrap();
        let (place, head) = head.split_once(", \"").unwrap();
        let (name, _) = head.split_once("\": ").unwrap();
        let event = (target(place), level.to_owned(), names(fields));
        events.insert(name.to_owned(), event);
    }
    events
}

/// The names in `name = value, name = value)`.
fn names(fields: &str) -> Vec<String> {
    let (mut names, mut depth) = (vec![String::new()], 0);
    for c in fields.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => break,
            ')' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            c => names.last_mut().unwrap().push(c),
        }
    }
    names.iter().map(|field| field.split('=').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn the_guide_lists_every_event_with_its_target_level_and_fields() {
    let (documented, emitted) = (documented(), emitted());
    assert!(emitted.len() > 20);
    assert_eq!(documented, emitted);
}

#[test]
fn no_other_file_of_the_pool_emits_events() {
    let root = crate::root().join("src/pool");
    let others = crate::files(&root, "rs").into_iter().filter(|path| {
        let code = std::fs::read_to_string(path).unwrap();
        let emits = ["event!(", "trace!(", "debug!(", "info!(", "warn!(", "error!("];
        !path.ends_with("events/mod.rs") && emits.iter().any(|call| code.contains(call))
    });
    crate::assert_none(others.map(|path| path.display().to_string()).collect());
}
