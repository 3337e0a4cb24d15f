//! The `mpiexec` of a step's environment: where it is, and what keeps it to the step's nodes.
//!
//! Open MPI and the MPICH family (MPICH, MVAPICH, Intel MPI) start processes on other nodes by a
//! program that is called as `ssh` is: `PROGRAM [OPTIONS] HOST WORDS...`. On a Ray cluster that program
//! is [a script of the attempt](script), which has the node run the words. That and the hosts are
//! given by variables, of each family's own, as their options differ:
//! Hydra's are in <https://github.com/pmodels/mpich/blob/main/doc/wiki/how_to/Using_the_Hydra_Process_Manager.md>,
//! Open MPI's parameters in <https://docs.open-mpi.org/en/v5.0.x/launching-apps/ssh.html>.
//!
//! Invariant: no scheduler's and no user's setting decides where the processes run.

use std::fmt::Write as _;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use stepwell_model::shell_word;

use super::place::Reserved;
use super::world::World;
use crate::spec::Spec;

/// The files of an attempt that `mpiexec` reads on a Ray cluster.
const SCRIPT: &str = "mpi.sh";
const HOSTS_HYDRA: &str = "mpi.hosts";
const HOSTS_OPEN_MPI: &str = "mpi.slots";

/// The `mpiexec` of the step's environment: beside its interpreter, or on its path.
pub(super) fn find(spec: &Spec) -> Option<Utf8PathBuf> {
    let own = spec.variables.get("PATH").cloned();
    let path = own.or_else(|| std::env::var("PATH").ok())?;
    let program = Utf8Path::new(spec.argv.first()?);
    let beside = program.parent().filter(|_| program.is_absolute());
    let folders = path.split(':').map(Utf8Path::new);
    let mut files = beside
        .into_iter()
        .chain(folders)
        .map(|folder| folder.join("mpiexec"));
    files.find(|file| {
        let about = std::fs::metadata(file);
        about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    })
}

/// The command that starts all processes of the world; what they run follows. Without reserved nodes
/// they are on this machine.
///
/// # Errors
/// Its files cannot be written into the attempt's folder.
pub(super) fn command(
    mpiexec: &Utf8Path,
    reserved: Option<&Reserved>,
    world: &World,
    folder: &Utf8Path,
) -> io::Result<Command> {
    let mut command = Command::new(mpiexec);
    command.arg("-n").arg(world.size().to_string());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SLURM_") {
            command.env_remove(name);
        }
    }
    command.envs([
        ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
        ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
        ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
        ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"),
    ]);
    match reserved {
        Some(reserved) => on_nodes(&mut command, reserved, world, folder)?,
        None => {
            command.envs([
                ("HYDRA_LAUNCHER", "fork"),
                ("I_MPI_HYDRA_BOOTSTRAP", "fork"),
            ]);
        }
    }
    Ok(command)
}

/// It is to use the reserved nodes, and to have them run what it needs there.
fn on_nodes(
    command: &mut Command,
    reserved: &Reserved,
    world: &World,
    folder: &Utf8Path,
) -> io::Result<()> {
    let hosts = hosts(&world.nodes);
    let [agent, hydra, open_mpi] =
        [SCRIPT, HOSTS_HYDRA, HOSTS_OPEN_MPI].map(|name| folder.join(name));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o700);
    let mut file = options.open(&agent)?;
    io::Write::write_all(&mut file, script(&reserved.on, &hosts).as_bytes())?;
    let each = world.processes_per_node;
    let lines = |between: &str| -> String {
        let line = |host: &String| format!("{host}{between}{each}\n");
        hosts.iter().map(line).collect()
    };
    fs::write(&hydra, lines(":"))?;
    fs::write(&open_mpi, lines(" slots="))?;
    command.envs([
        ("HYDRA_LAUNCHER", "ssh"),
        ("HYDRA_LAUNCHER_EXEC", agent.as_str()),
        ("HYDRA_HOST_FILE", hydra.as_str()),
        // A process has the variables of its node, as Ray has set them there.
        ("HYDRA_ENV", "none"),
        ("I_MPI_HYDRA_BOOTSTRAP", "ssh"),
        ("I_MPI_HYDRA_BOOTSTRAP_EXEC", agent.as_str()),
        ("I_MPI_HYDRA_HOST_FILE", hydra.as_str()),
        ("I_MPI_HYDRA_ENV", "none"),
        ("OMPI_MCA_plm", "rsh"),
        ("OMPI_MCA_plm_rsh_agent", agent.as_str()),
        // Each node is asked by the first one, which alone can.
        ("OMPI_MCA_plm_rsh_no_tree_spawn", "1"),
        ("OMPI_MCA_orte_default_hostfile", open_mpi.as_str()),
        ("PRTE_MCA_plm", "ssh"),
        ("PRTE_MCA_plm_ssh_agent", agent.as_str()),
        ("PRTE_MCA_plm_ssh_no_tree_spawn", "1"),
        ("PRTE_MCA_prte_default_hostfile", open_mpi.as_str()),
    ]);
    Ok(())
}

/// What `mpiexec` is to call the nodes. Nodes of one machine share its address, and have another one of
/// that machine's own network each, or `mpiexec` would take them for one.
fn hosts(addresses: &[String]) -> Vec<String> {
    let host = |(index, address): (usize, &String)| match addresses[..index].contains(address) {
        false => address.clone(),
        true => format!("127.0.{}.{}", index / 250, 2 + index % 250),
    };
    addresses.iter().enumerate().map(host).collect()
}

/// The script that is called as `ssh` is. Its words are one command of a shell, as `ssh` has it.
fn script(on: &[String], hosts: &[String]) -> String {
    let mut text = "#!/bin/sh\n\
        # What mpiexec calls in place of ssh: has a node of the step run a command.\n\
        while [ \"${1#-}\" != \"$1\" ]; do shift; done\n\
        case \"$1\" in\n"
        .to_owned();
    for (node, host) in hosts.iter().enumerate() {
        let _ = writeln!(text, "{}) node={node} ;;", shell_word(host));
    }
    let on: Vec<String> = on.iter().map(|word| shell_word(word)).collect();
    let _ = write!(
        text,
        "*) echo \"stepwell: $1 is no node of the step\" >&2; exit 70 ;;\n\
         esac\n\
         shift\n\
         exec {} \"$node\" /bin/sh -c \"$*\"\n",
        on.join(" ")
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_one_machine_are_told_apart() {
        let addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.1"].map(str::to_owned);
        assert_eq!(hosts(&addresses), ["10.0.0.1", "10.0.0.2", "127.0.0.4"]);
    }

    #[test]
    fn the_script_has_the_node_of_a_host_run_the_words() {
        let on = ["echo", "it's", "on"].map(str::to_owned);
        let text = script(&on, &["10.0.0.1".to_owned(), "10.0.0.2".to_owned()]);
        let asked = |words: &[&str]| {
            let mut command = Command::new("/bin/sh");
            let out = command.args(["-c", &text, "ssh"]).args(words).output();
            let out = out.expect("a shell");
            (
                out.status.code(),
                String::from_utf8(out.stdout).expect("text"),
            )
        };
        let hydra = ["-x", "10.0.0.2", "\"/bin/proxy\"", "--id", "1"];
        let expected = "it's on 1 /bin/sh -c \"/bin/proxy\" --id 1\n";
        assert_eq!(asked(&hydra), (Some(0), expected.to_owned()));
        let open_mpi = ["10.0.0.1", "A=1;export A;", "/bin/prted"];
        let expected = "it's on 0 /bin/sh -c A=1;export A; /bin/prted\n";
        assert_eq!(asked(&open_mpi), (Some(0), expected.to_owned()));
        assert_eq!(asked(&["10.0.0.3", "true"]), (Some(70), String::new()));
    }
}
