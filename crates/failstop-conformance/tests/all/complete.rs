//! The suite runs every case that it has.

const SUITE: &str = include_str!("../../src/lib.rs");

const ROOMS: [(&str, &str); 9] = [
    ("attempts", include_str!("../../src/cases/attempts.rs")),
    ("contents", include_str!("../../src/cases/contents.rs")),
    ("dropped", include_str!("../../src/cases/dropped.rs")),
    ("engines", include_str!("../../src/cases/engines.rs")),
    ("evidence", include_str!("../../src/cases/evidence.rs")),
    ("fences", include_str!("../../src/cases/fences.rs")),
    ("gate", include_str!("../../src/cases/gate.rs")),
    ("histories", include_str!("../../src/cases/histories.rs")),
    ("owners", include_str!("../../src/cases/owners.rs")),
];

fn cases(room: &str) -> impl Iterator<Item = &str> {
    room.split("pub async fn ").skip(1).filter_map(|after| after.split('<').next())
}

#[test]
fn every_case_is_in_the_suite() {
    for (name, room) in ROOMS {
        assert!(SUITE.contains(&format!("{name}::{{")), "{name}");
        assert!(cases(room).count() > 0, "{name} has no case");
        for case in cases(room) {
            assert!(SUITE.contains(&format!(" {case},")), "{name}::{case}");
        }
    }
}

#[test]
fn every_room_is_looked_into() {
    let rooms = include_str!("../../src/cases/mod.rs");
    assert_eq!(rooms.matches("pub mod ").count(), ROOMS.len());
}
