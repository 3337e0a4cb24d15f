//! `stepwell token`: gives, lists and takes the tokens of a server.

use std::io;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use stepwell_api::{CreateToken, Role, TokenInfo};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::moment::wire_ago;
use crate::render::style::{Paint, Style};
use crate::render::table::{Cell, Table};
use crate::session::Context;

/// Give, list and revoke the tokens of the server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell token create ci --role submitter --expires 90d
  stepwell token list
  stepwell token revoke ci

Roles, each with what the ones before it may do:
  reader       look at everything
  submitter    start and cancel runs
  contributor  change datasets, models, environments and compute targets
  owner        give tokens, read the audit, stop the server

A program on another machine uses a token with two variables:
  STEPWELL_URL=https://ml.example:8471 STEPWELL_TOKEN=stw_... python train.py")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a token, and print it: the only time it is shown
    #[command(after_help = "\
Examples:
  stepwell token create anna --role contributor
  TOKEN=$(stepwell token create ci --role submitter --expires 90d)")]
    Create {
        /// Who or what will use it
        name: String,
        /// What it allows
        #[arg(long, value_enum)]
        role: Allowed,
        /// After how long it is of no use, as 45m, 12h or 90d; never unless given
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        expires: Option<u64>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the tokens, without their texts
    #[command(after_help = "Example:\n  stepwell token list --all --json")]
    List {
        /// Also those that were revoked or have expired
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a token useless at once
    #[command(after_help = "Example:\n  stepwell token revoke ci")]
    Revoke {
        /// Its name or its id
        token: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// The roles, as words of the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Allowed {
    Reader,
    Submitter,
    Contributor,
    Owner,
}

impl From<Allowed> for Role {
    fn from(allowed: Allowed) -> Self {
        match allowed {
            Allowed::Reader => Self::Reader,
            Allowed::Submitter => Self::Submitter,
            Allowed::Contributor => Self::Contributor,
            Allowed::Owner => Self::Owner,
        }
    }
}

/// A span of time as a number and its unit.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time: write it as 90s, 45m, 12h or 90d");
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let scale = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(scale).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(wrong)
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    // A token may be made for a server that has run nothing yet; only looking makes no folder.
    let session = match &args.what {
        What::Create { .. } => context.session()?,
        What::List { .. } | What::Revoke { .. } => context.existing_session()?,
    };
    let client = session.client();
    match &args.what {
        What::Create {
            name,
            role,
            expires,
            json,
        } => {
            let made = client.create_token(&CreateToken {
                name: name.clone(),
                role: (*role).into(),
                expires_in_s: *expires,
            })?;
            if *json {
                output::json(&made)?;
            } else {
                output::print(&format!("{}\n", made.token))?;
                output::note("keep it now: it is not stored, and not shown again");
            }
        }
        What::List { all, json } => {
            let mut tokens = client.tokens()?.tokens;
            tokens.retain(|token| *all || token.is_valid);
            if *json {
                output::json(&tokens)?;
            } else {
                output::print(&table(&tokens, Timestamp::now(), Style::of(&io::stdout())))?;
                if tokens.is_empty() {
                    output::note("no tokens; the folder's own is not listed");
                }
            }
        }
        What::Revoke { token, json } => {
            let revoked = client.revoke_token(token)?;
            if *json {
                output::json(&revoked)?;
            } else {
                output::print(&format!("`{}` lets nobody in any more\n", revoked.name))?;
            }
        }
    }
    Ok(Exit::Success)
}

fn table(tokens: &[TokenInfo], now: Timestamp, style: Style) -> String {
    let mut table = Table::new(&["NAME", "ROLE", "STATE", "EXPIRES", "LAST USED", "ID"]);
    for token in tokens {
        let state = match (&token.revoked_at, token.is_valid) {
            (Some(_), _) => Cell::new("revoked", Paint::Faint),
            (None, true) => "valid".into(),
            (None, false) => Cell::new("expired", Paint::Faint),
        };
        let day = |text: &String| text.get(..10).unwrap_or(text).to_owned();
        let used = token.last_used_at.as_ref();
        table.row([
            token.name.as_str().into(),
            token.role.as_str().into(),
            state,
            token
                .expires_at
                .as_ref()
                .map_or("never".to_owned(), day)
                .into(),
            used.map_or("never".to_owned(), |at| wire_ago(now, at))
                .into(),
            token.id.to_string().into(),
        ]);
    }
    table.render(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        let cases = [
            ("90s", 90),
            ("45m", 2_700),
            ("12h", 43_200),
            ("90d", 7_776_000),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(text), Ok(expected));
        }
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "1 d",
            "1w",
            "1é",
            "99999999999999999999d",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
