//! Posts in lists, and what else pages show of them: what the templates in `templates/parts` get.

use domain::{Page, PostKind};
use edge::{Call, MovedOr, Problem, Query, Visitor};
use posts::Filters;
use views::{Author, OtherPost, PostCard};

use crate::Services;
use crate::shared::layout::Date;

/// The maximum number of characters of a name that is made of a text.
const MAX_NAME_CHARACTERS: usize = 80;

/// Who wrote something.
pub struct Person {
    /// The path of their page.
    pub href: String,
    /// What they are called.
    pub name: String,
    /// A picture.
    pub avatar: Option<String>,
}

impl From<&Author> for Person {
    fn from(author: &Author) -> Self {
        Self {
            href: format!("/users/{}", author.username),
            name: author.display_name.clone(),
            avatar: author.avatar_url.clone(),
        }
    }
}

/// A post in a list, or above its text.
pub struct Card {
    /// The path of its page.
    pub href: String,
    /// What it is called: its title or, if it has none, the beginning of its text.
    pub name: String,
    /// Whether it has a title.
    pub has_title: bool,
    /// The summary, or the beginning of its text, unless the name says as much.
    pub summary: Option<String>,
    /// Its language, if it says so.
    pub language: Option<String>,
    /// A picture.
    pub cover: Option<String>,
    /// Who wrote it.
    pub author: Person,
    /// When it was published. A draft has no such time.
    pub published: Option<Date>,
    /// How long it takes to read, if that is worth saying.
    pub minutes: Option<u64>,
    /// The tags.
    pub tags: Vec<String>,
    /// The number of comments.
    pub comments: u64,
    /// The number of reactions.
    pub reactions: u64,
    /// The number of reposts.
    pub reposts: u64,
    /// The number of posts that answer it.
    pub replies: u64,
    /// Whether it leads the blog.
    pub is_pinned: bool,
    /// Who reposted it, if this is a repost.
    pub reposted_by: Option<Person>,
    /// The post that it quotes.
    pub quoted: Option<Reference>,
    /// The post that it answers.
    pub answered: Option<Reference>,
}

/// Another post that a post is about.
pub struct Reference {
    /// Where it is; none if it is not published any more.
    pub here: Option<ReferenceHere>,
}

/// Another post that is published.
pub struct ReferenceHere {
    /// The path of its page.
    pub href: String,
    /// What it is called.
    pub name: String,
    /// The beginning of its text, unless the name says as much.
    pub summary: Option<String>,
    /// Who wrote it.
    pub author: Person,
}

impl Reference {
    fn of(other: &OtherPost) -> Self {
        let here = || {
            let (slug, author) = (other.slug.as_ref()?, other.author.as_ref()?);
            let author = Person::from(author);
            let name = name(other.title.as_deref(), other.summary.as_deref(), &author.name);
            Some(ReferenceHere {
                href: format!("/posts/{slug}"),
                summary: other.summary.clone().filter(|summary| *summary != name),
                name,
                author,
            })
        };
        Self { here: here() }
    }
}

impl From<&PostCard> for Card {
    fn from(card: &PostCard) -> Self {
        let author = Person::from(&card.author);
        let quoted = card.quote_of.as_ref().map(Reference::of);
        let details = &card.details;
        let title = details.title.as_ref().map(|title| title.as_str());
        let summary = details.summary.as_ref().map(|summary| summary.as_str());
        let own = Self {
            href: format!("/posts/{}", card.slug),
            name: name(title, summary, &author.name),
            has_title: title.is_some(),
            summary: summary.map(str::to_owned),
            language: details.language.as_ref().map(|language| language.as_str().to_owned()),
            cover: details.cover_image_url.as_ref().map(|url| url.as_str().to_owned()),
            author,
            published: card.published_at.map(Date::from),
            minutes: Some(card.reading_time_minutes).filter(|_| title.is_some()),
            tags: details.tags.iter().map(ToString::to_string).collect(),
            comments: card.counts.comments,
            reactions: card.counts.reactions,
            reposts: card.counts.reposts,
            replies: card.counts.replies,
            is_pinned: card.is_pinned,
            reposted_by: None,
            quoted,
            answered: card.reply_to.as_ref().map(Reference::of),
        };
        match (card.kind, own.quoted) {
            // It shows the other post, and says who does so.
            (PostKind::Repost, Some(Reference { here: Some(other) })) => Self {
                name: other.name,
                has_title: true,
                summary: other.summary,
                author: other.author,
                reposted_by: Some(own.author),
                minutes: None,
                quoted: None,
                ..own
            },
            (_, quoted) => Self {
                // A name that was made of all of the text says it.
                summary: own.summary.filter(|summary| *summary != own.name),
                quoted,
                ..own
            },
        }
    }
}

/// What a post is called that may have no title.
fn name(title: Option<&str>, summary: Option<&str>, author: &str) -> String {
    let Some(text) = title.or(summary) else { return format!("A post by {author}") };
    if title.is_some() || text.chars().count() <= MAX_NAME_CHARACTERS {
        return text.to_owned();
    }
    let cut: String = text.chars().take(MAX_NAME_CHARACTERS).collect();
    format!("{}…", cut.trim_end())
}

/// The cards of a page of a list.
pub fn cards(page: &Page<PostCard>) -> Vec<Card> {
    page.items.iter().map(Card::from).collect()
}

/// The page of the list of posts that these filters select, as everybody sees it. The author that a filter names is one who has that name now.
pub async fn list<I>(services: &Services, call: Call<Visitor, I>, filters: Filters) -> Result<Page<PostCard>, Problem> {
    match posts::list_posts(&services.blog, call.with(Query(filters))).await? {
        MovedOr::Here(page) => Ok(page),
        MovedOr::Moved(_) => Ok(Page { items: Vec::new(), next_cursor: None }),
    }
}

/// The call as one of somebody who is not signed in, whatever was sent with it, and its input.
pub fn anonymous<I>(call: Call<Visitor, I>) -> (Call<Visitor>, I) {
    let Call { caller: _, input, is_head, if_match, base_url, own_hosts, browser, new_id, now } = call;
    (Call { caller: Visitor(None), input: (), is_head, if_match, base_url, own_hosts, browser, new_id, now }, input)
}
