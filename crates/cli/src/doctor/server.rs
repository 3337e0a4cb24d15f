//! The server of the folder, and the folder it keeps its data in.

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};
use stepwell_api::Workspace;
use stepwell_data::folder::DataFolder;
use stepwell_data::home;
use stepwell_model::in_words;
use stepwell_server::care;

use super::{Finding, warm};
use crate::client::Client;
use crate::discover::Home;
use crate::embedded;
use crate::render::size;

/// The free space below which runs are likely to fail soon.
const FREE_MIN: u64 = 1 << 30;

/// How far clocks may be apart before times on the screen make no sense.
const CLOCK_MAX: SignedDuration = SignedDuration::from_secs(5);

/// When this version was made: a clock that shows an earlier time is wrong.
const NOT_BEFORE: i64 = 1_790_000_000;

pub(super) fn remote(url: &str, token: &str, socket: Option<&Utf8Path>) -> Finding {
    match Client::by(url, token, socket).workspace() {
        Ok(workspace) => described(&workspace),
        Err(error) => Finding::wrong(
            "server",
            format!("{url} (of `STEPWELL_URL`): {}", in_words(&error)),
            "check `STEPWELL_URL` and `STEPWELL_TOKEN`, or unset both to use this folder's own",
        ),
    }
}

pub(super) fn local(home: &Home) -> Vec<Finding> {
    let folder = &home.data_folder;
    let mut findings = vec![server(home)];
    if folder.is_dir() {
        findings.push(privacy(folder));
        findings.push(data_folder(folder));
        findings.push(database(folder));
        findings.push(use_of_disk(folder));
        findings.push(warm::loaded(folder));
    } else {
        let what = format!("`{folder}`: not there yet, the first run makes it");
        findings.push(Finding::fine("data folder", what));
    }
    findings.push(disk(folder));
    findings.push(clock(folder));
    findings
}

fn server(home: &Home) -> Finding {
    let folder = &home.data_folder;
    let log = DataFolder::new(folder.clone()).server_log();
    let holder = embedded::holder(folder);
    let Some(endpoint) = embedded::find(folder) else {
        return match holder {
            None => Finding::fine(
                "server",
                "none runs; the next command that needs one starts it",
            ),
            Some(pid) => Finding::wrong(
                "server",
                format!("process {pid} serves the folder but does not answer"),
                format!("see `{log}`; end it with `kill -9 {pid}`: steps go on"),
            ),
        };
    };
    let client = Client::by(&endpoint.url, &endpoint.token, Some(&endpoint.socket));
    match client.workspace() {
        Ok(workspace) => described(&workspace),
        Err(error) => Finding::wrong(
            "server",
            format!("{}: {}", endpoint.url, in_words(&error)),
            format!("see `{log}`; the other findings may say why"),
        ),
    }
}

fn described(workspace: &Workspace) -> Finding {
    let mut what = format!(
        "{}, process {}, workspace `{}`, version {}, {} active runs",
        workspace.url, workspace.pid, workspace.name, workspace.version, workspace.active_runs
    );
    if workspace.enabled_schedules > 0 {
        let schedules = workspace.enabled_schedules;
        what += &format!("; {schedules} enabled schedules keep it from stopping when idle");
    }
    if !workspace.faults.is_empty() {
        let what = format!("{what}; {}", workspace.faults.join("; "));
        let hint = "fix that: runs that are acknowledged go on afterwards";
        return Finding::wrong("server", what, hint);
    }
    if workspace.version == env!("CARGO_PKG_VERSION") {
        return Finding::fine("server", what);
    }
    let hint = "its version differs from this command's: `stepwell stop` and the next command starts this version";
    Finding::note("server", what, hint)
}

fn data_folder(folder: &Utf8Path) -> Finding {
    if let Err(error) = tempfile::tempfile_in(folder) {
        let what = format!("`{folder}` cannot be written: {error}");
        return Finding::wrong("data folder", what, crate::failure::storage_hint(&error));
    }
    match stepwell_data::disk::usage(folder) {
        Ok(usage) => {
            let bytes = size::bytes(usage.bytes);
            Finding::fine(
                "data folder",
                format!("`{folder}`, {bytes} in {} files", usage.files),
            )
        }
        Err(error) => Finding::wrong("data folder", in_words(&error), "make it readable"),
    }
}

/// Whether others can look into the folder.
fn privacy(folder: &Utf8Path) -> Finding {
    let name = "privacy";
    match home::secure(folder) {
        Ok(false) => Finding::fine(name, "nobody else can look into the data folder"),
        Ok(true) => Finding::note(
            name,
            format!("others could look into `{folder}`; that is mended now"),
            "if they may have done so, make new tokens: delete the file `token` in it after \
             `stepwell stop`, and revoke those that were given",
        ),
        Err(error) => Finding::wrong(
            name,
            error.to_string(),
            "use a data folder of your own: `--folder`, or `STEPWELL_DATA`",
        ),
    }
}

/// Whether the database is there and sound. It reads all of it.
fn database(folder: &Utf8Path) -> Finding {
    let places = DataFolder::new(folder.to_owned());
    let (name, path) = ("database", places.database());
    let advice = "`stepwell restore BACKUP` brings a backup back; what there is can be saved with \
                  `sqlite3 stepwell.db .recover`";
    if !path.exists() {
        let runs = std::fs::read_dir(folder.join("runs"));
        return match runs.is_ok_and(|mut runs| runs.next().is_some()) {
            true => Finding::wrong(
                name,
                format!("`{path}` is gone, though there are runs"),
                advice,
            ),
            false => Finding::fine(name, "not there yet, the first run makes it"),
        };
    }
    match care::faults(&path) {
        Ok(faults) if faults.is_empty() => Finding::fine(name, format!("`{path}` is sound")),
        Ok(faults) => {
            let first = faults.first().cloned().unwrap_or_default();
            Finding::wrong(name, format!("`{path}` is damaged: {first}"), advice)
        }
        Err(error) => {
            let what = format!("`{path}` cannot be read: {}", in_words(&error));
            Finding::wrong(name, what, advice)
        }
    }
}

/// What takes the room, the largest first.
fn use_of_disk(folder: &Utf8Path) -> Finding {
    let places = DataFolder::new(folder.to_owned());
    let bytes = |path: &Utf8Path| match path.is_dir() {
        true => stepwell_data::disk::usage(path).map_or(0, |usage| usage.bytes),
        false => path.metadata().map_or(0, |about| about.len()),
    };
    let database = places.database();
    let mut kinds = vec![
        ("runs", bytes(&folder.join("runs"))),
        ("datastores", bytes(&folder.join("data"))),
        ("objects", bytes(&places.objects())),
        ("environments", bytes(&places.environments())),
        ("cache", bytes(&folder.join("cache"))),
        ("trash", bytes(&places.trash())),
        (
            "database",
            ["", "-wal", "-shm"]
                .iter()
                .map(|end| bytes(Utf8Path::new(&format!("{database}{end}"))))
                .sum(),
        ),
    ];
    kinds.retain(|(_, bytes)| *bytes > 0);
    kinds.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let word = |(kind, bytes): &(&str, u64)| format!("{kind} {}", size::bytes(*bytes));
    let words: Vec<String> = kinds.iter().map(word).collect();
    let what = match words.is_empty() {
        true => "nothing yet".to_owned(),
        false => format!(
            "{}; `stepwell gc --dry-run` says what could go",
            words.join(", ")
        ),
    };
    Finding::fine("disk use", what)
}

fn disk(folder: &Utf8Path) -> Finding {
    let existing = folder
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(folder);
    let free = match rustix::fs::statvfs(existing.as_str()) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return Finding::wrong("disk", format!("`{existing}`: {error}"), ""),
    };
    let what = format!("{} free", size::bytes(free));
    if free >= FREE_MIN {
        return Finding::fine("disk", what);
    }
    let hint = "free some space, or set STEPWELL_DATA to a folder on another disk";
    Finding::wrong("disk", what, hint)
}

/// The clock against this version's age and, on a network file system, the file server's clock.
fn clock(folder: &Utf8Path) -> Finding {
    let now = Timestamp::now();
    if now.as_second() < NOT_BEFORE {
        return Finding::wrong("clock", format!("it shows {now:.0}"), "set the clock");
    }
    let written = tempfile::tempfile_in(folder)
        .and_then(|file| file.metadata())
        .and_then(|file| file.modified());
    let apart = written
        .ok()
        .and_then(|written| Timestamp::try_from(written).ok())
        .map(|written| written.duration_since(now).abs());
    match apart {
        Some(apart) if apart > CLOCK_MAX => Finding::wrong(
            "clock",
            format!("it differs by {} s from that of the disk", apart.as_secs()),
            "set the clocks of both machines",
        ),
        _ => Finding::fine("clock", format!("{now:.0}")),
    }
}
