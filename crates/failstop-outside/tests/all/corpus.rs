//! All that fuzzers found worth keeping, checked without a fuzzer.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use failstop_outside::CHECKS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn stems(directory: &Path) -> BTreeSet<String> {
    files(directory).iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

fn replay(name: &str) {
    let (_, check) = CHECKS.iter().find(|(check, _)| *check == name).unwrap();
    let inputs = files(&fuzz().join("corpus").join(name));
    assert!(!inputs.is_empty(), "{name} has no corpus");
    for input in inputs {
        println!("repeat: cargo xtask fuzz {name} {}", input.file_name().unwrap().to_string_lossy());
        check(&fs::read(&input).unwrap());
    }
}

macro_rules! replayed {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )+

        #[test]
        fn every_check_has_a_target_a_corpus_and_a_replay() {
            let checks = BTreeSet::from_iter(CHECKS.map(|(name, _)| name.to_owned()));
            assert_eq!(BTreeSet::from_iter([$(stringify!($name).to_owned()),+]), checks);
            assert_eq!(stems(&fuzz().join("fuzz_targets")), checks);
            assert_eq!(stems(&fuzz().join("corpus")), checks);
        }
    };
}

replayed!(answers, checkpoints, config, exports, gate_file, json, lines, redaction, reports);

#[test]
fn nothing_at_all_is_also_an_input() {
    for (_, check) in CHECKS {
        check(b"");
        check(b"\xff");
    }
}
