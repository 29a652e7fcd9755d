//! The bytes of a gate file, made and read. A line is `{...,"check":"16 hex digits"}`, spaces, and a newline; the
//! digits are the first of SHA-256 over all that precedes the comma before `"check"`.

use decision_schema::json;
use failstop::core::{
    idempotency::Digest,
    stop::{GateEntry, Level, Scope},
};

use super::{
    GateFault,
    state::{GateState, SCOPES, scopes},
};

/// The length of every line, newline included.
pub const LINE_BYTES: usize = 512;

/// The length of the file, from its making on.
pub const FILE_BYTES: usize = LINE_BYTES * (1 + SCOPES);

/// How every version of the header begins.
const FORMAT: &str = r#"{"format":"failstop.gate/"#;
const VERSION: u64 = 1;

const CHECK: &str = r#","check":""#;
const CHECK_DIGITS: usize = 16;
const END: &str = r#""}"#;

/// What is left of a line for its content, checksum and newline apart.
const CONTENT_BYTES: usize = LINE_BYTES - CHECK.len() - CHECK_DIGITS - END.len() - 1;

const MAX_LEDGER_ID: usize = 64;

/// The slots of a file whose header is in order; `None` where one is damaged.
#[derive(Debug)]
pub(super) struct Slots {
    pub entries: [Option<GateEntry>; SCOPES],
}

impl Slots {
    /// The gate, if every slot is readable.
    pub(super) fn complete(&self) -> Result<GateState, GateFault> {
        let readable: Vec<GateEntry> = self.entries.iter().flatten().cloned().collect();
        readable
            .try_into()
            .map(GateState::new)
            .map_err(|_| GateFault::Checksum { line: self.first_damaged() })
    }

    fn first_damaged(&self) -> usize {
        const FIRST_SLOT: usize = 2;
        FIRST_SLOT + self.entries.iter().take_while(|entry| entry.is_some()).count()
    }
}

pub(super) fn is_ledger_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=MAX_LEDGER_ID).contains(&id.len()) && id.bytes().all(is_allowed)
}

/// Where in the file the slot `at` begins.
pub(super) const fn slot_offset(at: usize) -> u64 {
    ((1 + at) * LINE_BYTES) as u64
}

/// A whole file with all scopes at `run`, epoch 1.
pub(super) fn fresh_file(ledger_id: &str, at_ms: i64) -> Vec<u8> {
    let mut bytes = sealed(&header(ledger_id)).to_vec();
    for scope in scopes() {
        let entry = GateEntry { scope, level: Level::Run, epoch: 1, reason: String::new(), at_ms };
        bytes.extend(slot(&entry));
    }
    bytes
}

fn header(ledger_id: &str) -> String {
    format!(r#"{FORMAT}{VERSION}","ledger":"{ledger_id}""#)
}

/// The line of `entry`, its reason cut where it would not fit.
pub(super) fn slot(entry: &GateEntry) -> [u8; LINE_BYTES] {
    let GateEntry { scope, level, epoch, reason, at_ms } = entry;
    let mut content =
        format!(r#"{{"scope":"{scope}","level":"{level}","epoch":{epoch},"at_ms":{at_ms},"reason":""#);
    for character in reason.chars() {
        let written = escaped(character);
        if content.len() + written.len() + 1 > CONTENT_BYTES {
            break;
        }
        content.push_str(&written);
    }
    content.push('"');
    sealed(&content)
}

/// A character as it stands in a JSON string. The later control characters too are escaped, which JSON does not ask
/// for, because people look at this file on terminals.
fn escaped(character: char) -> String {
    if character.is_control() {
        return format!("\\u{:04x}", u32::from(character));
    }
    let mut quoted = String::new();
    json::write_string(character.encode_utf8(&mut [0; 4]), &mut quoted);
    quoted[1..quoted.len() - 1].to_owned()
}

/// `content`, which lacks only its closing brace, as a line with its checksum. It must fit.
fn sealed(content: &str) -> [u8; LINE_BYTES] {
    assert!(content.len() <= CONTENT_BYTES, "a line of the gate file is too long");
    let text = format!("{content}{CHECK}{}{END}", check_of(content.as_bytes()));
    let mut line = [b' '; LINE_BYTES];
    line[..text.len()].copy_from_slice(text.as_bytes());
    line[LINE_BYTES - 1] = b'\n';
    line
}

fn check_of(content: &[u8]) -> String {
    let mut digits = Digest::of(content).to_string();
    digits.truncate(CHECK_DIGITS);
    digits
}

/// The content of a line, without its closing brace, if it is as it was written.
fn unsealed(line: &[u8]) -> Option<&str> {
    let text = str::from_utf8(line).ok()?.strip_suffix('\n')?.trim_end_matches(' ').strip_suffix(END)?;
    let (rest, check) = text.split_at_checked(text.len().checked_sub(CHECK_DIGITS)?)?;
    let content = rest.strip_suffix(CHECK)?;
    (check_of(content.as_bytes()) == check).then_some(content)
}

/// Reads a whole file.
/// The ledger that a gate's header names.
pub(super) fn ledger_id(bytes: &[u8]) -> Result<String, GateFault> {
    if let Some(found) = version(bytes).filter(|found| *found > VERSION) {
        return Err(GateFault::NewerVersion { found });
    }
    let first = bytes.get(..LINE_BYTES).ok_or(GateFault::Truncated { bytes: bytes.len() })?;
    let content = unsealed(first).ok_or(GateFault::Checksum { line: 1 })?;
    let header = json::parse(format!("{content}}}").as_bytes()).ok();
    let id = header.as_ref().and_then(|header| header.as_object()?.get("ledger")?.as_str());
    id.map(str::to_owned).ok_or(GateFault::Checksum { line: 1 })
}

pub(super) fn parse(bytes: &[u8], ledger_id: &str) -> Result<Slots, GateFault> {
    if let Some(found) = version(bytes).filter(|found| *found > VERSION) {
        return Err(GateFault::NewerVersion { found });
    }
    if bytes.len() < FILE_BYTES {
        return Err(GateFault::Truncated { bytes: bytes.len() });
    }
    if bytes.len() > FILE_BYTES {
        return Err(GateFault::Overlong);
    }
    let (first, slots) = bytes.split_at(LINE_BYTES);
    let content = unsealed(first).ok_or(GateFault::Checksum { line: 1 })?;
    if content != header(ledger_id) {
        return Err(GateFault::WrongLedger);
    }
    let scopes = scopes();
    let entries = std::array::from_fn(|at| {
        parse_slot(&slots[at * LINE_BYTES..][..LINE_BYTES]).filter(|entry| entry.scope == scopes[at])
    });
    Ok(Slots { entries })
}

/// The version of the header, however the rest of it may look in later versions.
fn version(bytes: &[u8]) -> Option<u64> {
    let rest = bytes.strip_prefix(FORMAT.as_bytes())?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    if rest[digits] != b'"' {
        return None;
    }
    str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

fn parse_slot(line: &[u8]) -> Option<GateEntry> {
    let value = json::parse(format!("{}}}", unsealed(line)?).as_bytes()).ok()?;
    let slot = value.as_object()?;
    let text = |name: &str| slot.get(name)?.as_str();
    let number = |name: &str| slot.get(name)?.as_i64();
    Some(GateEntry {
        scope: Scope::from_name(text("scope")?)?,
        level: Level::from_name(text("level")?)?,
        epoch: u64::try_from(number("epoch")?).ok()?,
        reason: text("reason")?.to_owned(),
        at_ms: number("at_ms")?,
    })
}
