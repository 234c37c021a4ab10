//! Certificates: an issuer for each mock, an honest certificate of it, and one for each thing that can be wrong.
//!
//! All are made anew, so that no key is ever shared or kept. Knows nothing of who shows them when.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::{self, ServerConfig};

/// What is wrong with a certificate, and nothing else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for another host.
    WrongHost,
    /// Its issuer is not the one that clients are told to trust.
    Untrusted,
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// One cannot be shown.
    #[error("cannot show a certificate: {0}")]
    Config(#[from] rustls::Error),
}

/// The certificates of a mock.
pub struct Tls {
    ca_pem: String,
    good: TlsAcceptor,
    expired: TlsAcceptor,
    not_yet_valid: TlsAcceptor,
    wrong_host: TlsAcceptor,
    untrusted: TlsAcceptor,
}

impl Tls {
    /// Makes all of them, for `localhost`, the loopback addresses and this one.
    pub fn new(host: IpAddr) -> Result<Self, TlsError> {
        let now = OffsetDateTime::now_utc();
        let (issuer, stranger) = (Authority::new("Sparring", now)?, Authority::new("Stranger", now)?);
        let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), host.to_string()];
        let elsewhere = vec!["elsewhere.example".to_owned()];
        let show = |issuer: &Authority, hosts: &[String], from: i64, to: i64| {
            issuer.certify(hosts.to_vec(), (now + Duration::days(from), now + Duration::days(to)))
        };
        Ok(Self {
            good: show(&issuer, &hosts, -1, 365)?,
            expired: show(&issuer, &hosts, -30, -1)?,
            not_yet_valid: show(&issuer, &hosts, 1, 365)?,
            wrong_host: show(&issuer, &elsewhere, -1, 365)?,
            untrusted: show(&stranger, &hosts, -1, 365)?,
            ca_pem: issuer.pem,
        })
    }

    /// The issuer's certificate, which clients are to trust: PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What shows the honest certificate, or one with this flaw.
    pub fn acceptor(&self, flaw: Option<Flaw>) -> &TlsAcceptor {
        match flaw {
            None => &self.good,
            Some(Flaw::Expired) => &self.expired,
            Some(Flaw::NotYetValid) => &self.not_yet_valid,
            Some(Flaw::WrongHost) => &self.wrong_host,
            Some(Flaw::Untrusted) => &self.untrusted,
        }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("ca_pem", &self.ca_pem).finish_non_exhaustive()
    }
}

/// Who issues certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str, now: OffsetDateTime) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        // Whoever trusts two of them must be able to tell them apart.
        params.distinguished_name.push(DnType::CommonName, format!("{name} CA {}", uuid::Uuid::new_v4().simple()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = (now - Duration::days(60), now + Duration::days(3_650));
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }

    fn certify(
        &self,
        hosts: Vec<String>,
        (from, to): (OffsetDateTime, OffsetDateTime),
    ) -> Result<TlsAcceptor, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name.push(DnType::CommonName, "Sparring");
        (params.not_before, params.not_after) = (from, to);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        acceptor(certificate, PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }
}

fn acceptor(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Result<TlsAcceptor, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A session that is resumed would show no certificate.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config).into())
}
