//! The closed list of faults.

/// Something that goes wrong on demand. Ids and parameters are those of the fault catalogue.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// No verdict is ever sent.
    SilentAuth,
}

impl Fault {
    /// Its id in the catalogue.
    pub fn id(&self) -> &'static str {
        match self {
            Self::SilentAuth => "silent-auth",
        }
    }
}
