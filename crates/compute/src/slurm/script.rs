//! What `sbatch` is given for an attempt: its options and the script of the job. Pure.

use camino::Utf8Path;
use stepwell_model::{SlurmTarget, shell_word};

use super::capacity::megabytes;
use crate::cluster::{NODES, Submission};

/// The file of an attempt for what Slurm and the supervisor print.
pub(super) const LOG: &str = "slurm.log";

/// What the names of all our jobs begin with.
pub(super) const NAME: &str = "stepwell-";

/// The name of the job of an attempt, by which it is found when its id is not known. One that follows
/// on jobs that could not begin has a number behind it.
pub(super) fn job_name(submission: &Submission<'_>) -> String {
    let name = format!("{NAME}{}", submission.attempt);
    match submission.jobs_before {
        0 => name,
        count => format!("{name}-{}", count + 1),
    }
}

/// The options of `sbatch`. The target's own come first, so that what the step asks for is asked
/// for.
pub(super) fn options(submission: &Submission<'_>, target: &SlurmTarget) -> Vec<String> {
    let Submission { folder, needs, .. } = *submission;
    let mut options = target.options.clone();
    let named = [
        ("partition", &target.partition),
        ("account", &target.account),
        ("qos", &target.qos),
    ];
    for (name, value) in named {
        options.extend(value.iter().map(|value| format!("--{name}={value}")));
    }
    options.extend([
        "--parsable".to_owned(),
        // The engine decides what is tried again.
        "--no-requeue".to_owned(),
        "--export=ALL".to_owned(),
        format!("--job-name={}", job_name(submission)),
        format!("--chdir={folder}"),
        format!("--output={}", escaped(&folder.join(LOG))),
        "--open-mode=append".to_owned(),
        format!("--nodes={}", needs.nodes),
        format!("--ntasks-per-node={}", needs.processes_per_node),
    ]);
    if submission.outlives_nodes {
        options.push("--no-kill".to_owned());
    }
    if let Some(cores) = needs.cores {
        let each = cores.div_ceil(needs.processes_per_node.max(1));
        options.push(format!("--cpus-per-task={each}"));
    }
    if let Some(bytes) = needs.memory_bytes {
        options.push(format!("--mem={}M", megabytes(bytes)));
    }
    if needs.gpus > 0 {
        options.push(format!("--gres=gpu:{}", needs.gpus));
    }
    if let Some(seconds) = needs.wall_time_s {
        options.push(format!("--time={}", seconds.div_ceil(60)));
    }
    options
}

/// The path as a pattern of file names that stands for itself alone.
fn escaped(path: &Utf8Path) -> String {
    path.as_str().replace('%', "%%")
}

/// The script: the supervisor takes its place, so that what Slurm sends reaches it.
pub(super) fn script(cluster: &str, submission: &Submission<'_>) -> String {
    let Submission {
        folder, program, ..
    } = *submission;
    let (cluster, supervisor) = (shell_word(cluster), shell_word(program.as_str()));
    let (nodes, folder) = (
        shell_word(folder.join(NODES).as_str()),
        shell_word(folder.as_str()),
    );
    format!(
        "#!/bin/sh\n\
         test -e claim.json || echo \"$SLURM_JOB_NODELIST\" >{nodes}\n\
         exec {supervisor} --holder {cluster} \"$SLURM_JOB_ID\" {folder}\n"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stepwell_model::{AttemptId, Resources, TargetName};

    use super::*;

    #[test]
    fn what_a_step_asks_for_comes_after_what_its_target_says() {
        let target = SlurmTarget {
            partition: Some("gpu".to_owned()),
            account: Some("lab".to_owned()),
            options: vec!["--mem=1G".to_owned()],
            ..SlurmTarget::default()
        };
        let needs = Resources {
            cores: Some(5),
            memory_bytes: Some((3 << 20) + 1),
            gpus: 2,
            nodes: 2,
            processes_per_node: 2,
            wall_time_s: Some(61),
        };
        let attempt: AttemptId = "0192f5c4-1111-7222-8333-444455556666#2"
            .parse()
            .expect("an id");
        let mut submission = Submission {
            attempt,
            folder: "/data/50%/a".into(),
            needs: &needs,
            outlives_nodes: true,
            target: &TargetName::new("cluster"),
            program: "/opt/it's/supervise".into(),
            stops_within: Duration::ZERO,
            jobs_before: 0,
            may_be_there: false,
        };
        let options = options(&submission, &target);
        insta::assert_snapshot!(options.join("\n"), @r"
        --mem=1G
        --partition=gpu
        --account=lab
        --parsable
        --no-requeue
        --export=ALL
        --job-name=stepwell-0192f5c4-1111-7222-8333-444455556666#2
        --chdir=/data/50%/a
        --output=/data/50%%/a/slurm.log
        --open-mode=append
        --nodes=2
        --ntasks-per-node=2
        --no-kill
        --cpus-per-task=3
        --mem=4M
        --gres=gpu:2
        --time=2
        ");
        submission.jobs_before = 1;
        let name = job_name(&submission);
        assert_eq!(name, format!("stepwell-{attempt}-2"));
        submission.folder = "/data/a".into();
        let script = script("slurm", &submission);
        insta::assert_snapshot!(script, @r#"
        #!/bin/sh
        test -e claim.json || echo "$SLURM_JOB_NODELIST" >'/data/a/nodes'
        exec '/opt/it'\''s/supervise' --holder 'slurm' "$SLURM_JOB_ID" '/data/a'
        "#);
    }
}
