//! What people read on a terminal: times, states in colour, and text that may come from anywhere.

use std::{
    fmt::{self, Write as _},
    io::{self, IsTerminal as _},
};

use failstop::core::ledger::Standing;

/// How standard output is written for people.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    is_coloured: bool,
}

impl Paint {
    /// With colours on a terminal, unless `NO_COLOR` is set.
    pub fn for_stdout() -> Self {
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { is_coloured: io::stdout().is_terminal() && !is_refused }
    }

    /// The state, `width` wide: red where somebody has to look, green where all is well.
    pub fn state(self, state: Option<Standing>, width: usize) -> String {
        let name = state.map_or("-", Standing::as_str);
        let colour = match state {
            Some(Standing::InDoubt) => "31",
            Some(Standing::Started | Standing::Open) => "33",
            Some(Standing::Succeeded) => "32",
            Some(Standing::Failed) | None => return format!("{name:width$}"),
        };
        self.coloured(colour, &format!("{name:width$}"))
    }

    /// Text that calls for somebody.
    pub fn alarm(self, text: &str) -> String {
        self.coloured("31", text)
    }

    /// A heading.
    pub fn heading(self, text: &str) -> String {
        self.coloured("1", text)
    }

    fn coloured(self, colour: &str, text: &str) -> String {
        if self.is_coloured { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Text from outside, with whatever a terminal might obey written out.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            // Writing into a string cannot fail.
            let _ = write!(plain, "\\u{{{:x}}}", u32::from(character));
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Marks that turn the order of what follows, so that it reads as something else.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Unix wall time in milliseconds as RFC 3339 in UTC, such as `2026-01-31T23:59:59.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc(pub i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY_MS: i64 = 86_400_000;
        let (year, month, day) = date(self.0.div_euclid(DAY_MS));
        let ms = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
    }
}

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that
/// the day that not all of them have is the last.
const fn date(days: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097;
    let since_march_0 = days + 719_468;
    let era = since_march_0.div_euclid(ERA_DAYS);
    let day_of_era = since_march_0.rem_euclid(ERA_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (1_782_864_000_123, "2026-07-01T00:00:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Utc(ms).to_string(), text);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(plain("a\x1b[31mb\u{202e}c\n"), "a\\u{1b}[31mb\\u{202e}c\\u{a}");
        assert_eq!(plain("größe 👍"), "größe 👍");
    }
}
