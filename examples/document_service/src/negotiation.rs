//! Which of the media types that there are a client likes best, by its `Accept` (RFC 9110, 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use mediatype::{MediaType, MediaTypeList, ReadParams};

/// Returns the offer that the client prefers, the first of several with the same weight. Without an
/// `Accept` that is the first offer. `None` if the client accepts no offer.
pub(crate) fn choose<T: Copy>(
    headers: &HeaderMap,
    offers: &[(T, &'static str)],
) -> Option<(T, &'static str)> {
    let values = headers.get_all(ACCEPT).iter().map(|value| value.to_str().unwrap_or("unreadable"));
    let mut values = values.filter(|value| value.contains(|c| !matches!(c, ' ' | '\t' | ','))).peekable();
    if values.peek().is_none() {
        return offers.first().copied();
    }
    // A range that can't be read accepts nothing, and does not affect the others.
    let ranges: Vec<MediaType<'_>> = values.flat_map(MediaTypeList::new).filter_map(Result::ok).collect();
    let mut best = None;
    for &(offer, media_type) in offers {
        let liking = liking(&ranges, media_type);
        if liking > best.map_or(0, |(liking, _)| liking) {
            best = Some((liking, (offer, media_type)));
        }
    }
    best.map(|(_, offer)| offer)
}

/// The weight of a media type, in thousandths, by the most specific range that it is in; 0 if the
/// client does not accept it.
fn liking(ranges: &[MediaType<'_>], media_type: &'static str) -> u16 {
    let Ok(offer) = MediaType::parse(media_type) else { return 0 };
    let matching = ranges.iter().filter_map(|range| Some((specificity(range, &offer)?, quality(range))));
    matching.max().map_or(0, |(_, quality)| quality)
}

/// How close a range is to a media type that is in it: `*/*`, `text/*` or the type, then the number
/// of parameters.
fn specificity(range: &MediaType<'_>, offer: &MediaType<'_>) -> Option<(u8, usize)> {
    let is_any = |name: mediatype::Name<'_>| name == mediatype::names::_STAR;
    let level = if is_any(range.ty) && is_any(range.subty) {
        0
    } else if range.ty == offer.ty && is_any(range.subty) {
        1
    } else if (range.ty, range.subty, range.suffix) == (offer.ty, offer.subty, offer.suffix) {
        2
    } else {
        return None;
    };
    let mut count = 0;
    for (name, value) in range.params().filter(|(name, _)| *name != mediatype::names::Q) {
        let has_it = offer
            .get_param(name)
            .is_some_and(|has| has.unquoted_str().eq_ignore_ascii_case(&value.unquoted_str()));
        if !has_it {
            return None;
        }
        count += 1;
    }
    Some((level, count))
}

/// In thousandths; what can't be read is not wanted.
fn quality(range: &MediaType<'_>) -> u16 {
    range.get_param(mediatype::names::Q).map_or(1000, |q| thousandths(&q.unquoted_str()).unwrap_or(0))
}

/// A weight (RFC 9110, 12.4.2). Beyond the grammar, `.5` is read, and digits after the third are
/// ignored: some clients send such weights.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    let fraction = digits.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match whole {
        "0" => Some(fraction),
        "" if weight.len() > 1 => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}
