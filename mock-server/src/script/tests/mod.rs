//! Tests of the script: what is read, what fires, and what the catalogue says.

mod catalogue;
mod changes;
mod reading;
mod selection;
