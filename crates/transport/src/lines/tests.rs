use tokio::io::{AsyncReadExt, duplex};

use super::*;

async fn lines(chunks: &[&[u8]], line_bytes: usize) -> Vec<Result<Vec<u8>, LineError>> {
    let (mut peer, source) = duplex(1024);
    for chunk in chunks {
        peer.write_all(chunk).await.unwrap();
    }
    drop(peer);
    let mut reader = LineReader::new(source, line_bytes);
    let mut all = Vec::new();
    while let Some(line) = reader.next().await.unwrap() {
        all.push(line);
    }
    all
}

#[tokio::test]
async fn lines_come_whole_however_they_arrive() {
    let expected = vec![Ok(b"one".to_vec()), Ok(b"two".to_vec())];
    assert_eq!(lines(&[b"one\ntwo\n"], 10).await, expected);
    assert_eq!(
        lines(&[b"on", b"e\r", b"\n\nt", b"wo\n"], 10).await,
        expected
    );
}

#[tokio::test]
async fn a_lost_line_is_reported_and_the_next_one_read() {
    let too_long = Err(LineError::TooLong { bytes: 9, limit: 4 });
    assert_eq!(
        lines(&[b"123456789\nok\n"], 4).await,
        [too_long, Ok(b"ok".to_vec())]
    );
}

#[tokio::test]
async fn a_line_cut_by_the_end_is_reported_once() {
    let partial = Err(LineError::Partial { bytes: 3 });
    assert_eq!(
        lines(&[b"ok\ncut"], 10).await,
        [Ok(b"ok".to_vec()), partial]
    );
}

#[tokio::test]
async fn waiting_for_a_line_can_be_given_up_without_loss() {
    let (mut peer, source) = duplex(1024);
    let mut reader = LineReader::new(source, 10);
    peer.write_all(b"ha").await.unwrap();
    tokio::select! {
        biased;
        _ = reader.next() => panic!("there is no whole line yet"),
        () = tokio::task::yield_now() => {}
    }
    peer.write_all(b"lf\n").await.unwrap();
    assert_eq!(reader.next().await.unwrap(), Some(Ok(b"half".to_vec())));
}

#[tokio::test]
async fn a_line_is_handed_over_with_its_end() {
    let (mut peer, sink) = duplex(1024);
    let mut writer = LineWriter::new(sink);
    writer.send(b"{}").await.unwrap();
    writer.send(b"[]").await.unwrap();
    drop(writer);
    let mut written = Vec::new();
    peer.read_to_end(&mut written).await.unwrap();
    assert_eq!(written, b"{}\n[]\n");
}
