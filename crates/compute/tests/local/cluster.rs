//! Clusters on this machine, of daemons that a script starts. One of Slurm and one of Ray are for all
//! tests of a process; those that break something have one of their own, or a node. A cluster ends with
//! the process: its keeper waits for the end of a pipe.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};
use stepwell_supervise::Holder;
use tempfile::TempDir;

const SLURM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/slurm-here");
const RAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/ray-here");

/// What a script keeps running until nobody needs it.
struct Keeper {
    script: Child,
    folder: TempDir,
    /// What it has printed when all was up.
    said: String,
}

impl Keeper {
    fn start(script: &str, nodes: u32, needed: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(script);
        command.arg("run").arg(folder.path()).arg(nodes.to_string());
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = piped.process_group(0).spawn().expect("the script");
        let mut said = String::new();
        let mut pipe = BufReader::new(script.stdout.take().expect("a pipe"));
        pipe.read_line(&mut said).expect("a line of the script");
        let said = said.trim().to_owned();
        assert!(!said.is_empty(), "{needed}");
        Self {
            script,
            folder,
            said,
        }
    }

    /// Has the script do something with its cluster; gives what it prints.
    fn call(&self, script: &str, command: &str, arguments: &[&str]) -> String {
        let mut called = Command::new(script);
        called.arg(command).arg(self.folder.path()).args(arguments);
        let output = called
            .stderr(Stdio::inherit())
            .output()
            .expect("the script");
        assert!(output.status.success(), "{command}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        // Its folder goes after it.
        let _ = self.script.wait();
    }
}

/// A cluster.
pub(crate) struct Cluster {
    pub(crate) conf: String,
    keeper: Keeper,
    rest: OnceLock<String>,
}

/// The cluster of three nodes that all tests share; it is started when it is first asked for.
pub(crate) fn shared() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(3))
}

impl Cluster {
    pub(crate) fn start(nodes: u32) -> Self {
        let needed = "Slurm did not start: slurmctld, slurmd, slurm-client and munge?";
        let keeper = Keeper::start(SLURM, nodes, needed);
        let conf = keeper.said.clone();
        let rest = OnceLock::new();
        Self { conf, keeper, rest }
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
        let file = self.keeper.folder.path();
        let file = file.join(format!("{daemon}.pid"));
        let text = fs_err::read_to_string(file).expect("a pid file");
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), Signal::KILL).expect("it lives");
    }

    /// Where its REST API is, and the file with the token for it; it is started when it is first asked for.
    pub(crate) fn rest(&self) -> (String, String) {
        let address = self
            .rest
            .get_or_init(|| self.keeper.call(SLURM, "rest", &[]));
        let token = self.keeper.folder.path().join("token");
        (address.clone(), token.display().to_string())
    }

    /// Starts one of its daemons again.
    pub(crate) fn start_again(&self, what: &str, arguments: &[&str]) {
        self.keeper.call(SLURM, what, arguments);
    }
}

/// Kills the job of a claim as an administrator might.
pub(crate) fn kill_job_of(holder: &Holder) {
    let Holder::Cluster { job, .. } = holder else {
        panic!("{holder:?} is no job");
    };
    shared().slurm("scancel", &["--signal=KILL", "--full", job]);
}

/// A Ray cluster.
pub(crate) struct RayCluster {
    pub(crate) address: String,
    keeper: Keeper,
}

/// The cluster of a head and one more node that all tests share; it is started when it is first asked
/// for.
pub(crate) fn ray() -> &'static RayCluster {
    static CLUSTER: OnceLock<RayCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let needed = "Ray did not start: `scripts/ray-here install VENV`, and RAY_HERE_VENV=VENV?";
        let keeper = Keeper::start(RAY, 1, needed);
        let address = keeper.said.clone();
        RayCluster { address, keeper }
    })
}

impl RayCluster {
    /// Starts one more node, with one of a resource of its own name.
    pub(crate) fn start_node(&self, name: &str) {
        self.keeper.call(RAY, "node", &[name]);
    }

    /// Starts one more node, with one of another resource, too, that several may have.
    pub(crate) fn start_node_with(&self, name: &str, resource: &str) {
        self.keeper.call(RAY, "node", &[name, resource]);
    }

    /// Kills a node with all that runs there.
    pub(crate) fn kill_node(&self, name: &str) {
        self.keeper.call(RAY, "kill", &[name]);
    }

    /// Kills what makes a machine a node, and leaves what runs there.
    pub(crate) fn kill_raylet(&self, name: &str) {
        self.keeper.call(RAY, "kill", &[name, "raylet"]);
    }
}
