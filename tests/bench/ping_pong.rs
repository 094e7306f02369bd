//! Two processes that pass bytes over a bare socket pair: the least that a way to a child and back can cost.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// The argument that makes this program the other process.
pub const PONG: &str = "--pong";

const WARM_UP: usize = 2_000;
const TIMES: usize = 20_000;
const PATIENCE: Duration = Duration::from_secs(5);

/// The other process, with a socket to it.
pub struct PingPong {
    child: Child,
    socket: UnixStream,
}

impl PingPong {
    /// Starts this program once more.
    pub fn start() -> Outcome<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let (input, output) = (OwnedFd::from(theirs.try_clone()?), OwnedFd::from(theirs));
        let mut pong = Command::new(std::env::current_exe()?);
        let child = pong.arg(PONG).stdin(Stdio::from(input)).stdout(Stdio::from(output)).spawn()?;
        Ok(Self { child, socket })
    }

    /// The median time in milliseconds for so many bytes to go there and come back.
    pub fn median_ms(&mut self, bytes: usize) -> Outcome<f64> {
        let mut message = vec![b' '; bytes];
        let mut took = Vec::with_capacity(TIMES);
        for n in 0..WARM_UP + TIMES {
            let sent = Instant::now();
            self.socket.write_all(&message)?;
            self.socket.read_exact(&mut message)?;
            if n >= WARM_UP {
                took.push(sent.elapsed());
            }
        }
        took.sort_unstable();
        Ok(took[TIMES / 2].as_secs_f64() * 1000.0)
    }
}

impl Drop for PingPong {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone after this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gives back what comes, until nothing does.
pub fn answer() -> ExitCode {
    let (mut input, mut output, mut buffer) = (io::stdin().lock(), io::stdout().lock(), [0; 4096]);
    loop {
        let passed = input.read(&mut buffer).and_then(|length| {
            output.write_all(&buffer[..length])?;
            output.flush().map(|()| length)
        });
        match passed {
            Ok(0) => return ExitCode::SUCCESS,
            Ok(_) => {}
            Err(_) => return ExitCode::FAILURE,
        }
    }
}
