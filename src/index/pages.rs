//! Memory straight from the system, in pages, for the tables.
//!
//! A table grows by an eighth at a time, and all tables grow at about the same time. An allocator
//! would keep the blocks of yesterday's size for nobody: up to half as much again. A mapping goes
//! back to the system whole.

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;

use bytemuck::Pod;
use memmap2::MmapMut;

use super::bucket::{Bucket, Lasts};

/// Octets of a page on the machines that this is for; where pages are larger, some stay unused.
pub(super) const PAGE: usize = 4_096;

/// Buckets, and the revisions of their entries.
#[derive(Default)]
pub(super) struct Pages {
    map: Option<MmapMut>,
    /// Where the buckets end, in octets.
    buckets: usize,
}

/// Octets that a bucket takes with its revisions.
pub(super) const PER_BUCKET: usize = size_of::<Bucket>() + size_of::<Lasts>();

impl Pages {
    /// Room for so many buckets, all empty.
    pub(super) fn new(buckets: usize) -> Self {
        if buckets == 0 {
            return Self::default();
        }
        let octets = buckets * PER_BUCKET;
        match MmapMut::map_anon(octets) {
            Ok(map) => Self { map: Some(map), buckets: buckets * size_of::<Bucket>() },
            // As with every other allocation. A panic would leave a table half moved behind, which
            // checks would go on to be answered from.
            Err(_) => without_memory(octets),
        }
    }

    #[inline]
    pub(super) fn buckets(&self) -> &[Bucket] {
        cast(self.map.as_ref().and_then(|map| map.get(..self.buckets)).unwrap_or_default())
    }

    pub(super) fn lasts(&self) -> &[Lasts] {
        cast(self.map.as_ref().and_then(|map| map.get(self.buckets..)).unwrap_or_default())
    }

    /// Both at once.
    pub(super) fn parts(&mut self) -> (&mut [Bucket], &mut [Lasts]) {
        let all = self.map.as_deref_mut().unwrap_or_default();
        let (buckets, lasts) = all.split_at_mut(self.buckets);
        (
            bytemuck::try_cast_slice_mut(buckets).unwrap_or_default(),
            bytemuck::try_cast_slice_mut(lasts).unwrap_or_default(),
        )
    }

    /// Octets of memory.
    pub(super) fn memory(&self) -> usize {
        self.map.as_ref().map_or(0, |map| map.len().next_multiple_of(PAGE))
    }
}

/// Ends the process for want of memory.
pub(super) fn without_memory(octets: usize) -> ! {
    let layout = Layout::array::<u8>(octets).unwrap_or(Layout::new::<u8>());
    handle_alloc_error(layout)
}

/// Mappings begin at pages and are cut at multiples of what they hold: nothing is lost.
#[inline]
fn cast<T: Pod>(octets: &[u8]) -> &[T] {
    bytemuck::try_cast_slice(octets).unwrap_or_default()
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("buckets", &self.buckets).finish_non_exhaustive()
    }
}
