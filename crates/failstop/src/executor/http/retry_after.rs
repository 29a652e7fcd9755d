//! The `Retry-After` header of RFC 9110, section 10.2.3.

use hyper::{
    HeaderMap,
    header::{DATE, HeaderName, RETRY_AFTER},
};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What the headers of a response say of it.
pub(super) fn wish_in(headers: &HeaderMap, now_ms: i64) -> Option<u64> {
    retry_after_ms(text(headers, &RETRY_AFTER)?, text(headers, &DATE), now_ms)
}

/// How long a target asks to be left alone, milliseconds, by its headers `Retry-After` and `Date`: seconds, or the time
/// from the response's own `Date` until the given one, so that the clocks of the two sides need not agree. `now_ms` (Unix
/// milliseconds) stands in for a missing `Date`. A date that is past is 0; what cannot be read is no wish. For executors
/// of one's own that talk HTTP.
pub fn retry_after_ms(wish: &str, date: Option<&str>, now_ms: i64) -> Option<u64> {
    if wish.bytes().all(|byte| byte.is_ascii_digit()) {
        return (!wish.is_empty()).then(|| wish.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1000));
    }
    let from_ms = date.and_then(unix_ms_of_http_date).unwrap_or(now_ms);
    let until_ms = unix_ms_of_http_date(wish)?;
    Some(u64::try_from(until_ms.saturating_sub(from_ms)).unwrap_or(0))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that may be sent since 1999.
fn unix_ms_of_http_date(date: &str) -> Option<i64> {
    let (_weekday, date) = date.split_once(", ")?;
    let mut parts = date.split(' ');
    let day = number(parts.next()?, 2, 1..=31)?;
    let month = parts.next()?;
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let year = number(parts.next()?, 4, 1970..=9999)?;
    let mut clock = parts.next()?.split(':');
    let hour = number(clock.next()?, 2, 0..=23)?;
    let minute = number(clock.next()?, 2, 0..=59)?;
    let second = number(clock.next()?, 2, 0..=60)?;
    let is_whole = clock.next().is_none() && parts.next() == Some("GMT") && parts.next().is_none();
    is_whole.then_some((((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000)
}

fn number(text: &str, digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && range.contains(number))
}

/// Counts the year from March on, so that the leap day is its last and every month's start is a line of slope 153/5.
/// 719,468 days lie between 0000-03-01 and 1970-01-01.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const NOW_MS: i64 = 784_111_777_000;

    fn wish(retry_after: &'static str, date: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(retry_after))]);
        headers.extend(date.map(|date| (DATE, HeaderValue::from_static(date))));
        wish_in(&headers, NOW_MS)
    }

    #[test]
    fn dates_are_counted_from_1970() {
        for (date, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] {
            assert_eq!(unix_ms_of_http_date(date), Some(seconds * 1000), "{date}");
        }
    }

    #[test]
    fn a_date_is_measured_from_the_response_s_own() {
        let date = Some("Sun, 06 Nov 1994 08:49:07 GMT");
        assert_eq!(wish("Sun, 06 Nov 1994 08:50:37 GMT", date), Some(90_000));
        assert_eq!(wish("Sun, 06 Nov 1994 08:50:37 GMT", None), Some(60_000));
        assert_eq!(wish("Sun, 06 Nov 1994 08:50:37 GMT", Some("yesterday")), Some(60_000));
        assert_eq!(wish("Sun, 06 Nov 1994 08:00:00 GMT", date), Some(0));
    }

    #[test]
    fn seconds_never_overflow() {
        assert_eq!(wish("0", None), Some(0));
        assert_eq!(wish("120", None), Some(120_000));
        assert_eq!(wish("99999999999999999999999999", None), Some(u64::MAX));
    }

    #[test]
    fn what_cannot_be_read_is_no_wish() {
        for unfit in [
            "",
            "-1",
            "1.5",
            "soon",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sun, 06 Nov 1994 +8:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
        ] {
            assert_eq!(wish(unfit, None), None, "{unfit}");
        }
    }
}
