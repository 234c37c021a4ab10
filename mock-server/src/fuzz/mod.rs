//! Fuzz targets for whatever reads what clients, authors of scripts or users of the console write.
//!
//! Nothing may panic or hold much more memory than its input; what is accepted is written and read back as the same.

mod engine_io;
mod frame;
mod live;
mod rule;
mod socket_io;
mod token;
