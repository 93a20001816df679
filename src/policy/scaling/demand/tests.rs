use std::time::Duration;

use super::*;

fn sample(busy: u64, on_cpu: u64, runnable: u64) -> Sample {
    let ms = Duration::from_millis;
    let clocks = Clocks { busy: ms(busy), on_cpu: ms(on_cpu), runnable: ms(runnable) };
    Sample { interval: ms(100), usable_cores: 2.0, clocks: Some(clocks), ..Sample::default() }
}

#[test]
fn waiting_for_a_core_is_not_blocking() {
    let shares = shares(&sample(400, 200, 200)).unwrap();
    assert_eq!((shares.threads_a_core, shares.runnable, shares.used), (1.0, 0.5, 2.0));
    let other = super::shares(&sample(2_000, 200, 0)).unwrap();
    assert!((other.threads_a_core - 10.0).abs() < 1e-6);
    assert!(super::shares(&sample(20, 20, 0)).is_none(), "too little to tell");
}

#[test]
fn time_throttled_is_neither_blocking_nor_taken_off_twice() {
    // Measured over 4 s on two cores, a fortieth of it here: two that spin, and eight that are
    // blocked for three quarters of their time, with a quota of half a core.
    let mut spin = sample(200, 50, 150);
    spin.throttled = Duration::from_millis(149);
    assert!((shares(&spin).unwrap().threads_a_core - 1.0).abs() < 1e-6);
    let mut block = sample(800, 50, 600);
    block.throttled = Duration::from_millis(121);
    assert!((shares(&block).unwrap().threads_a_core - 4.0).abs() < 0.01);
}

#[test]
fn the_runtime_takes_its_cores_and_leaves_one() {
    let with = |usable_cores, other_cores| Sample { usable_cores, other_cores, ..Sample::default() };
    assert_eq!(cores(&with(8.0, 2.5)), 5.5);
    assert_eq!(cores(&with(2.0, 5.0)), 1.0);
    assert_eq!(cores(&with(0.5, 0.4)), 0.5);
    assert!(cores(&with(f64::NAN, f64::INFINITY)) > 0.0);
}

#[test]
fn who_only_computes_needs_none_to_spare() {
    assert_eq!(threads(64.0, 1.0), 64.0);
    assert!((20.0..40.0).contains(&threads(2.0, 10.0)));
}
