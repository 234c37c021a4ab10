//! The six states of the document.

/// Where the client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Disconnected,
    Connecting,
    Authenticating,
    Connected,
    Error,
    Reconnecting,
}

impl State {
    pub(super) const ALL: [Self; 6] =
        [Self::Disconnected, Self::Connecting, Self::Authenticating, Self::Connected, Self::Error, Self::Reconnecting];

    /// The document's word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Connecting => "connecting",
            Self::Authenticating => "authenticating",
            Self::Connected => "connected",
            Self::Error => "error",
            Self::Reconnecting => "reconnecting",
        }
    }
}
