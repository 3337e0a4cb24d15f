//! `stepwell secrets`: sets, lists and deletes what programs read from the workspace's key vault.
//!
//! Invariant: a text comes from standard input or from a prompt that does not show it, never from an
//! argument, and no output holds one.

use std::io::{self, IsTerminal as _, Read as _};

use clap::Subcommand;
use jiff::Timestamp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use stepwell_api::Secret;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::moment::wire_ago;
use crate::render::style::Style;
use crate::render::table::Table;
use crate::select::meant;
use crate::session::{Context, Session};

/// Set, list and delete the secrets of the workspace
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell secrets set db-password          # asks for it, and shows nothing
  stepwell secrets set db-password < file
  pass show db | stepwell secrets set db-password
  stepwell secrets
  stepwell secrets delete db-password

A step reads one with Run.get_context().get_secret(\"db-password\"), any other program with
ws.get_default_keyvault().get_secret(\"db-password\").")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    Set(Set),
    List(List),
    Delete(Delete),
}

/// Keep a secret, or replace its text: what standard input holds, or what is typed
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stepwell secrets set db-password\n  stepwell secrets set tls-key --content-type pem < key.pem"
)]
struct Set {
    /// Its name: letters, digits and `-`
    #[arg(add = crate::complete::secrets())]
    name: String,
    /// What the text is, for those who read it
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "TEXT"
    )]
    content_type: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// List the secrets, without their texts
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stepwell secrets list --json")]
struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Delete a secret
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stepwell secrets delete db-password")]
struct Delete {
    /// Its name
    #[arg(add = crate::complete::secrets())]
    name: String,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.command {
        None => list(&args.list, &context.existing_session()?),
        Some(Command::List(args)) => list(args, &context.existing_session()?),
        Some(Command::Delete(args)) => delete(args, &context.existing_session()?),
        // A secret may be set for a server that has run nothing yet; only looking makes no folder.
        Some(Command::Set(args)) => set(args, context),
    }
}

fn set(args: &Set, context: &Context) -> Result<Exit, Failure> {
    let text = text_of(&args.name)?;
    let session = context.session()?;
    let name = &args.name;
    let kept = session.call(|client| client.set_secret(name, &text, &args.content_type))?;
    match args.json {
        true => output::json(&kept)?,
        false => output::print(&format!("`{}` is set\n", kept.name))?,
    }
    Ok(Exit::Success)
}

/// The text: what is typed at a terminal, else all of standard input without its last line's end.
fn text_of(name: &str) -> Result<String, Failure> {
    let text = match io::stdin().is_terminal() {
        true => typed(name)?,
        false => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes)?;
            String::from_utf8(bytes).map_err(|_| {
                let what = "what standard input holds is no text in UTF-8";
                let hint = format!("encode it: `base64 -w0 FILE | stepwell secrets set {name}`");
                Failure::new(Exit::Usage, what, hint)
            })?
        }
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        let what = "the text of the secret is empty";
        let hint = format!("type it, or send it: `stepwell secrets set {name} < FILE`");
        return Err(Failure::new(Exit::Usage, what, hint));
    }
    Ok(text.to_owned())
}

/// What somebody types, which the terminal does not show.
fn typed(name: &str) -> Result<String, Failure> {
    let _hidden = Hidden::new()?;
    eprint!("text of `{name}`: ");
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    eprintln!();
    read?;
    Ok(line)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

fn list(args: &List, session: &Session) -> Result<Exit, Failure> {
    let found = session.call(|client| client.secrets())?;
    if args.json {
        output::json(&found)?;
        return Ok(Exit::Success);
    }
    output::print(&table(&found, Timestamp::now(), Style::of(&io::stdout())))?;
    if found.is_empty() {
        output::note("no secrets; `stepwell secrets set NAME` keeps one");
    }
    Ok(Exit::Success)
}

fn table(secrets: &[Secret], now: Timestamp, style: Style) -> String {
    let mut table = Table::new(&["NAME", "SET", "CONTENT TYPE"]);
    for secret in secrets {
        table.row([
            secret.name.as_str().into(),
            wire_ago(now, &secret.updated_at).into(),
            secret.content_type.as_str().into(),
        ]);
    }
    table.render(style)
}

fn delete(args: &Delete, session: &Session) -> Result<Exit, Failure> {
    let known = session.call(|client| client.secrets())?;
    let same = |secret: &&Secret| secret.name.eq_ignore_ascii_case(&args.name);
    if !known.iter().any(|secret| same(&secret)) {
        let hint = match meant(&args.name, known.iter().map(|secret| secret.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`stepwell secrets list` lists those there are".to_owned(),
        };
        let what = format!("there is no secret `{}`", args.name);
        return Err(Failure::new(Exit::NotFound, what, hint));
    }
    session.client().delete_secret(&args.name)?;
    output::print(&format!("`{}` is deleted\n", args.name))?;
    Ok(Exit::Success)
}
