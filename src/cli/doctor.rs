//! `maysend doctor`: whether this machine is set up as a server needs it, point by point, and what
//! to mend.
//!
//! It changes nothing and may run beside a server: it takes no lock, opens no ledger, and what it
//! writes to try the disk goes into a file without a name, which is gone when it is closed.
//! Whether the data are sound is the question of `maysend verify`.

mod callers;
mod disk;
mod files;
mod holder;
mod kernel_clock;
mod machine;
mod place;
mod reach;
mod store;

use std::path::PathBuf;

use clap::Args;

use self::holder::Holder;
use self::store::Store;
use super::output::print;
#[cfg(test)]
use super::point::State;
use super::point::{Called, Point, exit, report};
use super::{Exit, Global};
use crate::engine::clock::Clock as _;
use crate::keys;
use crate::server::{Listen, SystemClock, TlsFiles};

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 no problem, warnings or not; 1 a problem.")]
pub(super) struct DoctorArgs {
    /// The data directory of a server, or where one is to be.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The catalog file of the server.
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// The key file, where it does not lie in the data directory.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Where the server listens: IP:PORT or unix:PATH.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Listen>,
    /// The credential file of the server.
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Who issues the certificates of the server's clients (PEM). The server's own certificate comes
    /// with --tls-cert and --tls-key.
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
}

impl DoctorArgs {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let tls = global.tls.files(self.tls_client_ca.clone())?;
        let points = self.examine(tls.as_ref());
        print(&report(&points, Called::Problems, global.format))?;
        Ok(exit(&points))
    }

    fn examine(self, tls: Option<&TlsFiles>) -> Vec<Point> {
        let Self { data_dir, catalog, key_file, listen, credentials, tls_client_ca: _ } = self;
        let now = SystemClock.now();
        let store = Store::of(&data_dir);
        let holder = Holder::of(&data_dir);
        let mut points = vec![place::directory(&data_dir)];
        points.extend(place::file_system(&data_dir));
        points.extend(place::space(&data_dir, &store));
        points.extend(disk::points(&data_dir));
        points.push(holder::point(&holder));
        points.push(files::keys(&keys::path_of(&data_dir, key_file.as_deref()), &store));
        points.push(files::checkpoint(&store));
        points.extend(catalog.as_deref().map(files::catalog));
        points.extend(credentials.map(|file| callers::credentials(&file, now)));
        points.extend(tls.map(|files| callers::certificate(files, now)));
        points.extend(listen.map(|listen| reach::point(&listen, &holder)));
        points.push(machine::memory(&store));
        points.push(machine::descriptors(&holder));
        points.push(machine::clock(&store));
        points.push(machine::kernel());
        points
    }
}

/// Octets as people read them.
fn octets(number: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(unit, _)| number >= *unit) {
        None => format!("{number} B"),
        Some((unit, name)) => {
            let tenths = number / (unit / 10).max(1);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests;
