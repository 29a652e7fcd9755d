//! A small HTTP server of difficult targets, for the example in this directory.
//!
//! Prints its address, serves until its standard input ends, then prints how often each target was asked and how many
//! effects it had. The `ops:target` of a request's body names the target, and with it how the server behaves. It keeps
//! the `Idempotency-Key` of every effect and never has the same one twice.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "what it prints is its interface")]

mod request;
mod targets;

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use request::Request;
use targets::{Reply, Targets};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?);
    let targets = Arc::new(Mutex::new(Targets::default()));
    let served = Arc::clone(&targets);
    thread::spawn(move || accept(&listener, &served));
    io::stdin().read_to_end(&mut Vec::new())?;
    print!("{}", targets.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(())
}

fn accept(listener: &TcpListener, targets: &Arc<Mutex<Targets>>) {
    for stream in listener.incoming().flatten() {
        let targets = Arc::clone(targets);
        thread::spawn(move || {
            // A client that is gone needs no answer.
            let _ = serve(stream, &targets);
        });
    }
}

fn serve(mut stream: TcpStream, targets: &Mutex<Targets>) -> io::Result<()> {
    let Some(request) = Request::read(&mut stream)? else { return Ok(()) };
    let reply = targets.lock().unwrap_or_else(PoisonError::into_inner).answer(&request);
    match reply {
        Reply::Response { status, header, body } => {
            write!(
                stream,
                "HTTP/1.1 {status}\r\n{header}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Reply::Cut => stream.shutdown(Shutdown::Both),
        Reply::Silence => stream.read_to_end(&mut Vec::new()).map(|_| ()),
    }
}
