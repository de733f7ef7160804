//! This process's own standard input and output, as the client gave them.
//!
//! A pipe is opened anew through `/proc/self/fd`: switching the inherited description to
//! non-blocking would do the same to whoever shares it, such as a server writing to the same place
//! as standard error. A socket, which Node.js gives its children, cannot be opened anew and is
//! used as it is. Anything else (a file, a terminal) goes through tokio's blocking threads.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, Stdin, Stdout};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

/// Where the client's lines come from.
#[derive(Debug)]
pub enum Input {
    Pipe(pipe::Receiver),
    Socket(UnixStream),
    Other(Stdin),
}

/// Where lines for the client go.
#[derive(Debug)]
pub enum Output {
    Pipe(pipe::Sender),
    Socket(UnixStream),
    Other(Stdout),
}

#[derive(Clone, Copy)]
enum Kind {
    Pipe,
    Socket,
    Other,
}

/// Opens standard input. Must be called inside a tokio runtime, and once.
pub fn input() -> io::Result<Input> {
    let stdin = io::stdin();
    Ok(match kind(stdin.as_fd())? {
        Kind::Pipe => match pipe::OpenOptions::new().open_receiver("/proc/self/fd/0") {
            Ok(receiver) => Input::Pipe(receiver),
            Err(_) => Input::Other(tokio::io::stdin()),
        },
        Kind::Socket => Input::Socket(socket(stdin.as_fd())?),
        Kind::Other => Input::Other(tokio::io::stdin()),
    })
}

/// Opens standard output. Must be called inside a tokio runtime, and once.
pub fn output() -> io::Result<Output> {
    let stdout = io::stdout();
    Ok(match kind(stdout.as_fd())? {
        Kind::Pipe => match pipe::OpenOptions::new().open_sender("/proc/self/fd/1") {
            Ok(sender) => Output::Pipe(sender),
            Err(_) => Output::Other(tokio::io::stdout()),
        },
        Kind::Socket => Output::Socket(socket(stdout.as_fd())?),
        Kind::Other => Output::Other(tokio::io::stdout()),
    })
}

fn kind(fd: BorrowedFd<'_>) -> io::Result<Kind> {
    let file_type = File::from(fd.try_clone_to_owned()?).metadata()?.file_type();
    Ok(if file_type.is_fifo() {
        Kind::Pipe
    } else if file_type.is_socket() {
        Kind::Socket
    } else {
        Kind::Other
    })
}

fn socket(fd: BorrowedFd<'_>) -> io::Result<UnixStream> {
    let owned: OwnedFd = fd.try_clone_to_owned()?;
    let stream = StdUnixStream::from(owned);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

// === impl Input ===

impl AsyncRead for Input {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Input::Pipe(pipe) => Pin::new(pipe).poll_read(cx, buf),
            Input::Socket(socket) => Pin::new(socket).poll_read(cx, buf),
            Input::Other(stdin) => Pin::new(stdin).poll_read(cx, buf),
        }
    }
}

// === impl Output ===

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Output::Pipe(pipe) => Pin::new(pipe).poll_write(cx, bytes),
            Output::Socket(socket) => Pin::new(socket).poll_write(cx, bytes),
            Output::Other(stdout) => Pin::new(stdout).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Output::Pipe(pipe) => Pin::new(pipe).poll_flush(cx),
            Output::Socket(socket) => Pin::new(socket).poll_flush(cx),
            Output::Other(stdout) => Pin::new(stdout).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Output::Pipe(pipe) => Pin::new(pipe).poll_shutdown(cx),
            Output::Socket(socket) => Pin::new(socket).poll_shutdown(cx),
            Output::Other(stdout) => Pin::new(stdout).poll_shutdown(cx),
        }
    }
}
