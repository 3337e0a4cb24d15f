//! Slurm clusters on this machine, of daemons that a script starts. One is for all tests of a
//! process; those that break something have one of their own. A cluster ends with the process: its
//! keeper waits for the end of a pipe.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};
use stepwell_supervise::Holder;
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/slurm-here");

/// A cluster.
pub(crate) struct Cluster {
    pub(crate) conf: String,
    keeper: Child,
    folder: TempDir,
}

/// The cluster of three nodes that all tests share; it is started when it is first asked for.
pub(crate) fn shared() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(3))
}

impl Cluster {
    pub(crate) fn start(nodes: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut keeper = Command::new(SCRIPT)
            .arg("run")
            .arg(folder.path())
            .arg(nodes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("scripts/slurm-here");
        let mut conf = String::new();
        let mut said = BufReader::new(keeper.stdout.take().expect("a pipe"));
        said.read_line(&mut conf).expect("the path of slurm.conf");
        let conf = conf.trim().to_owned();
        let needed = "Slurm did not start: slurmctld, slurmd, slurm-client and munge?";
        assert!(!conf.is_empty(), "{needed}");
        Self {
            conf,
            keeper,
            folder,
        }
    }

    /// Runs one of Slurm's commands; gives what it prints.
    pub(crate) fn slurm(&self, command: &str, arguments: &[&str]) -> String {
        let output = Command::new(command)
            .args(arguments)
            .env("SLURM_CONF", &self.conf)
            .output()
            .expect("Slurm's command");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command} {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Kills one of its daemons, and waits until it is gone.
    pub(crate) fn kill(&self, daemon: &str) {
        let file = self.folder.path().join(format!("{daemon}.pid"));
        let text = fs_err::read_to_string(file).expect("a pid file");
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), Signal::KILL).expect("it lives");
    }

    /// Starts one of its daemons again.
    pub(crate) fn start_again(&self, what: &str, arguments: &[&str]) {
        let mut script = Command::new(SCRIPT);
        script.arg(what).arg(self.folder.path()).args(arguments);
        assert!(script.status().expect("the script").success());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Its folder goes after it.
        let _ = self.keeper.wait();
    }
}

/// Kills the job of a claim as an administrator might.
pub(crate) fn kill_job_of(holder: &Holder) {
    let Holder::Cluster { job, .. } = holder else {
        panic!("{holder:?} is no job");
    };
    shared().slurm("scancel", &["--signal=KILL", "--full", job]);
}
