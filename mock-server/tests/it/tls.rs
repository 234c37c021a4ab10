//! TLS and its faults, as a client meets them that trusts the mock's issuer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::FaultPhase;
use sparring_mock_server::live::LiveAction;
use sparring_mock_server::server::{ActError, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};

use crate::client::{QUIET, World, actor, builder};

const ATTEMPT: &str = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

async fn start(rules: Value) -> World {
    World::built(builder(&rules).tls(true)).await
}

async fn connect(world: &World) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(world.mock.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let tcp = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
    let greeting = connector.connect(world.mock.addr(&actor()).ip().into(), tcp);
    tokio::time::timeout(Duration::from_secs(20), greeting).await.expect("an answer or an end")
}

/// All that the server answers to an attempt.
async fn attempt(world: &World) -> io::Result<String> {
    let (mut tls, mut text) = (connect(world).await?, String::new());
    tls.write_all(ATTEMPT.as_bytes()).await?;
    tls.read_to_string(&mut text).await?;
    Ok(text)
}

fn why(error: &io::Error) -> &Error {
    error.get_ref().and_then(|error| error.downcast_ref()).unwrap_or_else(|| panic!("{error:?}"))
}

/// What a client finds wrong with a certificate.
fn problem(error: &Error) -> &'static str {
    let Error::InvalidCertificate(problem) = error else { panic!("{error:?}") };
    match problem {
        CertificateError::ExpiredContext { .. } => "expired",
        CertificateError::NotValidYetContext { .. } => "not-yet-valid",
        CertificateError::NotValidForNameContext { .. } => "wrong-host",
        CertificateError::UnknownIssuer => "untrusted",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_honest_server_speaks_tls() {
    let world = start(json!([])).await;
    assert!(world.mock.url(&actor()).starts_with("https://127.0.0.1:"));
    let answer = attempt(&world).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with('}'), "{answer}");
}

#[tokio::test]
async fn without_tls_there_is_no_issuer() {
    let world = World::start(json!([])).await;
    assert!(world.mock.ca_pem().is_none() && world.mock.url(&actor()).starts_with("http://"));
}

#[rstest]
#[case("expired")]
#[case("not-yet-valid")]
#[case("wrong-host")]
#[case("untrusted")]
#[tokio::test]
async fn a_flawed_certificate_is_refused_and_the_next_is_good(#[case] flaw: &str) {
    let mut world = start(json!([{"fault": "tls-certificate", "problem": flaw, "times": 1}])).await;
    assert_eq!(problem(why(&attempt(&world).await.unwrap_err())), flaw);
    world.fault("tls-certificate", FaultPhase::Fired).await;
    assert!(attempt(&world).await.unwrap().starts_with("HTTP/1.1 200"));
    assert!(world.words().contains(&"log TLS handshake failed".to_owned()), "{:?}", world.words());
}

#[rstest]
#[case(json!({}), AlertDescription::HandshakeFailure)]
#[case(json!({"alert": "protocol-version"}), AlertDescription::ProtocolVersion)]
#[case(json!({"alert": "unrecognized-name"}), AlertDescription::UnrecognisedName)]
#[case(json!({"alert": "internal-error"}), AlertDescription::InternalError)]
#[tokio::test]
async fn a_handshake_is_answered_by_an_alert(#[case] mut rule: Value, #[case] alert: AlertDescription) {
    rule["fault"] = json!("tls-handshake-failure");
    let mut world = start(json!([rule])).await;
    assert_eq!(*why(&connect(&world).await.unwrap_err()), Error::AlertReceived(alert));
    world.fault("tls-handshake-failure", FaultPhase::Fired).await;
}

#[tokio::test]
async fn a_handshake_is_not_answered_for_a_while() {
    let mut world = start(json!([{"fault": "tls-handshake-stall", "for": "400ms"}])).await;
    // It stalls what has begun, and not what has not.
    let _mute = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
    let mut meeting = Box::pin(connect(&world));
    assert!(tokio::time::timeout(QUIET, &mut meeting).await.is_err());
    meeting.as_mut().await.unwrap();
    drop(meeting);
    world.fault("tls-handshake-stall", FaultPhase::Undone).await;
    let stalls = world.words().iter().filter(|word| *word == "fault tls-handshake-stall").count();
    assert_eq!(stalls, 2, "fired and undone once");
}

/// Who says nothing keeps nobody from being served.
#[tokio::test]
async fn a_mute_client_blocks_no_other() {
    let world = start(json!([])).await;
    let _mute = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
    assert!(attempt(&world).await.unwrap().starts_with("HTTP/1.1 200"));
}

/// How an attempt's connection ends beneath TLS.
#[rstest]
#[case("connection-reset", io::ErrorKind::ConnectionReset)]
#[case("abrupt-close", io::ErrorKind::UnexpectedEof)]
#[tokio::test]
async fn ends_go_beneath_tls(#[case] fault: &str, #[case] kind: io::ErrorKind) {
    let world = start(json!([{"fault": fault, "phase": "handshake"}])).await;
    assert_eq!(attempt(&world).await.unwrap_err().kind(), kind);
}

#[tokio::test]
async fn rules_of_tls_need_it() {
    let rules = json!([{"fault": "tls-handshake-stall"}]);
    match builder(&rules).start().await {
        Err(StartError::Setting(errors)) => assert_eq!(errors[0].path, "rules[0].fault"),
        other => panic!("{other:?}"),
    }
    let world = World::start(json!([])).await;
    let arm = LiveAction::read("arm", json!({"rules": rules}).as_object().unwrap()).unwrap();
    assert!(matches!(world.mock.act(&arm, &actor()).await, Err(ActError::Rules(_))));
}
