//! Lists of numbers as the kernel writes them: `0-3,8,10-11`.

/// The largest number that is accepted. No kernel has more processors or nodes.
const MOST: usize = 1 << 16;

/// Parses a list; `None` for anything else. An empty text is an empty list.
pub(super) fn parse(text: &str) -> Option<Vec<usize>> {
    let mut numbers = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last > MOST {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

/// Writes a list of ascending numbers.
pub(super) fn write(numbers: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => parts.push((number, number)),
        }
    }
    let part = |&(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_the_kernel_are_read_and_written() {
        assert_eq!(parse("0-3,8,10-11\n"), Some(vec![0, 1, 2, 3, 8, 10, 11]));
        assert_eq!(parse("\n"), Some(vec![]));
        for wrong in ["a", "3-1", "1-", "-1", "0-99999999999", "1;2"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        for list in ["0-3,8,10-11", "5", ""] {
            assert_eq!(parse(list).map(|numbers| write(&numbers)).as_deref(), Some(list));
        }
    }
}
