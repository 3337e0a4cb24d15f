//! Ctrl-C while a program of the user's runs: the program decides what it means.
//!
//! The terminal sends the signal to both processes. This one must outlive the program to tell how
//! it ended, and to ask what becomes of the runs that go on, so it only takes notice. SIGTERM reaches
//! this process alone and is passed on.

use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::failure::Failure;

/// How many times Ctrl-C is left to the program.
const INTERRUPTS_MAX: u32 = 2;

/// What was interrupted while the program ran.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupts {
    was_interrupted: Arc<AtomicBool>,
    has_ended: Arc<AtomicBool>,
}

impl Interrupts {
    /// The program has ended: from now on Ctrl-C ends this process. Gives whether there was one.
    pub(crate) fn end(&self) -> bool {
        self.has_ended.store(true, Ordering::SeqCst);
        self.was_interrupted.load(Ordering::SeqCst)
    }
}

/// From now on signals that should end this process go to `program`; a third Ctrl-C ends all.
pub(crate) fn leave_to(program: &Child) -> Result<Interrupts, Failure> {
    let program = i32::try_from(program.id()).ok().and_then(Pid::from_raw);
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (mut interrupts, mut terminations) = {
        // Registering needs the runtime; from here on the default action is off.
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    let interrupts_of_program = Interrupts::default();
    let noted = interrupts_of_program.clone();
    thread::spawn(move || {
        runtime.block_on(async {
            let mut count = 0;
            loop {
                let passed_on = tokio::select! {
                    _ = interrupts.recv() => {
                        if noted.has_ended.load(Ordering::SeqCst) {
                            std::process::exit(i32::from(Exit::Interrupted.code()));
                        }
                        noted.was_interrupted.store(true, Ordering::SeqCst);
                        count += 1;
                        (count > INTERRUPTS_MAX).then_some(Signal::KILL)
                    }
                    _ = terminations.recv() => Some(Signal::TERM),
                };
                if let (Some(program), Some(signal)) = (program, passed_on) {
                    // It may have ended by itself meanwhile.
                    let _ = kill_process(program, signal);
                }
                if count > INTERRUPTS_MAX {
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
            }
        });
    });
    Ok(interrupts_of_program)
}
