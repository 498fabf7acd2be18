//! Segments of the index as files in the bucket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use bucket::Bucket;
use edge::Problem;
use futures_util::future::join_all;
use search_index::{Builder, Segment};
use table::StoredSegment;
use ulid::Ulid;

/// The segments in the bucket, and those of them that are in memory.
pub struct Segments {
    bucket: Bucket,
    loaded: Mutex<HashMap<String, Arc<Segment>>>,
}

impl Segments {
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket, loaded: Mutex::default() }
    }

    /// These segments, in their order. One that is not there, or is not what was written, is none: it is lost.
    pub async fn load(&self, wanted: &[StoredSegment]) -> Result<Vec<Option<Arc<Segment>>>, Problem> {
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let load = async |stored: &StoredSegment| match known.get(&stored.name) {
            Some(segment) => Ok(Some(Arc::clone(segment))),
            None => self.fetch(stored).await,
        };
        let segments: Vec<_> = join_all(wanted.iter().map(load)).await.into_iter().collect::<Result<_, Problem>>()?;
        let names = wanted.iter().map(|stored| stored.name.clone());
        let loaded = names.zip(&segments).filter_map(|(name, segment)| Some((name, Arc::clone(segment.as_ref()?))));
        // Whatever is not wanted any more is forgotten.
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = loaded.collect();
        Ok(segments)
    }

    async fn fetch(&self, stored: &StoredSegment) -> Result<Option<Arc<Segment>>, Problem> {
        let Some(bytes) = self.bucket.get(&key(&stored.name)).await? else { return Ok(None) };
        if checksum(&bytes) != stored.checksum {
            return Ok(None);
        }
        // One of another version is lost too: it is rebuilt.
        Ok(Segment::decode(&bytes).ok().map(Arc::new))
    }

    /// Writes a new segment.
    pub async fn store(&self, id: Ulid, builder: &Builder) -> Result<StoredSegment, Problem> {
        let bytes = builder.encode();
        let stored = StoredSegment {
            name: id.to_string(),
            checksum: checksum(&bytes),
            posts: builder.len(),
            bytes: bytes.len(),
        };
        self.bucket.put(&key(&stored.name), bytes).await?;
        Ok(stored)
    }

    /// Deletes a segment that nobody reads any more.
    pub async fn delete(&self, name: &str) -> Result<(), Problem> {
        Ok(self.bucket.delete(&key(name)).await?)
    }
}

fn key(name: &str) -> String {
    format!("search/{name}")
}

fn checksum(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
