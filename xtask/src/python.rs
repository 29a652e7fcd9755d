//! The Python packages: built as a wheel, then tested as they are installed, never from the source tree.
//!
//! All of it stands in `target/python`: `build-*` has maturin, `downloads-*` the test tools for one interpreter (both are
//! kept, under a hash of what they were made from); `test-*` and `empty` are made afresh each time, from these downloads
//! and the wheel, so that nothing of an earlier build can stand in for what is missing in this one.

use std::{
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{steps::succeeds, workspace::root};

const OLDEST: (u32, u32) = (3, 11);
const MISSING: &str = "\
`python3` must be CPython 3.11 or newer, with its venv module: install python3 and python3-venv, or name another \
interpreter in the variable PYTHON";

/// What the packages are for. Those that are not the main interpreter are tested too, where they are installed.
const SUPPORTED: &[&str] = &["3.11", "3.12", "3.13"];

/// Pages whose Python examples must run. The examples of a page are one program.
const PAGES: &[&str] =
    &["README.md", "docs/python.md", "docs/python-engine.md", "docs/migrating-from-the-reference.md"];

const PACKAGES: &[&str] = &["failstop", "execution_orchestration_core"];

/// Everything that must hold of the Python packages.
pub fn test() -> bool {
    told(try_test())
}

/// Builds the wheel that is given to others.
pub fn wheel() -> bool {
    told(release_wheel().map(|wheel| {
        println!("{}", wheel.display());
        true
    }))
}

/// Runs all of `bench/python` against the release build, or the ones named.
pub fn bench(names: &[&str]) -> bool {
    told(try_bench(names))
}

fn told(result: io::Result<bool>) -> bool {
    result.unwrap_or_else(|fault| {
        eprintln!("{fault}");
        false
    })
}

fn try_test() -> io::Result<bool> {
    let main = Interpreter::main()?;
    let tools = Tools::ready(&main)?;
    let wheel = tools.build(&main, &[], &home().join("wheels"))?;
    let tested = tools.environment(&main, "test", &["pytest", "hypothesis", "mypy"], &wheel)?;
    let mut succeeded = examples(&tools, &main, &wheel)?;
    succeeded &= said("types", &mut types(&tested))
        & said("types of tests and benches", &mut types_of_tests_and_benches(&tested));
    succeeded &= said("stubs", &mut stubs(&tested)) & said("pytest", &mut pytest(&tested));
    for name in SUPPORTED.iter().filter(|name| !main.is(name)) {
        succeeded &= test_with_other(&tools, name, &wheel)?;
    }
    Ok(succeeded)
}

fn test_with_other(tools: &Tools, name: &str, wheel: &Path) -> io::Result<bool> {
    let Some(other) = Interpreter::named(name) else {
        println!("skipped: no python{name} here");
        return Ok(true);
    };
    let environment = tools.environment(&other, &format!("test-{name}"), &["pytest", "hypothesis"], wheel)?;
    Ok(said(&format!("pytest with python{name}"), &mut pytest(&environment)))
}

fn release_wheel() -> io::Result<PathBuf> {
    let main = Interpreter::main()?;
    Tools::ready(&main)?.build(&main, &["--release"], &root().join("target").join("wheels"))
}

fn try_bench(names: &[&str]) -> io::Result<bool> {
    let main = Interpreter::main()?;
    let tools = Tools::ready(&main)?;
    let wheel = tools.build(&main, &["--release"], &root().join("target").join("wheels"))?;
    let environment = tools.environment(&main, "bench", &[], &wheel)?;
    let mut scripts = files_in(&root().join("bench").join("python"), "py")?;
    scripts.retain(|script| {
        names.is_empty() || names.iter().any(|name| script.file_stem() == Some(OsStr::new(name)))
    });
    if scripts.is_empty() {
        return Err(io::Error::other("bench/python has nothing of that name"));
    }
    let here = afresh(&home().join("run"))?;
    Ok(scripts.iter().fold(true, |succeeded, script| {
        let mut command = environment.python();
        command.env("PYTHONPATH", script.parent().unwrap_or(root())); // what they have in common
        succeeded & succeeds(command.arg(script).current_dir(&here))
    }))
}

/// Where all of this is kept.
fn home() -> PathBuf {
    root().join("target").join("python")
}

/// A CPython that is there and new enough.
struct Interpreter {
    program: PathBuf,
    version: String,
}

impl Interpreter {
    fn main() -> io::Result<Self> {
        let program = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        Self::at(Path::new(&program)).ok_or_else(|| io::Error::other(MISSING))
    }

    /// `python3.12`: on the path, or among those of pyenv, whose entries on the path fail unless one is chosen.
    fn named(name: &str) -> Option<Self> {
        let program = format!("python{name}");
        Self::at(Path::new(&program)).or_else(|| {
            let installed = fs::read_dir(pyenv()?.join("versions")).ok()?;
            let mut programs =
                installed.filter_map(|entry| Some(entry.ok()?.path().join("bin").join(&program)));
            programs.find_map(|program| Self::at(&program))
        })
    }

    fn at(program: &Path) -> Option<Self> {
        let asked =
            "import sys; print(sys.executable, *sys.version_info[:3], sys.implementation.name, sep='\\n')";
        let output = isolated(program).args(["-c", asked]).stderr(Stdio::null()).output().ok()?;
        let answer = String::from_utf8(output.stdout).ok()?;
        let [executable, major, minor, patch, "cpython"] = answer.lines().collect::<Vec<_>>()[..] else {
            return None;
        };
        let is_new_enough = (major.parse().ok()?, minor.parse().ok()?) >= OLDEST;
        let version = format!("{major}.{minor}.{patch}");
        is_new_enough.then(|| Self { program: executable.into(), version })
    }

    /// Whether it is of this version, `3.12`.
    fn is(&self, name: &str) -> bool {
        self.version.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
    }

    /// Different for each interpreter and each state of the requirements.
    fn key(&self) -> io::Result<String> {
        let mut hasher = DefaultHasher::new();
        fs::read(requirements())?.hash(&mut hasher);
        (&self.program, &self.version).hash(&mut hasher);
        Ok(format!("{}-{:016x}", self.version, hasher.finish()))
    }
}

fn pyenv() -> Option<PathBuf> {
    let given = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    given.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".pyenv")))
}

fn requirements() -> PathBuf {
    root().join("python").join("requirements-dev.txt")
}

/// A Python program that sees nothing of the caller's own packages.
fn isolated(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    command
}

/// A virtual environment.
struct Environment(PathBuf);

impl Environment {
    fn make(directory: PathBuf, interpreter: &Interpreter, options: &[&str]) -> io::Result<Self> {
        let mut command = isolated(&interpreter.program);
        must(command.args(["-m", "venv", "--clear"]).args(options).arg(&directory))?;
        Ok(Self(directory))
    }

    fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// Its interpreter, which imports nothing from where it is started.
    fn python(&self) -> Command {
        let mut command = isolated(&self.program("python"));
        command.arg("-P");
        command
    }
}

/// What builds and installs: maturin and pip.
struct Tools(Environment);

impl Tools {
    /// Makes them, unless they are there.
    fn ready(main: &Interpreter) -> io::Result<Self> {
        let directory = home().join(format!("build-{}", main.key()?));
        once(&directory, || {
            let made = Self(Environment::make(directory.clone(), main, &[])?);
            must(made.pip(&made.0, "install").args(["maturin", "--constraint"]).arg(requirements()))
        })?;
        Ok(Self(Environment(directory)))
    }

    /// `pip COMMAND` for an environment, which need not have a pip itself.
    fn pip(&self, environment: &Environment, command: &str) -> Command {
        let mut pip = self.0.python();
        pip.args(["-m", "pip", "--quiet", "--python"]).arg(environment.program("python")).arg(command);
        pip
    }

    /// Builds the wheel into `directory`, where it is then the only one.
    ///
    /// For which Python the extension is built stands in `.cargo/config.toml`, so that cargo's own build is the same.
    fn build(&self, main: &Interpreter, options: &[&str], directory: &Path) -> io::Result<PathBuf> {
        let mut command = isolated(&self.0.program("maturin"));
        command.args(["build", "--quiet", "--locked", "--interpreter"]).arg(&main.program).args(options);
        must(command.arg("--out").arg(afresh(directory)?).current_dir(root()))?;
        let wheel = files_in(directory, "whl")?.pop();
        wheel.ok_or_else(|| io::Error::other("maturin has built no wheel"))
    }

    /// A new environment that has the wheel, these packages at their pinned versions, and nothing else.
    fn environment(
        &self,
        interpreter: &Interpreter,
        name: &str,
        packages: &[&str],
        wheel: &Path,
    ) -> io::Result<Environment> {
        let environment = Environment::make(home().join(name), interpreter, &["--without-pip"])?;
        let mut command = self.pip(&environment, "install");
        command.arg("--no-index").arg(wheel);
        if !packages.is_empty() {
            let downloads = self.downloads(&environment, interpreter, packages)?;
            command.args(packages).arg("--find-links").arg(downloads);
        }
        must(&mut command)?;
        Ok(environment)
    }

    /// Where the packages are, at their pinned versions, with all that they need.
    fn downloads(
        &self,
        environment: &Environment,
        interpreter: &Interpreter,
        packages: &[&str],
    ) -> io::Result<PathBuf> {
        let directory = home().join(format!("downloads-{}-{}", packages.join("-"), interpreter.key()?));
        once(&directory, || {
            let mut command = self.pip(environment, "download");
            must(command.args(packages).arg("--constraint").arg(requirements()).arg("--dest").arg(&directory))
        })?;
        Ok(directory)
    }
}

/// Does `make` unless it was done to its end before.
fn once(directory: &Path, make: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let mark = directory.join("complete");
    if mark.exists() {
        return Ok(());
    }
    make()?;
    fs::write(mark, "")
}

fn must(command: &mut Command) -> io::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    if succeeds(command) { Ok(()) } else { Err(io::Error::other(format!("{program} has failed"))) }
}

fn said(what: &str, command: &mut Command) -> bool {
    println!("--> {what}");
    succeeds(command)
}

fn afresh(directory: &Path) -> io::Result<PathBuf> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir_all(directory)?;
    Ok(directory.to_path_buf())
}

fn files_in(directory: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension() == Some(OsStr::new(extension)));
    paths.sort();
    Ok(paths)
}

/// A module of the environment, started where none of the packages' sources are, with the project's settings.
fn module(environment: &Environment, name: &str) -> Command {
    let mut command = environment.python();
    let here = home().join("run");
    if let Err(fault) = fs::create_dir_all(&here) {
        eprintln!("{}: {fault}", here.display());
    }
    command.args(["-m", name]).current_dir(here);
    command
}

fn settings() -> PathBuf {
    root().join("pyproject.toml")
}

fn pytest(environment: &Environment) -> Command {
    let mut command = module(environment, "pytest");
    command.args(["-W", "error", "-p", "no:cacheprovider", "-c"]).arg(settings());
    command.arg("--rootdir").arg(root()).arg(root().join("python").join("tests"));
    command
}

fn mypy(environment: &Environment) -> Command {
    let mut command = module(environment, "mypy");
    command.arg("--strict").arg("--config-file").arg(settings()).arg("--cache-dir").arg(home().join("mypy"));
    command
}

fn types(environment: &Environment) -> Command {
    let mut command = mypy(environment);
    command.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    command
}

fn types_of_tests_and_benches(environment: &Environment) -> Command {
    let mut command = mypy(environment);
    command.arg(root().join("python").join("tests")).arg(root().join("bench").join("python"));
    command
}

fn stubs(environment: &Environment) -> Command {
    let mut command = module(environment, "mypy.stubtest");
    command.args(PACKAGES).arg("--mypy-config-file").arg(settings());
    command.arg("--allowlist").arg(root().join("python").join("stubtest-allowlist.txt"));
    command
}

/// Runs the examples of each page where there is nothing but the wheel, in an empty directory.
fn examples(tools: &Tools, main: &Interpreter, wheel: &Path) -> io::Result<bool> {
    let environment = tools.environment(main, "empty", &[], wheel)?;
    let mut succeeded = true;
    for page in PAGES {
        let program = python_blocks(&fs::read_to_string(root().join(page))?);
        if program.trim().is_empty() {
            return Err(io::Error::other(format!("{page} has no Python example")));
        }
        let mut command = environment.python();
        command.args(["-W", "error", "-c"]).arg(program).current_dir(afresh(&home().join("page"))?);
        succeeded &= said(&format!("examples of {page}"), &mut command);
    }
    Ok(succeeded)
}

/// The page's Python blocks, each on the lines on which it stands, so that a traceback names the page's own lines.
fn python_blocks(page: &str) -> String {
    let mut inside = false;
    let mut program = String::new();
    for line in page.lines() {
        match line {
            "```python" => inside = true,
            "```" => inside = false,
            line if inside => program.push_str(line),
            _ => {}
        }
        program.push('\n');
    }
    program
}
