//! Where the data of a job is on the machine that stages it. A function of the job, the data folder
//! and the datastores; it touches no file.
//!
//! Data of this machine is where its datastore has it. Data of other machines is in a folder of the
//! attempt: inputs are fetched into it, outputs are written there and uploaded from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_datastore::steps::{Delivery, Fetch, StepData};
use stepwell_model::PortLocation;
use stepwell_supervise::{Attempt, InputPlace, OutputPlace};

use crate::{Job, JobInput, JobOutput};

/// Where the data of a step's ports is, by the name of the port, as its work reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) inputs: BTreeMap<String, PortLocation>,
    pub(crate) outputs: BTreeMap<String, PortLocation>,
}

/// A job on this machine, whose attempt has this folder and this log.
pub(crate) struct Layout<'a> {
    pub(crate) attempt: Attempt,
    pub(crate) log: Utf8PathBuf,
    pub(crate) folder: &'a DataFolder,
    pub(crate) datastores: &'a Arc<Registry>,
    pub(crate) job: &'a Job,
}

impl Layout<'_> {
    /// Where each port of the step is. What is not staged is where its datastore is, if that is a
    /// folder of this machine.
    pub(crate) fn ports(&self) -> Ports {
        let stages = self.job.stages_data;
        let input = |port: &JobInput| {
            let local = match stages {
                true => Some(self.reached(port)),
                false => self.datastores.local(&port.datastore, &port.path),
            };
            let location = PortLocation {
                datastore: port.datastore.clone(),
                path: port.path.clone(),
                local: local.map(Utf8PathBuf::into_string),
            };
            (port.name.clone(), location)
        };
        let output = |port: &JobOutput| {
            let local = match stages {
                true => Some(self.written(port)),
                false => self.datastores.local(&port.datastore, &port.path),
            };
            let location = PortLocation {
                datastore: port.datastore.clone(),
                path: port.path.clone(),
                local: local.map(Utf8PathBuf::into_string),
            };
            (port.name.clone(), location)
        };
        Ports {
            inputs: self.job.inputs.iter().map(input).collect(),
            outputs: self.job.outputs.iter().map(output).collect(),
        }
    }

    /// What the supervisor puts into the working directory before the work starts.
    pub(crate) fn inputs(&self) -> Vec<InputPlace> {
        let inputs = self.job.inputs.iter().filter(|_| self.job.stages_data);
        let put = |port: &JobInput| {
            let from = self.found(port);
            Some(InputPlace {
                to: put_path(port, &from)?,
                from,
                copy: port.download,
            })
        };
        inputs.filter_map(put).collect()
    }

    /// Where the supervisor keeps what the work has written.
    pub(crate) fn outputs(&self) -> Vec<OutputPlace> {
        let outputs = self.job.outputs.iter().filter(|_| self.job.stages_data);
        outputs.map(|port| self.kept(port)).collect()
    }

    /// The places of inputs that are read where they are.
    pub(crate) fn read_in_place(&self) -> impl Iterator<Item = Utf8PathBuf> {
        self.job.inputs.iter().map(|port| self.found(port))
    }

    /// The folders that the work writes to outside of its working directory.
    pub(crate) fn written_to(&self) -> Vec<Utf8PathBuf> {
        let places = self.outputs().into_iter();
        let places = places.filter(|place| place.upload_from.is_none());
        let folder = |OutputPlace {
                          path,
                          staged,
                          make_folder,
                          ..
                      }: OutputPlace| {
            let place = staged.unwrap_or(path);
            match make_folder {
                true => Some(place),
                // It may be made as a file or as a folder.
                false => place.parent().map(Utf8Path::to_owned),
            }
        };
        places.filter_map(folder).collect()
    }

    /// What of the data is on other machines, and is transferred.
    pub(crate) fn transfers(&self) -> Option<StepData> {
        if !self.job.stages_data {
            return None;
        }
        let inputs = self.job.inputs.iter();
        let inputs = inputs.filter(|port| !self.is_here(&port.datastore));
        let inputs = inputs.map(|port| Fetch {
            name: port.name.clone(),
            datastore: port.datastore.clone(),
            path: port.path.clone(),
            target: self.fetched(port),
            must_exist: port.must_exist,
        });
        let outputs = self.job.outputs.iter();
        let outputs = outputs.filter(|port| !self.is_here(&port.datastore));
        let outputs = outputs.map(|port| Delivery {
            name: port.name.clone(),
            datastore: port.datastore.clone(),
            path: port.path.clone(),
            is_own: port.is_own,
            keep_existing: port.keep_existing,
            source: self.uploaded_from(port),
        });
        let (inputs, outputs) = (inputs.collect::<Vec<_>>(), outputs.collect::<Vec<_>>());
        let run = self.job.attempt.run;
        (!inputs.is_empty() || !outputs.is_empty()).then(|| StepData {
            datastores: Arc::clone(self.datastores),
            inputs,
            outputs,
            folder: self.transfer_folder(),
            record: self.folder.delivered(run),
            log: self.log.clone(),
        })
    }

    fn is_here(&self, datastore: &str) -> bool {
        self.datastores.local(datastore, "").is_some()
    }

    fn transfer_folder(&self) -> Utf8PathBuf {
        let attempt = self.job.attempt;
        self.folder.step_data(attempt.run, attempt.number)
    }

    /// Where the work reads an input: in its working directory, or where it is.
    fn reached(&self, port: &JobInput) -> Utf8PathBuf {
        let found = self.found(port);
        match put_path(port, &found) {
            Some(path) => self.attempt.work_dir().join(path),
            None => found,
        }
    }

    /// Where an input is on this machine.
    fn found(&self, port: &JobInput) -> Utf8PathBuf {
        let here = self.datastores.local(&port.datastore, &port.path);
        here.unwrap_or_else(|| self.fetched(port))
    }

    /// Where an input is fetched to. The last part of the path is kept, as programs look at the
    /// ends of names.
    fn fetched(&self, port: &JobInput) -> Utf8PathBuf {
        let name = port.path.rsplit('/').next();
        let name = name.filter(|name| !name.is_empty());
        let folder = self.transfer_folder().join("inputs").join(&port.name);
        folder.join(name.unwrap_or(&port.datastore))
    }

    /// Where the work writes an output. What is uploaded afterwards is in the working directory.
    fn written(&self, port: &JobOutput) -> Utf8PathBuf {
        match &port.upload_from {
            Some(path) => path.into(),
            None => {
                let OutputPlace { path, staged, .. } = self.kept(port);
                staged.unwrap_or(path)
            }
        }
    }

    /// Where an output for another machine is uploaded from.
    fn uploaded_from(&self, port: &JobOutput) -> Utf8PathBuf {
        self.transfer_folder().join("outputs").join(&port.name)
    }

    fn kept(&self, port: &JobOutput) -> OutputPlace {
        let here = self.datastores.local(&port.datastore, &port.path);
        let is_here = here.is_some();
        // Others may read a place that is not this run's own: it is written aside and moved there.
        // What is uploaded to another machine is written aside anyway.
        let is_shared = is_here && (!port.is_own || port.keep_existing);
        // Where an isolated step makes its output itself, it writes to the folder around it.
        let is_narrow = is_here && !port.make_folder && self.job.compute.isolation().is_some();
        let is_aside = is_shared || is_narrow || !port.source_globs.is_empty();
        let aside = port.upload_from.is_none() && is_aside;
        let staged = || self.folder.staged(self.job.attempt.run, &port.name);
        OutputPlace {
            path: here.unwrap_or_else(|| self.uploaded_from(port)),
            is_root: is_here && port.path.is_empty(),
            make_folder: port.make_folder,
            upload_from: port.upload_from.clone(),
            staged: aside.then(staged),
            keep_existing: port.keep_existing,
            source_globs: port.source_globs.clone(),
        }
    }
}

/// Where an input is put in the working directory; `None` if it is read where it is. A copy keeps
/// its name, as programs look at the ends of names.
fn put_path(port: &JobInput, from: &Utf8Path) -> Option<String> {
    match (&port.path_on_compute, port.download) {
        (Some(path), _) => Some(path.trim_matches('/').to_owned()),
        (None, true) => {
            let name = from.file_name().unwrap_or("data");
            Some(format!(".inputs/{}/{name}", port.name))
        }
        (None, false) => None,
    }
}
