//! `stepwell adopt`: makes a data folder that was copied, unpacked or moved one's own.

use stepwell_server::{Adopted, adopt};

use crate::discover::Place;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::size;
use crate::session::Context;

/// Take over a data folder that was copied here, or moved while something ran
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stepwell adopt\n\nA data folder belongs to the user, machine and place where it was made. After a clean stop it can be\nmoved, renamed or copied. One with runs that are not over or enabled schedules does nothing then, and\nneither does a folder that came with a cloned or unpacked project: what is in it would be executed as you,\nor twice. Adopt it if you trust it: its runs that are not over\ngo on here, its enabled schedules start runs, and tokens that a stranger may know are revoked."
)]
pub(crate) struct Args {}

/// Does it.
pub(crate) fn run(_args: &Args, context: &Context) -> Result<Exit, Failure> {
    let home = match context.place()? {
        Place::Local(home) => home,
        Place::Remote { url, .. } => {
            let message = format!("the server at {url} is not this folder's own");
            let hint = "adopt its folder where it runs, or unset `STEPWELL_URL`";
            return Err(Failure::new(Exit::Refused, message, hint));
        }
    };
    let folder = &home.data_folder;
    if !folder.is_dir() {
        let message = format!("there is no data folder `{folder}`");
        let hint =
            "name the project's folder with `--folder`, or the data folder with `STEPWELL_DATA`";
        return Err(Failure::new(Exit::NotFound, message, hint));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let adopted = runtime.block_on(adopt(folder))?;
    output::print(&format!("{}\n", report(folder.as_str(), &adopted)))?;
    Ok(Exit::Success)
}

fn report(folder: &str, adopted: &Adopted) -> String {
    if adopted.was_ours {
        return format!("`{folder}` is yours, and was made here: there is nothing to adopt");
    }
    let mut text = format!("`{folder}` is yours now; its old token is good for nothing");
    let mut add = |count: usize, what: &str, then: &str| {
        if count > 0 {
            text += &format!("\n  {} {then}", size::count(count, what));
        }
    };
    let open = usize::try_from(adopted.open_runs).unwrap_or(usize::MAX);
    add(
        open,
        "run",
        "not over: the next command that needs a server lets them go on",
    );
    add(adopted.schedules, "schedule", "enabled");
    add(
        adopted.lost_steps,
        "step",
        "counted as lost: it ran elsewhere",
    );
    add(adopted.revoked_tokens, "token", "revoked");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_said() {
        let adopted = Adopted {
            was_ours: false,
            open_runs: 1,
            schedules: 2,
            revoked_tokens: 3,
            lost_steps: 1,
        };
        insta::assert_snapshot!(report("/p/.stepwell", &adopted), @r"
        `/p/.stepwell` is yours now; its old token is good for nothing
          1 run not over: the next command that needs a server lets them go on
          2 schedules enabled
          1 step counted as lost: it ran elsewhere
          3 tokens revoked
        ");
    }
}
