use tokio::time::{Instant, sleep};

use super::kept::{BYTES_MAX, EVENTS_MAX};
use super::*;

/// A replay with its streams, each of which has a reader.
struct Bench {
    replay: Arc<Replay>,
}

struct Stream {
    replay: Arc<Replay>,
    number: StreamNumber,
    parcels: Parcels,
}

impl Bench {
    fn new() -> Self {
        let replay = Arc::new(Replay::new(TaskTracker::new()));
        Self { replay }
    }

    fn begin(&self) -> Stream {
        let (sender, parcels) = mpsc::channel(1);
        Stream {
            replay: Arc::clone(&self.replay),
            number: self.replay.begin(false, sender),
            parcels,
        }
    }

    #[track_caller]
    fn rest(&self, id: &str) -> Parcels {
        match self.replay.find(id) {
            Found::Rest(_, parcels) => parcels,
            found => panic!("{found:?}"),
        }
    }

    fn is_lost(&self, id: &str) -> bool {
        matches!(self.replay.find(id), Found::Lost)
    }
}

impl Stream {
    async fn say(&self, text: &'static str) {
        self.replay.append(self.number, message(text)).await;
    }

    async fn hear(&mut self) -> (String, String) {
        next(&mut self.parcels).await.unwrap()
    }
}

fn message(text: impl Into<Bytes>) -> Outgoing {
    Outgoing::plain(text.into())
}

/// The id and the text of the next event; `None` at the end.
async fn next(parcels: &mut Parcels) -> Option<(String, String)> {
    let (position, bytes) = match *parcels.recv().await? {
        Parcel::Position(position) => (position, Bytes::new()),
        Parcel::Message(Outgoing {
            position, bytes, ..
        }) => (position, bytes),
        parcel => panic!("{parcel:?}"),
    };
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Some((position.id.unwrap(), text))
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_after_the_event_and_has_nothing_of_another() {
    let bench = Bench::new();
    let (mut one, mut other) = (bench.begin(), bench.begin());
    one.say("1").await;
    other.say("other 1").await;
    one.say("2").await;
    let (first, text) = one.hear().await;
    assert_eq!(text, "1");
    assert_eq!(other.hear().await.1, "other 1");
    drop(one.parcels);
    other.say("other 2").await;
    bench.replay.append(one.number, message("3")).await;
    let mut rest = bench.rest(&first);
    assert_eq!(next(&mut rest).await.unwrap().1, "2");
    assert_eq!(next(&mut rest).await.unwrap().1, "3");
    // What is said from now on comes as well, until the stream is over.
    bench.replay.append(one.number, message("4")).await;
    let (last, text) = next(&mut rest).await.unwrap();
    assert_eq!(text, "4");
    bench.replay.close(one.number);
    assert_eq!(next(&mut rest).await, None);
    assert_eq!(next(&mut bench.rest(&last)).await, None);
    assert_eq!(other.hear().await.1, "other 2");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_takes_the_place_of_who_was_there() {
    let bench = Bench::new();
    let mut stream = bench.begin();
    stream.say("1").await;
    let (first, _) = stream.hear().await;
    let mut rest = bench.rest(&first);
    stream.say("2").await;
    assert_eq!(next(&mut rest).await.unwrap().1, "2");
    assert_eq!(next(&mut stream.parcels).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_good_for_its_own_stream_and_conversation_only() {
    let bench = Bench::new();
    let (mut one, mut other) = (bench.begin(), bench.begin());
    one.say("1").await;
    other.say("2").await;
    let ((one_id, _), (other_id, _)) = (one.hear().await, other.hear().await);
    assert_eq!(one_id.strip_suffix("-1-1"), other_id.strip_suffix("-2-2"));
    let forged = |wrong: &str| one_id.replace("-1-1", wrong);
    assert!(bench.is_lost(&forged("-1-2")), "of the other stream");
    assert!(bench.is_lost(&forged("-2-1")), "of the other stream");
    one.say("3").await;
    assert!(bench.is_lost(&forged("-1-2")), "between two of its own");
    assert!(bench.is_lost(&forged("-1-0")));
    assert!(bench.is_lost(&forged("-3-1")));
    let foreign = |id: &str| matches!(bench.replay.find(id), Found::Foreign);
    assert!(foreign(&forged("-1")) && foreign(&forged("-1-x")) && foreign(""));
    let elsewhere = Bench::new();
    let _stream = elsewhere.begin();
    assert!(matches!(elsewhere.replay.find(&one_id), Found::Foreign));
}

#[tokio::test(start_paused = true)]
async fn who_is_too_far_behind_loses_the_stream_and_holds_up_nobody_for_long() {
    let bench = Bench::new();
    let (slow, mut fast) = (bench.begin(), bench.begin());
    for _ in 0..EVENTS_MAX {
        slow.say("unread").await;
    }
    let begun = Instant::now();
    for text in ["a", "b", "c", "d"] {
        fast.say(text).await;
    }
    assert!(begun.elapsed() <= BEHIND_WAIT_MAX, "{:?}", begun.elapsed());
    for text in ["a", "b", "c", "d"] {
        assert_eq!(fast.hear().await.1, text);
    }
    let mut slow = slow.parcels;
    // One was on its way already.
    let (id, _) = next(&mut slow).await.unwrap();
    assert_eq!(next(&mut slow).await, None);
    assert!(bench.is_lost(&id), "what came next was dropped");
}

#[tokio::test(start_paused = true)]
async fn who_reads_slowly_is_waited_for() {
    let bench = Bench::new();
    let mut stream = bench.begin();
    let (replay, number) = (Arc::clone(&bench.replay), stream.number);
    let all = EVENTS_MAX + 20;
    let append = async move {
        for _ in 0..all {
            replay.append(number, message("text")).await;
        }
        replay.close(number);
    };
    let read = async {
        let mut heard = 0;
        while next(&mut stream.parcels).await.is_some() {
            heard += 1;
            sleep(BEHIND_WAIT_MAX / 2).await;
        }
        heard
    };
    let ((), heard) = tokio::join!(append, read);
    assert_eq!(heard, all);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_in_bytes_and_a_longer_message_passes() {
    let bench = Bench::new();
    let mut stream = bench.begin();
    let long = "x".repeat(BYTES_MAX / 2);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let text = Bytes::from(long.clone());
        bench.replay.append(stream.number, message(text)).await;
        ids.push(stream.hear().await.0);
    }
    assert!(!bench.is_lost(&ids[0]), "two are kept");
    let longer = Bytes::from("x".repeat(BYTES_MAX + 1));
    bench.replay.append(stream.number, message(longer)).await;
    assert!(bench.is_lost(&ids[0]));
    let mut rest = bench.rest(&ids[2]);
    assert_eq!(next(&mut rest).await.unwrap().1.len(), BYTES_MAX + 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_yet_to_be_read_is_not_told_again() {
    let bench = Bench::new();
    let mut stream = bench.begin();
    let change = |text: &'static str| Outgoing {
        is_change: true,
        ..message(text)
    };
    stream.say("log").await;
    for _ in 0..3 {
        bench.replay.append(stream.number, change("tools")).await;
        bench.replay.append(stream.number, change("prompts")).await;
        stream.say("log").await;
    }
    bench.replay.close(stream.number);
    let mut heard = Vec::new();
    while let Some((_, text)) = next(&mut stream.parcels).await {
        heard.push(text);
    }
    assert_eq!(heard, ["log", "tools", "prompts", "log", "log", "log"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_old_is_not_kept() {
    let bench = Bench::new();
    let mut stream = bench.begin();
    stream.say("1").await;
    let (first, _) = stream.hear().await;
    stream.say("2").await;
    stream.say("3").await;
    sleep(AGE_MAX + BEHIND_WAIT_MAX).await;
    stream.say("4").await;
    bench.replay.expire();
    assert!(bench.is_lost(&first));
    // Unread for so long, it was closed.
    assert_eq!(next(&mut stream.parcels).await.unwrap().1, "2");
    assert_eq!(next(&mut stream.parcels).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_others_have_judged_is_not_sent_again_but_arrives() {
    let bench = Bench::new();
    let (mut gone, mut there) = (bench.begin(), bench.begin());
    gone.say("1").await;
    let (id, _) = gone.hear().await;
    drop(gone.parcels);
    sleep(Duration::from_millis(1)).await;
    bench.replay.append(gone.number, message("2")).await;
    there.say("3").await;
    bench.replay.forget();
    assert!(bench.is_lost(&id));
    assert_eq!(there.hear().await.1, "3");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_over_does_not_wait_for_its_reader_for_ever() {
    let bench = Bench::new();
    let stream = bench.begin();
    stream.say("1").await;
    stream.say("2").await;
    bench.replay.close(stream.number);
    sleep(REST_WAIT_MAX * 2).await;
    assert!(!bench.replay.is_read(stream.number));
    bench.replay.tasks.close();
    bench.replay.tasks.wait().await;
}
