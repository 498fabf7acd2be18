//! Segments of the index as files in the bucket. Small ones, and all of a small index, are read whole; of others the footer, and then what
//! a search needs.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use aws::Failure;
use aws_lc_rs::digest::{SHA256, digest};
use bucket::{Bucket, Upload};
use domain::Timestamp;
use edge::{Blog, Problem};
use futures_util::future::try_join_all;
use search_index::{Builder, Cache, ReadError, Sink, Source, merge};
use table::{Manifest, StoredSegment, Unlisted};
use ulid::Ulid;

/// A segment of which parts are read when they are asked for.
pub type Segment = search_index::Segment<File>;

/// How much of the index is in memory, and how much is done at once.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// The maximum size of an index that is read whole: that of 20,000 posts.
    pub whole_index: u64,
    /// The maximum size of a segment that is read whole in any case: it is as fast as a range of it.
    pub whole_segment: u64,
    /// How many bytes of blocks are kept.
    pub cache: usize,
    /// The maximum number of posts of a segment that is merged by who takes a change into the index: that is some seconds. Larger ones are
    /// merged by a plug-in of their own.
    pub merged_at_once: usize,
    /// How many posts a step of a rebuild reads, at least: some 20 seconds.
    pub step: usize,
    /// How many segments of a rebuild are merged into one.
    pub rebuilt_at_once: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            whole_index: 32 * 1024 * 1024,
            whole_segment: 256 * 1024,
            cache: 256 * 1024 * 1024,
            merged_at_once: 8_192,
            step: 2_000,
            rebuilt_at_once: 8,
        }
    }
}

/// How much of a file one request reads.
const RANGE: u64 = 4 * 1024 * 1024;

/// How long a file is kept that the index does not list: longer than any function that has noted it can be about to list it.
const UNLISTED_SECONDS: i64 = 60 * 60;

/// How long a segment is kept that the index lists no more: a search that has read the manifest before may still read of it.
const REPLACED_SECONDS: i64 = 10 * 60;

/// Where the bytes of a segment are.
pub enum File {
    Memory(Vec<u8>),
    Bucket(Arc<Bucket>, String),
}

impl Source for File {
    type Error = Failure;

    async fn read(&self, ranges: Vec<Range<u64>>) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        match self {
            Self::Memory(bytes) => Ok(bytes.read(ranges).await.unwrap_or_default()),
            Self::Bucket(bucket, key) => {
                let read = try_join_all(ranges.into_iter().map(|range| bucket.get_range(key, range))).await?;
                Ok(read.into_iter().collect())
            }
        }
    }
}

/// A file that is being written.
struct Written<'a>(Upload<'a>);

impl Sink<Failure> for Written<'_> {
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Failure> {
        self.0.write_bytes(&bytes).await
    }
}

/// The segments in the bucket, and what is known of them.
pub struct Segments {
    bucket: Arc<Bucket>,
    pub sizes: Sizes,
    cache: Arc<Cache>,
    opened: Mutex<HashMap<String, Arc<Segment>>>,
}

impl Segments {
    pub fn new(bucket: Bucket, sizes: Sizes) -> Self {
        Self { bucket: Arc::new(bucket), sizes, cache: Cache::new(sizes.cache), opened: Mutex::default() }
    }

    /// These segments, in their order. One that is not there, or is not what was written, is none: it is lost.
    pub async fn open(&self, wanted: &[StoredSegment]) -> Result<Vec<Option<Arc<Segment>>>, Problem> {
        let known = self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_small = wanted.iter().map(|stored| stored.bytes).sum::<u64>() <= self.sizes.whole_index;
        let open = wanted.iter().map(async |stored| match known.get(&stored.name) {
            Some(segment) => Ok::<_, Problem>(Some(Arc::clone(segment))),
            None => self.read(stored, is_small || stored.bytes <= self.sizes.whole_segment).await,
        });
        let segments = try_join_all(open).await?;
        let names = wanted.iter().map(|stored| stored.name.clone());
        let opened = names.zip(&segments).filter_map(|(name, segment)| Some((name, Arc::clone(segment.as_ref()?))));
        // Whatever is not wanted any more is forgotten.
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = opened.collect();
        Ok(segments)
    }

    async fn read(&self, stored: &StoredSegment, is_whole: bool) -> Result<Option<Arc<Segment>>, Problem> {
        let key = key(&stored.name);
        let footer = stored.bytes.saturating_sub(stored.footer as u64);
        let begin = if is_whole { 0 } else { footer };
        let ranges = (begin..stored.bytes).step_by(RANGE as usize).map(|at| at..stored.bytes.min(at + RANGE));
        let read = try_join_all(ranges.map(|range| self.bucket.get_range(&key, range))).await?;
        let Some(read) = read.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
        let bytes = read.concat();
        let footer = bytes.get((footer - begin) as usize..).unwrap_or_default().to_vec();
        if checksum(&footer) != stored.checksum {
            return Ok(None);
        }
        let file = if is_whole { File::Memory(bytes) } else { File::Bucket(Arc::clone(&self.bucket), key) };
        // One of another version is lost too: it is rebuilt.
        Ok(Segment::open(&stored.name, file, &footer, &self.cache).ok().map(Arc::new))
    }

    /// A segment that is not stored.
    pub fn in_memory(&self, builder: &Builder) -> Result<Arc<Segment>, Problem> {
        let encoded = builder.encode();
        let footer = encoded.footer().to_vec();
        let segment =
            Segment::open("", File::Memory(encoded.bytes), &footer, &self.cache).map_err(Problem::internal)?;
        Ok(Arc::new(segment))
    }

    /// Writes what these segments say, the oldest first, as a new one. Nothing older than these is in the index, if they `are_all`.
    /// None if one of them is lost, with its name.
    pub async fn store(
        &self,
        blog: &Blog,
        segments: &[Arc<Segment>],
        are_all: bool,
        rebuild: Option<&str>,
    ) -> Result<Result<StoredSegment, String>, Problem> {
        let now = blog.now();
        let name = blog.new_id::<Ulid>(now).to_string();
        // Before there is a file, so that one that is never listed is found.
        blog.table.note_search_file(&name, rebuild.map(str::to_owned), now).await?;
        let mut written = Written(self.bucket.begin(key(&name)));
        let merged = match merge(segments, are_all, &mut written).await {
            Ok(merged) => merged,
            Err(ReadError::Lost(lost)) => return Ok(Err(lost)),
            Err(ReadError::Failed(failure)) => return Err(failure.into()),
        };
        written.0.finish().await?;
        Ok(Ok(StoredSegment {
            name,
            checksum: checksum(&merged.footer),
            posts: merged.posts,
            bytes: merged.bytes,
            footer: merged.footer.len(),
        }))
    }

    /// Deletes a segment that was never listed.
    pub async fn delete(&self, blog: &Blog, name: &str) -> Result<(), Problem> {
        self.bucket.delete(&key(name)).await?;
        Ok(blog.table.forget_search_files(name).await?)
    }

    /// Deletes files that somebody noted and died before the index listed them, and those that it lists no more and nobody can be
    /// reading.
    pub async fn delete_unlisted(&self, blog: &Blog, manifest: &Manifest, now: Timestamp) -> Result<(), Problem> {
        for note in blog.table.unlisted_search_files(now.plus_seconds(-REPLACED_SECONDS)).await? {
            match note.files {
                Unlisted::Replaced { names } if note.at.plus_seconds(REPLACED_SECONDS) < now => {
                    for name in names {
                        self.bucket.delete(&key(&name)).await?;
                    }
                    blog.table.forget_search_files(&note.name).await?;
                }
                Unlisted::Written { rebuild } if note.at.plus_seconds(UNLISTED_SECONDS) < now => {
                    // Whoever lists a file that was noted so long ago is a rebuild, and the manifest, which was read before, knows of it.
                    let is_awaited =
                        rebuild.is_some() && rebuild == manifest.rebuild.as_ref().map(|rebuild| rebuild.id.clone());
                    if !is_awaited {
                        self.delete(blog, &note.name).await?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn key(name: &str) -> String {
    format!("search/{name}")
}

fn checksum(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
