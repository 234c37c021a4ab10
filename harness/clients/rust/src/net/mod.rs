//! The network under the clients: addresses, counted TCP connections, one HTTP exchange at a time.
//!
//! Knows nothing of Engine.IO, of tokens or of anybody's states.

mod base;
mod http;
mod query;
mod socket;

pub use self::http::{Call, HttpError, Reply, exchange, exchange_on};
pub use base::{Base, BaseError};
pub use query::encode_query;
pub use socket::{Sockets, Stream};
