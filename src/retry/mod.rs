//! Trying again after a refusal: when, and how often at most.

mod attempts;
mod budget;
mod policy;

pub use attempts::{BudgetedRetry, Retryable};
pub use budget::{RetryBudget, RetryBudgetConfig};
pub use policy::{Jitter, RetryPolicy};
