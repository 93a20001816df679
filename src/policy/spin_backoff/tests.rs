use super::*;

#[test]
fn an_idle_pool_spins_ever_more_rarely() {
    let mut backoff = SpinBackoff::default();
    let mut spins = 0;
    for _ in 0..10_000 {
        if backoff.should_spin() {
            spins += 1;
            backoff = backoff.spun(false);
        }
        backoff = backoff.slept(Duration::from_millis(1));
    }
    assert!((150..=200).contains(&spins), "{spins}");
}

#[test]
fn nothing_is_lost_in_packing() {
    let mut backoff = SpinBackoff::default();
    for _ in 0..20 {
        backoff = backoff.spun(false);
        let SpinBackoff { failures, skip } = backoff;
        backoff = SpinBackoff::unpack(backoff.pack());
        assert_eq!((backoff.failures, backoff.skip), (failures, skip));
    }
}

#[test]
fn a_few_short_sleeps_bring_the_spins_back() {
    let mut backoff = SpinBackoff { failures: 6, skip: 63 };
    let mut sleeps = 0;
    while !backoff.should_spin() {
        sleeps += 1;
        backoff = backoff.slept(Duration::from_micros(30));
    }
    assert!(sleeps <= 4, "{sleeps}");
    assert!(backoff.spun(true).should_spin());
}
