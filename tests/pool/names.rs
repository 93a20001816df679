//! Values that have names are written and read by them, and more urgent is greater.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use millpond::{
    AdaptiveThreadPool, Format, Pressure, Priority, Shedding, TaskOptions, WorkerPinning, WorkerPlacement,
};

fn there_and_back<T>(values: &[T])
where
    T: Copy + Debug + Display + PartialEq + FromStr<Err: Debug + Display>,
{
    for value in values {
        let name = value.to_string();
        assert_eq!(name.parse::<T>().unwrap(), *value);
        assert_eq!(name.to_uppercase().parse::<T>().unwrap(), *value);
        assert_eq!(format!("{value:>20}").len(), 20, "it pads");
    }
    assert!("mill".parse::<T>().is_err());
}

#[test]
fn what_is_written_is_read_again() {
    there_and_back(&[Priority::Bulk, Priority::Standard, Priority::Interactive]);
    there_and_back(&[Shedding::Off, Shedding::OldestFirst, Shedding::NewestFirst]);
    there_and_back(&[WorkerPlacement::Spread, WorkerPlacement::Packed]);
    there_and_back(&[WorkerPinning::Node, WorkerPinning::Core]);
    there_and_back(&[Pressure::Normal, Pressure::Saturated]);
    there_and_back(&[Format::Rtf, Format::Markdown, Format::Html]);
}

#[test]
fn an_unknown_name_is_told_with_those_that_are_known() {
    let error = "urgent".parse::<Priority>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown priority \"urgent\", but it must be one of bulk, standard, interactive"
    );
}

#[test]
fn the_more_urgent_class_is_the_greater() {
    let mut classes = [Priority::Standard, Priority::Interactive, Priority::Bulk];
    classes.sort();
    assert_eq!(classes, [Priority::Bulk, Priority::Standard, Priority::Interactive]);
    assert!(classes.is_sorted_by(|lesser, greater| lesser.slack() > greater.slack()));
    assert_eq!(Priority::default(), Priority::Standard);
}

#[test]
fn options_can_be_unset() {
    let options = TaskOptions::new().tenant("ada").priority(Priority::Bulk).bytes(3).name("sum");
    let plain = TaskOptions { tenant: None, priority: None, bytes: 0, name: None, ..options };
    assert_eq!(plain, TaskOptions::default());
    let limited = AdaptiveThreadPool::builder().byte_budget(1).max_running_per_tenant(1);
    let pool = limited.byte_budget(None).max_running_per_tenant(None).build().unwrap();
    assert_eq!((pool.config().byte_budget, pool.config().max_running_per_tenant), (None, None));
}
