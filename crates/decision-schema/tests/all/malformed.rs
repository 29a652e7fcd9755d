//! Texts that are not JSON as we take it: each is refused for the right reason at the right byte.

use decision_schema::json::{JsonFaultKind as Kind, MAX_DEPTH, MAX_LINE_BYTES, PathStep, parse};

const TABLE: &[(&[u8], Kind, usize)] = &[
    // Nothing, or not all of it.
    (b"", Kind::UnexpectedEnd, 0),
    (b"  \n", Kind::UnexpectedEnd, 3),
    (b"{", Kind::UnexpectedEnd, 1),
    (b"[", Kind::UnexpectedEnd, 1),
    (b"[1", Kind::UnexpectedEnd, 2),
    (b"[1,", Kind::UnexpectedEnd, 3),
    (b"{\"a\"", Kind::UnexpectedEnd, 4),
    (b"{\"a\":", Kind::UnexpectedEnd, 5),
    (b"{\"a\":1", Kind::UnexpectedEnd, 6),
    (b"{\"a\":1,", Kind::UnexpectedEnd, 7),
    (b"\"abc", Kind::UnexpectedEnd, 4),
    (b"\"abcdefghijklmnop", Kind::UnexpectedEnd, 17),
    (b"\"a\\", Kind::UnexpectedEnd, 3),
    (b"\"\\n", Kind::UnexpectedEnd, 3),
    (b"tru", Kind::UnexpectedEnd, 3),
    (b"[nul", Kind::UnexpectedEnd, 4),
    (b"-", Kind::UnexpectedEnd, 1),
    (b"1.", Kind::UnexpectedEnd, 2),
    (b"1e", Kind::UnexpectedEnd, 2),
    (b"1e+", Kind::UnexpectedEnd, 3),
    // Not a value.
    (b"ACT", Kind::ExpectedValue, 0),
    (b"trux", Kind::ExpectedValue, 0),
    (b"True", Kind::ExpectedValue, 0),
    (b"None", Kind::ExpectedValue, 0),
    (b"'a'", Kind::ExpectedValue, 0),
    (b"]", Kind::ExpectedValue, 0),
    (b"[,1]", Kind::ExpectedValue, 1),
    (b"[1,,2]", Kind::ExpectedValue, 3),
    (b"{\"a\":}", Kind::ExpectedValue, 5),
    (b"[+1]", Kind::ExpectedValue, 1),
    (b"[.5]", Kind::ExpectedValue, 1),
    (b"\x0b1", Kind::ExpectedValue, 0),
    (b"// no\n1", Kind::ExpectedValue, 0),
    (b"\xc2\xa01", Kind::ExpectedValue, 0),
    (b"\xef\xbb\xbf{}", Kind::ByteOrderMark, 0),
    // Structure.
    (b"{a:1}", Kind::ExpectedKey, 1),
    (b"{1:1}", Kind::ExpectedKey, 1),
    (b"{,}", Kind::ExpectedKey, 1),
    (b"{\"a\":1,,}", Kind::ExpectedKey, 7),
    (b"{\"a\" 1}", Kind::ExpectedColon, 5),
    (b"{\"a\"}", Kind::ExpectedColon, 4),
    (b"{\"a\"=1}", Kind::ExpectedColon, 4),
    (b"[1 2]", Kind::ExpectedCommaOrClose, 3),
    (b"[1}", Kind::ExpectedCommaOrClose, 2),
    (b"{\"a\":1]", Kind::ExpectedCommaOrClose, 6),
    (b"{\"a\":1 \"b\":2}", Kind::ExpectedCommaOrClose, 7),
    (b"[truex]", Kind::ExpectedCommaOrClose, 5),
    (b"[1,]", Kind::TrailingComma, 3),
    (b"{\"a\":1, }", Kind::TrailingComma, 8),
    (b"{}{}", Kind::TrailingData, 2),
    (b"1 x", Kind::TrailingData, 2),
    (b"{}\n{}", Kind::TrailingData, 3),
    (b"1\0", Kind::TrailingData, 1),
    (b"{\"a\":1,\"a\":2}", Kind::DuplicateKey, 7),
    (b"{\"a\":1,\"\\u0061\":2}", Kind::DuplicateKey, 7),
    (b"[{\"\":1,\"b\":2,\"\":3}]", Kind::DuplicateKey, 13),
    // Numbers.
    (b"NaN", Kind::NotFinite, 0),
    (b"[Infinity]", Kind::NotFinite, 1),
    (b"[-Infinity]", Kind::NotFinite, 2),
    (b"01", Kind::LeadingZero, 0),
    (b"-012", Kind::LeadingZero, 1),
    (b"[00]", Kind::LeadingZero, 1),
    (b"1.e5", Kind::InvalidNumber, 2),
    (b"[1.]", Kind::InvalidNumber, 3),
    (b"1ex", Kind::InvalidNumber, 2),
    (b"1e+-5", Kind::InvalidNumber, 3),
    (b"--1", Kind::InvalidNumber, 1),
    (b"0x10", Kind::TrailingData, 1),
    (b"1_000", Kind::TrailingData, 1),
    (b"18446744073709551616", Kind::IntegerOutOfRange, 0),
    (b"[-9223372036854775809]", Kind::IntegerOutOfRange, 1),
    (b"100000000000000000000000000000", Kind::IntegerOutOfRange, 0),
    (b"1e400", Kind::FloatOutOfRange, 0),
    (b"{\"a\":-1.5e999}", Kind::FloatOutOfRange, 5),
    // Strings.
    (b"\"a\nb\"", Kind::ControlCharacter, 2),
    (b"\"12345678\x1f\"", Kind::ControlCharacter, 9),
    (b"\"\\n\x00\"", Kind::ControlCharacter, 3),
    (b"{\"a\tb\":1}", Kind::ControlCharacter, 3),
    (b"\"\\x41\"", Kind::InvalidEscape, 1),
    (b"\"\\'\"", Kind::InvalidEscape, 1),
    (b"\"ab\\u12g4\"", Kind::InvalidEscape, 3),
    (b"\"\\u+123\"", Kind::InvalidEscape, 1),
    (b"\"\\u12", Kind::InvalidEscape, 1),
    (b"\"\\U00000041\"", Kind::InvalidEscape, 1),
    (b"\"\\ud800\"", Kind::LoneSurrogate, 1),
    (b"\"x\\udc00\"", Kind::LoneSurrogate, 2),
    (b"\"\\ud800\\u0041\"", Kind::LoneSurrogate, 1),
    (b"\"\\ud800\\ud800\"", Kind::LoneSurrogate, 1),
    (b"\"\\ud800x\"", Kind::LoneSurrogate, 1),
    // Bytes.
    (b"\"\xff\"", Kind::InvalidUtf8, 1),
    (b"{\"a\xc3\":1}", Kind::InvalidUtf8, 3),
    (b"\"\xed\xa0\x80\"", Kind::InvalidUtf8, 1),
    (b"\"\xc0\xaf\"", Kind::InvalidUtf8, 1),
    (b"1 \xfe", Kind::InvalidUtf8, 2),
];

#[test]
fn malformed_texts_are_refused_with_kind_and_position() {
    for (text, kind, offset) in TABLE {
        let shown = String::from_utf8_lossy(text);
        let fault = parse(text).expect_err(&shown);
        assert_eq!((fault.kind, fault.offset), (*kind, *offset), "{shown}");
        assert!(fault.offset <= text.len(), "{shown}");
        assert_eq!(fault.to_string(), format!("{kind} (at byte {offset})"));
        assert_eq!(fault.code(), kind.code());
    }
}

#[test]
fn depth_64_is_accepted_and_65_is_not() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    let fault = parse(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err();
    assert_eq!((fault.kind, fault.offset), (Kind::TooDeep, MAX_DEPTH));
    let siblings = format!("[{},{}]", nested(MAX_DEPTH - 1), nested(MAX_DEPTH - 1));
    assert!(parse(siblings.as_bytes()).is_ok());
    let objects = "{\"a\":".repeat(100_000);
    assert_eq!(parse(objects.as_bytes()).unwrap_err().kind, Kind::TooDeep);
}

#[test]
fn one_mebibyte_is_accepted_and_one_byte_more_is_not() {
    let mut text = vec![b' '; MAX_LINE_BYTES];
    text[0] = b'1';
    assert!(parse(&text).is_ok());
    text.push(b' ');
    let fault = parse(&text).unwrap_err();
    assert_eq!((fault.kind, fault.offset), (Kind::TooLong, MAX_LINE_BYTES));
}

#[test]
fn a_duplicate_among_many_names_is_found_at_its_second_place() {
    for (members, again) in [(17, 0), (17, 16), (500, 3), (500, 499)] {
        let members: Vec<String> = (0..members).map(|n| format!("\"k{n}\" : [{n}, \"}}\"] ,")).collect();
        let before = format!("{{{}", members.concat());
        let offset = before.len();
        let text = format!("{before}\"k{again}\":null,\"last\":1}}");
        let fault = parse(text.as_bytes()).unwrap_err();
        assert_eq!((fault.kind, fault.offset), (Kind::DuplicateKey, offset), "{again}");
    }
}

#[test]
fn of_several_duplicates_the_first_is_reported_however_many_names_there_are() {
    for members in [0, 30] {
        let members: Vec<String> = (0..members).map(|n| format!("\"k{n}\":0,")).collect();
        let before = format!("{{{}\"b\":1,\"a\":2,", members.concat());
        let text = format!("{before}\"b\":3,\"a\":4,\"b\":5}}");
        let fault = parse(text.as_bytes()).unwrap_err();
        assert_eq!((fault.kind, fault.offset), (Kind::DuplicateKey, before.len()));
    }
}

/// Nothing is timed: comparing each name with each other would make this test take minutes, which is noticed.
#[test]
fn a_mebibyte_of_distinct_names_is_read_without_quadratic_work() {
    let members: Vec<String> = (0..90_000).map(|n| format!("\"{n}\":0")).collect();
    let text = format!("{{{}}}", members.join(","));
    let value = parse(text.as_bytes()).unwrap();
    assert_eq!(value.as_object().unwrap().len(), 90_000);
}

#[test]
fn a_fault_tells_the_way_to_it_by_position() {
    let fault = parse(br#"{"a":[0,{"secret":[01]}]}"#).unwrap_err();
    let way = [
        PathStep::Member { name_offset: 1 },
        PathStep::Item { index: 1 },
        PathStep::Member { name_offset: 9 },
        PathStep::Item { index: 0 },
    ];
    assert_eq!(fault.path, way);
}
