//! `locate` finds every value of every tree where it really stands.

use decision_schema::json::{Place, Value, locate, parse};

fn ways(value: &Value, way: &mut Vec<usize>, all: &mut Vec<(Vec<usize>, Value)>) {
    all.push((way.clone(), value.clone()));
    let children: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(object) => object.iter().map(|(_, value)| value).collect(),
        _ => Vec::new(),
    };
    for (ordinal, child) in children.into_iter().enumerate() {
        way.push(ordinal);
        ways(child, way, all);
        way.pop();
    }
}

#[test]
fn every_value_is_found_at_its_first_byte() {
    let text = " {\"a]\" : [1, {\"\\\"}\": \"x\\\\\", \"b\":[] } ,-2.5e3], \"c\":{ },\n\"d\" : null , \"e\":[[[\"{\"]],true]}";
    let tree = parse(text.as_bytes()).unwrap();
    let mut all = Vec::new();
    ways(&tree, &mut Vec::new(), &mut all);
    assert_eq!(all.len(), 14);
    for (way, value) in all {
        let place = locate(text.as_bytes(), &way).unwrap();
        let rest = &text[place.offset..];
        let ends = (1..=rest.len()).filter(|end| rest.is_char_boundary(*end));
        let mut prefixes = ends.filter_map(|end| parse(&rest.as_bytes()[..end]).ok());
        assert!(prefixes.any(|prefix| prefix == value), "{way:?}");
    }
}

#[test]
fn a_member_is_found_with_its_name() {
    let text = br#"{"a": 1, "b" :2}"#;
    assert_eq!(locate(text, &[1]), Some(Place { name_offset: Some(9), offset: 14 }));
    assert_eq!(locate(text, &[]), Some(Place { name_offset: None, offset: 0 }));
}

#[test]
fn ways_that_lead_nowhere_and_texts_that_are_not_json_do_no_harm() {
    assert_eq!(locate(b"[1]", &[0, 0]), None);
    assert_eq!(locate(b"", &[]), None);
    let text = br#"{"a":["\"x",1,{"b":[2]}]} , ]"#;
    for (from, to) in (0..=text.len()).flat_map(|from| (from..=text.len()).map(move |to| (from, to))) {
        for way in [[0, 0, 0], [0, 2, 0], [7, 7, 7]] {
            let place = locate(&text[from..to], &way);
            assert!(place.is_none_or(|place| place.offset <= to - from));
        }
    }
}
