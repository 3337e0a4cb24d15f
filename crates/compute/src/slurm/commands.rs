//! A Slurm cluster that is asked by its commands.

use super::ask::{Answer, Ask, AskError};
use super::capacity::{self, Capacity};
use super::cli::Cli;
use super::out_of_use::{self, OutOfUse};
use super::queue::{self, Ended};
use crate::cluster::listing::Jobs;

impl Ask for Cli {
    fn submit<'a>(&'a self, options: &'a [String], script: &'a str) -> Answer<'a, String> {
        Box::pin(async move {
            let said = self.run("sbatch", options, script).await?;
            // In a federation the cluster's name comes after the id.
            let id = said.trim().split(';').next();
            let id = id.and_then(|id| id.parse::<u64>().ok());
            id.map(|id| id.to_string())
                .ok_or_else(|| AskError::Refused(format!("`sbatch` answered {:?}", said.trim())))
        })
    }

    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let name = format!("--name={name}");
            let asked = ["--me", "--noheader", "--states=all", "--format=%i", &name];
            let said = self.run("squeue", &asked, "").await?;
            // The last one, if there should be two: both find the claim.
            let ids = said.lines().filter_map(|id| id.trim().parse::<u64>().ok());
            Ok(ids.max().map(|id| id.to_string()))
        })
    }

    fn jobs(&self) -> Answer<'_, Jobs> {
        Box::pin(async {
            let asked = ["--me", "--noheader", queue::FORM];
            let said = self.run("squeue", &asked, "").await?;
            Ok(queue::parse(&said))
        })
    }

    fn ended<'a>(&'a self, job: &'a str) -> Answer<'a, Ended> {
        Box::pin(async move {
            let asked = ["show", "job", "--oneliner", job];
            match self.run("scontrol", &asked, "").await {
                Ok(said) => Ok(Ended::parse(&said)),
                Err(AskError::Refused(_)) => Ok(Ended::default()),
                Err(error) => Err(error),
            }
        })
    }

    fn ask_to_stop<'a>(&'a self, job: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { cancel(self, &["--batch", "--signal=TERM", job]).await })
    }

    fn end<'a>(&'a self, job: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { cancel(self, &[job]).await })
    }

    fn capacity(&self) -> Answer<'_, Capacity> {
        Box::pin(async {
            let said = self.run("sinfo", &capacity::ARGUMENTS, "").await?;
            Ok(Capacity::parse(&said))
        })
    }

    fn out_of_use(&self) -> Answer<'_, Vec<OutOfUse>> {
        Box::pin(async {
            let said = self.run("sinfo", &out_of_use::ARGUMENTS, "").await?;
            Ok(out_of_use::parse(&said))
        })
    }
}

async fn cancel(cli: &Cli, arguments: &[&str]) -> Result<(), AskError> {
    match cli.run("scancel", arguments, "").await {
        // It is over already.
        Ok(_) | Err(AskError::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
