use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask this process to end: interrupt, terminate and hang-up.
#[derive(Debug)]
pub struct EndSignals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where it asks for something else.
    hang_up: Option<Signal>,
}

// === impl EndSignals ===

impl EndSignals {
    /// From here on these signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: Some(signal(SignalKind::hangup())?),
        })
    }

    /// Like [`Self::listen`], for a process that a hang-up asks to read its configuration again.
    pub fn listen_but_for_hang_up() -> io::Result<Self> {
        Ok(Self {
            hang_up: None,
            ..Self::listen()?
        })
    }

    /// Waits for the next of them and gives its number.
    pub async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            () = received(self.hang_up.as_mut()) => SignalKind::hangup().as_raw_value(),
        }
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => pending().await,
    }
}
