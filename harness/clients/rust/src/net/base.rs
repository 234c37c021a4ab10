//! Where a server is: host, port and a path under which everything lies. Opens nothing.

use std::str::FromStr;

use ::http::Uri;

/// Why an address was not taken. `Display` says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// No absolute URL.
    #[error("an absolute URL such as http://127.0.0.1:3000")]
    NotAbsolute,
    /// Something other than a host and a port, or a port that there cannot be.
    #[error("a host and a port up to 65535, without credentials")]
    Authority,
    /// A scheme that is not spoken here.
    #[error("an http URL: TLS is not spoken here")]
    Scheme,
}

/// The base of a server's URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    authority: String,
    prefix: String,
}

impl Base {
    /// `host:port`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The request path of `path` below this base.
    pub fn target(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

impl FromStr for Base {
    type Err = BaseError;

    fn from_str(text: &str) -> Result<Self, BaseError> {
        let uri: Uri = text.parse().map_err(|_| BaseError::NotAbsolute)?;
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host().filter(|host| !host.is_empty())) else {
            return Err(BaseError::NotAbsolute);
        };
        if !matches!(scheme, "http" | "ws") {
            return Err(BaseError::Scheme);
        }
        let port = uri.port_u16();
        let written = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        // Credentials, and ports beyond the largest, would be passed over in silence.
        if uri.authority().is_none_or(|authority| authority.as_str() != written) {
            return Err(BaseError::Authority);
        }
        let authority = format!("{host}:{}", port.unwrap_or(80));
        Ok(Self { authority, prefix: uri.path().trim_end_matches('/').to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://127.0.0.1:40001", Ok(("127.0.0.1:40001", "/health")))]
    #[case("http://localhost/", Ok(("localhost:80", "/health")))]
    #[case("http://[::1]:9/api/", Ok(("[::1]:9", "/api/health")))]
    #[case("https://localhost", Err(BaseError::Scheme))]
    #[case("http://localhost:99999", Err(BaseError::Authority))]
    #[case("http://alice:secret@localhost", Err(BaseError::Authority))]
    #[case("ws://,[::1]", Err(BaseError::Authority))]
    #[case("localhost:3000", Err(BaseError::NotAbsolute))]
    #[case("", Err(BaseError::NotAbsolute))]
    #[case("not a url", Err(BaseError::NotAbsolute))]
    fn bases(#[case] text: &str, #[case] expected: Result<(&str, &str), BaseError>) {
        let read = text.parse::<Base>().map(|base| (base.authority().to_owned(), base.target("/health")));
        assert_eq!(read, expected.map(|(authority, path)| (authority.to_owned(), path.to_owned())));
    }
}
