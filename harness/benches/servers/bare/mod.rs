//! The bare servers: what an echo costs in Rust without anything around it.
//!
//! They run as processes of their own, started from this program. Nothing is tuned but what everybody sets.

mod axum;
mod tungstenite;

use std::io::{self, Write};

use clap::ValueEnum;
use tokio::net::TcpListener;

/// Which one.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Bare {
    /// axum's `ws`.
    Axum,
    /// tokio-tungstenite on a TCP stream.
    Tungstenite,
}

impl Bare {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::Tungstenite => "tungstenite",
        }
    }
}

/// Messages that may wait for a connection which is slow.
const WAITING: usize = 1_024;

/// Serves until killed.
pub(crate) fn serve(bare: Bare) -> io::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        writeln!(io::stdout(), "{} on http://{}", bare.name(), listener.local_addr()?)?;
        match bare {
            Bare::Axum => axum::serve(listener).await,
            Bare::Tungstenite => tungstenite::serve(listener).await,
        }
    })
}

/// Whether a message is for everybody.
fn is_for_all(text: &str) -> bool {
    text.starts_with(r#"{"type":"broadcast""#)
}
