//! The rules: which fault, on which connection attempts, when.
//!
//! At each stage the honest code asks the script once and obeys the answer. Everything a rule does stands in the
//! journal with the rule's index. Knows nothing of how a system does what it is told.

pub mod fault;
mod rule;
mod stage;

pub use fault::{Fault, FaultInfo};
pub use rule::{Rule, When};
pub use stage::{Direction, RequestKind, Stage, Subject};
