//! The blocks of a file: what is read at once, deflated, each with a checksum.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

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
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(raw.len() / 2), Compression::default());
    // Writing to memory does not fail.
    let bytes = encoder.write_all(raw).and_then(|()| encoder.finish()).unwrap_or_default();
    let checksum = checksum(&bytes);
    (bytes, checksum)
}

/// What is in a block, if these are its bytes.
pub(crate) fn inflate(block: &Block, bytes: &[u8]) -> Result<Vec<u8>, Damaged> {
    if bytes.len() != block.bytes as usize || checksum(bytes) != block.checksum {
        return Err(Damaged);
    }
    let mut raw = Vec::with_capacity(bytes.len().saturating_mul(3));
    DeflateDecoder::new(bytes).read_to_end(&mut raw).map_err(|_| Damaged)?;
    Ok(raw)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Blocks that were read, as many as fit: those that were not used for longest are forgotten.
///
/// Two generations instead of a list by time: whoever is used goes to the young one, and when that is full the old one is forgotten
/// and it becomes old.
#[derive(Debug)]
pub struct Cache {
    max_bytes: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<(u64, u32), Arc<Vec<u8>>>,
    young_bytes: usize,
    old: HashMap<(u64, u32), Arc<Vec<u8>>>,
}

impl Cache {
    /// One that holds up to so many bytes.
    pub fn new(max_bytes: usize) -> Arc<Self> {
        Arc::new(Self { max_bytes, generations: Mutex::default() })
    }

    pub(crate) fn get(&self, segment: u64, block: u32) -> Option<Arc<Vec<u8>>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(raw) = generations.young.get(&(segment, block)) {
            return Some(Arc::clone(raw));
        }
        let raw = generations.old.remove(&(segment, block))?;
        self.put(&mut generations, (segment, block), &raw);
        Some(raw)
    }

    pub(crate) fn insert(&self, segment: u64, block: u32, raw: &Arc<Vec<u8>>) {
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
    pub(crate) fn bytes(&self) -> usize {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.values().chain(generations.old.values()).map(|raw| raw.len()).sum()
    }
}
