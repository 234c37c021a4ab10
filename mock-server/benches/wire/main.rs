//! What the wire layer costs where nothing is bent, and how exact its timers are.
//!
//! Everything is measured side by side in one run, in rounds that alternate, because absolute figures of a shared machine
//! mean little. The exit code is that of a bench that works: it says nothing about the figures.
//!
//! ```text
//! cargo bench -p sparring-mock-server --bench wire [throughput|memory|timers]
//! ```

#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on is broken, and ends so")]

mod echo;
mod memory;
mod throughput;
mod timers;

use echo::Kind;

fn main() {
    // Cargo adds an option of its own.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["memory", "of", kind] => memory::tell(Kind::named(kind)),
        ["throughput"] => throughput::run(),
        ["memory"] => memory::run(),
        ["timers"] => timers::run(),
        _ => {
            throughput::run();
            memory::run();
            timers::run();
        }
    }
}

/// The middle of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
