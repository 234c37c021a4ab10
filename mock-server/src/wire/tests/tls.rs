//! The same connection through TLS: what the layer above, the link and a tap see is within.

use std::net::Ipv4Addr;

use rstest::rstest;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::taps::{ANSWER, client_text, text};
use super::*;

/// A client that trusts the issuer of these certificates.
fn trusting(tls: &Tls) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(tls.ca_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth()).into()
}

async fn connect(tls: &Tls, peer: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    trusting(tls).connect("localhost".try_into().unwrap(), peer).await
}

fn certificates() -> Tls {
    Tls::new(Ipv4Addr::LOCALHOST.into()).unwrap()
}

/// Both ends of a TLS connection.
struct Secure {
    stream: Stream,
    link: Arc<Link>,
    peer: TlsStream<TcpStream>,
    _listener: Listener,
}

async fn secure() -> Secure {
    let (tls, pair) = (certificates(), pair().await);
    let Pair { listener, stream, link, peer } = pair;
    let (greeted, peer) = tokio::join!(stream.secure(tls.acceptor(None)), connect(&tls, peer));
    greeted.unwrap();
    Secure { stream, link, peer: peer.unwrap(), _listener: listener }
}

async fn upgraded() -> Secure {
    let mut pair = secure().await;
    pair.stream.write_all(ANSWER.as_bytes()).await.unwrap();
    expect_bytes(&mut pair.peer, ANSWER).await;
    pair
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
async fn an_honest_certificate_is_taken() {
    secure().await;
}

#[rstest]
#[case(Flaw::Expired, "expired")]
#[case(Flaw::NotYetValid, "not-yet-valid")]
#[case(Flaw::WrongHost, "wrong-host")]
#[case(Flaw::Untrusted, "untrusted")]
#[tokio::test]
async fn certificates_have_the_flaw_that_was_asked_for(#[case] flaw: Flaw, #[case] expected: &str) {
    let (tls, Pair { stream, link, peer, listener: _listener }) = (certificates(), pair().await);
    let (greeted, met) = tokio::join!(stream.secure(tls.acceptor(Some(flaw))), connect(&tls, peer));
    let error = met.map(|_| ()).unwrap_err();
    assert_eq!(problem(error.get_ref().unwrap().downcast_ref().unwrap()), expected);
    // The server learns why from the client's alert.
    let told = greeted.unwrap_err().to_string();
    assert!(told.contains("fatal alert"), "{told}");
    assert!(link.end().is_some());
}

#[tokio::test]
async fn bytes_come_back() {
    let Secure { stream, peer, .. } = secure().await;
    tokio::spawn(echo(stream));
    let (mut reader, mut writer) = tokio::io::split(peer);
    let sent = pattern(3 << 20);
    let written = sent.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&written).await.unwrap();
        writer
    });
    expect_bytes(&mut reader, &sent).await;
    soon(writing).await.unwrap().shutdown().await.unwrap();
    expect_end(&mut reader, "").await;
}

/// TLS's own end is part of the honest end, and not of a cut: rustls tells the two apart.
#[rstest]
#[case::dropped(|_: &Arc<Link>, stream: Stream| drop(stream), Ok(0))]
#[case::cut(|link: &Arc<Link>, stream: Stream| { link.cut(); drop(stream); }, Err(io::ErrorKind::UnexpectedEof))]
#[case::reset(|link: &Arc<Link>, stream: Stream| { link.reset(); drop(stream); }, Err(io::ErrorKind::ConnectionReset))]
#[tokio::test]
async fn ends(#[case] end: impl FnOnce(&Arc<Link>, Stream), #[case] expected: Result<usize, io::ErrorKind>) {
    let Secure { mut stream, link, mut peer, _listener } = secure().await;
    stream.write_all(b"last words").await.unwrap();
    end(&link, stream);
    expect_bytes(&mut peer, "last words").await;
    assert_eq!(soon(peer.read(&mut [0])).await.map_err(|error| error.kind()), expected);
}

#[tokio::test]
async fn a_peer_that_ends_tcp_alone_has_ended() {
    let Secure { mut stream, link, peer, _listener } = secure().await;
    drop(peer);
    expect_end(&mut stream, "").await;
    assert_eq!(link.end(), Some(End { by: By::Peer, how: How::Fin }));
}

#[tokio::test]
async fn a_stall_holds_everything_back() {
    let Secure { mut stream, link, mut peer, _listener } = secure().await;
    link.stall();
    stream.write_all(b"late").await.unwrap();
    assert_eq!(look(peer.get_ref().0), Err(io::ErrorKind::WouldBlock));
    link.resume();
    expect_bytes(&mut peer, "late").await;
}

#[tokio::test]
async fn bytes_are_injected_between_frames() {
    let Secure { mut stream, link, mut peer, _listener } = upgraded().await;
    link.send("idle");
    expect_bytes(&mut peer, "idle").await;
    let frame = text("a frame");
    stream.write_all(&frame[..4]).await.unwrap();
    link.send("injected");
    stream.write_all(&frame[4..]).await.unwrap();
    expect_bytes(&mut peer, [&frame[..], b"injected"].concat()).await;
}

#[tokio::test]
async fn a_tap_sees_frames() {
    let Secure { mut stream, link, mut peer, _listener } = upgraded().await;
    let notes = Notes::telling([Passage::Drop]);
    link.set_tap(Arc::clone(&notes) as Arc<dyn Tap>);
    stream.write_all(&text("dropped")).await.unwrap();
    stream.write_all(&text("out")).await.unwrap();
    expect_bytes(&mut peer, text("out")).await;
    peer.write_all(&client_text("in")).await.unwrap();
    expect_bytes(&mut stream, client_text("in")).await;
    assert_eq!(
        (notes.outgoing_texts(), notes.incoming_texts()),
        (vec!["dropped".into(), "out".into()], vec!["in".into()])
    );
}

#[tokio::test]
async fn bending_loses_nothing() {
    let Secure { stream, link, peer, _listener } = secure().await;
    tokio::spawn(echo(stream));
    let (mut reader, mut writer) = tokio::io::split(peer);
    let sent = pattern(2 << 20);
    let expected = sent.clone();
    let reading = tokio::spawn(async move { expect_bytes(&mut reader, expected).await });
    let writing = tokio::spawn(async move { writer.write_all(&sent).await.map(|()| writer) });
    let mut round = 0;
    while !reading.is_finished() {
        round += 1;
        let delay = Duration::from_micros(500 * (round % 3));
        let latency = Latency { delay, jitter: delay / 2, direction: Direction::Both, seed: round };
        link.set_latency((round % 4 != 0).then_some(latency));
        link.stall();
        tokio::time::sleep(Duration::from_millis(1)).await;
        link.resume();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    soon(writing).await.unwrap().unwrap();
    reading.await.unwrap();
}

/// The client has said its hello, or nothing at all.
#[rstest]
#[tokio::test]
async fn a_handshake_can_be_reset_and_stalled(#[values(false, true)] hello: bool) {
    let (tls, Pair { stream, link, mut peer, listener: _listener }) = (certificates(), pair().await);
    link.stall();
    let acceptor: TlsAcceptor = tls.acceptor(None).clone();
    let greeting = tokio::spawn(async move { stream.secure(&acceptor).await });
    let error = if hello {
        let meeting = tokio::spawn(async move { connect(&tls, peer).await.map(|_| ()) });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!meeting.is_finished(), "the handshake was answered");
        link.reset();
        soon(meeting).await.unwrap().unwrap_err()
    } else {
        link.reset();
        soon(peer.read(&mut [0])).await.unwrap_err()
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    soon(greeting).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_so() {
    let (tls, Pair { stream, mut peer, listener: _listener, .. }) = (certificates(), pair().await);
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    stream.secure(tls.acceptor(None)).await.unwrap_err();
    drop(stream);
    let mut told = Vec::new();
    let _ = soon(peer.read_to_end(&mut told)).await;
    assert_eq!(told.first(), Some(&21), "an alert");
}
