//! `GET /posts/{slug}/quotes`: the posts that quote it, newest first.

use blog::edge::NoFields;
use blog::edge::{Call, Operation, Page, PageQuery, Visitor};
use blog::error::Problem;
use blog::table::keys;
use blog::{Blog, Error};

use crate::edit::PostPath;
use crate::others::others;
use crate::representation::Card;

pub struct ListQuotes;

impl Operation for ListQuotes {
    const NAME: &'static str = "list_quotes";
    type Caller = Visitor;
    type Path = PostPath;
    type Query = PageQuery;
    type Body = NoFields;
    type Reply = Page<Card>;
    const PROBLEMS: &'static [Problem] = &[Problem::GONE];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Visitor(viewer), path, query, now, .. } = call;
        others(blog, path.slug, keys::quotes, viewer, query, now).await
    }
}
