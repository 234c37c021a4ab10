//! The reader on bytes in portions of every size, and the writer on a stream that takes them one by one.

use rstest::rstest;
use tokio::io::AsyncReadExt;

use super::*;
use crate::wire::{Frame, Opcode};

const KEY: [u8; 4] = [1, 2, 3, 4];

fn frame(fin: bool, opcode: Opcode, payload: impl Into<Bytes>) -> Bytes {
    Frame { fin, ..Frame::new(opcode, payload).masked(KEY) }.to_bytes()
}

/// What comes of these bytes when they come so many at a time.
async fn read(bytes: &[u8], portion: usize, limit: usize) -> (Vec<Incoming>, Failure) {
    let (near, far) = tokio::io::duplex(portion);
    let (mut reader, writer) = split(near, &[], limit);
    let sent = async {
        let (_, mut far) = tokio::io::split(far);
        // Fails when the reader has found fault with what came.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut far, bytes).await;
    };
    let received = async move {
        // The stream is gone as soon as the reader is.
        let _writer = writer;
        let mut received = Vec::new();
        loop {
            match reader.next().await {
                Ok(incoming) => received.push(incoming),
                Err(failure) => return (received, failure),
            }
        }
    };
    tokio::join!(sent, received).1
}

fn text(text: &str) -> Incoming {
    Incoming::Text(text.into())
}

fn close(code: Option<u16>, reason: &str, fault: Option<Failure>) -> Incoming {
    Incoming::Close(Close { code, reason: reason.to_owned(), fault })
}

#[rstest]
#[case::text(&[frame(true, Opcode::Text, "Hällo")], &[text("Hällo")], Failure::Gone)]
#[case::empty(&[frame(true, Opcode::Binary, "")], &[Incoming::Binary(Bytes::new())], Failure::Gone)]
#[case::fragments_and_a_ping(
    &[frame(false, Opcode::Text, &b"H\xc3"[..]), frame(true, Opcode::Ping, "p"), frame(false, Opcode::Continuation, &b"\xa4"[..]), frame(true, Opcode::Continuation, "llo")],
    &[Incoming::Ping("p".into()), text("Hällo")], Failure::Gone)]
#[case::binary_fragments(
    &[frame(false, Opcode::Binary, &b"\xff"[..]), frame(true, Opcode::Continuation, &b"\xfe"[..])],
    &[Incoming::Binary(Bytes::from_static(b"\xff\xfe"))], Failure::Gone)]
#[case::half_a_character(&[frame(true, Opcode::Text, &b"\xc3"[..])], &[], Failure::Utf8)]
#[case::half_a_character_in_fragments(&[frame(false, Opcode::Text, &b"\xc3"[..]), frame(true, Opcode::Continuation, "")], &[], Failure::Utf8)]
#[case::surrogate(&[frame(false, Opcode::Text, &b"\xed\xa0"[..])], &[], Failure::Utf8)]
#[case::limit(&[frame(true, Opcode::Text, "0123456789")], &[text("0123456789")], Failure::Gone)]
#[case::above_the_limit(&[frame(true, Opcode::Text, "0123456789a")], &[], Failure::TooLarge)]
#[case::above_the_limit_in_fragments(&[frame(false, Opcode::Text, "012345"), frame(true, Opcode::Continuation, "6789a")], &[], Failure::TooLarge)]
#[case::close(&[frame(true, Opcode::Close, &b"\x03\xe8bye"[..])], &[close(Some(1000), "bye", None)], Failure::Gone)]
#[case::empty_close(&[frame(true, Opcode::Close, "")], &[close(None, "", None)], Failure::Gone)]
#[case::reserved_close(&[frame(true, Opcode::Close, &b"\x03\xed"[..])], &[close(Some(1005), "", Some(Failure::Protocol("reserved close code")))], Failure::Gone)]
#[case::bad_close_reason(&[frame(true, Opcode::Close, &b"\x03\xe8\xff"[..])], &[close(Some(1000), "\u{fffd}", Some(Failure::Utf8))], Failure::Gone)]
#[case::unmasked(&[Frame::text("x").to_bytes()], &[], Failure::Protocol("unmasked frame from a client"))]
#[case::head_without_its_mask(&[Bytes::from_static(b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff")], &[], Failure::Gone)]
#[tokio::test]
async fn what_comes_in(
    #[case] frames: &[Bytes],
    #[case] expected: &[Incoming],
    #[case] failure: Failure,
    #[values(1, 2, 7, 4_096)] portion: usize,
) {
    assert_eq!(read(&frames.concat(), portion, 10).await, (expected.to_vec(), failure));
}

#[tokio::test]
async fn an_impossible_length_is_refused_before_any_payload() {
    let bytes = b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00";
    assert_eq!(read(bytes, 64, 10).await.1, Failure::Protocol("length of more than 63 bits"));
}

#[tokio::test]
async fn invalid_text_is_found_with_its_byte() {
    let (near, mut far) = tokio::io::duplex(64);
    let (mut reader, _writer) = split(near, &[], 100);
    let whole = frame(true, Opcode::Text, &b"valid \xf4\x90 and more to come"[..]);
    tokio::io::AsyncWriteExt::write_all(&mut far, &whole[..14]).await.unwrap();
    assert_eq!(reader.next().await, Err(Failure::Utf8));
}

#[tokio::test]
async fn what_is_fed_goes_out_in_order_though_flushes_are_dropped() {
    let (near, mut far) = tokio::io::duplex(3);
    let (reader, mut writer) = split(near, &[], 100);
    writer.feed(Opcode::Text, b"Hello");
    writer.feed_raw(&[0xFF]);
    let written = async {
        for _ in 0..4 {
            tokio::select! {
                biased;
                outcome = writer.flush() => outcome.unwrap(),
                () = tokio::task::yield_now() => {}
            }
        }
        writer.feed_close(Some(1000), "bye");
        writer.flush().await.unwrap();
        writer.end().await.unwrap();
        drop((writer, reader));
    };
    let mut out = Vec::new();
    let (read, ()) = tokio::join!(far.read_to_end(&mut out), written);
    read.unwrap();
    assert_eq!(out, b"\x81\x05Hello\xff\x88\x05\x03\xe8bye");
}
