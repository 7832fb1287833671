//! Why a checkpoint is not used, and why one was not written.

use std::io;
use std::time::Duration;

use super::{ImageKey, MAX_IMAGE};

/// Why a checkpoint is not used. The older one, else the ledger alone, serves instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Something else has its name.
    #[error("it is not a directory")]
    NotADirectory,
    /// It was written by another version of maysend.
    #[error("its format is version {found}, this program reads version {expected}")]
    UnknownFormat {
        /// What it says.
        found: u32,
        /// What this program writes.
        expected: u32,
    },
    /// It was written under another key than that of the data directory.
    #[error("it was written with another key")]
    WrongKey,
    /// Its directory is named after another revision than it was written at.
    #[error("it is named after another revision")]
    Renamed,
    /// A file of it is not what was written.
    #[error("its file `{name}` {fault}")]
    File {
        /// Path within the checkpoint.
        name: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// What it says of itself is missing or wrong.
    #[error("its manifest is missing or does not match its checksum")]
    Manifest,
    /// An image is not what was written.
    #[error("its image {0} does not match its checksum")]
    Image(ImageKey),
    /// Something that is no image lies among the images.
    #[error("it holds something that is no image")]
    NoImage,
    /// An image is missing, there is one too many, or one took the place of another.
    #[error("its images are not those of its manifest")]
    Set,
    /// The store refused to open or to be read.
    #[error("the store refused it: {0}")]
    Store(String),
    /// The store panicked; the details are in the log.
    #[error("the store panicked: {0}")]
    Panicked(String),
    /// The store took too long. Its thread cannot be stopped: it is left behind, and holds
    /// memory and files until the process ends.
    #[error("it was not read within {0:?}")]
    TimedOut(Duration),
    /// The file system failed. That may pass, so it proves nothing against the checkpoint.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// Every checksum is right, but whoever builds from the images cannot use one.
    #[error("its image {key} cannot be used: {why}")]
    Unusable {
        /// Which.
        key: ImageKey,
        /// Why, in the builder's words.
        why: String,
    },
}

impl Reason {
    /// Whether it proves that the checkpoint will never be of use. The rest may pass, or speaks of
    /// this program, its key or this machine: such a checkpoint is left where it is.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        match self {
            Self::NotADirectory
            | Self::Renamed
            | Self::File { .. }
            | Self::Manifest
            | Self::Image(_)
            | Self::NoImage
            | Self::Set => true,
            Self::UnknownFormat { .. }
            | Self::WrongKey
            | Self::Store(_)
            | Self::Panicked(_)
            | Self::TimedOut(_)
            | Self::Unreadable(_)
            | Self::Unusable { .. } => false,
        }
    }
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It is there and should not be.
    #[error("does not belong to it")]
    Foreign,
    /// It was cut or it grew.
    #[error("has {found} octets instead of {expected}")]
    Length {
        /// As it was written.
        expected: u64,
        /// As it is.
        found: u64,
    },
    /// Octets of it changed; of the seal also: it is missing.
    #[error("does not match its checksum")]
    Checksum,
}

/// Why a checkpoint was not written. What was there before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The caller splits images.
    #[error("image {key} has {octets} octets, more than {MAX_IMAGE}")]
    ImageTooLarge {
        /// Which.
        key: ImageKey,
        /// Its size.
        octets: usize,
    },
    /// Two images have one key.
    #[error("image {0} was given twice")]
    ImageTwice(ImageKey),
    /// The file system failed; a full disk says so by its kind.
    #[error("cannot write a checkpoint")]
    Io(#[from] io::Error),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(String),
    /// The store, or what makes the images, panicked; the details are in the log.
    #[error("panic while writing: {0}")]
    Panicked(String),
    /// What was written does not read back.
    #[error("what was written does not read back")]
    ReadBack(#[source] Reason),
}
