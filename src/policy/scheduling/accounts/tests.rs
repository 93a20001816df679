use super::super::order_tests::Fixture;
use super::*;
use crate::task::Priority;

#[test]
fn a_new_weight_counts_for_what_waits_already() {
    let mut fixture = Fixture::new();
    fixture.plain("gold", Priority::Interactive, 0);
    fixture.plain("modest", Priority::Standard, 0);
    // Its credit of 20 ms counts 5 ms now. The credit of the other tenant is 10 ms.
    fixture.order.set_weight(&"gold".into(), 4);
    assert_eq!(&*fixture.serve(1).unwrap().1, "modest");
    assert_eq!(&*fixture.serve(1).unwrap().1, "gold");
    assert!(fixture.order.is_clean());
}

#[test]
fn a_name_is_known_again_after_another_had_its_slot() {
    let mut accounts: Accounts<()> = Accounts::new(1);
    let names: Vec<Name> = (0..=CACHED_NAMES).map(|number| number.to_string().into()).collect();
    let indices: Vec<u32> = names.iter().map(|name| accounts.open(name)).collect();
    for (name, &index) in names.iter().zip(&indices) {
        assert_eq!(accounts.find(name), Some(index));
        assert_eq!(accounts.open(name), index);
        assert_eq!(accounts.cache[slot_of(name)], index);
        let copy: Name = (&**name).into();
        assert_eq!(accounts.open(&copy), index);
    }
}
