//! The plug-in that tells a WebSub hub which feeds have changed when a post is published or edited. The hub fetches them, and hands what is
//! new on to their subscribers (<https://www.w3.org/TR/websub/#publishing>). Switched on by the parameter `WebSubHub`.

use domain::{PostKind, Tag, UserId};
use edge::{BusEvent, FEED_FILES, Problem, Site};
use serde::Deserialize;
use table::Consistency;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "tell_hub";

/// What of a post says which feeds show it.
#[derive(Deserialize)]
struct Shown {
    kind: PostKind,
    tags: Vec<Tag>,
    #[serde(default)]
    removed_tags: Vec<Tag>,
    author_id: UserId,
}

#[derive(Deserialize)]
struct Envelope {
    data: Shown,
}

/// Tells the hub, in one request, of each feed that shows the post or showed it. Told twice, a hub finds nothing new.
pub async fn tell_hub(services: &Services, event: BusEvent) -> Result<(), Problem> {
    let config = &services.blog.config;
    let (Some(hub), Some(_)) = (&config.web_sub_hub, &config.feed_url) else { return Ok(()) };
    let Envelope { data: post } = serde_json::from_value(event.detail).map_err(Problem::internal)?;
    if post.kind == PostKind::Repost {
        return Ok(());
    }
    let hub = Url::parse(hub.as_str()).map_err(Problem::internal)?;
    let mut folders = vec![String::new()];
    folders.extend(post.tags.iter().chain(&post.removed_tags).map(|tag| format!("/tags/{tag}")));
    let author = services.blog.table.user(post.author_id, Consistency::Eventual).await?;
    folders.extend(author.map(|author| format!("/users/{}", author.username)));

    let path = hub.query().map_or_else(|| hub.path().to_owned(), |query| format!("{}?{query}", hub.path()));
    let news = news(&Site::new(config, ""), &folders);
    Ok(services.sdk.post_form(&hub.origin().ascii_serialization(), &path, news).await?)
}

/// What a hub is told: that the feeds in these folders have changed.
fn news(site: &Site, folders: &[String]) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("hub.mode", "publish");
    for folder in folders {
        for file in FEED_FILES {
            form.append_pair("hub.url", &site.feed(&format!("{folder}/{file}")));
        }
    }
    form.finish()
}
