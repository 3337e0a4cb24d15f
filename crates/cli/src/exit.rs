//! The exit codes of the `stepwell` command: a closed list that scripts may rely on.
//!
//! Invariant: the list in the help text ([`HELP`]) says the same as [`Exit::code`].

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked is done.
    Success,
    /// The run failed, or a check found something wrong.
    Failed,
    /// The command line or the environment makes no sense. Clap uses this code as well.
    Usage,
    /// There is no such run, step, file or folder.
    NotFound,
    /// The server does not answer, or cannot be started.
    Unreachable,
    /// The server or the disk refused what was given.
    Refused,
    /// For `serve` only: another server has the data folder. Whoever started this one can use
    /// the other.
    FolderTaken,
    /// Interrupted by the user.
    Interrupted,
    /// The code of the program that `run` started.
    Program(u8),
}

/// The list of codes for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done
    1  the run or a check failed
    2  wrong usage
    3  no such run, step, file or folder
    4  the server does not answer or cannot start
    5  refused by the server or the disk
   75  `serve`: another server has the data folder
  130  interrupted
`stepwell run` ends with the code of the program it runs.";

impl Exit {
    /// The number the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Unreachable => 4,
            Self::Refused => 5,
            Self::FolderTaken => 75,
            Self::Interrupted => 130,
            Self::Program(code) => code,
        }
    }
}
