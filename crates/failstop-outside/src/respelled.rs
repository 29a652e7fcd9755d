//! The same JSON in other words.

use std::fmt::Write as _;

use decision_schema::Value;

/// JSON that means what `value` means and shares no spelling with it: members in the opposite order, whitespace
/// wherever it may stand, and every character of a string escaped that is written in one unit.
pub fn respelled(value: &Value) -> String {
    let mut text = String::from(" \n");
    write(value, &mut text);
    text.push('\t');
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at == 0 { " " } else { " ,\r" });
                write(item, text);
            }
            text.push_str(" ]");
        }
        Value::Object(object) => {
            let members: Vec<_> = object.iter().collect();
            text.push('{');
            for (at, (name, value)) in members.into_iter().rev().enumerate() {
                text.push_str(if at == 0 { "\t" } else { "\n, " });
                write_string(name, text);
                text.push_str(" :\n");
                write(value, text);
            }
            text.push_str(" }");
        }
        Value::String(string) => write_string(string, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.write_to(text),
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match u32::from(character) {
            // Writing into a string cannot fail.
            unit @ ..=0xffff => drop(write!(text, "\\u{unit:04X}")),
            _ => text.push(character),
        }
    }
    text.push('"');
}
