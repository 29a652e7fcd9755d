//! `failstop redact`: prints JSON without its secrets.

use std::{
    io::{self, BufWriter, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use decision_schema::{
    InputFault,
    json::{self, MAX_LINE_BYTES},
};
use failstop::core::redaction::{Profile, Redactor};

use crate::{
    exit::{Exit, Failure},
    input::{self, Chunk, Chunks, Lines},
    stderr,
};

/// What `failstop redact` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop redact reports.jsonl
  kubectl get secret -o json | failstop redact
  tail -f log.jsonl | failstop redact --jsonl")]
pub struct RedactArgs {
    /// JSON: one document of at most 1 MiB, or one a line; - is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// How far to go.
    #[arg(long, value_enum, default_value_t = ProfileName::Strict)]
    profile: ProfileName,
    /// Every line is a document, even if the first one is none.
    #[arg(long)]
    jsonl: bool,
}

/// The profiles by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProfileName {
    /// Everything under a name that speaks of a secret, and credentials in texts.
    Strict,
    /// What the reference implementation redacts.
    Reference,
}

/// Prints each document redacted. Of a line that is not JSON nothing is printed, because nothing can be said of what it
/// holds.
///
/// # Errors
/// Where the input cannot be read or standard output is closed.
pub fn redact(args: &RedactArgs) -> Result<Exit, Failure> {
    let redactor = Redactor::new(match args.profile {
        ProfileName::Strict => Profile::Strict,
        ProfileName::Reference => Profile::Reference,
    });
    let mut chunks = Chunks::new(input::open(&args.file)?.source);
    let mut printer =
        Printer { redactor, out: BufWriter::new(io::stdout().lock()), text: String::new(), exit: Exit::Done };
    let mut held = Vec::new();
    if !args.jsonl {
        held = hold_back(&mut chunks)?;
        if let Some(document) = whole_document(&held) {
            printer.print(1, Some(&document))?;
            return Ok(printer.exit);
        }
    }
    let mut lines = Lines::default();
    let mut held = held.into_iter();
    while let Some(chunk) =
        held.next().map_or_else(|| chunks.next(), |chunk| Ok(Some(chunk))).map_err(|_| input::unreadable())?
    {
        lines.refill(chunk);
        while let Some(line) = lines.next() {
            printer.print(line.number, line.bytes)?;
        }
        printer.out.flush().map_err(|_| Failure::OutputClosed)?;
    }
    Ok(printer.exit)
}

/// Chunks until it is clear whether lines are documents: one, if its first line is; else all that one document may have.
fn hold_back(chunks: &mut Chunks<Box<dyn io::Read + Send>>) -> Result<Vec<Chunk>, Failure> {
    let (mut held, mut bytes) = (Vec::new(), 0);
    while bytes <= MAX_LINE_BYTES {
        let Some(chunk) = chunks.next().map_err(|_| input::unreadable())? else { break };
        let Chunk::Lines(text) = &chunk else {
            held.push(chunk);
            break;
        };
        bytes += text.len();
        let is_lines = held.is_empty() && first_line_is_document(text);
        held.push(chunk);
        if is_lines {
            break;
        }
    }
    Ok(held)
}

fn first_line_is_document(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.next().is_some_and(|line| json::parse(line).is_ok())
}

/// All that is held back as one document, if it is one that does not end with its first line.
fn whole_document(held: &[Chunk]) -> Option<Vec<u8>> {
    let mut document = Vec::new();
    for chunk in held {
        let Chunk::Lines(text) = chunk else { return None };
        document.extend_from_slice(text);
    }
    json::parse(&document).is_ok().then_some(document)
}

struct Printer<'o> {
    redactor: Redactor,
    out: BufWriter<io::StdoutLock<'o>>,
    text: String,
    exit: Exit,
}

impl Printer<'_> {
    fn print(&mut self, number: u64, bytes: Option<&[u8]>) -> Result<(), Failure> {
        let parsed = bytes.map(json::parse);
        let mut value = match parsed {
            Some(Ok(value)) => value,
            Some(Err(fault)) => {
                self.refuse(number, &format!("{fault} ({})", fault.code()));
                return Ok(());
            }
            None => {
                let fault = InputFault::line_too_long();
                self.refuse(number, &format!("{fault} ({})", fault.code()));
                return Ok(());
            }
        };
        self.redactor.redact(&mut value);
        self.text.clear();
        value.write_to(&mut self.text);
        self.text.push('\n');
        self.out.write_all(self.text.as_bytes()).map_err(|_| Failure::OutputClosed)
    }

    fn refuse(&mut self, number: u64, why: &str) {
        stderr::say(&format!("line {number}: {why}"));
        self.exit = Exit::NotAllDone;
    }
}
