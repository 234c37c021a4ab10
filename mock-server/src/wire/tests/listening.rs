//! The listener: open, closed, open again.

use super::*;

#[tokio::test]
async fn a_closed_port_refuses_and_an_open_one_accepts_again() {
    let listener = Listener::bind(anywhere()).unwrap();
    let addr = listener.local_addr();
    for _ in 0..3 {
        listener.close();
        let refused = TcpStream::connect(addr).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        listener.open().unwrap();
        let (accepted, peer) = tokio::join!(soon(listener.accept()), TcpStream::connect(addr));
        assert_eq!(accepted.1.peer(), peer.unwrap().local_addr().unwrap());
    }
}

#[tokio::test]
async fn whoever_waits_to_accept_goes_on_when_it_opens() {
    let listener = Arc::new(Listener::bind(anywhere()).unwrap());
    let waiting = tokio::spawn({
        let listener = Arc::clone(&listener);
        async move { listener.accept().await }
    });
    tokio::task::yield_now().await;
    listener.close();
    assert!(TcpStream::connect(listener.local_addr()).await.is_err());
    listener.open().unwrap();
    let _peer = TcpStream::connect(listener.local_addr()).await.unwrap();
    soon(waiting).await.unwrap();
}

#[tokio::test]
async fn nobody_else_gets_the_port() {
    let listener = Listener::bind(anywhere()).unwrap();
    let is_taken = || {
        let ours = Listener::bind(listener.local_addr()).unwrap_err();
        let strange = std::net::TcpListener::bind(listener.local_addr()).unwrap_err();
        [ours.kind(), strange.kind()] == [io::ErrorKind::AddrInUse; 2]
    };
    assert!(is_taken(), "while open");
    listener.close();
    assert!(is_taken(), "while closed");
    listener.open().unwrap();
    assert!(is_taken(), "while open again");
}

#[tokio::test]
async fn the_port_is_free_afterwards() {
    let Pair { listener, stream, peer, .. } = pair().await;
    let addr = listener.local_addr();
    // The server's end closes first, and so lingers on the port.
    drop((stream, listener, peer));
    assert_eq!(Listener::bind(addr).unwrap().local_addr(), addr);
}

#[tokio::test]
async fn what_was_not_accepted_is_reset_on_closing() {
    let listener = Listener::bind(anywhere()).unwrap();
    let mut peer = TcpStream::connect(listener.local_addr()).await.unwrap();
    listener.close();
    let error = soon(peer.read(&mut [0])).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn closing_leaves_accepted_connections_alone() {
    let Pair { listener, mut stream, mut peer, .. } = pair().await;
    listener.close();
    stream.write_all(b"still here").await.unwrap();
    expect_bytes(&mut peer, "still here").await;
}

#[tokio::test]
async fn links_are_numbered() {
    let listener = Listener::bind(anywhere()).unwrap();
    for id in 1..=3 {
        let (accepted, _peer) = tokio::join!(listener.accept(), TcpStream::connect(listener.local_addr()));
        assert_eq!(accepted.1.id(), id);
    }
}

#[tokio::test]
async fn a_connection_costs_little() {
    let straight = size_of::<Stream>() + size_of::<Link>();
    assert!(straight <= 384, "{straight} bytes");
    let bent = straight + size_of::<detour::Detour>();
    assert!(bent <= 1024, "{bent} bytes");
}
