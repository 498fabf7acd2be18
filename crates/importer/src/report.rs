//! What became of each file: lines while it happens, a summary at the end, and the same as JSON.

use std::{
    collections::BTreeMap,
    io,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    Generator,
    plan::{Plan, Planned},
};

/// So many of a thing: `1 picture`, `2 pictures`.
pub(crate) fn number_of(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A post would be made of it, in a dry run.
    Planned,
    /// A picture that was not there before.
    Uploaded,
    /// A post that was not there before.
    Created,
    /// A post whose file had changed.
    Updated,
    /// A post that is as its file says.
    Unchanged,
    /// A file that is no post.
    Left,
    /// A file that could not be posted.
    Failed,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Uploaded => "uploaded",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Left => "left out",
            Self::Failed => "failed",
        }
    }
}

/// How many files went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "see the outcomes")]
pub struct Counts {
    pub planned: usize,
    pub uploaded: usize,
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub left: usize,
    pub failed: usize,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileReport {
    /// Its path, relative to the folder.
    pub file: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
    /// The slug of its post, if it has one.
    pub slug: Option<String>,
    /// Why it is no post, or a post that is not public yet; lines of text.
    pub detail: Option<String>,
    /// What of it came in otherwise than its author may expect.
    pub notes: Vec<String>,
}

impl FileReport {
    /// A file that no post is made of.
    pub(crate) fn without_post(file: PathBuf, outcome: Outcome, reason: &str) -> Self {
        Self { file, outcome, slug: None, detail: Some(reason.to_owned()), notes: Vec::new() }
    }
}

/// What became of a folder: each of its files is named once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How many files went which way.
    pub counts: Counts,
    /// Every file, in the order of their paths.
    pub files: Vec<FileReport>,
    /// The keys of front matter that have no place in a post, each with the number of posts that have it.
    pub dropped: BTreeMap<String, usize>,
    /// The shortcodes that stay as text, each with how often it stands in a post.
    pub shortcodes: BTreeMap<String, usize>,
    /// The authors of the old site, each with the number of their posts.
    pub authors: BTreeMap<String, usize>,
    /// By whose rules the folder was read.
    pub generator: String,
    /// What of the site's configuration could not be followed.
    pub notes: Vec<String>,
    total: usize,
}

impl Report {
    /// The report of a plan of which nothing is done yet; says what it will be.
    pub(crate) fn begin(plan: &Plan, out: &mut (dyn Write + Send)) -> io::Result<Self> {
        let (total, posts) = (plan.items.len(), plan.posts().count());
        let report = Self::begin_with(total, posts, plan.site.generator, plan.dropped(), out)?;
        if total == 0 {
            writeln!(out, "        The folder is empty: there is nothing to import.")?;
        } else if posts == 0 && !plan.items.iter().any(|item| matches!(item.what, Planned::Failed(_))) {
            writeln!(out, "        None is a post by these rules. `--from plain` takes every Markdown file for one.")?;
        }
        let (shortcodes, authors) = (plan.shortcodes(), plan.authors());
        Ok(Self { notes: plan.site.notes.clone(), shortcodes, authors, ..report })
    }

    /// The report of so many files, of which so many are posts.
    pub(crate) fn begin_with(
        total: usize,
        posts: usize,
        generator: Generator,
        dropped: BTreeMap<String, usize>,
        out: &mut (dyn Write + Send),
    ) -> io::Result<Self> {
        let generator = generator.to_string();
        let (files, posts) = (number_of(total, "file"), number_of(posts, "post"));
        writeln!(out, "{files}, among them {posts}, by the rules of {generator}.")?;
        Ok(Self { total, generator, dropped, ..Self::default() })
    }

    /// Takes a file in, and shows it.
    pub(crate) fn add(&mut self, line: FileReport, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let Counts { planned, uploaded, created, updated, unchanged, left, failed } = &mut self.counts;
        *match line.outcome {
            Outcome::Planned => planned,
            Outcome::Uploaded => uploaded,
            Outcome::Created => created,
            Outcome::Updated => updated,
            Outcome::Unchanged => unchanged,
            Outcome::Left => left,
            Outcome::Failed => failed,
        } += 1;
        // Pictures of an export are known no sooner than the text that shows them.
        self.total = self.total.max(self.files.len() + 1);
        let width = self.total.to_string().len();
        let post = line.slug.as_ref().map(|slug| format!(" -> /posts/{slug}")).unwrap_or_default();
        let (number, word, file) = (self.files.len() + 1, line.outcome.word(), line.file.display());
        writeln!(out, "[{number:>width$}/{}] {word:<10} {file}{post}", self.total)?;
        for text in line.detail.iter().flat_map(|detail| detail.lines()).chain(line.notes.iter().map(String::as_str)) {
            writeln!(out, "        {text}")?;
        }
        self.files.push(line);
        Ok(())
    }

    /// The files that failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().filter(|line| line.outcome == Outcome::Failed).map(|line| &*line.file)
    }

    /// Puts the files into the order of their paths: pictures are sent first.
    pub(crate) fn sort(&mut self) {
        self.files.sort_by(|one, other| one.file.cmp(&other.file));
    }

    /// The last lines: sums, and what nobody should have to search for.
    pub(crate) fn write_end(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let Counts { planned, uploaded, created, updated, unchanged, left, failed } = self.counts;
        if planned > 0 {
            writeln!(out, "{planned} planned, {left} left out, {failed} failed. Nothing was sent.")?;
        } else {
            if uploaded > 0 {
                writeln!(out, "{} uploaded.", number_of(uploaded, "picture"))?;
            }
            writeln!(
                out,
                "{created} created, {updated} updated, {unchanged} unchanged, {left} left out, {failed} failed."
            )?;
        }
        for note in &self.notes {
            writeln!(out, "        {note}")?;
        }
        for (what, counts) in [
            ("front matter that has no place in a post", &self.dropped),
            ("kept as text", &self.shortcodes),
            ("authors of the old site", &self.authors),
        ] {
            if !counts.is_empty() {
                let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} ({count})")).collect();
                writeln!(out, "        {what}: {}", counts.join(", "))?;
            }
        }
        for file in self.failed() {
            writeln!(out, "        failed: {}", file.display())?;
        }
        Ok(())
    }

    /// The report as a program reads it: `{generator, counts, dropped, shortcodes, authors, notes, files: [{file, outcome, slug, detail, notes}]}`.
    pub fn as_json(&self) -> Value {
        let Counts { planned, uploaded, created, updated, unchanged, left, failed } = self.counts;
        let files: Vec<_> = self
            .files
            .iter()
            .map(|line| {
                let FileReport { file, outcome, slug, detail, notes } = line;
                let file = file.to_string_lossy();
                json!({ "file": file, "outcome": outcome.word(), "slug": slug, "detail": detail, "notes": notes })
            })
            .collect();
        json!({
            "generator": self.generator,
            "counts": {
                "planned": planned, "uploaded": uploaded, "created": created, "updated": updated, "unchanged": unchanged, "left_out": left,
                "failed": failed,
            },
            "dropped": self.dropped,
            "shortcodes": self.shortcodes,
            "authors": self.authors,
            "notes": self.notes,
            "files": files,
        })
    }
}
