//! What must hold of each thing, whatever happens: the reference that answers are compared with.

use std::collections::BTreeMap;

use serde_json::Value;

use super::linear::{self, Access, Event, MAX_EVENTS, Register, Spec};
use super::plan::{NAMES, POSTS};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Draft,
    Scheduled,
    Published,
    Trashed,
}

/// A post.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PostState {
    pub status: Status,
    pub version: u64,
    pub title: u32,
    at: Option<i64>,
    pinned: bool,
}

/// What an answer or a list shows of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub status: Status,
    pub version: u64,
    pub title: u32,
}

impl Shown {
    pub fn read(post: &Value) -> Self {
        let status = match post["status"].as_str().unwrap() {
            "draft" => Status::Draft,
            "scheduled" => Status::Scheduled,
            "published" => Status::Published,
            "trashed" => Status::Trashed,
            other => panic!("{other}"),
        };
        let title = post["title"].as_str().unwrap().strip_prefix("Title t").unwrap().parse().unwrap();
        Self { status, version: post["version"].as_u64().unwrap(), title }
    }

    fn is_of(self, state: &PostState) -> bool {
        (self.status, self.version, self.title) == (state.status, state.version, state.title)
    }
}

#[derive(Debug, Clone)]
pub enum PostOp {
    Create {
        title: u32,
        published: bool,
    },
    /// The same request once more: it creates the post only if it was not created.
    CreateAgain {
        title: u32,
        published: bool,
    },
    /// The slug is taken.
    Taken,
    Edit {
        title: u32,
        if_match: Option<u64>,
    },
    /// It is at another version.
    Stale(u64),
    Publish {
        at: Option<i64>,
    },
    /// The job publishes what is due.
    ComeOut {
        at: i64,
    },
    Unpublish,
    Trash,
    Restore,
    /// It is in the trash.
    Gone,
    Pin(bool),
    /// What its author or an editor sees; nothing if there is none.
    Read(Option<Shown>),
    /// What the list of all posts of its author shows.
    Own(Option<Shown>),
    /// What everybody sees.
    Public(Option<Shown>),
    /// Whether it leads the blog.
    Leads(bool),
}

/// What was done, and what was answered if that shows the post.
#[derive(Debug, Clone)]
pub struct PostDone {
    pub op: PostOp,
    pub answer: Option<Shown>,
}

pub struct PostSpec;

impl Spec for PostSpec {
    type State = Option<PostState>;
    type Op = PostDone;

    fn next(state: &Self::State, PostDone { op, answer }: &PostDone) -> Vec<Self::State> {
        let mut next = changed(state.as_ref(), op);
        next.retain(|next| answer.is_none_or(|shown| next.as_ref().is_some_and(|state| shown.is_of(state))));
        next
    }
}

fn changed(state: Option<&PostState>, op: &PostOp) -> Vec<Option<PostState>> {
    let if_so = |so: bool| if so { vec![state.cloned()] } else { Vec::new() };
    let created = |title, published| {
        let status = if published { Status::Published } else { Status::Draft };
        vec![Some(PostState { status, version: 1, title, at: None, pinned: false })]
    };
    let Some(post) = state else {
        return match op {
            PostOp::Create { title, published } | PostOp::CreateAgain { title, published } => {
                created(*title, *published)
            }
            PostOp::Read(None) | PostOp::Own(None) | PostOp::Public(None) | PostOp::Leads(false) => vec![None],
            _ => Vec::new(),
        };
    };
    let with = |change: &dyn Fn(&mut PostState)| {
        let mut next = post.clone();
        change(&mut next);
        if next != *post {
            next.version += 1;
        }
        vec![Some(next)]
    };
    let is_open = post.status != Status::Trashed;
    let come_out = |post: &mut PostState| {
        post.status = Status::Published;
        post.at = None;
    };
    let draft = |status: Status| {
        move |post: &mut PostState| {
            (post.status, post.at, post.pinned) = (status, None, false);
        }
    };
    match op {
        PostOp::Create { .. } => Vec::new(),
        PostOp::CreateAgain { .. } | PostOp::Taken => if_so(true),
        PostOp::Edit { title, if_match } if is_open && if_match.is_none_or(|version| version == post.version) => {
            with(&|post| post.title = *title)
        }
        PostOp::Edit { .. } => Vec::new(),
        PostOp::Stale(version) => if_so(is_open && *version != post.version),
        PostOp::Publish { at: None } if is_open => with(&come_out),
        PostOp::Publish { at: Some(at) } if is_open => {
            let mut next = with(&come_out);
            if post.status == Status::Published {
                // Its time has come, and becomes the date of the post.
                next.push(Some(PostState { version: post.version + 1, ..post.clone() }));
            } else {
                next.extend(with(&|post| (post.status, post.at) = (Status::Scheduled, Some(*at))));
            }
            next
        }
        PostOp::ComeOut { at } if post.status == Status::Scheduled && post.at == Some(*at) => with(&come_out),
        PostOp::Unpublish if is_open => with(&draft(Status::Draft)),
        PostOp::Trash if is_open => with(&draft(Status::Trashed)),
        PostOp::Restore if !is_open => with(&draft(Status::Draft)),
        PostOp::Publish { .. } | PostOp::ComeOut { .. } | PostOp::Unpublish | PostOp::Trash | PostOp::Restore => {
            Vec::new()
        }
        PostOp::Gone => if_so(!is_open),
        PostOp::Pin(on) if if *on { post.status == Status::Published } else { is_open } => {
            vec![Some(PostState { pinned: *on, ..post.clone() })]
        }
        PostOp::Pin(_) => Vec::new(),
        PostOp::Read(shown) => if_so(is_open && shown.is_some_and(|shown| shown.is_of(post))),
        PostOp::Own(shown) => if_so(shown.is_some_and(|shown| shown.is_of(post))),
        PostOp::Public(None) => if_so(post.status != Status::Published),
        PostOp::Public(Some(shown)) => if_so(post.status == Status::Published && shown.is_of(post)),
        PostOp::Leads(leads) => if_so(post.pinned == *leads),
    }
}

/// Something with a value, zero from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Reaction { client: usize, post: usize },
    Follow { client: usize, user: usize },
    FollowedTag { client: usize, tag: usize },
    Bookmark { client: usize, post: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommentStatus {
    Absent,
    Held,
    Published,
    Deleted,
}

#[derive(Debug, Clone)]
pub enum CommentOp {
    Create(Option<CommentStatus>),
    /// The same request once more.
    CreateAgain,
    Delete,
    Approve,
    /// Whether everybody sees it.
    Public(bool),
    /// Whether it is among those that wait for an editor.
    Queued(bool),
}

pub struct CommentSpec;

impl Spec for CommentSpec {
    type State = CommentStatus;
    type Op = CommentOp;

    fn next(state: &CommentStatus, op: &CommentOp) -> Vec<CommentStatus> {
        use CommentStatus::{Absent, Deleted, Held, Published};
        match (op, state) {
            (CommentOp::Create(Some(status)), Absent) => vec![*status],
            (CommentOp::Create(None) | CommentOp::CreateAgain, Absent) => vec![Held, Published],
            (CommentOp::CreateAgain, state) => vec![*state],
            (CommentOp::Delete, Held | Published) => vec![Deleted],
            (CommentOp::Approve, Held | Published) => vec![Published],
            (CommentOp::Public(seen), state) if *seen == (*state == Published) => vec![*state],
            (CommentOp::Queued(seen), state) if *seen == (*state == Held) => vec![*state],
            _ => Vec::new(),
        }
    }
}

#[derive(Debug, Clone)]
pub enum NameOp {
    /// It becomes theirs; those who have it already keep it.
    Take(u32),
    /// A registration that broke off gives it back.
    GiveBack(u32),
    /// Somebody else has it, and this one wanted it.
    Taken(u32),
    /// Whose it is.
    Of(Option<u32>),
}

pub struct NameSpec;

impl Spec for NameSpec {
    type State = Option<u32>;
    type Op = NameOp;

    fn next(state: &Option<u32>, op: &NameOp) -> Vec<Option<u32>> {
        let if_so = |so: bool| if so { vec![*state] } else { Vec::new() };
        match op {
            NameOp::Take(owner) if state.is_none_or(|known| known == *owner) => vec![Some(*owner)],
            NameOp::Take(_) => Vec::new(),
            NameOp::GiveBack(owner) => {
                if *state == Some(*owner) {
                    vec![None]
                } else {
                    Vec::new()
                }
            }
            NameOp::Taken(by) => if_so(state.is_some_and(|owner| owner != *by)),
            NameOp::Of(owner) => if_so(owner == state),
        }
    }
}

/// All that was seen of everything.
#[derive(Debug, Default)]
pub struct Histories {
    posts: [Vec<Event<PostDone>>; POSTS],
    things: BTreeMap<Thing, Vec<Event<Access<u32>>>>,
    pub comments: BTreeMap<u32, Vec<Event<CommentOp>>>,
    names: [Vec<Event<NameOp>>; NAMES.len()],
}

/// From when to when something was done, by whom.
#[derive(Debug, Clone)]
pub struct Span {
    pub what: String,
    pub start: u64,
    pub end: Option<u64>,
}

/// Room is left for what decides: what was read on the way is dropped first.
fn add<O>(events: &mut Vec<Event<O>>, op: O, span: &Span, is_read: bool) {
    if !is_read || events.len() + 40 < MAX_EVENTS || span.what.starts_with("end") {
        events.push(Event { op, start: span.start, end: span.end, what: span.what.clone() });
    }
}

impl Histories {
    pub fn post(&mut self, post: usize, op: PostOp, answer: Option<Shown>, span: &Span) {
        let is_read = matches!(op, PostOp::Read(_) | PostOp::Own(_) | PostOp::Public(_));
        add(&mut self.posts[post], PostDone { op, answer }, span, is_read);
    }

    pub fn thing(&mut self, thing: Thing, access: Access<u32>, span: &Span) {
        let is_read = matches!(access, Access::Read(_));
        add(self.things.entry(thing).or_default(), access, span, is_read);
    }

    /// Whether anybody did anything to it.
    pub fn knows(&self, thing: Thing) -> bool {
        self.things.contains_key(&thing)
    }

    pub fn comment(&mut self, number: u32, op: CommentOp, span: &Span) {
        let is_read = matches!(op, CommentOp::Public(_));
        add(self.comments.entry(number).or_default(), op, span, is_read);
    }

    pub fn name(&mut self, name: usize, op: NameOp, span: &Span) {
        add(&mut self.names[name], op, span, false);
    }

    /// What cannot be explained.
    pub fn check(&self) -> Result<(), String> {
        for (post, events) in self.posts.iter().enumerate() {
            linear::check::<PostSpec>(&None, events).map_err(|error| format!("post p{post}: {error}"))?;
        }
        for (thing, events) in &self.things {
            linear::check::<Register>(&0, events).map_err(|error| format!("{thing:?}: {error}"))?;
        }
        for (number, events) in &self.comments {
            let checked = linear::check::<CommentSpec>(&CommentStatus::Absent, events);
            checked.map_err(|error| format!("comment {number}: {error}"))?;
        }
        for (name, events) in NAMES.iter().zip(&self.names) {
            linear::check::<NameSpec>(&None, events).map_err(|error| format!("name {name}: {error}"))?;
        }
        Ok(())
    }
}
