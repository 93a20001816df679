use proptest::prelude::*;

use super::*;

const BUDGET: u64 = 20_000;

fn taught(ns: u64) -> Kind {
    let mut kind = Kind::default();
    (0..LEARN).for_each(|_| kind.learn(1000, ns));
    kind
}

#[test]
fn the_first_documents_of_a_kind_are_shipped() {
    let mut kind = Kind::default();
    for _ in 0..LEARN {
        assert!(!kind.admit(100, BUDGET));
        kind.learn(100, 1_000);
    }
    assert!(kind.admit(100, BUDGET));
    assert!(!kind.admit(1 << 20, BUDGET), "a long one is not within the budget");
}

#[test]
fn a_bad_miss_bars_the_kind_and_each_further_one_for_longer() {
    let mut kind = taught(1_000);
    for bar in [16, 32, 64] {
        assert!(kind.admit(1000, BUDGET));
        kind.learn_inlined(1000, 5 * BUDGET, BUDGET);
        for _ in 0..bar {
            assert!(!kind.admit(1000, BUDGET));
            kind.learn(1000, 1_000);
        }
    }
    assert!(kind.admit(1000, BUDGET));
}

#[test]
fn a_miss_is_forgotten_after_good_conduct() {
    let mut kind = taught(1_000);
    kind.learn_inlined(1000, 5 * BUDGET, BUDGET);
    assert_eq!(kind.next_bar, 2 * FIRST_BAR);
    (0..FORGIVE).for_each(|_| kind.learn_inlined(1000, 1_000, BUDGET));
    assert_eq!(kind.next_bar, FIRST_BAR);
}

#[test]
fn buffers_soon_have_the_room_that_is_needed_and_not_much_more() {
    let mut kind = Kind::default();
    for n in 0..1_000 {
        let out = if n % 10 == 0 { 1_300 } else { 1_200 };
        if n > 0 {
            assert!((1_200..1_400).contains(&kind.room(1_000)), "{}", kind.room(1_000));
        }
        kind.learn_room(1_000, out);
    }
    kind.learn_room(1, usize::MAX);
    assert_eq!(kind.room(1_000), 4_000 + SPARE_ROOM);
}

#[test]
fn the_prediction_is_an_upper_quantile() {
    // One in 50 takes ten times as long: over the 90th percentile, so not predicted.
    let mut kind = taught(1_000);
    for n in 0..5_000 {
        kind.learn(1000, if n % 50 == 0 { 10_000 } else { 1_000 });
    }
    assert!(kind.predict_ns(1000) < 2_500, "{}", kind.predict_ns(1000));
    // One in 5: predicted.
    for n in 0..5_000 {
        kind.learn(1000, if n % 5 == 0 { 10_000 } else { 1_000 });
    }
    assert!(kind.predict_ns(1000) > 8_000, "{}", kind.predict_ns(1000));
}

#[test]
fn a_lone_caller_yields_now_and_then_and_never_ships() {
    let mut share = Share::default();
    let (mut now, mut inlined, mut yields) = (Duration::ZERO, 0, 0);
    for _ in 0..10_000 {
        match share.ask(now, 'a', true) {
            Choice::Inline => {
                inlined += 1;
                share.spend(now, now + Duration::from_micros(10));
                now += Duration::from_micros(10);
            }
            Choice::YieldFirst => yields += 1,
            Choice::Submit => panic!("shipped"),
        }
    }
    assert_eq!(inlined / yields, 10, "one yield in 100 us");
}

#[test]
fn a_caller_who_comes_back_after_a_pause_need_not_yield() {
    let mut share = Share::default();
    let mut now = Duration::ZERO;
    for _ in 0..1_000 {
        assert_eq!(share.ask(now, 'a', true), Choice::Inline);
        share.spend(now, now + Duration::from_micros(50));
        now += Duration::from_micros(500);
    }
}

proptest! {
    /// Whatever callers do, those who share a thread take no more of a window than its share and
    /// one document.
    #[test]
    fn shared_threads_keep_their_share(
        steps in proptest::collection::vec((0_u8..4, 0_u64..200, 1_u64..80), 1..500),
    ) {
        let (mut share, mut now) = (Share::default(), Duration::ZERO);
        let mut inlined: Vec<(Duration, Duration)> = Vec::new();
        for (caller, pause, cost) in steps {
            now += Duration::from_micros(pause);
            if share.ask(now, caller, false) == Choice::Inline {
                let end = now + Duration::from_micros(cost);
                share.spend(now, end);
                inlined.push((now, end - now));
                now = end;
            }
        }
        // A sliding window can lie across two of the fixed ones.
        for (from, _) in &inlined {
            let within = inlined.iter().filter(|(at, _)| at >= from && *at < *from + WINDOW);
            let spent: Duration = within.map(|(_, took)| *took).sum();
            prop_assert!(spent <= 2 * (SHARE + Duration::from_micros(80)));
        }
    }

    #[test]
    fn no_input_makes_nonsense_of_the_prediction(
        samples in proptest::collection::vec((any::<usize>(), any::<u64>()), 0..100), bytes: usize, budget: u64,
    ) {
        let mut kind = Kind::default();
        for (bytes, ns) in samples {
            kind.learn_inlined(bytes, ns, budget);
            prop_assert!(kind.ns_per_byte.is_finite() && kind.ns_per_byte > 0.0);
        }
        kind.admit(bytes, budget);
    }
}
