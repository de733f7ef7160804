//! A program that is asked once: it reads its input, writes its answer, and ends.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::child::{Patience, ServerCommand, SpawnError, Started, Surroundings};

/// How much, and for how long, a program may answer.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub answer_bytes: usize,
    pub wait: Duration,
}

/// What a program left.
#[derive(Debug)]
pub struct Said {
    pub status: ExitStatus,
    pub answer: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("it did not end within {} ms", .0.as_millis())]
    TooSlow(Duration),
    #[error("it wrote more than {limit} bytes")]
    TooLong { limit: usize },
    #[error("its streams broke: {0}")]
    Streams(#[from] io::Error),
}

/// Runs a program to its end. What is not done in time, or not waited for any more, is killed with
/// all that it started.
pub async fn ask(
    command: &ServerCommand,
    surroundings: &Surroundings,
    input: &[u8],
    bounds: Bounds,
) -> Result<Said, ProgramError> {
    let Started {
        mut server,
        input: to_program,
        mut output,
    } = command.spawn_in(surroundings)?;
    let work = async {
        let ((), answer) = tokio::try_join!(
            write(to_program, input),
            read(&mut output, bounds.answer_bytes)
        )?;
        server.ended().await?;
        Ok::<_, ProgramError>(answer)
    };
    let answer = timeout(bounds.wait, work)
        .await
        .map_err(|_| ProgramError::TooSlow(bounds.wait))??;
    let status = server.end(AT_ONCE).await?;
    Ok(Said { status, answer })
}

/// It has ended by itself; what it left behind has no more to say.
const AT_ONCE: Patience = Patience {
    end_of_input: Duration::ZERO,
    terminate: Duration::ZERO,
    leftovers: Duration::ZERO,
};

/// Takes the pipe, so that its end is the end of the input.
async fn write(mut to_program: pipe::Sender, input: &[u8]) -> Result<(), ProgramError> {
    match to_program.write_all(input).await {
        // Who does not want to read on may still have an answer.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

async fn read(output: &mut pipe::Receiver, limit: usize) -> Result<Vec<u8>, ProgramError> {
    let mut answer = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    output.take(most).read_to_end(&mut answer).await?;
    if answer.len() > limit {
        return Err(ProgramError::TooLong { limit });
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        answer_bytes: 1000,
        wait: Duration::from_secs(20),
    };

    async fn sh(script: &str, input: &[u8], bounds: Bounds) -> Result<Said, ProgramError> {
        let command = ServerCommand {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
        };
        let surroundings = Surroundings {
            environment: Some(vec![("PATH".into(), "/usr/bin:/bin".into())]),
            is_quiet: true,
            ..Surroundings::default()
        };
        ask(&command, &surroundings, input, bounds).await
    }

    #[tokio::test]
    async fn input_goes_in_and_the_answer_comes_out() {
        let said = sh("tr a-z A-Z; echo noise >&2; exit 3", b"abc", BOUNDS)
            .await
            .unwrap();
        assert_eq!(
            (said.answer.as_slice(), said.status.code()),
            (&b"ABC"[..], Some(3))
        );
        // More than a pipe holds, and nobody reads it.
        let said = sh("echo deaf", &vec![b'x'; 200_000], BOUNDS).await.unwrap();
        assert_eq!(said.answer, b"deaf\n");
    }

    #[tokio::test]
    async fn what_is_slow_or_long_is_ended() {
        let brief = Bounds {
            wait: Duration::from_millis(100),
            ..BOUNDS
        };
        let slow = sh("sleep 60", b"", brief).await.unwrap_err();
        assert!(matches!(slow, ProgramError::TooSlow(_)), "{slow}");
        let long = sh("yes", b"", BOUNDS).await.unwrap_err();
        assert!(
            matches!(long, ProgramError::TooLong { limit: 1000 }),
            "{long}"
        );
    }

    #[tokio::test]
    async fn nothing_of_a_slow_program_is_left() {
        let file = std::env::temp_dir().join(format!("portcullis-program-{}", std::process::id()));
        let script = format!("(sleep 1; echo alive > {}) & sleep 60", file.display());
        let brief = Bounds {
            wait: Duration::from_millis(100),
            ..BOUNDS
        };
        sh(&script, b"", brief).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!file.exists());
    }
}
