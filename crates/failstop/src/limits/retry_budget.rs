//! The retries that all executions together may make: a bucket of tokens, told the time.

use execution_orchestration_core::{policies::RetryBudgetPolicy, time::Timestamp};

/// One retry. In these units a token a second is one unit a nanosecond, and a thousandth of a token a whole number, so
/// that nothing is ever rounded.
const TOKEN: u64 = 1_000_000_000;

/// The tokens of one engine.
#[derive(Debug)]
pub(super) struct RetryBudget {
    rules: RetryBudgetPolicy,
    balance: u64,
    refilled_at: Timestamp,
}

impl RetryBudget {
    /// A full bucket.
    pub(super) fn new(rules: RetryBudgetPolicy) -> Self {
        Self { balance: capacity(&rules), rules, refilled_at: Timestamp::default() }
    }

    /// A first attempt was made.
    pub(super) fn deposit(&mut self, now: Timestamp) {
        self.refill(now);
        self.put(u64::from(self.rules.ratio_per_mille) * (TOKEN / 1000));
    }

    /// Takes one retry out, if there is one.
    pub(super) fn withdraw(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let left = self.balance.checked_sub(TOKEN);
        self.balance = left.unwrap_or(self.balance);
        left.is_some()
    }

    /// Puts a retry back that was not made.
    pub(super) fn give_back(&mut self) {
        self.put(TOKEN);
    }

    fn refill(&mut self, now: Timestamp) {
        let elapsed = now.as_nanos().saturating_sub(self.refilled_at.as_nanos());
        self.put(elapsed.saturating_mul(self.rules.min_per_second.into()));
        self.refilled_at = self.refilled_at.max(now);
    }

    fn put(&mut self, units: u64) {
        self.balance = self.balance.saturating_add(units).min(capacity(&self.rules));
    }
}

fn capacity(rules: &RetryBudgetPolicy) -> u64 {
    u64::from(rules.burst) * TOKEN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, told naively: millisecond by millisecond, in millionths of a token.
    struct Model {
        rules: RetryBudgetPolicy,
        millionths: u64,
    }

    impl Model {
        fn put(&mut self, millionths: u64) {
            self.millionths = (self.millionths + millionths).min(u64::from(self.rules.burst) * 1_000_000);
        }

        fn wait(&mut self, ms: u64) {
            (0..ms).for_each(|_| self.put(u64::from(self.rules.min_per_second) * 1000));
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Wait(u64),
        Deposit,
        Withdraw,
        GiveBack,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..300_u64).prop_map(Step::Wait),
            Just(Step::Deposit),
            Just(Step::Withdraw),
            Just(Step::Withdraw),
            Just(Step::GiveBack),
        ]
    }

    proptest! {
        #[test]
        fn a_budget_gives_what_was_put_in_and_no_more(
            ratio_per_mille in 0..1500_u32, min_per_second in 0..20_u32, burst in 1..5_u32,
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let rules = RetryBudgetPolicy { ratio_per_mille, min_per_second, burst };
            let mut model = Model { rules, millionths: u64::from(burst) * 1_000_000 };
            let mut budget = RetryBudget::new(rules);
            let mut now_ms = 0;
            for step in steps {
                let now = Timestamp::from_ms(now_ms);
                match step {
                    Step::Wait(ms) => {
                        now_ms += ms;
                        model.wait(ms);
                    }
                    Step::Deposit => {
                        budget.deposit(now);
                        model.put(u64::from(ratio_per_mille) * 1000);
                    }
                    Step::Withdraw => {
                        let left = model.millionths.checked_sub(1_000_000);
                        model.millionths = left.unwrap_or(model.millionths);
                        prop_assert_eq!(budget.withdraw(now), left.is_some());
                    }
                    Step::GiveBack => {
                        // Time runs in the bucket when it is next looked at, so that a full one must be looked at first.
                        budget.refill(now);
                        budget.give_back();
                        model.put(1_000_000);
                    }
                }
            }
        }
    }

    #[test]
    fn time_that_runs_backwards_puts_nothing_in() {
        let rules = RetryBudgetPolicy { ratio_per_mille: 0, min_per_second: 1, burst: 1 };
        let mut budget = RetryBudget::new(rules);
        assert!(budget.withdraw(Timestamp::from_ms(5000)));
        assert!(!budget.withdraw(Timestamp::from_ms(0)));
        assert!(!budget.withdraw(Timestamp::from_ms(5999)));
        assert!(budget.withdraw(Timestamp::from_ms(6000)));
    }
}
