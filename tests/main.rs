//! Whole-run tests through the real binary, in one program.

#![expect(clippy::print_stdout, reason = "tests speak to whoever runs them")]

mod support;

/// What the harness makes of adapters that crash, hang, flood, lie or print rubbish.
mod adapters;
/// The fault catalogue is whole.
mod catalogue;
/// Which records of a case are there in every run.
mod certain;
/// Both lanes of a case as stable text.
mod lanes;
/// Wrong clients, and the checks that catch them.
mod mutants;
/// What official clients report when they meet each fault.
mod observed;
/// Every scenario file against the mock and the shipped clients.
mod scenarios;
/// `sparring serve` as a program that others start.
mod serve;
/// House rules that no lint knows.
mod tidy;
/// Exit codes and messages for wrong input.
mod usage;
