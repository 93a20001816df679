use super::*;

#[test]
fn an_idle_pool_looks_on_ever_more_rarely() {
    let mut patience = Patience::default();
    let mut looks = 0;
    for _ in 0..10_000 {
        if patience.look() {
            looks += 1;
            patience = patience.looked(false);
        }
        patience = patience.slept(Duration::from_millis(1));
    }
    assert!((150..=200).contains(&looks), "{looks}");
}

#[test]
fn nothing_is_lost_in_packing() {
    let mut patience = Patience::default();
    for _ in 0..20 {
        patience = patience.looked(false);
        let (vain, skip) = (patience.vain, patience.skip);
        patience = Patience::unpack(patience.pack());
        assert_eq!((patience.vain, patience.skip), (vain, skip));
    }
}

#[test]
fn short_sleeps_bring_the_looks_back_within_a_few() {
    let mut patience = Patience { vain: 6, skip: 63 };
    let mut sleeps = 0;
    while !patience.look() {
        sleeps += 1;
        patience = patience.slept(Duration::from_micros(30));
    }
    assert!(sleeps <= 4, "{sleeps}");
    let mut patience = patience.looked(true);
    assert!(patience.look());
}
