mod policy {
    use proptest::prelude::*;

    use super::super::*;

    fn policies() -> impl Strategy<Value = RetryPolicy> {
        let jitter = prop_oneof![
            Just(Jitter::None),
            (0.0..=1.0_f64).prop_map(Jitter::Proportional),
            Just(Jitter::Full)
        ];
        (1_u32..50, 0_u64..10_000, 1.0..10.0_f64, 0_u64..60_000, jitter, 0_u64..600_000).prop_map(
            |(max_attempts, first, factor, max, jitter, budget)| RetryPolicy {
                max_attempts,
                first_delay: Duration::from_millis(first),
                factor,
                max_delay: Duration::from_millis(max),
                jitter,
                budget: Duration::from_millis(budget),
                seed: None,
            },
        )
    }

    /// The delays of a series of failures that take no time.
    fn delays(policy: &RetryPolicy) -> Vec<Duration> {
        (1..).map_while(|attempts| policy.delay_after(attempts, Duration::ZERO, None, 99)).collect()
    }

    proptest! {
        #[test]
        fn every_bound_holds(
            policy in policies(), entropy: u64,
            floors in proptest::collection::vec(proptest::option::of(0_u64..5_000), 60),
        ) {
            prop_assert!(policy.validate().is_ok());
            let (mut elapsed, mut attempts) = (Duration::ZERO, 1);
            for floor in floors {
                let floor = floor.map(Duration::from_millis);
                let Some(delay) = policy.delay_after(attempts, elapsed, floor, entropy) else { break };
                attempts += 1;
                prop_assert!(delay >= floor.unwrap_or_default());
                let most = (policy.max_delay * 2).max(floor.unwrap_or_default() * 2);
                prop_assert!(delay <= most + Duration::from_nanos(1));
                elapsed += delay;
                prop_assert!(elapsed <= policy.budget);
            }
            prop_assert!(attempts <= policy.max_attempts);
        }

        #[test]
        fn unchecked_values_do_no_harm(
            max_attempts: u32, factor: f64, share: f64, first: u64, max: u64, floor: u64, entropy: u64,
        ) {
            let policy = RetryPolicy {
                max_attempts, factor, jitter: Jitter::Proportional(share),
                first_delay: Duration::from_secs(first), max_delay: Duration::from_secs(max),
                budget: Duration::MAX, seed: None,
            };
            for attempts in [1, 2, 3, u32::MAX] {
                policy.delay_after(attempts, Duration::ZERO, Some(Duration::from_secs(floor)), entropy);
            }
        }
    }

    #[test]
    fn without_jitter_the_delays_double_up_to_the_longest() {
        let policy = RetryPolicy {
            jitter: Jitter::None,
            first_delay: Duration::from_millis(10),
            max_delay: Duration::from_millis(50),
            max_attempts: 6,
            ..RetryPolicy::default()
        };
        let delays: Vec<_> = delays(&policy).iter().map(Duration::as_millis).collect();
        assert_eq!(delays, [10, 20, 40, 50, 50]);
    }

    #[test]
    fn the_same_seed_gives_the_same_delays_and_another_gives_others() {
        let of =
            |seed| delays(&RetryPolicy { seed: Some(seed), jitter: Jitter::Full, ..RetryPolicy::default() });
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_field_out_of_range_is_named() {
        let error = RetryPolicy { factor: 0.5, ..RetryPolicy::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "factor is 0.5, but must be 1.0 to 100.0");
    }
}

mod budget {
    use std::thread;

    use proptest::prelude::*;

    use super::super::*;

    /// Ratios in thousandths, so that the test can count in whole numbers.
    fn config(thousandths: u64, reserve: u32, ceiling: u32) -> RetryBudgetConfig {
        RetryBudgetConfig { ratio: thousandths as f64 / 1_000.0, reserve, ceiling }
    }

    proptest! {
        /// In every order, at every moment: no more retries than were paid for, and while the
        /// ceiling is far, no fewer.
        #[test]
        fn retries_are_what_first_attempts_have_paid_for(
            thousandths in 0_u64..=1_000, reserve in 0_u32..20, room in prop_oneof![0_u32..20, Just(900_000)],
            steps in proptest::collection::vec(any::<bool>(), 0..2_000),
        ) {
            let config = config(thousandths, reserve, reserve + room);
            let budget = RetryBudget::new(config).unwrap();
            let (mut first, mut retries) = (0, 0);
            let paid_for = |first: u64| u64::from(reserve) * 1_000 + thousandths * first;
            for is_retry in steps {
                if !is_retry {
                    first += 1;
                    budget.pay_in();
                } else if budget.take_out() {
                    retries += 1;
                } else if room == 900_000 {
                    prop_assert!((retries + 1) * 1_000 > paid_for(first), "one was refused that was paid for");
                }
                prop_assert!(retries * 1_000 <= paid_for(first));
                prop_assert!(budget.available() <= u64::from(config.ceiling));
            }
        }
    }

    #[test]
    fn what_is_saved_up_is_bounded() {
        let budget = RetryBudget::default();
        (0..1_000_000).for_each(|_| budget.pay_in());
        assert_eq!(budget.available(), 100);
    }

    #[test]
    fn a_field_out_of_range_is_named() {
        let told = |config: RetryBudgetConfig| config.validate().unwrap_err().to_string();
        let default = RetryBudgetConfig::default();
        default.validate().unwrap();
        assert_eq!(
            told(RetryBudgetConfig { ratio: f64::NAN, ..default }),
            "ratio is NaN, but must be 0.0 to 1.0"
        );
        assert_eq!(
            told(RetryBudgetConfig { reserve: 500, ..default }),
            "ceiling is 100, but must be reserve (500) to 1000000"
        );
    }

    #[test]
    fn on_many_threads_no_retry_is_made_and_none_is_lost() {
        let config = RetryBudgetConfig { ratio: 0.25, reserve: 3, ceiling: 1_000_000 };
        let budget = RetryBudget::new(config).unwrap();
        let one = || {
            (0..4_000)
                .map(|n| {
                    budget.pay_in();
                    u64::from(n % 2 == 0 && budget.take_out())
                })
                .sum::<u64>()
        };
        let retries: u64 = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // 16,000 first attempts have paid for 4,000.
        assert_eq!(retries + budget.available(), 4_003);
        assert_eq!(retries + budget.exhausted(), 8_000);
    }

    #[test]
    fn clones_are_the_same_budget_and_others_are_not() {
        let budget = RetryBudget::default();
        assert!(budget.clone().take_out());
        assert_eq!(budget.available(), 9);
        assert_eq!(budget, budget.clone());
        assert_ne!(budget, RetryBudget::default());
    }
}
