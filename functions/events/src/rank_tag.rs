//! Tags are listed by how many posts have them. When a tag's count changes, its place in that list does here.

use aws_lambda_events::event::dynamodb::EventRecord;
use edge::Problem;
use table::tag_of;

use crate::{Services, text};

/// What the log calls it.
pub const NAME: &str = "rank_tag";

/// A tag's count has changed.
pub fn cares(record: &EventRecord) -> bool {
    text(&record.change.new_image, "type") == "tag"
}

/// Puts the tag where its count, as it is now, belongs.
pub async fn rank_tag(services: &Services, record: &EventRecord) -> Result<(), Problem> {
    let key: TagKey = serde_dynamo::from_item(record.change.keys.clone()).map_err(Problem::internal)?;
    match tag_of(&key.sk) {
        Some(tag) => Ok(services.blog.table.rank_tag(&tag, services.blog.now()).await?),
        None => Err(Problem::internal("this is no tag's item")),
    }
}

#[derive(serde::Deserialize)]
struct TagKey {
    sk: String,
}
