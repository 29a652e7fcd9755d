//! The day on one page.

use std::{fmt::Write as _, time::Duration};

use crate::account::{Account, End};

/// What bars are made of: what was done, what guards refused, what the gate barred, what went wrong.
const MARKS: [char; 4] = ['█', '▒', '·', '!'];

/// How wide the busiest hour is.
const WIDTH: u64 = 56;

pub fn page(account: &Account, took: Duration) -> String {
    let mut page = String::new();
    // Writing into a string cannot fail.
    let _ = write_head(&mut page, account);
    let _ = write_hours(&mut page, account);
    let _ = write_proof(&mut page, account, took);
    page
}

fn row(page: &mut String, name: &str, count: u64, note: &str) -> std::fmt::Result {
    writeln!(page, "  {name:<42} {:>9}  {note}", grouped(count))
}

fn write_head(page: &mut String, account: &Account) -> std::fmt::Result {
    let count = |end| account.count(end);
    writeln!(page, "A day of decisions\n")?;
    row(page, "proposed", account.total(), "one in a hundred of them sent twice")?;
    row(page, "executed", count(End::Executed), "")?;
    row(page, "  of these after a retry", account.saved_by_retry, "")?;
    row(page, "answered from the record", count(End::Replayed), "sent again, not done again")?;
    row(
        page,
        "not executed: failed",
        count(End::Failed),
        "rejected, or out of retries, or stopped while waiting",
    )?;
    row(page, "in doubt", count(End::InDoubt), "nobody knows, so nobody tries again")?;
    row(page, "denied otherwise", count(End::Denied), "such as a duplicate of what still runs")?;
    writeln!(page, "\n  the gate stopped")?;
    row(page, "  by the engine's own health", count(End::BarredByHealth), "closed and opened by itself")?;
    row(page, "  by an operator", count(End::BarredByOperator), "17:30 to 17:45")?;
    row(
        page,
        "  by the proposal's own context",
        count(End::BarredByContext),
        "upstream is RED, 22:00 to 22:05",
    )?;
    row(page, "  what was already under way", account.stopped, "counted above: failed or in doubt")?;
    writeln!(page, "\n  the guards refused")?;
    for (guard, count) in &account.refused_by {
        row(page, &format!("  {guard}"), *count, "")?;
    }
    writeln!(page, "\n  the world was asked")?;
    row(page, "  attempts", account.attempts, "")?;
    row(page, "  executions with more than one", account.retried, "")
}

/// What each mark stands for.
fn parts(account: &Account, hour: usize) -> [u64; 4] {
    let sum = |ends: &[End]| ends.iter().filter_map(|end| account.hours[hour].get(end)).sum();
    [
        sum(&[End::Executed, End::Replayed]),
        sum(&[End::Refused, End::Denied]),
        sum(&[End::BarredByHealth, End::BarredByOperator, End::BarredByContext]),
        sum(&[End::Failed, End::InDoubt]),
    ]
}

fn write_hours(page: &mut String, account: &Account) -> std::fmt::Result {
    let [done, refused, barred, ill] = MARKS;
    writeln!(
        page,
        "\n  {done} done   {refused} refused by a guard   {barred} barred by the gate   {ill} failed or in doubt\n"
    )?;
    let all: Vec<[u64; 4]> = (0..24).map(|hour| parts(account, hour)).collect();
    let most = all.iter().map(|parts| parts.iter().sum()).max().unwrap_or(1).max(1);
    for (hour, parts) in all.iter().enumerate() {
        let bar: String =
            MARKS.iter().zip(parts).flat_map(|(mark, part)| mark_times(*mark, *part, most)).collect();
        let note = match hour {
            12 => "  <- the storm, 12:10 to 13:05",
            17 => "  <- the operator's stop",
            _ => "",
        };
        writeln!(page, "  {hour:02}  {:>6}  {bar}{note}", grouped(parts.iter().sum()))?;
    }
    Ok(())
}

/// Even a little is seen.
fn mark_times(mark: char, part: u64, most: u64) -> impl Iterator<Item = char> {
    let width = if part == 0 { 0 } else { (part * WIDTH / most).max(u64::from(part * 200 > most)) };
    std::iter::repeat_n(mark, usize::try_from(width).unwrap_or(0))
}

fn write_proof(page: &mut String, account: &Account, took: Duration) -> std::fmt::Result {
    let (effects, twice) = account.effects;
    writeln!(
        page,
        "\n  packets: {} of {} complete, registered and without a secret ({} redacted)",
        grouped(account.packets),
        grouped(account.total()),
        grouped(account.redacted),
    )?;
    for (fault, count) in &account.faults {
        writeln!(page, "  WRONG: {fault}, {} times", grouped(*count))?;
    }
    writeln!(
        page,
        "  effects: {}, {twice} of them twice (a HOLD has none; some are in doubt and happened)",
        grouped(effects as u64)
    )?;
    writeln!(page, "  the day took {:.1} s", took.as_secs_f64())
}

/// `12,345`.
fn grouped(count: u64) -> String {
    if count < 1000 {
        return count.to_string();
    }
    format!("{},{:03}", grouped(count / 1000), count % 1000)
}
