//! The configuration's JSON Schema, made from the table of keys.

use decision_schema::{Action, Number, Object, Value};

use crate::keys::{self, ACTION, EFFECTS, Key, Kind};

/// The schema: an object of JSON Schema 2020-12.
pub fn schema() -> Value {
    let mut root = object_schema();
    root.insert("$schema", "https://json-schema.org/draft/2020-12/schema");
    root.insert("title", "failstop configuration");
    for key in keys::all() {
        let names: Vec<&str> = key.path.split('.').collect();
        add(&mut root, &names, &key);
    }
    Value::Object(root)
}

fn object_schema() -> Object {
    let mut schema = Object::new();
    schema.insert("type", "object");
    schema.insert("additionalProperties", false);
    schema.insert("properties", Object::new());
    schema
}

/// Adds `key` under `names` to an object's schema. The names of actions become a pattern.
fn add(schema: &mut Object, names: &[&str], key: &Key) {
    let [name, rest @ ..] = names else { return };
    let (members, name) = if *name == ACTION {
        let pattern = Action::ALL.map(Action::as_str).join("|");
        ("patternProperties", format!("^({pattern})$"))
    } else {
        ("properties", (*name).to_owned())
    };
    let mut properties = schema.get(members).and_then(Value::as_object).cloned().unwrap_or_default();
    if rest.is_empty() {
        properties.insert(name, leaf(key));
    } else {
        let mut inner =
            properties.get(&name).and_then(Value::as_object).cloned().unwrap_or_else(object_schema);
        add(&mut inner, rest, key);
        properties.insert(name, inner);
    }
    schema.insert(members, properties);
}

fn leaf(key: &Key) -> Object {
    let mut leaf = of_kind(key.kind);
    leaf.insert("description", key.doc);
    leaf
}

fn of_kind(kind: Kind) -> Object {
    let typed = |name: &str| Object::from_iter([("type", Value::from(name))]);
    let choice = |names: Vec<&str>| Object::from_iter([("enum", Value::from(names))]);
    match kind {
        Kind::Integer { min, max } => {
            let mut schema = typed("integer");
            schema.insert("minimum", min);
            schema.insert("maximum", max);
            schema
        }
        Kind::Number { min, max } => {
            let mut schema = typed("number");
            schema.insert("minimum", Value::Number(Number::Float(min)));
            schema.insert("maximum", Value::Number(Number::Float(max)));
            schema
        }
        Kind::Flag => typed("boolean"),
        Kind::Choice(names) => choice(names.to_vec()),
        Kind::Text | Kind::HiddenText | Kind::Path => typed("string"),
        Kind::Texts | Kind::HiddenTexts => with(typed("array"), "items", typed("string")),
        Kind::Actions => with(typed("array"), "items", choice(Action::ALL.map(Action::as_str).to_vec())),
        Kind::Secrets => with(typed("object"), "additionalProperties", typed("string")),
        Kind::Effects { .. } => with(typed("object"), "additionalProperties", choice(EFFECTS.to_vec())),
    }
}

fn with(mut schema: Object, name: &str, value: Object) -> Object {
    schema.insert(name, value);
    schema
}
