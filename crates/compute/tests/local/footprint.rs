//! What a step puts on the disk: new files and folders are what costs most of a short one.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use stepwell_model::Outcome;

use crate::kept::scripted;
use crate::rig::{Rig, until};

/// All that is below a folder, by path.
fn below(folder: &Utf8Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in at.read_dir_utf8().into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path.to_owned());
            }
            let path = path.strip_prefix(folder).expect("it is below");
            found.push(path.to_string());
        }
    }
    found.sort();
    found
}

/// A change here is one of `docs/performance.md`.
#[tokio::test]
async fn an_empty_step_makes_seven_files_and_folders_of_which_three_stay() {
    let mut rig = Rig::local();
    let listing = rig.root().join("listing");
    let script = "import os\n\
                  found = []\n\
                  for at, folders, files in os.walk(os.path.dirname(os.getcwd())):\n    \
                      found += [os.path.join(at, name) for name in folders + files]\n\
                  with open(os.environ['LISTING'], 'w') as file:\n    \
                      file.write('\\n'.join(found))\n";
    let outside = |rig: &Rig| {
        let mut all = below(rig.root());
        all.retain(|path| !path.starts_with("runs/"));
        all
    };
    let mut job = scripted(&rig, script, &[]);
    let variables = BTreeMap::from([("LISTING".to_owned(), listing.to_string())]);
    job.variables.clone_from(&variables);
    rig.run(&job).await;
    // The first step of a script tells what it imports.
    let learned = rig.root().join("imports");
    until("its imports are known", || !below(&learned).is_empty()).await;
    let before = outside(&rig);

    let mut job = scripted(&rig, script, &[]);
    job.variables = variables;
    rig.run(&job).await;
    let folder = rig.run_folder(&job);
    let found = fs_err::read_to_string(&listing).expect("the script has run");
    let names = found.lines().map(|path| path.strip_prefix(folder.as_str()));
    let mut names: Vec<&str> = names.map(|name| name.expect("it is below")).collect();
    names.sort_unstable();
    // And the run's folder itself.
    let mut expected = ["/claim.json", "/log", "/work"].to_vec();
    expected.extend(["/work/logs", "/work/outputs", "/work/train.py"]);
    assert_eq!(names, expected);
    until("the working folder is removed", || {
        below(&folder) == ["claim.json", "log"]
    })
    .await;
    assert_eq!(outside(&rig), before, "nothing is new elsewhere");
}

/// What a step does to its files and finds there does not depend on whether the folder is a new one.
#[tokio::test]
async fn a_working_folder_goes_from_step_to_step_as_long_as_its_files_are_left_alone() {
    let mut rig = Rig::local();
    let script = "import os, sys\n\
                  found = sorted(os.listdir()) + sorted(os.listdir('outputs'))\n\
                  print(os.stat('.').st_ino, os.stat('train.py').st_ino, *found)\n\
                  open('outputs/model', 'w').write('1')\n\
                  open('more', 'w').write('1')\n\
                  if sys.argv[1] == 'spoil':\n    \
                      open('train.py', 'a').write('1')\n";
    let mut places = Vec::new();
    for what in [
        "leave", "leave", "leave", "leave", "spoil", "spoil", "leave",
    ] {
        let job = scripted(&rig, script, &[what]);
        let outcome = rig.run(&job).await;
        let printed = rig.log(&job);
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{printed}");
        let (place, found) = printed.split_at(printed.find(" logs").expect("a folder"));
        assert_eq!(found, " logs outputs train.py\n");
        assert_eq!(rig.file(&job, "outputs/model"), "1");
        places.push(place.to_owned());
    }
    // There are two supervisors: one stands by when the first step ends.
    let used: BTreeSet<&String> = places[..4].iter().collect();
    assert!(used.len() <= 2, "{places:?}");
}
