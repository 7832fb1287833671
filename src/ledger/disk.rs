//! The seam to the file system: the few operations that the ledger's promises rest on, so that a
//! test can make each of them fail, or cut the power at each of them.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};

/// Directories and names. A change of names survives a power cut only after `sync_dir`.
pub trait Disk: Send + Sync + Debug {
    /// Creates a directory and those above it, durably; of one that exists the name is made durable.
    ///
    /// # Errors
    /// Of the file system.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// The names in a directory, in any order.
    ///
    /// # Errors
    /// Of the file system.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Creates an empty file.
    ///
    /// # Errors
    /// Of the file system; `AlreadyExists`.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to read and write.
    ///
    /// # Errors
    /// Of the file system; `NotFound`.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Removes a file.
    ///
    /// # Errors
    /// Of the file system; `NotFound`.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// Of the file system.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// One open file. What is written survives a power cut only after `sync_data`.
pub trait DiskFile: Send + Sync + Debug {
    /// Octets in the file; space allocated beyond the end does not count.
    ///
    /// # Errors
    /// Of the file system.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file holds nothing.
    ///
    /// # Errors
    /// Of the file system.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` from `offset`; returns less than its length only at the end of the file.
    ///
    /// # Errors
    /// Of the file system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all octets at `offset`. After an error any part of them may be there.
    ///
    /// # Errors
    /// Of the file system; `StorageFull`.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;

    /// Waits until all that was written to the file is durable. After an error nobody knows what
    /// is, and asking again proves nothing: the pages may look clean.
    ///
    /// # Errors
    /// Of the file system.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts the file; space allocated beyond the new end is given back.
    ///
    /// # Errors
    /// Of the file system.
    fn set_len(&self, octets: u64) -> io::Result<()>;

    /// Takes space for everything before `end` without changing the length.
    ///
    /// # Errors
    /// `StorageFull`; `Unsupported` where the file system cannot.
    fn allocate(&self, end: u64) -> io::Result<()>;
}

/// The file system of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            // Who made it may have been killed before its name was durable.
            return match self.sync_dir(above(dir)) {
                // A directory that is not ours to read is not one that we made something in.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
                synced => synced,
            };
        }
        if let Some(above) = dir.parent().filter(|above| !above.as_os_str().is_empty()) {
            self.create_dir(above)?;
        }
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !dir.is_dir() => {
                return Err(error);
            }
            _ => {}
        }
        self.sync_dir(above(dir))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not text is not ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        Ok(Box::new(RealFile(options.open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

/// The directory that holds the name of another.
fn above(dir: &Path) -> &Path {
    dir.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        let mut at = offset;
        while filled < buffer.len() {
            match self.0.read_at(&mut buffer[filled..], at) {
                Ok(0) => break,
                Ok(octets) => {
                    filled += octets;
                    at = at.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(octets, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, octets: u64) -> io::Result<()> {
        self.0.set_len(octets)
    }

    fn allocate(&self, end: u64) -> io::Result<()> {
        Ok(fallocate(&self.0, FallocateFlags::KEEP_SIZE, 0, end)?)
    }
}
