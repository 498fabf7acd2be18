//! Tags are listed by how many posts have them. When a tag's count changes, its place in that list does here.

use aws_lambda_events::event::dynamodb::EventRecord;
use blog::table::tag_of;
use blog::{Blog, Error};

/// What the template calls it.
pub const NAME: &str = "rank_tag";

/// Puts the tag where its count, as it is now, belongs.
pub async fn rank_tag(blog: &Blog, record: &EventRecord) -> Result<(), Error> {
    let key: TagKey = serde_dynamo::from_item(record.change.keys.clone()).map_err(Error::internal)?;
    match tag_of(&key.sk) {
        Some(tag) => blog.table.rank_tag(&tag).await,
        None => Err(Error::internal("this is no tag's item")),
    }
}

#[derive(serde::Deserialize)]
struct TagKey {
    sk: String,
}
