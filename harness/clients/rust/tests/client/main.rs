//! The built-in client through the adapter protocol, against the mock server: honest, and misbehaving in each way that
//! the document's client must survive. The document's waits are shortened where they are long.

mod attempts;
mod driver;
mod loops;
mod recovery;
mod silence;
