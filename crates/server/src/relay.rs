//! Two directions of lines through one session, until one side ends.
//!
//! Both directions run on one thread. Each reads its next line only after it has written what
//! became of the last one, so a slow peer slows the other one down and nothing piles up here.

use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::io;
use std::pin::{Pin, pin};
use std::process::ExitStatus;
use std::time::Duration;

use portcullis_session::{Action, Introduction, Permit, Session, Source};
use portcullis_store::Entry;
use portcullis_trace::record::{Direction, SessionEnd, SessionId, SessionRecord};
use portcullis_transport::child::{ChildServer, Patience};
use portcullis_transport::lines::{LineReader, LineWriter};
use portcullis_transport::signal::EndSignals;
use portcullis_transport::stdio;
use tokio::io::AsyncRead;
use tokio::net::unix::pipe;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use crate::clock::now;
use crate::detectors::ConfiguredDetectors;
use crate::end::End;
use crate::log;
use crate::metadata::introduce;
use crate::recording::Recording;
use crate::tools::{ToolBook, stops};
use crate::turns::Turns;

/// How long what a server wrote before it ended is still passed on.
const DRAIN_WAIT_MAX: Duration = Duration::from_millis(200);
/// Who sends a signal expects the end soon, and may kill the gateway otherwise.
const PATIENCE_AFTER_SIGNAL: Duration = Duration::from_millis(100);

/// Both peers' pipes.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) from_client: LineReader<stdio::Input>,
    pub(crate) to_client: LineWriter<stdio::Output>,
    pub(crate) from_server: LineReader<pipe::Receiver>,
    pub(crate) to_server: LineWriter<pipe::Sender>,
    pub(crate) server: ChildServer,
}

/// How a session ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) by: End,
    /// Of the server.
    pub(crate) status: ExitStatus,
    /// Whether the server had written anything.
    pub(crate) has_spoken: bool,
}

/// What both directions share.
#[derive(Debug)]
struct Relay<'r> {
    session: RefCell<Session>,
    turns: Turns,
    detectors: &'r ConfiguredDetectors,
    record: RefCell<SessionRecord>,
    recording: &'r Recording,
    tools: &'r ToolBook,
    to_client: Mutex<LineWriter<stdio::Output>>,
    /// `None` once the client has ended: that closes the server's input.
    to_server: Mutex<Option<LineWriter<pipe::Sender>>>,
    /// Whether anything has come from the server.
    has_spoken: Cell<bool>,
}

/// A direction of traffic: finished once its sender has ended.
enum Traffic<F> {
    Flows(Pin<Box<F>>),
    Finished,
}

/// Passes messages on until one side ends, then ends the other.
pub(crate) async fn relay(
    peers: Peers,
    session: Session,
    record: SessionRecord,
    (recording, tools): (&Recording, &ToolBook),
    detectors: &ConfiguredDetectors,
    mut signals: EndSignals,
) -> io::Result<Ended> {
    let Peers {
        mut from_client,
        to_client,
        mut from_server,
        to_server,
        mut server,
    } = peers;
    let relay = Relay {
        session: RefCell::new(session),
        turns: Turns::default(),
        detectors,
        record: RefCell::new(record),
        recording,
        tools,
        to_client: Mutex::new(to_client),
        to_server: Mutex::new(Some(to_server)),
        has_spoken: Cell::new(false),
    };
    let mut answers = Traffic::new(relay.pump(Direction::ToClient, &mut from_server));
    let mut end = {
        let requests = relay.pump(Direction::ToServer, &mut from_client);
        tokio::select! {
            biased;
            signal = signals.next() => End::Signal(signal),
            end = answers.flow() => end,
            end = requests => end,
            _ = server.ended() => End::Server,
        }
    };
    let status = loop {
        info!(session = %relay.id(), ?end, "session ends");
        if end == End::Server {
            answers.drain(&relay).await;
            relay.answer_for_the_server().await;
        }
        let ending = relay.end_server(&mut server, end);
        tokio::select! {
            status = answers.flow_beside(ending) => break status?,
            signal = signals.next() => end = End::Signal(signal),
        }
    };
    answers.drain(&relay).await;
    relay.finish().await;
    info!(session = %relay.id(), %status, "server ended");
    Ok(Ended {
        by: end,
        status,
        has_spoken: relay.has_spoken.get(),
    })
}

// === impl Relay ===

impl Relay<'_> {
    fn id(&self) -> SessionId {
        self.record.borrow().id.clone()
    }

    /// Passes lines on in one direction until one of the peers has ended.
    async fn pump<R: AsyncRead + Unpin>(
        &self,
        direction: Direction,
        lines: &mut LineReader<R>,
    ) -> End {
        loop {
            let line = match lines.next().await {
                Ok(Some(line)) => line,
                Ok(None) => return End::of_sender(direction),
                Err(error) => {
                    warn!(%direction, %error, "reading failed");
                    return End::of_sender(direction);
                }
            };
            if direction == Direction::ToClient {
                self.has_spoken.set(true);
            }
            let actions = match line {
                Ok(line) => self.judge(direction, &line).await,
                Err(error) => self.session.borrow_mut().on_lost_line(direction, error),
            };
            if let Err(end) = self.carry_out(actions).await {
                return end;
            }
        }
    }

    /// Has a line judged after the one of the other direction, if that is being judged.
    async fn judge(&self, direction: Direction, line: &[u8]) -> Vec<Action> {
        let turn = match self.turns.next().await {
            Ok(turn) => turn,
            Err(error) => {
                let (source, reason) = (Source::whole(direction), error.to_string());
                return self
                    .session
                    .borrow_mut()
                    .on_unjudged(&source, line, &reason);
            }
        };
        let outcome = self.session.borrow_mut().on_line(direction, line, now());
        let go_on = |inquiry| ready(self.session.borrow_mut().on_answers(inquiry));
        turn.settle(outcome, go_on, self.detectors, pending()).await
    }

    /// Does what the session decided, in its order, to the last record even if a peer is gone.
    async fn carry_out(&self, actions: Vec<Action>) -> Result<(), End> {
        let mut is_recorded = true;
        let mut outcome = Ok(());
        for action in actions {
            match action {
                Action::Record { event, waiting } => {
                    log::event(&event, None);
                    is_recorded = self.recording.record(event).await.is_ok();
                    if !is_recorded && let Some(waiting) = waiting {
                        let answers = self.session.borrow_mut().on_unrecorded(&waiting);
                        outcome = outcome.and(self.send_all(answers).await);
                    }
                }
                Action::Introduce(peers) => self.introduce(peers).await,
                Action::ReadTools => self.read_tools().await,
                Action::NoteTools(seen) if is_recorded => {
                    let noted = self.tools.note(&seen).await;
                    let answers = self.session.borrow_mut().on_noted_tools(&seen, noted);
                    is_recorded = !stops(&answers);
                    outcome = outcome.and(self.send_all(answers).await);
                }
                Action::Send(permit) if is_recorded => {
                    outcome = outcome.and(self.send(&permit).await);
                }
                Action::NoteTools(_) | Action::Send(_) => {}
                Action::Note(note) => warn!(session = %self.id(), %note, "noted"),
            }
        }
        outcome
    }

    /// Sends what is said in the place of a message.
    async fn send_all(&self, actions: Vec<Action>) -> Result<(), End> {
        for action in actions {
            match action {
                Action::Send(permit) => self.send(&permit).await?,
                Action::Note(note) => warn!(session = %self.id(), %note, "noted"),
                _ => {}
            }
        }
        Ok(())
    }

    /// The only place where bytes go to a peer.
    async fn send(&self, permit: &Permit) -> Result<(), End> {
        let direction = permit.delivery().direction;
        let sent = match direction {
            Direction::ToClient => self.to_client.lock().await.send(permit.bytes()).await,
            Direction::ToServer => match &mut *self.to_server.lock().await {
                Some(server) => server.send(permit.bytes()).await,
                None => return Err(End::Server),
            },
        };
        sent.map_err(|error| {
            debug!(%direction, %error, "writing failed");
            End::of_receiver(direction)
        })
    }

    async fn read_tools(&self) {
        let known = self.tools.known().await;
        self.session.borrow_mut().on_known_tools(known);
    }

    async fn introduce(&self, peers: Introduction) {
        let record = {
            let mut record = self.record.borrow_mut();
            introduce(&mut record, peers);
            record.clone()
        };
        self.record_or_log(record).await;
    }

    async fn finish(&self) {
        let end = SessionEnd {
            session: self.id(),
            ended_at: now(),
            last_sequence: self.session.borrow().last_sequence(),
        };
        self.record_or_log(end).await;
    }

    /// Records what no message depends on.
    async fn record_or_log(&self, entry: impl Into<Entry>) {
        if let Err(error) = self.recording.record(entry).await {
            warn!(%error, "session not recorded");
        }
    }

    async fn answer_for_the_server(&self) {
        let answers = self.session.borrow_mut().on_server_end();
        if timeout(DRAIN_WAIT_MAX, self.send_all(answers))
            .await
            .is_err()
        {
            warn!("the client does not read what it waits for");
        }
    }

    /// Closes the server's input, then ends it as politely as there is time for.
    async fn end_server(&self, server: &mut ChildServer, end: End) -> io::Result<ExitStatus> {
        let close = async { self.to_server.lock().await.take() };
        if timeout(DRAIN_WAIT_MAX, close).await.is_err() {
            debug!("the server does not read its input");
        }
        let patience = match end {
            End::Client | End::Server => Patience::default(),
            End::Signal(_) => Patience {
                end_of_input: PATIENCE_AFTER_SIGNAL,
                ..Patience::default()
            },
        };
        server.end(patience).await
    }
}

// === impl Traffic ===

impl<F: Future<Output = End>> Traffic<F> {
    fn new(flow: F) -> Self {
        Self::Flows(Box::pin(flow))
    }

    /// Waits for the end of the traffic; for ever, if that was seen before.
    async fn flow(&mut self) -> End {
        match self {
            Self::Flows(flow) => {
                let end = flow.await;
                *self = Self::Finished;
                end
            }
            Self::Finished => pending().await,
        }
    }

    /// Lets the traffic go on for as long as `other` takes.
    async fn flow_beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        tokio::select! {
            output = &mut other => output,
            _ = self.flow() => other.await,
        }
    }

    /// Passes on what is still on its way, for a bounded time; for longer, if detectors are asked
    /// about it.
    async fn drain(&mut self, relay: &Relay<'_>) {
        let until = Instant::now() + relay.detectors.patience();
        while let Self::Flows(_) = self
            && timeout(DRAIN_WAIT_MAX, self.flow()).await.is_err()
        {
            if !relay.turns.are_taken() || Instant::now() > until {
                debug!("somebody holds the server's output open");
                return;
            }
        }
    }
}
