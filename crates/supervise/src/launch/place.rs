//! Where the ranks run: the addresses of their nodes, and ports that are free.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::process::Command;

use serde::Deserialize;

use crate::spec::{Launcher, Several};

/// Where ports are looked for: below those that the kernel gives to connections.
const FIRST_PORT: u16 = 20_000;
const LAST_PORT: u16 = 32_000;

/// How often another place among the ports is tried.
const TRIES: u32 = 200;

/// A node of the job of a cluster that a program is part of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobNode {
    /// What the cluster calls it.
    pub name: String,
    /// The address by which the cluster itself reaches it; its name where Slurm cannot be asked.
    pub address: String,
}

/// The variable that says what is reserved on a Ray cluster.
const RESERVED: &str = "STEPWELL_NODES";

/// The nodes that the job of Ray's has reserved that a program is part of; its own is the first.
#[derive(Debug, Clone, Deserialize)]
pub struct Reserved {
    /// The command that has a node run a program: the number of the node and the program follow.
    pub on: Vec<String>,
    /// The nodes.
    pub nodes: Vec<JobNode>,
    /// How many cores of each.
    pub cores: u32,
}

impl Reserved {
    /// What is said to programs on the first node.
    ///
    /// # Errors
    /// When this is no such program.
    pub fn read() -> io::Result<Self> {
        let text = std::env::var(RESERVED);
        let text = text.map_err(|_| io::Error::other(format!("`{RESERVED}` is not set")))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The command that has a node run a program, which follows.
    pub(super) fn command(&self, node: u32) -> io::Result<Command> {
        let (first, rest) = self.on.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(first);
        command.args(rest).arg(node.to_string());
        Ok(command)
    }
}

/// The addresses of the nodes, in the order of their ranks. On this machine all nodes are this one.
pub(super) fn nodes(several: &Several) -> io::Result<Vec<String>> {
    match several.launcher {
        Launcher::Here => Ok(vec!["127.0.0.1".to_owned(); several.nodes as usize]),
        Launcher::Slurm => Ok(addresses_of(of_job()?)),
        Launcher::Ray => Ok(addresses_of(Reserved::read()?.nodes)),
    }
}

fn addresses_of(nodes: Vec<JobNode>) -> Vec<String> {
    nodes.into_iter().map(|node| node.address).collect()
}

/// The nodes of the job that this is part of; the one that the job's script runs on is the first.
///
/// # Errors
/// When this is no such job, or Slurm's commands are not there.
pub fn of_job() -> io::Result<Vec<JobNode>> {
    let list = std::env::var("SLURM_JOB_NODELIST").unwrap_or_default();
    let names = said(&["show", "hostnames", &list])?;
    let names: Vec<&str> = names.lines().collect();
    if names.is_empty() {
        return Err(io::Error::other("`SLURM_JOB_NODELIST` names no nodes"));
    }
    let nodes = said(&["show", "node", "--oneliner", &list]).unwrap_or_default();
    let known = addresses(&nodes);
    let node = |name: &str| JobNode {
        name: name.to_owned(),
        address: known.get(name).map_or(name, |known| *known).to_owned(),
    };
    Ok(names.into_iter().map(node).collect())
}

/// The addresses in the lines of `scontrol show node`.
fn addresses(lines: &str) -> HashMap<&str, &str> {
    lines.lines().filter_map(name_and_address).collect()
}

fn name_and_address(line: &str) -> Option<(&str, &str)> {
    let field = |name: &str| {
        let mut words = line.split_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    Some((field("NodeName")?, field("NodeAddr")?))
}

fn said(arguments: &[&str]) -> io::Result<String> {
    let asked = Command::new("scontrol").args(arguments).output();
    let asked = asked.map_err(|error| {
        let text = format!("`scontrol` cannot be run on the node: {error}");
        io::Error::new(error.kind(), text)
    })?;
    match asked.status.success() {
        true => Ok(String::from_utf8_lossy(&asked.stdout).into_owned()),
        false => Err(io::Error::other(
            String::from_utf8_lossy(&asked.stderr).trim().to_owned(),
        )),
    }
}

/// The first of so many ports in a row that nobody listens on here.
pub(super) fn free_ports(count: u32) -> io::Result<u16> {
    let count = u16::try_from(count).ok();
    let count = count.filter(|count| *count < LAST_PORT - FIRST_PORT);
    let count = count.ok_or_else(|| io::Error::other("there are not so many ports"))?;
    let places = u64::from(LAST_PORT - FIRST_PORT - count);
    // Two launchers that begin at once are to look in different places.
    let seed = u64::from(std::process::id()) * 7919 + crate::now().as_millis().unsigned_abs();
    for attempt in 0..u64::from(TRIES) {
        let place = (seed + attempt * 104_729) % places;
        let first = FIRST_PORT + u16::try_from(place).unwrap_or_default();
        let mut ports = first..first + count;
        if ports.all(|port| TcpListener::bind(("0.0.0.0", port)).is_ok()) {
            return Ok(first);
        }
    }
    Err(io::Error::other("no free ports were found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_reached_as_slurm_reaches_it() {
        let lines = "NodeName=n1 Arch=x86_64 NodeAddr=10.0.0.1 NodeHostName=a Version=22\n\
                     NodeName=n2 Arch=x86_64 NodeAddr=10.0.0.2 NodeHostName=b\nnothing\n";
        let known = addresses(lines);
        assert_eq!((known.len(), known["n2"]), (2, "10.0.0.2"));
    }

    #[test]
    fn ports_that_are_taken_are_not_given() {
        let first = free_ports(3).expect("ports");
        let _taken = TcpListener::bind(("0.0.0.0", first + 1)).expect("free");
        let next = free_ports(3).expect("ports");
        assert!(next > first + 1 || next + 2 < first + 1, "{first} {next}");
    }
}
