//! Injection without a tap: at the boundary between frames, whatever the layer above does.

use rstest::rstest;

use super::taps::{ANSWER, client_text, text};
use super::*;

/// A connection after its upgrade, with nothing bent. The layer above only holds the stream.
async fn upgraded() -> Pair {
    let mut pair = pair().await;
    pair.stream.write_all(ANSWER.as_bytes()).await.unwrap();
    expect_bytes(&mut pair.peer, ANSWER).await;
    pair
}

/// Nobody polls the stream from here on.
#[tokio::test]
async fn bytes_leave_an_idle_connection_at_once() {
    let Pair { stream: _stream, link, peer, listener: _listener } = upgraded().await;
    link.send("injected");
    assert_eq!(look(&peer).unwrap(), b"injected");
}

#[tokio::test]
async fn late_bytes_leave_although_nobody_reads_or_writes() {
    let Pair { stream: _stream, link, mut peer, listener: _listener } = upgraded().await;
    let delay = Duration::from_millis(40);
    link.set_latency(Some(Latency { delay, jitter: Duration::ZERO, direction: Direction::Both, seed: 1 }));
    let start = tokio::time::Instant::now();
    link.send("late");
    expect_bytes(&mut peer, "late").await;
    assert!(start.elapsed() >= delay);
    // More than the socket takes at once.
    link.set_latency(None);
    let many = pattern(24 << 20);
    link.send(many.clone());
    expect_bytes(&mut peer, &many).await;
}

#[rstest]
#[case::reset(Link::reset, Err(io::ErrorKind::ConnectionReset))]
#[case::cut(Link::cut, Ok(0))]
#[tokio::test]
async fn ends_strike_although_nobody_reads_or_writes(
    #[case] end: fn(&Arc<Link>),
    #[case] expected: Result<usize, io::ErrorKind>,
) {
    let Pair { stream: _stream, link, mut peer, listener: _listener } = upgraded().await;
    end(&link);
    assert_eq!(soon(peer.read(&mut [0])).await.map_err(|error| error.kind()), expected);
}

#[tokio::test]
async fn calls_need_no_runtime() {
    let Pair { stream: _stream, link, mut peer, listener: _listener } = upgraded().await;
    let caller = Arc::clone(&link);
    let late = Latency { delay: Duration::from_millis(5), jitter: Duration::ZERO, direction: Direction::Out, seed: 1 };
    let thread = std::thread::spawn(move || {
        caller.set_latency(Some(late));
        caller.send("from elsewhere");
    });
    thread.join().unwrap();
    expect_bytes(&mut peer, "from elsewhere").await;
}

/// The layer above has written a frame up to here when bytes are injected.
#[rstest]
#[case::behind_the_opcode(1)]
#[case::within_the_length(3)]
#[case::within_the_payload(100)]
#[tokio::test]
async fn bytes_wait_for_the_end_of_a_frame(#[case] at: usize) {
    let Pair { mut stream, link, mut peer, listener: _listener } = upgraded().await;
    let frame = text(&"long ".repeat(50));
    let (left, right) = frame.split_at(at);
    stream.write_all(left).await.unwrap();
    link.send("injected");
    assert_eq!(look(&peer).unwrap(), left);
    let rest = [right, &text("next")].concat();
    stream.write_all(&rest).await.unwrap();
    expect_bytes(&mut peer, [right, b"injected", &text("next")].concat()).await;
    // And then all goes straight again.
    stream.write_all(&text("after")).await.unwrap();
    link.send("at once");
    expect_bytes(&mut peer, [&text("after")[..], b"at once"].concat()).await;
}

/// Most of the frame is still with the layer above, because the peer has not read.
#[tokio::test]
async fn bytes_wait_for_a_frame_that_the_socket_has_not_taken() {
    let Pair { stream, link, mut peer, listener: _listener } = upgraded().await;
    let frame = Frame::new(Opcode::Binary, pattern(24 << 20)).to_bytes();
    let (_reader, mut writer) = tokio::io::split(stream);
    let written = frame.clone();
    let writing = tokio::spawn(async move { writer.write_all(&written).await });
    // Some has come, and all cannot.
    expect_bytes(&mut peer, &frame[..1000]).await;
    link.send("injected");
    expect_bytes(&mut peer, &frame[1000..]).await;
    expect_bytes(&mut peer, "injected").await;
    soon(writing).await.unwrap().unwrap();
}

#[tokio::test]
async fn bytes_can_go_between_the_fragments_of_a_message() {
    let Pair { mut stream, link, mut peer, listener: _listener } = upgraded().await;
    let first = Frame { fin: false, ..Frame::text("frag") }.to_bytes();
    let last = Frame::new(Opcode::Continuation, "ment").to_bytes();
    stream.write_all(&first).await.unwrap();
    link.send("injected");
    stream.write_all(&last).await.unwrap();
    expect_bytes(&mut peer, [&first[..], b"injected", &last].concat()).await;
}

/// Frames that no layer above would write, byte for byte.
#[rstest]
#[case::reserved_bits(&[0xF1, 0])]
#[case::reserved_opcode(&[0x83, 0])]
#[case::reserved_control_opcode(&[0x8B, 0])]
#[case::masked(&[0x81, 0x81, 1, 2, 3, 4, 5])]
#[case::length_beyond_all_bounds(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255])]
#[case::length_longer_than_needed(&[0x81, 126, 0, 1, b'x'])]
#[case::invalid_utf_8(&[0x81, 2, 0xC3, 0x28])]
#[case::fragmented_ping(&[0x09, 0])]
#[case::oversized_ping(&[0x89, 126, 0, 126, 1, 2, 3])]
#[case::orphan_continuation(&[0x80, 0])]
#[case::reserved_close_code(&[0x88, 2, 0x03, 0xED])]
#[case::short_close(&[0x88, 1, 3])]
#[case::half_a_head(&[0x81])]
#[tokio::test]
async fn any_bytes_go_through(#[case] bytes: &'static [u8]) {
    let Pair { mut stream, link, mut peer, listener: _listener } = upgraded().await;
    stream.write_all(&text("before")).await.unwrap();
    link.send(bytes);
    stream.write_all(&text("after")).await.unwrap();
    expect_bytes(&mut peer, [&text("before")[..], bytes, &text("after")].concat()).await;
}

#[tokio::test]
async fn a_fed_frame_waits_for_the_upgrade_and_for_the_boundary() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.feed(Frame::text("early"));
    stream.write_all(ANSWER.as_bytes()).await.unwrap();
    let early = read_once(&mut stream).await;
    let mut reader = FrameReader::default();
    reader.push(&early);
    assert!(matches!(reader.next_piece(), Some(Piece::Whole(frame, _)) if frame.payload == "early"));

    let sent = client_text("from the peer");
    peer.write_all(&sent[..7]).await.unwrap();
    assert_eq!(read_once(&mut stream).await, sent[..7]);
    let fed = Frame::text("fed").masked([9; 4]);
    link.feed(fed.clone());
    let next = client_text("next");
    peer.write_all(&[&sent[7..], &next].concat()).await.unwrap();
    expect_bytes(&mut stream, [&sent[7..], &fed.to_bytes(), &next].concat()).await;
}

#[tokio::test]
async fn a_fed_frame_wakes_who_reads() {
    let Pair { mut stream, link, peer: _peer, listener: _listener } = upgraded().await;
    let reading = tokio::spawn(async move { read_once(&mut stream).await });
    tokio::task::yield_now().await;
    let fed = Frame::text("fed").masked([9; 4]);
    link.feed(fed.clone());
    assert_eq!(soon(reading).await.unwrap(), fed.to_bytes());
}

#[tokio::test]
async fn a_tap_that_comes_late_starts_with_the_next_frame() {
    let Pair { mut stream, link, mut peer, listener: _listener } = upgraded().await;
    let (begun, sent) = (text("begun before"), client_text("sent before"));
    stream.write_all(&begun[..5]).await.unwrap();
    peer.write_all(&sent[..5]).await.unwrap();
    expect_bytes(&mut stream, &sent[..5]).await;
    link.send("waits");
    let notes = Notes::telling([]);
    link.set_tap(Arc::clone(&notes) as Arc<dyn Tap>);
    stream.write_all(&[&begun[5..], &text("seen")].concat()).await.unwrap();
    expect_bytes(&mut peer, [&begun[..], b"waits", &text("seen")].concat()).await;
    let rest = [&sent[5..], &client_text("seen too")].concat();
    peer.write_all(&rest).await.unwrap();
    expect_bytes(&mut stream, rest).await;
    assert_eq!((notes.outgoing_texts(), notes.incoming_texts()), (vec!["seen".into()], vec!["seen too".into()]));
}
