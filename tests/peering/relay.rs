//! A network between two appliances that a test can break: while it is cut nothing gets through and nobody is told, as
//! when a cable is pulled.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The relay.
pub struct Relay {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    is_cut: AtomicBool,
    is_over: AtomicBool,
    sockets: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Carries connections to that place.
    pub fn to(place: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared =
            Arc::new(Shared { is_cut: false.into(), is_over: false.into(), sockets: Mutex::default() });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, place, &own));
        Self { address, shared }
    }

    /// From now on nothing gets through.
    pub fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
    }

    /// New connections get through again; those from before are dead.
    pub fn heal(&self) {
        for socket in self.shared.sockets.lock().expect("nobody panicked").drain(..) {
            // It may be gone already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.shared.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.heal();
        // Wakes who accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, place: SocketAddr, shared: &Arc<Shared>) {
    for near in listener.incoming().flatten() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        // Left open and unanswered while it is cut.
        let mut sockets = shared.sockets.lock().expect("nobody panicked");
        sockets.push(near.try_clone().expect("a handle"));
        if shared.is_cut.load(Ordering::SeqCst) {
            continue;
        }
        let Ok(far) = TcpStream::connect(place) else { continue };
        sockets.push(far.try_clone().expect("a handle"));
        for (from, to) in [(&near, &far), (&far, &near)] {
            let (from, to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
            let shared = Arc::clone(shared);
            std::thread::spawn(move || carry(from, to, &shared));
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut bytes = [0; 16 * 1024];
    from.set_read_timeout(Some(Duration::from_millis(200))).expect("a time");
    while !shared.is_over.load(Ordering::SeqCst) {
        match from.read(&mut bytes) {
            Ok(0) => break,
            // What is under way when it is cut is lost.
            Ok(_) if shared.is_cut.load(Ordering::SeqCst) => {}
            Ok(count) => {
                if to.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    // The other direction ends with it, unless nobody is to be told.
    if !shared.is_cut.load(Ordering::SeqCst) {
        let _ = to.shutdown(Shutdown::Both);
    }
}
