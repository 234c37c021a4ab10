//! What the fuzz targets of all crates share: inputs worth reading, the places of corpora, and a bound on memory.
//!
//! A target is a test in a module named `fuzz`, beside the code that it reads with. `cargo test` runs it over its corpus
//! and for a second over random inputs; `make fuzz` runs it under libFuzzer. Knows no format.
//!
//! ```text
//! tests/fuzz/<corpus>/corpus     inputs to begin with
//! tests/fuzz/<corpus>/crashes    inputs that once broke something
//! ```

mod json;
mod memory;
mod text;

pub use json::Json;
pub use memory::Memory;
pub use text::{Edited, Words, portions};

/// The folder of a corpus, as the name of a target: `bolero::check!(name = corpus("rules"))`.
pub fn corpus(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))
}
