//! Ends, stalls and latency.

use rstest::rstest;
use tokio::time::Instant;

use super::*;

const PEER_FIN: End = End { by: By::Peer, how: How::Fin };
const SERVER_FIN: End = End { by: By::Server, how: How::Fin };

#[tokio::test]
async fn a_reset_reaches_both_sides_at_once() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    let reader = tokio::spawn(async move { stream.read(&mut [0]).await });
    tokio::task::yield_now().await;
    link.reset();
    let error = soon(peer.read(&mut [0])).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(soon(reader).await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(soon(link.ended()).await, End { by: By::Fault, how: How::Reset });
}

#[rstest]
#[case::nothing_unread("")]
#[case::with_unread_bytes("unread")]
#[tokio::test]
async fn a_cut_is_an_end_of_stream_on_both_sides(#[case] unread: &str) {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    stream.write_all(b"last words").await.unwrap();
    peer.write_all(unread.as_bytes()).await.unwrap();
    link.cut();
    expect_end(&mut stream, "").await;
    expect_end(&mut peer, "last words").await;
    assert!(peer.take_error().unwrap().is_none(), "a reset followed");
    assert_eq!(link.end(), Some(End { by: By::Fault, how: How::Fin }));
    assert_eq!(stream.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_call_wakes_the_task_that_waits_to_write() {
    let Pair { stream, link, peer: _peer, listener: _listener } = pair().await;
    let (_reader, mut writer) = tokio::io::split(stream);
    // The peer reads nothing, so this cannot end by itself.
    let writing = tokio::spawn(async move { writer.write_all(&pattern(64 << 20)).await });
    // Long enough for the socket to be full; if it were not, the test would only be weaker.
    tokio::time::sleep(Duration::from_millis(50)).await;
    link.reset();
    soon(writing).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn who_ended_it_is_known() {
    let Pair { mut stream, link, peer, listener: _listener } = pair().await;
    drop(peer);
    expect_end(&mut stream, "").await;
    drop(stream);
    assert_eq!(soon(link.ended()).await, PEER_FIN);

    let Pair { mut stream, link, peer, listener: _listener } = pair().await;
    peer.set_zero_linger().unwrap();
    drop(peer);
    soon(stream.read(&mut [0])).await.unwrap_err();
    assert_eq!(link.end(), Some(End { by: By::Peer, how: How::Reset }));

    let Pair { stream, link, mut peer, listener: _listener } = pair().await;
    drop(stream);
    expect_end(&mut peer, "").await;
    assert_eq!(soon(link.ended()).await, SERVER_FIN);

    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    stream.shutdown().await.unwrap();
    expect_end(&mut peer, "").await;
    drop(peer);
    expect_end(&mut stream, "").await;
    assert_eq!(link.end(), Some(SERVER_FIN));
}

#[tokio::test]
async fn a_stall_delivers_nothing_until_it_is_over() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    stream.write_all(b"before ").await.unwrap();
    link.stall();
    stream.write_all(b"out 1 ").await.unwrap();
    stream.write_all(b"out 2").await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(look(&peer).unwrap(), b"before ");
    assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));
    peer.write_all(b"in").await.unwrap();
    let read = tokio::time::timeout(Duration::from_millis(100), stream.read(&mut [0])).await;
    assert!(read.is_err(), "read {read:?} while stalled");
    link.resume();
    expect_bytes(&mut stream, "in").await;
    expect_bytes(&mut peer, "out 1 out 2").await;
    assert_eq!(link.end(), None);
}

#[tokio::test]
async fn a_stall_bounds_what_it_keeps() {
    let Pair { stream, link, mut peer, listener: _listener } = pair().await;
    let sent = pattern(4 << 20);
    let (_reader, mut writer) = tokio::io::split(stream);
    link.stall();
    let filled = tokio::time::timeout(Duration::from_millis(200), writer.write_all(&sent)).await;
    assert!(filled.is_err(), "4 MiB were swallowed");
    assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));
    // Only the writer waits here, and it must be woken.
    let writing = tokio::spawn(async move { writer.write_all(b"end").await.map(|()| writer) });
    tokio::task::yield_now().await;
    link.resume();
    let mut got = Vec::new();
    while !got.ends_with(b"end") {
        got.extend(read_once(&mut peer).await);
    }
    soon(writing).await.unwrap().unwrap();
    got.truncate(got.len() - 3);
    assert!(got.len() >= 1 << 20 && sent.starts_with(&got), "{}", show(&got));
}

#[tokio::test]
async fn dropped_while_stalled_the_peer_learns_nothing_until_the_listener_goes() {
    let Pair { mut stream, link, mut peer, listener } = pair().await;
    peer.write_all(b"unread").await.unwrap();
    link.stall();
    stream.write_all(b"swallowed").await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    assert_eq!(soon(link.ended()).await, End { by: By::Fault, how: How::Silence });
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));
    }
    peer.write_all(b"the kernel still takes bytes").await.unwrap();
    drop(listener);
    let end = soon(peer.read(&mut [0])).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn dropped_while_stalled_it_can_be_resumed() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.stall();
    stream.write_all(b"late").await.unwrap();
    drop(stream);
    assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));
    link.resume();
    expect_end(&mut peer, "late").await;
}

#[tokio::test]
async fn dropped_while_stalled_it_can_be_reset() {
    let Pair { stream, link, mut peer, listener: _listener } = pair().await;
    link.stall();
    drop(stream);
    link.reset();
    let error = soon(peer.read(&mut [0])).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_stalled_connection_can_be_cut() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.stall();
    stream.write_all(b"lost").await.unwrap();
    link.cut();
    expect_end(&mut stream, "").await;
    expect_end(&mut peer, "").await;
}

const DELAY: Duration = Duration::from_millis(60);

/// How many of the two directions are delayed.
#[rstest]
#[case(Direction::In, 1, 0)]
#[case(Direction::Out, 0, 1)]
#[case(Direction::Both, 1, 1)]
#[tokio::test]
async fn latency_delays_each_direction(#[case] direction: Direction, #[case] inward: u32, #[case] outward: u32) {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.set_latency(Some(Latency { delay: DELAY, jitter: Duration::ZERO, direction, seed: 1 }));
    let start = Instant::now();
    peer.write_all(b"request").await.unwrap();
    expect_bytes(&mut stream, "request").await;
    assert!(start.elapsed() >= DELAY * inward);
    let start = Instant::now();
    stream.write_all(b"answer").await.unwrap();
    assert_eq!(look(&peer).is_ok(), outward == 0);
    let (mut reader, _writer) = tokio::io::split(stream);
    let above = tokio::spawn(async move { reader.read(&mut [0]).await.map(|size| (size, Instant::now())) });
    if outward > 0 {
        expect_bytes(&mut peer, "answer").await;
        assert!(start.elapsed() >= DELAY);
    }
    let start = Instant::now();
    peer.shutdown().await.unwrap();
    let (size, end) = soon(above).await.unwrap().unwrap();
    assert_eq!(size, 0);
    assert!(end - start >= DELAY * inward, "the end of the stream is not delayed");
}

#[tokio::test]
async fn latency_keeps_the_order_of_all_bytes() {
    let Pair { stream, link, peer, listener: _listener } = pair().await;
    let jitter = Duration::from_millis(20);
    link.set_latency(Some(Latency { delay: jitter, jitter, direction: Direction::Both, seed: 7 }));
    tokio::spawn(echo(stream));
    let (mut reader, mut writer) = peer.into_split();
    let sent = pattern(20_000);
    let writing = tokio::spawn({
        let sent = sent.clone();
        async move {
            for portion in sent.chunks(100) {
                writer.write_all(portion).await.unwrap();
                tokio::task::yield_now().await;
            }
            writer
        }
    });
    tokio::time::sleep(jitter).await;
    link.set_latency(None);
    expect_bytes(&mut reader, &sent).await;
    drop(soon(writing).await.unwrap());
    expect_end(&mut reader, "").await;
}

#[tokio::test]
async fn what_is_on_its_way_arrives_after_the_stream_was_dropped() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.set_latency(Some(Latency { delay: DELAY, jitter: Duration::ZERO, direction: Direction::Both, seed: 1 }));
    let start = Instant::now();
    stream.write_all(b"last words").await.unwrap();
    drop(stream);
    assert_eq!(soon(link.ended()).await, SERVER_FIN);
    expect_end(&mut peer, "last words").await;
    assert!(start.elapsed() >= DELAY);
}

/// Stalls and latencies come and go under a load in both directions; no byte is lost or out of place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bending_loses_nothing() {
    let Pair { stream, link, peer, listener: _listener } = pair().await;
    link.set_tap(Arc::new(Notes::default()));
    tokio::spawn(echo(stream));
    let (mut reader, mut writer) = peer.into_split();
    let sent = pattern(8 << 20);
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

#[rstest]
#[case::reset(Link::reset, Err(io::ErrorKind::ConnectionReset))]
#[case::cut(Link::cut, Ok(0))]
#[tokio::test]
async fn what_was_sent_before_the_end_arrives(
    #[case] end: fn(&Arc<Link>),
    #[case] expected: Result<usize, io::ErrorKind>,
) {
    let Pair { stream, link, mut peer, listener: _listener } = pair().await;
    tokio::spawn(echo(stream));
    link.send("last words");
    end(&link);
    expect_bytes(&mut peer, "last words").await;
    assert_eq!(soon(peer.read(&mut [0])).await.map_err(|error| error.kind()), expected);
}
