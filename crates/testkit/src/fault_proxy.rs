//! A TCP proxy in this process that does to connections what networks do: it cuts, stalls, delays and refuses them, as a test
//! says while it runs. Knows no protocol.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Connections at once; further ones are refused.
const CONNECTIONS_MAX: usize = 1024;
/// Bytes passed on at once.
const CHUNK: usize = 16 * 1024;

/// A running proxy. Dropped, it cuts every connection and accepts no more.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    state: Mutex<State>,
    changed: Condvar,
    delay_ms: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    stopped: bool,
    accepted: usize,
    refused: usize,
    /// Both ends of each connection, under its number.
    open: Vec<(u64, TcpStream, TcpStream)>,
    next: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Pass,
    Stall,
    Refuse,
}

impl FaultProxy {
    /// Starts one before a server.
    ///
    /// # Panics
    /// When no port of this machine is free.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            state: Mutex::default(),
            changed: Condvar::new(),
            delay_ms: AtomicU64::new(0),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for client in listener.incoming() {
                    if shared.state().stopped {
                        return;
                    }
                    // One that cannot be passed on is closed, as a network would.
                    let _ = client.and_then(|client| connect(&shared, client));
                }
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// Where clients connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads further connections to another server; those that are open stay where they are.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// Closes every connection at once. New ones are passed on.
    pub fn cut(&self) {
        self.shared.state().close_all();
        self.shared.changed.notify_all();
    }

    /// Passes nothing on and closes nothing, in both directions, new connections too: a cable that was pulled out.
    pub fn stall(&self) {
        self.set(Mode::Stall);
    }

    /// Closes every connection and each new one as soon as it is there.
    pub fn refuse(&self) {
        self.set(Mode::Refuse);
        self.cut();
    }

    /// Holds back everything for so long, in each direction. Zero ends it.
    pub fn delay(&self, by: Duration) {
        self.shared.delay_ms.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Ends stalling, refusing and delaying. What was held back goes on.
    pub fn mend(&self) {
        self.delay(Duration::ZERO);
        self.set(Mode::Pass);
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.state().open.len()
    }

    /// Connections that came so far, those that were refused among them.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.shared.state().accepted
    }

    /// Connections that were refused so far.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.shared.state().refused
    }

    fn set(&self, mode: Mode) {
        self.shared.state().mode = mode;
        self.shared.changed.notify_all();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.cut();
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while it stalls. Whether the connection is still to be served then.
    fn passes(&self, number: u64) -> bool {
        let state = self.state();
        let state = self.changed.wait_while(state, |state| state.mode == Mode::Stall && state.has(number));
        state.unwrap_or_else(PoisonError::into_inner).has(number)
    }
}

impl State {
    fn has(&self, number: u64) -> bool {
        !self.stopped && self.open.iter().any(|(open, _, _)| *open == number)
    }

    fn close_all(&mut self) {
        for (_, client, server) in self.open.drain(..) {
            close(&client);
            close(&server);
        }
    }
}

/// Passes a new connection on.
fn connect(shared: &Arc<Shared>, client: TcpStream) -> io::Result<()> {
    {
        let mut state = shared.state();
        state.accepted += 1;
        if state.mode == Mode::Refuse {
            state.refused += 1;
            return Ok(());
        }
    }
    let target = *shared.target.lock().unwrap_or_else(PoisonError::into_inner);
    let server = TcpStream::connect(target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let number = {
        let mut state = shared.state();
        if state.open.len() >= CONNECTIONS_MAX {
            return Ok(());
        }
        state.next += 1;
        let number = state.next;
        state.open.push((number, client.try_clone()?, server.try_clone()?));
        number
    };
    for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        let shared = Arc::clone(shared);
        // It ends with its connection: both ends are closed by whoever is first.
        thread::spawn(move || {
            let _ = copy(&shared, number, &from, &to);
            close(&from);
            close(&to);
            shared.state().open.retain(|(open, _, _)| *open != number);
        });
    }
    Ok(())
}

fn copy(shared: &Shared, number: u64, mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let mut chunk = [0; CHUNK];
    loop {
        let bytes = from.read(&mut chunk)?;
        let delay = shared.delay_ms.load(Ordering::Relaxed);
        if delay > 0 {
            thread::sleep(Duration::from_millis(delay));
        }
        if bytes == 0 || !shared.passes(number) {
            return Ok(());
        }
        to.write_all(&chunk[..bytes])?;
    }
}

fn close(stream: &TcpStream) {
    // One that is closed already cannot be closed.
    let _ = stream.shutdown(Shutdown::Both);
}
