//! Requests a second and how long they take: direct, through nginx as a plain reverse proxy, and
//! through `portcullis serve` with ten rules.
//!
//! All ways take turns within one run, so that a busy machine slows all of them alike. Every
//! connection has a session of its own and one call in flight, and every answer is checked. The
//! load and the server that answers are in this process and share the machine with what is
//! measured.

mod client;
mod nginx;
mod report;
mod upstream;

use self::client::{Client, Place};
use self::report::Report;
use self::upstream::Form;
use crate::gateway::{Gateway, Setup};
use crate::npm::write;
use crate::overhead::{POLICY, Quantiles};
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Turns that each way has, and how long one takes.
const TURNS: usize = 3;
const TURN: Duration = Duration::from_secs(1);
/// Calls of the session that is compared with one which has just begun, and of how many of each the
/// times count.
const LONG_SESSION: usize = 10_000;
const COMPARED: usize = LONG_SESSION / 10;
const LONG_SESSION_BYTES: usize = 100;
/// Of a long session and a new one.
const PAIRS: usize = 6;

#[derive(Args)]
pub(crate) struct Options {
    /// The gateway to measure, built for release.
    #[arg(long, default_value = "target/release/portcullis")]
    pub(crate) portcullis: PathBuf,
    /// How many connections have a call in flight.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    pub(crate) connections: Vec<usize>,
    /// Bytes of text that a call carries, and that its answer carries back.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 10 << 10, 1 << 20])]
    pub(crate) bytes: Vec<usize>,
}

/// How the server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    Nginx,
    Portcullis,
}

/// What is measured at a time.
#[derive(Clone, Copy, Debug)]
struct Cell {
    form: Form,
    bytes: usize,
    connections: usize,
}

/// The ways to one server.
struct Bench {
    ways: Vec<(Way, Place)>,
    _nginx: Option<nginx::Nginx>,
    _gateway: Gateway,
    _directory: TempDir,
}

/// What one way made of a cell.
#[derive(Clone, Copy, Debug)]
struct Measured {
    way: Way,
    per_second: f64,
    times: Quantiles,
}

/// The flag of the result says whether all aims are met.
pub(crate) fn run(options: &Options) -> Result<(String, bool), String> {
    let mut report = Report::default();
    for form in [Form::Json, Form::Events] {
        let bench = Bench::start(form, &options.portcullis)?;
        for &bytes in &options.bytes {
            for &connections in &options.connections {
                let cell = Cell {
                    form,
                    bytes,
                    connections,
                };
                report.add(cell, &bench.measure(cell)?);
            }
        }
        report.add_session(form, &bench.long_session()?);
    }
    Ok(report.finish())
}

// === impl Bench ===

impl Bench {
    fn start(form: Form, portcullis: &Path) -> Result<Self, String> {
        let directory = portcullis
            .parent()
            .map_or_else(TempDir::new, TempDir::new_in)
            .map_err(|error| error.to_string())?;
        let server = upstream::start(form)?;
        let policy = directory.path().join("rules.inv");
        write(&policy, POLICY)?;
        let gateway = Gateway::start(&Setup {
            portcullis,
            directory: directory.path().to_owned(),
            servers: vec![("echo", format!("url: http://{server}/mcp"))],
            settings: &format!(
                "guardrails:\n- name: ten-rules\n  policy: {{ file: {} }}\n",
                policy.display()
            ),
        })?;
        let nginx = nginx::Nginx::start(directory.path(), server)?;
        let place = |address: SocketAddr, path: &str| Place {
            address,
            path: path.to_owned(),
        };
        let mut ways = vec![(Way::Direct, place(server, "/mcp"))];
        ways.extend(
            nginx
                .iter()
                .map(|nginx| (Way::Nginx, place(nginx.address(), "/mcp"))),
        );
        ways.push((
            Way::Portcullis,
            place(gateway.address(), "/servers/echo/mcp"),
        ));
        Ok(Self {
            ways,
            _nginx: nginx,
            _gateway: gateway,
            _directory: directory,
        })
    }

    fn measure(&self, cell: Cell) -> Result<Vec<Measured>, String> {
        let mut lanes = Vec::with_capacity(self.ways.len());
        for (way, place) in &self.ways {
            lanes.push(Lane::open(*way, place, cell)?);
        }
        for _ in 0..TURNS {
            for lane in &mut lanes {
                lane.turn()?;
            }
        }
        lanes.into_iter().map(Lane::finish).collect()
    }

    /// Calls of sessions that have just begun and the last of long ones, in turns.
    ///
    /// The connections of a pair are of one age, and either is opened first as often as the other: it
    /// matters on which processors the system has put whom.
    fn long_session(&self) -> Result<[Quantiles; 2], String> {
        let mut ways = self.ways.iter();
        let found = ways.find(|(way, _)| *way == Way::Portcullis);
        let (_, place) = found.ok_or("the gateway is not there")?;
        let (mut of_new, mut of_old) = (Vec::new(), Vec::new());
        for pair in 0..PAIRS {
            let mut first = Client::open(place, LONG_SESSION_BYTES)?;
            let mut second = Client::open(place, LONG_SESSION_BYTES)?;
            for _ in 0..LONG_SESSION - COMPARED {
                first.call()?;
                second.call()?;
            }
            let (new, old) = if pair % 2 == 0 {
                (&mut first, &mut second)
            } else {
                (&mut second, &mut first)
            };
            new.begin_anew()?;
            new.call()?;
            for _ in 0..COMPARED {
                of_new.push(new.call()?);
                of_old.push(old.call()?);
            }
            first.close()?;
            second.close()?;
        }
        let quantiles = |times| Quantiles::of(times).ok_or_else(|| "no calls".to_owned());
        Ok([quantiles(of_new)?, quantiles(of_old)?])
    }
}

/// The sessions of one way, each over a connection of its own.
struct Lane {
    way: Way,
    clients: Vec<Client>,
    times: Vec<Duration>,
    spent: Duration,
}

// === impl Lane ===

impl Lane {
    fn open(way: Way, place: &Place, cell: Cell) -> Result<Self, String> {
        let clients = (0..cell.connections).map(|_| {
            let mut client = Client::open(place, cell.bytes)?;
            // The first call opens what later ones find open.
            client.call()?;
            Ok(client)
        });
        Ok(Self {
            way,
            clients: clients.collect::<Result<_, String>>()?,
            times: Vec::new(),
            spent: Duration::ZERO,
        })
    }

    /// Calls over all connections at once until the turn is over.
    fn turn(&mut self) -> Result<(), String> {
        let begin = Instant::now();
        let end = begin + TURN;
        let times = thread::scope(|scope| {
            let workers: Vec<_> = self
                .clients
                .iter_mut()
                .map(|client| scope.spawn(move || call_until(client, end)))
                .collect();
            let ended = workers.into_iter().map(|worker| {
                let ended = worker.join();
                ended.unwrap_or_else(|_| Err("a worker panicked".to_owned()))
            });
            ended.collect::<Result<Vec<_>, String>>()
        })?;
        self.spent += begin.elapsed();
        self.times.extend(times.into_iter().flatten());
        Ok(())
    }

    fn finish(self) -> Result<Measured, String> {
        for client in self.clients {
            client.close()?;
        }
        let count = u32::try_from(self.times.len()).map_err(|error| error.to_string())?;
        Ok(Measured {
            way: self.way,
            per_second: f64::from(count) / self.spent.as_secs_f64(),
            times: Quantiles::of(self.times).ok_or("nothing was answered")?,
        })
    }
}

fn call_until(client: &mut Client, end: Instant) -> Result<Vec<Duration>, String> {
    let mut times = Vec::new();
    while Instant::now() < end {
        times.push(client.call()?);
    }
    Ok(times)
}
