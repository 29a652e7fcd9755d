//! The server that carries decisions out over HTTP: it belongs to the harness, acts on the target, and strikes the
//! victim where it is told to. One connection, one request.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use decision_schema::{Value, json};
use parking_lot::Mutex;
use rustix::process::{Signal, pidfd_send_signal};

use crate::{
    decision::conduct_in,
    strike::{Moment, Strike},
    target::{self, Seen},
    victim::status_of,
};

/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    desk: Arc<Desk>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Desk {
    target: PathBuf,
    strike: Mutex<Option<(Strike, OwnedFd)>>,
    is_closing: AtomicBool,
}

impl Server {
    /// Serves on a port of its own, acting on this target.
    ///
    /// # Errors
    /// Where there is no port.
    pub fn start(target: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk {
            target: target.to_owned(),
            strike: Mutex::default(),
            is_closing: AtomicBool::new(false),
        });
        let at_desk = Arc::clone(&desk);
        let accepting = Some(thread::spawn(move || accept(&listener, &at_desk)));
        Ok(Self { address, desk, accepting })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Strikes the victim of this handle at its moment, if that is one of the server's.
    pub fn arm(&self, strike: Option<(Strike, OwnedFd)>) {
        *self.desk.strike.lock() = strike;
    }
}

/// Every request that has come is served before this returns.
impl Drop for Server {
    fn drop(&mut self) {
        self.desk.is_closing.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, desk: &Arc<Desk>) {
    let mut serving = Vec::new();
    for stream in listener.incoming().flatten() {
        if desk.is_closing.load(Ordering::SeqCst) {
            break;
        }
        let desk = Arc::clone(desk);
        // A client that is gone needs no answer.
        serving.push(thread::spawn(move || desk.serve(stream).unwrap_or_default()));
    }
    for thread in serving {
        let _ = thread.join();
    }
}

impl Desk {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let body = read_body(&mut stream)?;
        let status = json::parse(&body).ok().and_then(|request| self.carry_out(&request)).unwrap_or(400);
        write!(stream, "HTTP/1.1 {status} Done\r\ncontent-length: 0\r\n\r\n")
    }

    fn carry_out(&self, request: &Value) -> Option<u16> {
        let effect = Seen::asked_for_by(request)?;
        let deed = conduct_in(request.get("params").and_then(Value::as_object)).deed(effect.attempt);
        self.strike(Moment::BeforeAct, &effect);
        if deed.acts {
            target::act(&self.target, &effect).ok()?;
        }
        self.strike(Moment::AfterAct, &effect);
        Some(status_of(deed.answer))
    }

    fn strike(&self, moment: Moment, effect: &Seen) {
        if let Some((strike, victim)) = &*self.strike.lock()
            && strike.is_at(moment, &effect.key, effect.attempt)
        {
            // One that is dead already needs no signal.
            let _ = pidfd_send_signal(victim, Signal::KILL);
        }
    }
}

/// The body of a request whose head gives its length.
fn read_body(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}
