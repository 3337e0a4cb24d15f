//! One supervisor as the server sees it: a process that can be awaited and signalled.
//!
//! A descriptor stands for the process, so a number used again is never signalled or awaited by
//! mistake. One that this process started also tells its news through a pipe; of one that was
//! found again, only its end is heard.

use std::io::{self, PipeWriter, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};

use camino::Utf8Path;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use stepwell_model::Timestamp;
use stepwell_supervise::{NEWS_ENDED, NEWS_STARTED, Process};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe::Receiver;

/// Something that a supervisor has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// The program runs.
    Started(Timestamp),
    /// The outcome is written down, or the supervisor is gone.
    Over,
}

/// A supervisor that is being watched.
pub(super) struct Supervisor {
    process: AsyncFd<OwnedFd>,
    child: Option<Child>,
    news: Option<Lines<BufReader<Receiver>>>,
}

/// A supervisor that is ready and has no attempt yet. Dropped, it leaves.
///
/// To start a process and to load its program costs more than all a supervisor does for a short
/// step; with one standing by, that is done while the step before runs.
pub(super) struct Standby {
    supervisor: Supervisor,
    assign: PipeWriter,
}

impl Standby {
    /// Starts one.
    ///
    /// Neither the environment nor anything between fork and exec is touched, so that the
    /// standard library takes its fast path, which does not copy this process's page tables.
    pub(super) fn spawn(program: &Utf8Path) -> io::Result<Self> {
        let (assigned, assign) = io::pipe()?;
        let (reader, news) = io::pipe()?;
        let child = Command::new(program)
            .stdin(assigned)
            .stdout(news)
            .stderr(Stdio::null())
            .spawn()?;
        let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        let reader = Receiver::from_owned_fd(reader.into())?;
        // The longest line is a word and a number.
        let lines = BufReader::with_capacity(64, reader).lines();
        let supervisor = Supervisor {
            process: awaitable(process)?,
            child: Some(child),
            news: Some(lines),
        };
        Ok(Self { supervisor, assign })
    }

    /// Gives it the attempt of a folder; fails if it is not there any more.
    pub(super) fn assign(&mut self, folder: &Utf8Path) -> io::Result<()> {
        // In one piece and shorter than a pipe's buffer, it does not block.
        self.assign.write_all(folder.as_str().as_bytes())
    }

    /// Lets it begin with what it was given.
    pub(super) fn release(self) -> Supervisor {
        self.supervisor
    }
}

impl Supervisor {
    /// Finds one that another server has started; `None` if it is gone.
    pub(super) fn find(process: &Process) -> io::Result<Option<Self>> {
        let Some(pid) = process.raw_pid() else {
            return Ok(None);
        };
        let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => descriptor,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Looked at after it was opened, it is the same process.
        if !process.is_alive() {
            return Ok(None);
        }
        Ok(Some(Self {
            process: awaitable(descriptor)?,
            child: None,
            news: None,
        }))
    }

    /// Whether it tells when its program starts.
    pub(super) fn tells(&self) -> bool {
        self.news.is_some()
    }

    /// Waits for what comes next. May be dropped and called again.
    pub(super) async fn next(&mut self) -> News {
        while let Some(lines) = &mut self.news {
            let Ok(Some(line)) = lines.next_line().await else {
                self.news = None;
                break;
            };
            match line.split_once(' ') {
                Some((NEWS_STARTED, at)) => {
                    let at = at.parse().map(Timestamp::from_millis);
                    return News::Started(at.unwrap_or_else(|_| stepwell_supervise::now()));
                }
                _ if line == NEWS_ENDED => return News::Over,
                _ => {}
            }
        }
        self.gone().await;
        News::Over
    }

    /// Waits until the process is gone, and reaps it if it is a child of this one.
    pub(super) async fn gone(&mut self) -> Option<ExitStatus> {
        if let Err(error) = self.process.readable().await {
            tracing::error!(%error, "a supervisor cannot be awaited");
        }
        // It has ended, so this does not block.
        self.child.as_mut().and_then(|child| child.wait().ok())
    }

    /// Signals it; one that is gone already is left in peace.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(self.process.get_ref(), signal);
    }
}

#[expect(
    unsafe_code,
    reason = "registering a descriptor for readiness has no safe form"
)]
fn awaitable(process: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` holds the same open descriptor for as long as it exists.
    Ok(unsafe { AsyncFd::register(process)? })
}
