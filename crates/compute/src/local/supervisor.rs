//! One supervisor as the server sees it: a process that can be given steps, awaited and signalled.
//!
//! A descriptor stands for the process, so a number used again is never signalled or awaited by
//! mistake. One that this process started takes its steps and tells its news through pipes; of one
//! that was found again, only its end is heard.

use std::io::{self, PipeWriter, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};

use camino::Utf8Path;
use rustix::pipe::fcntl_getpipe_size;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use stepwell_model::Timestamp;
use stepwell_supervise::{HEAVY, NEWS_ENDED, NEWS_READY, NEWS_STARTED, Process};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe::Receiver;

/// A message of a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// The program runs.
    Started(Timestamp),
    /// The outcome is written down, or the supervisor is gone.
    Over,
}

/// A supervisor. Dropped, it leaves when it has no step any more.
pub(super) struct Supervisor {
    process: AsyncFd<OwnedFd>,
    /// What this process holds of one that it has started itself.
    own: Option<Own>,
    /// Whether it waits for a step.
    ready: bool,
    /// The words of the loaded interpreters that it keeps, and whether they took long to load.
    loaded: Vec<(String, bool)>,
    /// Whether it was ever signalled: it may find the signal when it has another step.
    signalled: bool,
}

struct Own {
    child: Child,
    /// Closing it asks the supervisor to end.
    assign: Option<PipeWriter>,
    /// How many bytes it holds.
    room: usize,
    news: Option<Lines<BufReader<Receiver>>>,
}

impl Supervisor {
    /// Starts one, which has no step yet.
    ///
    /// Neither the environment nor anything between fork and exec is touched, so that the
    /// standard library takes its fast path, which does not copy this process's page tables.
    pub(super) fn spawn(program: &Utf8Path) -> io::Result<Self> {
        let (assigned, assign) = io::pipe()?;
        let room = fcntl_getpipe_size(&assign)?;
        let (reader, news) = io::pipe()?;
        let mut child = Command::new(program)
            .stdin(assigned)
            .stdout(news)
            .stderr(Stdio::null())
            .spawn()?;
        let watched = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
            .map_err(io::Error::from)
            .and_then(|process| Ok((awaitable(process)?, Receiver::from_owned_fd(reader.into())?)));
        let (process, reader) = match watched {
            Ok(watched) => watched,
            Err(error) => {
                // It leaves as soon as it sees that no step will come.
                drop(assign);
                let _ = child.wait();
                return Err(error);
            }
        };
        // The longest line is a word and a number.
        let lines = BufReader::with_capacity(64, reader).lines();
        Ok(Self {
            process,
            own: Some(Own {
                child,
                assign: Some(assign),
                room,
                news: Some(lines),
            }),
            ready: true,
            loaded: Vec::new(),
            signalled: false,
        })
    }

    /// Whether it keeps a loaded interpreter.
    pub(super) fn is_loaded(&self) -> bool {
        !self.loaded.is_empty()
    }

    /// Whether it keeps a loaded interpreter of this word.
    pub(super) fn keeps(&self, word: &str) -> bool {
        self.loaded.iter().any(|(loaded, _)| loaded == word)
    }

    /// The words of those that took long to load.
    pub(super) fn heavy(&self) -> Vec<String> {
        let heavy = self.loaded.iter().filter(|(_, heavy)| *heavy);
        heavy.map(|(word, _)| word.clone()).collect()
    }

    /// Whether it takes a message of this length at once.
    pub(super) fn has_room_for(&self, message: &[u8]) -> bool {
        self.own
            .as_ref()
            .is_some_and(|own| message.len() <= own.room)
    }

    /// Gives it an attempt; fails if it is not there any more.
    pub(super) fn assign(&mut self, message: &[u8]) -> io::Result<()> {
        let assign = self.own.as_mut().and_then(|own| own.assign.as_mut());
        let assign = assign.ok_or(io::ErrorKind::BrokenPipe)?;
        self.ready = false;
        // There is room for all of it, so this does not block.
        assign.write_all(message)
    }

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
            own: None,
            ready: false,
            loaded: Vec::new(),
            signalled: false,
        }))
    }

    /// Whether it reports when its program starts and when its step has ended.
    pub(super) fn reports(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.news.is_some())
    }

    /// Waits for what comes next. May be dropped and called again.
    pub(super) async fn next(&mut self) -> News {
        while let Some(line) = self.line().await {
            match line.split_once(' ') {
                Some((NEWS_STARTED, at)) => {
                    let at = at.parse().map(Timestamp::from_millis);
                    return News::Started(at.unwrap_or_else(|_| stepwell_supervise::now()));
                }
                _ if line == NEWS_ENDED => return News::Over,
                _ if self.is_ready(&line) => return News::Over,
                _ => {}
            }
        }
        self.end().await;
        News::Over
    }

    /// Waits, after its step is over, until it can be given another; false if it never can.
    pub(super) async fn reusable(&mut self) -> bool {
        if self.signalled {
            return false;
        }
        while !self.ready {
            match self.line().await {
                Some(line) => self.is_ready(&line),
                None => return false,
            };
        }
        true
    }

    /// Lets it leave, waits until it has, and reaps it if it is a child of this process.
    pub(super) async fn gone(&mut self) -> Option<ExitStatus> {
        if let Some(own) = &mut self.own {
            own.assign = None;
        }
        self.end().await;
        // It has ended, so this does not block.
        self.own.as_mut().and_then(|own| own.child.wait().ok())
    }

    /// Signals it; one that is gone already is left in peace.
    pub(super) fn signal(&mut self, signal: Signal) {
        self.signalled = true;
        let _ = pidfd_send_signal(self.process.get_ref(), signal);
    }

    /// Takes the news that the next step may come, if it is that.
    fn is_ready(&mut self, line: &str) -> bool {
        let mut words = line.split(' ');
        if words.next() == Some(NEWS_READY) {
            self.ready = true;
            let loaded = words.map(|word| match word.strip_suffix(HEAVY) {
                Some(word) => (word.to_owned(), true),
                None => (word.to_owned(), false),
            });
            self.loaded = loaded.collect();
        }
        self.ready
    }

    async fn line(&mut self) -> Option<String> {
        let own = self.own.as_mut()?;
        let line = own.news.as_mut()?.next_line().await;
        let line = line.ok().flatten();
        if line.is_none() {
            own.news = None;
        }
        line
    }

    /// Waits for the end of the process, and leaves it unreaped.
    async fn end(&mut self) {
        if let Err(error) = self.process.readable().await {
            tracing::error!(%error, "a supervisor cannot be awaited");
        }
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
