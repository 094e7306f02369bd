//! Opening the door's addresses, and saying what is wrong when that fails. Leaves out accepting.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

/// Connections the kernel keeps until the door accepts them.
const BACKLOG: i32 = 1024;

/// Opens one TCP address. An IPv6 wildcard also serves IPv4, unless `all` has that port for IPv4 too.
pub fn tcp(address: SocketAddr, all: &[SocketAddr]) -> io::Result<TcpListener> {
    open_tcp(address, all).map_err(|cause| explain(&address.to_string(), address.port(), &cause))
}

fn open_tcp(address: SocketAddr, all: &[SocketAddr]) -> io::Result<TcpListener> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        let v4_has_it = all.iter().any(|other| other.is_ipv4() && other.port() == address.port());
        sockopt::set_ipv6_v6only(&socket, v4_has_it)?;
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

fn explain(what: &str, port: u16, cause: &io::Error) -> io::Error {
    let sentence = match cause.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program listens there; `ss -ltnp sport = :{port}` names it; stop it or choose another port"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "port {port} needs a privilege; choose a port from 1024 on, \
             or grant the service CAP_NET_BIND_SERVICE"
        ),
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; `ip address` lists those it has".to_owned()
        }
        _ => format!("{cause}; check the address, or choose another"),
    };
    io::Error::new(cause.kind(), format!("cannot listen on {what}: {sentence}"))
}

/// The control socket's file, removed when this value goes, unless another one has taken its place.
#[derive(Debug)]
pub struct ControlFile {
    path: PathBuf,
    inode: u64,
}

impl Drop for ControlFile {
    fn drop(&mut self) {
        let is_ours = std::fs::symlink_metadata(&self.path).is_ok_and(|m| m.ino() == self.inode);
        if is_ours && let Err(cause) = std::fs::remove_file(&self.path) {
            log::warn!(
                "cannot remove the control socket {}: {cause}; remove it by hand",
                self.path.display()
            );
        }
    }
}

/// Opens the control socket with mode 0600, in place of one that nobody answers on any more.
pub fn control(path: &Path) -> io::Result<(UnixListener, ControlFile)> {
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!(
                "cannot open the control socket {}: a running appliance answers on it; \
                 stop that one, or give this one another state directory",
                path.display()
            ),
        ));
    }
    open_control(path).map_err(|cause| {
        io::Error::new(
            cause.kind(),
            format!(
                "cannot open the control socket {}: {cause}; check that its directory exists, \
                 is writable for this user, and that the path is shorter than 100 bytes",
                path.display()
            ),
        )
    })
}

/// Restricts the file before the socket listens, and only then puts it in place: at no moment can another
/// user connect.
fn open_control(path: &Path) -> io::Result<(UnixListener, ControlFile)> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    refuse_other_files(path)?;
    refuse_other_files(&fresh)?;
    match std::fs::remove_file(&fresh) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(&fresh)?)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    rustix::net::listen(&socket, BACKLOG)?;
    std::fs::rename(&fresh, path)?;
    let inode = std::fs::symlink_metadata(path)?.ino();
    Ok((UnixListener::from(socket), ControlFile { path: path.to_owned(), inode }))
}

fn refuse_other_files(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is another kind of file", path.display()),
        )),
        _ => Ok(()),
    }
}
