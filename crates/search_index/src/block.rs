//! The blocks of a file: what is read at once, deflated, each with a checksum.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zlib_rs::crc32::crc32;
use zlib_rs::{DeflateConfig, Inflate, InflateFlush, Status, compress_bound, compress_slice};

use crate::Damaged;

/// Where a block is in its file, and what it is checked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub offset: u64,
    pub bytes: u32,
    /// The CRC-32 of its bytes as they are stored.
    pub checksum: u32,
}

/// A block to be stored, and its checksum.
pub(crate) fn deflate(raw: &[u8]) -> (Vec<u8>, u32) {
    let mut bytes = vec![0; compress_bound(raw.len())];
    // A raw stream, without the header of zlib. Its bound is never exceeded.
    let config = DeflateConfig { window_bits: -15, ..DeflateConfig::default() };
    let length = compress_slice(&mut bytes, raw, config).0.len();
    bytes.truncate(length);
    let checksum = checksum(&bytes);
    (bytes, checksum)
}

/// Inflates blocks, one after the other, with the buffers of the one before.
pub(crate) struct Inflater {
    stream: Inflate,
    /// At least as large as the largest block so far.
    raw: Vec<u8>,
}

impl Inflater {
    pub fn new() -> Self {
        Self { stream: Inflate::new(false, 15), raw: vec![0; 64 * 1_024] }
    }

    /// What is in a block, if these are its bytes.
    pub fn inflate(&mut self, block: &Block, bytes: &[u8]) -> Result<Vec<u8>, Damaged> {
        if bytes.len() != block.bytes as usize || checksum(bytes) != block.checksum {
            return Err(Damaged);
        }
        self.stream.reset(false);
        loop {
            let (read, written) = (self.stream.total_in() as usize, self.stream.total_out() as usize);
            let (rest, room) = (bytes.get(read..).unwrap_or_default(), self.raw.get_mut(written..).unwrap_or_default());
            let status = self.stream.decompress(rest, room, InflateFlush::Finish).map_err(|_| Damaged)?;
            let raw = self.raw.get(..self.stream.total_out() as usize).unwrap_or_default();
            match status {
                Status::StreamEnd => return Ok(raw.to_vec()),
                // There is room left, so the input has ended too early.
                _ if raw.len() < self.raw.len() => return Err(Damaged),
                _ => self.raw.resize(2 * self.raw.len(), 0),
            }
        }
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32(0, bytes)
}

/// Blocks that were read, as many as fit.
///
/// Lists have a part of their own. Those of a few common words are longer than all blocks of posts together, and would displace them,
/// though nearly every search reads posts.
#[derive(Debug)]
pub struct Cache {
    lists: Pool,
    others: Pool,
}

impl Cache {
    /// One that holds up to so many bytes.
    pub fn new(max_bytes: usize) -> Arc<Self> {
        let others = max_bytes / 8 * 3;
        Arc::new(Self { lists: Pool::new(max_bytes - others), others: Pool::new(others) })
    }

    /// Where blocks of lists are, or all others.
    pub(crate) fn pool(&self, is_list: bool) -> &Pool {
        if is_list { &self.lists } else { &self.others }
    }
}

/// Those of one kind: the ones that were not used for longest are forgotten.
///
/// Two generations instead of a list by time: whoever is used goes to the young one, and when that is full the old one is forgotten
/// and it becomes old.
#[derive(Debug)]
pub(crate) struct Pool {
    max_bytes: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<(u64, u32), Arc<Vec<u8>>>,
    young_bytes: usize,
    old: HashMap<(u64, u32), Arc<Vec<u8>>>,
}

impl Pool {
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, generations: Mutex::default() }
    }

    pub fn get(&self, segment: u64, block: u32) -> Option<Arc<Vec<u8>>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(raw) = generations.young.get(&(segment, block)) {
            return Some(Arc::clone(raw));
        }
        let raw = generations.old.remove(&(segment, block))?;
        self.put(&mut generations, (segment, block), &raw);
        Some(raw)
    }

    pub fn insert(&self, segment: u64, block: u32, raw: &Arc<Vec<u8>>) {
        self.put(&mut self.generations.lock().unwrap_or_else(PoisonError::into_inner), (segment, block), raw);
    }

    fn put(&self, generations: &mut Generations, key: (u64, u32), raw: &Arc<Vec<u8>>) {
        if raw.len() > self.max_bytes / 2 {
            return;
        }
        if generations.young_bytes + raw.len() > self.max_bytes / 2 {
            generations.old = std::mem::take(&mut generations.young);
            generations.young_bytes = 0;
        }
        if generations.young.insert(key, Arc::clone(raw)).is_none() {
            generations.young_bytes += raw.len();
        }
    }

    /// How many bytes it holds.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.values().chain(generations.old.values()).map(|raw| raw.len()).sum()
    }
}
