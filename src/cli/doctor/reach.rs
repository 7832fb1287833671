//! Whether a server can listen where it is to listen.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::Point;
use super::holder::Holder;
use crate::server::Listen;

const NAME: &str = "address";

/// How long this host may take to answer itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// The kernel's limit (`sun_path`), with the octet that ends it.
const LONGEST_PATH: usize = 107;

pub(super) fn point(listen: &Listen, holder: &Holder) -> Point {
    match listen {
        Listen::Tcp(address) => tcp(*address, holder),
        Listen::Unix(path) => unix(path, holder),
    }
}

fn tcp(address: SocketAddr, holder: &Holder) -> Point {
    // Another port, so that it is never in the way of a server that starts.
    if let Err(error) = TcpListener::bind(SocketAddr::new(address.ip(), 0)) {
        return Point::problem(
            NAME,
            format!("this machine cannot listen on {}: {error}", address.ip()),
            "name an address that `ip address` shows",
        );
    }
    match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(_) => answered(&address.to_string(), holder),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            Point::ok(NAME, format!("{address} is free"))
        }
        Err(error) => unreachable(&address.to_string(), &error),
    }
}

fn unix(path: &Path, holder: &Holder) -> Point {
    let name = format!("unix:{}", path.display());
    if path.as_os_str().len() > LONGEST_PATH {
        return Point::problem(
            NAME,
            format!("the path of {name} is longer than {LONGEST_PATH} octets"),
            "choose a shorter one: the kernel takes no longer one",
        );
    }
    match UnixStream::connect(path) {
        Ok(_) => answered(&name, holder),
        Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => Point::problem(
                NAME,
                format!("`{}` does not exist", parent.display()),
                "make it, or let systemd do so (RuntimeDirectory=)",
            ),
            _ => Point::ok(NAME, format!("{name} is free")),
        },
        Err(error) if error.kind() == ErrorKind::ConnectionRefused && is_socket(path) => Point::ok(
            NAME,
            format!("{name} is free; the socket of a server that is gone lies there"),
        ),
        Err(error) => unreachable(&name, &error),
    }
}

fn is_socket(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

fn answered(address: &str, holder: &Holder) -> Point {
    match holder {
        Holder::Nobody => Point::problem(
            NAME,
            format!("somebody listens on {address}, and no server holds the data directory"),
            "end that program, or let the server listen elsewhere (--listen)",
        ),
        Holder::Process(..) | Holder::Outside | Holder::Unknown(_) => {
            Point::ok(NAME, format!("{address} is answered; `maysend healthcheck` asks by whom"))
        }
    }
}

fn unreachable(address: &str, error: &io::Error) -> Point {
    Point::warning(
        NAME,
        format!("{address} does not answer as expected: {error}"),
        "look for a firewall, or for something else than a socket at this path",
    )
}
