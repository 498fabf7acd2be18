//! An export of WordPress (WXR), of any size.
//!
//! The file is read twice, an item at a time. First everything but the texts: what there is, what it is called, where it was. Then, when the
//! turn of a post comes, its item once more, from the place in the file that the first reading found.

mod items;
mod text;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{self, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use domain::{Language, WebUrl};
use jiff::{Timestamp, tz::TimeZone};
use url::Url;

use self::{
    items::{Items, Next},
    text::{References, Shared, blocks, paragraphs, shared_block, shown},
};
use crate::{
    anchors,
    comments::{Author, Comment, Origin, in_threads},
    dates,
    document::Document,
    fields::{cut_summary, kept_tags},
    formats::{Texts, UNDATED, Whole, counted, notes_of, part_paths, plan_of_file, title},
    generators::Generator,
    guard::guarded,
    html_to_markdown::{plain_text, to_markdown},
    naming::as_slug,
    plan::{Item, Plan, Planned},
    posts::written,
    report::number_of,
};

/// How much of the file is read at a time: an item is about as large.
const BLOCK: usize = 64 * 1024;

/// What of the file is kept in memory: nothing that grows with its texts.
pub struct Export {
    file: File,
    /// Where the items of posts begin, in bytes.
    places: HashMap<PathBuf, u64>,
    /// The addresses and descriptions of attachments, by id.
    attachments: HashMap<String, (String, String)>,
    /// The pictures that were uploaded for a post, by its id.
    pictures: HashMap<String, Vec<String>>,
    /// The blocks that several posts use, by id.
    blocks: HashMap<String, Shared>,
    /// Why not everybody saw one of these, by id.
    blocks_for_members: HashMap<String, String>,
    /// Of the old site, without a slash at the end.
    address: String,
    language: Option<String>,
    now: Timestamp,
    /// Where the posts of the old site are from now on, by their old paths.
    links: HashMap<String, String>,
}

/// Reads everything but the texts. `None` if the file is no export of WordPress.
pub fn plan(path: &Path, now: Timestamp) -> io::Result<Option<Plan>> {
    let file = File::open(path)?;
    let mut reading = Items::new(BufReader::with_capacity(BLOCK, file.try_clone()?));
    let mut export = Export {
        file,
        places: HashMap::new(),
        attachments: HashMap::new(),
        pictures: HashMap::new(),
        blocks: HashMap::new(),
        blocks_for_members: HashMap::new(),
        address: String::new(),
        language: None,
        now,
        links: HashMap::new(),
    };
    let mut items: Vec<Item> = Vec::new();
    let mut offsets: Vec<u64> = Vec::new();
    let mut authors: BTreeMap<String, usize> = BTreeMap::new();
    let mut comments: BTreeMap<String, usize> = BTreeMap::new();
    let mut menu_entries = 0_usize;
    // The items with shared blocks, which may come later in the file.
    let mut with_blocks: Vec<(usize, Vec<String>)> = Vec::new();
    let mut is_export = false;
    loop {
        let (found, offset) = match reading.next() {
            Next::Item(found, offset) => (found, offset),
            Next::End => break,
            Next::Broken(reason) => {
                let what = Planned::Failed(format!("From here on the file cannot be read: {reason}"));
                items.push(Item { path: PathBuf::from("the rest of the file"), what });
                offsets.push(0);
                break;
            }
        };
        if items.is_empty() {
            export.address = reading.channel.address.trim_end_matches('/').to_owned();
            export.language = Language::try_from(reading.channel.language.replace('_', "-")).ok().map(String::from);
        }
        for comment in &found.comments {
            *comments.entry(kind_of(comment).to_owned()).or_default() += 1;
        }
        menu_entries += usize::from(found.kind == "nav_menu_item");
        is_export |= !found.kind.is_empty();
        let read = guarded(|| {
            match found.kind.as_str() {
                "attachment" => export.keep_attachment(&found),
                "wp_block" => export.keep_block(&found),
                _ => {}
            }
            (export.planned(&found), shared_blocks(&found.content))
        });
        let (what, named) = read.unwrap_or_else(|reason| (Planned::Failed(reason), Vec::new()));
        if !named.is_empty() {
            with_blocks.push((items.len(), named));
        }
        if matches!(what, Planned::Post(_)) {
            let shown = reading.channel.authors.iter().find(|(login, _)| *login == found.author);
            let name = shown.map(|(_, name)| name.clone()).filter(|name| !name.is_empty());
            *authors.entry(name.unwrap_or_else(|| found.author.clone())).or_default() += 1;
        }
        items.push(Item { path: export.key(&found.id), what });
        offsets.push(offset);
    }
    // A feed has items too, but says of none what it is.
    if !reading.is_rss || !is_export {
        return Ok(None);
    }
    for (index, named) in with_blocks {
        if let Some(Planned::Post(document)) = items.get_mut(index).map(|item| &mut item.what) {
            document.hidden = document.hidden.take().or_else(|| export.for_members_by(named));
        }
    }
    part_paths(&mut items);
    export.places = items.iter().map(|item| item.path.clone()).zip(offsets).collect();
    let mut notes = Vec::new();
    if !authors.is_empty() {
        notes.push(format!("All posts become posts of one user. Their authors were: {}.", counted(&authors)));
    }
    if !comments.is_empty() {
        notes.push(format!(
            "Comments in the file: {}. Only those that were approved can be imported.",
            counted(&comments)
        ));
    }
    if menu_entries > 0 {
        notes.push("Menus are not imported.".to_owned());
    }
    Ok(Some(plan_of_file(Generator::WordPress, path, items, notes, Texts::WordPress(Box::new(export)))))
}

impl Export {
    /// The name of an item in reports and the journal: its address by id, which stays the same in every later export.
    fn key(&self, id: &str) -> PathBuf {
        let bare = self.address.split_once("://").map_or(&*self.address, |(_, rest)| rest);
        PathBuf::from(format!("{bare}/?p={id}"))
    }

    fn keep_attachment(&mut self, item: &items::Item) {
        if item.attachment.is_empty() {
            return;
        }
        let alt = item.meta("_wp_attachment_image_alt").unwrap_or_default().to_owned();
        self.attachments.insert(item.id.clone(), (item.attachment.clone(), alt));
        let path = item.attachment.to_lowercase();
        let is_picture = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"].iter().any(|end| path.ends_with(end));
        if is_picture && !matches!(item.parent.as_str(), "" | "0") {
            self.pictures.entry(item.parent.clone()).or_default().push(item.id.clone());
        }
    }

    /// WordPress shows a shared block only if it is published and has no password.
    fn keep_block(&mut self, item: &items::Item) {
        let is_public = item.status == "publish" && item.password.is_empty();
        let block = if is_public { Shared::Text(item.content.clone()) } else { Shared::Hidden };
        self.blocks.insert(item.id.clone(), block);
        let whole = || for_members(item).map(|_| "a part of it is for members only".to_owned());
        if let Some(reason) = part_for_members(&item.content).or_else(whole).filter(|_| is_public) {
            self.blocks_for_members.insert(item.id.clone(), reason);
        }
    }

    /// Why not everybody saw a post with these shared blocks, or with those that stand in them.
    fn for_members_by(&self, mut named: Vec<String>) -> Option<String> {
        let mut seen = BTreeSet::new();
        while let Some(id) = named.pop() {
            if let Some(reason) = self.blocks_for_members.get(&id) {
                return Some(reason.clone());
            }
            if let Some(Shared::Text(text)) = self.blocks.get(&id).filter(|_| seen.insert(id)) {
                named.extend(shared_blocks(text));
            }
        }
        None
    }

    /// What becomes of an item, but for its text.
    fn planned(&self, item: &items::Item) -> Planned {
        match item.kind.as_str() {
            "post" | "page" => {}
            "attachment" => return Planned::Left(format!("an attachment: {}", item.attachment)),
            "nav_menu_item" => return Planned::Left("an entry of a menu".to_owned()),
            "wp_block" => return Planned::Left("a block that posts share: its text is put into them".to_owned()),
            kind => {
                return Planned::Left(format!(
                    "of the type {kind}, which has no place here: \"{}\"",
                    plain_text(&item.title)
                ));
            }
        }
        match item.status.as_str() {
            "trash" => return Planned::Left("in the trash".to_owned()),
            "auto-draft" if item.content.is_empty() => {
                return Planned::Left("an empty draft that was never saved".to_owned());
            }
            "inherit" => return Planned::Left("a revision of a post".to_owned()),
            _ => {}
        }
        match self.outline(item) {
            Ok(document) => Planned::Post(Box::new(document)),
            Err(reason) => Planned::Failed(reason),
        }
    }

    /// A post without its text and its picture.
    fn outline(&self, item: &items::Item) -> Result<Document, String> {
        let mut notes = Vec::new();
        let words: String = item.content.chars().take(2000).collect();
        let title = title(&plain_text(&item.title), &plain_text(&words), &format!("Post {}", item.id), &mut notes);
        let name = decoded(&item.name);
        let slug = [name.as_str(), title.as_str(), &format!("post-{}", item.id)].into_iter().find_map(as_slug);
        let slug = slug.ok_or("No slug can be made of its name and title.")?;
        let hidden = hidden(item);
        let date = date(item, &mut notes);
        let unreadable = [&item.date_gmt, &item.date].into_iter().find(|text| is_date(text));
        if let (None, None, Some(text)) = (date, &hidden, unreadable) {
            return Err(format!("Its date {text} cannot be read."));
        }
        if date.is_none() && hidden.is_none() {
            notes.push("no date in the file: it gets the time of its publication here".to_owned());
        }
        let excerpt = plain_text(&item.excerpt);
        let excerpt = Some(excerpt).filter(|text| !text.is_empty());
        let description = item.meta("_yoast_wpseo_metadesc").map(plain_text);
        let canonical_url = item.meta("_yoast_wpseo_canonical").and_then(|url| WebUrl::try_from(url.to_owned()).ok());
        let mut tags = Vec::new();
        let mut dropped: Vec<String> = Vec::new();
        for term in &item.terms {
            let name = plain_text(if term.name.is_empty() { &term.slug } else { &term.name });
            match term.taxonomy.as_str() {
                // Where WordPress puts what is in no category.
                "category" if term.slug == "uncategorized" => {}
                "category" | "post_tag" | "tag" => tags.push(name),
                taxonomy => dropped.push(format!("the taxonomy {taxonomy}")),
            }
        }
        let fields = item.meta.iter().map(|(key, _)| key).filter(|key| !key.starts_with('_') && !key.is_empty());
        dropped.extend(fields.map(|key| format!("the field {key}")));
        if item.is_sticky == "1" {
            dropped.push("sticky".to_owned());
        }
        dropped.sort();
        dropped.dedup();
        Ok(Document {
            slug,
            date,
            hidden,
            summary: excerpt.or(description).and_then(|text| cut_summary(&text, &mut notes)),
            tags: Some(kept_tags(tags, &mut notes)),
            language: self.language.clone(),
            canonical_url: canonical_url.map(String::from),
            old_addresses: self.old_addresses(item, &name),
            comments_open: (item.comment_status == "closed").then_some(false),
            dropped,
            title,
            notes,
            ..Document::default()
        })
    }

    /// The permalink, the address by id, which leads to it too, and those of former names.
    fn old_addresses(&self, item: &items::Item, name: &str) -> Vec<String> {
        let path = |address: &str| {
            let url = Url::parse(address).ok()?;
            Some(url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())))
        };
        let home = Url::parse(&self.address).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        let mut found: Vec<String> = path(&item.link).into_iter().collect();
        found.push(format!("{home}/?{}={}", if item.kind == "page" { "page_id" } else { "p" }, item.id));
        if let Some(link) = found.first().filter(|link| !link.contains('?')).cloned() {
            let folder = link.trim_end_matches('/').rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            let end = if link.ends_with('/') { "/" } else { "" };
            let former = item.meta.iter().filter(|(key, _)| key == "_wp_old_slug").map(|(_, slug)| slug);
            found.extend(former.map(|slug| format!("{folder}/{slug}{end}")));
            // WordPress itself leads from the bare name to the post.
            if !name.is_empty() {
                found.push(format!("{home}/{}{end}", item.name));
            }
        }
        let mut seen = Vec::new();
        found.retain(|address| {
            address != "/" && !seen.contains(address) && {
                seen.push(address.clone());
                true
            }
        });
        found
    }

    /// Notes where each post is from now on, so that links between them can be rewritten.
    pub fn link(&mut self, items: &[Item]) {
        for item in items {
            let Planned::Post(document) = &item.what else { continue };
            for old in &document.old_addresses {
                self.links
                    .entry(old.trim_end_matches('/').to_owned())
                    .or_insert_with(|| format!("/posts/{}", document.slug));
            }
        }
    }

    /// The new address of a post of the old site.
    fn new_address(&self, address: &str) -> Option<String> {
        let bare = |text: &str| {
            let text = text.strip_prefix("https:").or_else(|| text.strip_prefix("http:")).unwrap_or(text).to_owned();
            text.strip_prefix("//www.").map(|rest| format!("//{rest}")).unwrap_or(text)
        };
        let (page, fragment) = address.split_once('#').map_or((address, ""), |(page, fragment)| (page, fragment));
        let (site, page) = (bare(&self.address), bare(page));
        let site_only =
            site.strip_prefix("//").map_or(&*site, |rest| rest.split_once('/').map_or(rest, |(host, _)| host));
        let path = match page.strip_prefix("//") {
            Some(rest) => rest.strip_prefix(site_only)?,
            None if page.starts_with('/') => &page,
            None => return None,
        };
        let new = self.links.get(path.trim_end_matches('/'))?;
        // Comments and sections have other names here.
        let is_section = !fragment.is_empty()
            && !fragment.starts_with("comment")
            && fragment != "respond"
            && !fragment.starts_with("more-");
        Some(if is_section { format!("{new}#{fragment}") } else { new.clone() })
    }

    /// The address of the old site, without a slash at its end.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The origins of attachments that are not on the host of the old site, such as `https://NAME.files.wordpress.com/`.
    pub fn other_origins(&self) -> BTreeSet<Url> {
        let host = |address: &Url| Some((address.host_str()?.to_owned(), address.port()));
        let own = Url::parse(&self.address).ok().and_then(|address| host(&address));
        let addresses = self.attachments.values().filter_map(|(address, _)| Url::parse(address).ok());
        addresses.filter(|address| host(address) != own).filter_map(|address| address.join("/").ok()).collect()
    }

    /// A post with its text, its picture and its comments.
    pub fn whole<'a>(&self, path: &Path, planned: &'a Document) -> Result<Whole<'a>, String> {
        let place = self.places.get(path).copied().ok_or("The post is not in the file.")?;
        let failed = |error: io::Error| format!("The file cannot be read: {error}.");
        let mut file = self.file.try_clone().map_err(failed)?;
        file.seek(SeekFrom::Start(place)).map_err(failed)?;
        let item = match Items::new(BufReader::with_capacity(BLOCK, file)).next() {
            Next::Item(item, _) => item,
            Next::End => return Err("The file has changed since it was read.".to_owned()),
            Next::Broken(reason) => return Err(format!("The file cannot be read: {reason}")),
        };
        let mut document = planned.clone();
        let attachment = |id: &str| self.attachments.get(id).cloned();
        let references = References {
            attachment: &attachment,
            own_pictures: self.pictures.get(&item.id).map(Vec::as_slice).unwrap_or_default(),
            blocks: &self.blocks,
        };
        let shown = shown(&item.content, &references);
        let new_address = |old: &str| self.new_address(old);
        let converted = to_markdown(&shown.html, &new_address);
        document.notes.extend(notes_of(&shown.lost).chain(notes_of(&converted.lost)));
        document.body = converted.markdown;
        let broken = document.body.matches(char::REPLACEMENT_CHARACTER).count();
        if broken > 0 {
            document
                .notes
                .push(format!("{broken} × a letter that is no UTF-8 in the file, which is shown as \u{fffd}"));
        }
        anchors::lead(&mut [&mut document]);
        if let Some(id) = item.meta("_thumbnail_id") {
            match self.attachments.get(id) {
                Some((address, _)) => {
                    document.cover_image_url = WebUrl::try_from(address.clone()).ok().map(String::from)
                }
                None => document.notes.push(format!("its featured picture {id} is not in the file")),
            }
        }
        if document.body.is_empty() {
            document.body = match (&document.summary, &document.cover_image_url) {
                (Some(summary), _) => crate::html_to_markdown::escape_text(summary),
                (None, Some(address)) => crate::html_to_markdown::picture(address, "", ""),
                (None, None) => return Err("It has no text.".to_owned()),
            };
        }
        let is_public = document.hidden.is_none() && document.date.is_none_or(|date| date <= self.now);
        let mut comments = self.comments(&item);
        if !is_public && !comments.is_empty() {
            document.notes.push(format!("{} not imported before it is public", number_of(comments.len(), "comment")));
            comments.clear();
        }
        Ok(Whole { document: Cow::Owned(document), comments })
    }

    fn comments(&self, item: &items::Item) -> Vec<Comment> {
        let mut approved: Vec<_> = item.comments.iter().filter(|comment| kind_of(comment) == APPROVED).collect();
        let number = |id: &str| id.parse::<u64>().unwrap_or(u64::MAX);
        approved.sort_by(|one, other| (&one.date_gmt, number(&one.id)).cmp(&(&other.date_gmt, number(&other.id))));
        let parent = |parent: &str| (!matches!(parent, "" | "0")).then(|| parent.to_owned());
        let above =
            item.comments.iter().filter_map(|comment| Some((comment.id.clone(), parent(&comment.parent)?))).collect();
        let new_address = |old: &str| self.new_address(old);
        let comments = approved.into_iter().map(|comment| {
            let date = gmt(&comment.date_gmt).or_else(|| gmt(&comment.date));
            let text = to_markdown(&paragraphs(&comment.content), &new_address).markdown;
            let author = Author { username: String::new(), name: plain_text(&comment.author) };
            let created_at = date.map(written).unwrap_or_default();
            let origin =
                Origin { id: Some(comment.id.clone()), author: Some(author), created_at, updated_at: None, mark: None };
            Comment::new(&comment.id, parent(&comment.parent), &origin, &text)
        });
        in_threads(comments.collect(), &above)
    }
}

const APPROVED: &str = "approved";

/// What a comment is, as the report counts it.
fn kind_of(comment: &items::Comment) -> &'static str {
    match (comment.kind.as_str(), comment.approved.as_str()) {
        ("pingback" | "trackback", _) => "pingbacks and trackbacks",
        ("" | "comment", "1" | "approve" | "approved") => APPROVED,
        ("" | "comment", "0" | "hold") => "waiting for approval",
        ("" | "comment", "spam") => "spam",
        ("" | "comment", _) => "in the trash",
        _ => "of plug-ins",
    }
}

/// Why readers do not see an item on the old site.
fn hidden(item: &items::Item) -> Option<String> {
    let status = match item.status.as_str() {
        // Without a date it would be public at once.
        "future" if gmt(&item.date_gmt).or_else(|| gmt(&item.date)).is_none() => Some(UNDATED.to_owned()),
        "publish" | "future" => None,
        status => Some(format!("its status is {status}")),
    };
    let password = || (!item.password.is_empty()).then(|| "it has a password".to_owned());
    let page = || (item.kind == "page").then(|| "it is a page, which has no place of its own here".to_owned());
    status.or_else(password).or_else(page).or_else(|| for_members(item))
}

/// Elements of plug-ins around what only members or subscribers see, in brackets.
const FOR_MEMBERS: [&str; 43] = [
    "access",
    "arm_restrict_content",
    "content_protector",
    "emaillocker",
    "hide",
    "hidden_content",
    "ihc-hide-content",
    "is_expired",
    "is_free",
    "is_logged_in",
    "is_paid",
    "logged_in",
    "loggedin",
    "member",
    "memberonly",
    "members",
    "members_access",
    "members_logged_in",
    "members_only",
    "membership",
    "mepr-active",
    "mepr-show",
    "newsletter_lock",
    "paid",
    "passster",
    "paywall",
    "pms-restrict",
    "premium",
    "private",
    "protect",
    "protected",
    "restrict",
    "restricted",
    "s2If",
    "signinlocker",
    "sociallocker",
    "subscribers",
    "swpm_protected",
    "um_loggedin",
    "um_show_content",
    "wcm_restrict",
    "wlm_ismember",
    "wpmem_logged_in",
];

/// How such elements begin whose names end with the name of a level.
const FOR_LEVELS: [&str; 2] = ["private_", "wlm_private_"];

/// How blocks of such plug-ins begin.
const BLOCKS_FOR_MEMBERS: [&str; 6] = [
    "jetpack/paywall",
    "jetpack/premium-content",
    "pmpro/membership",
    "premium-content/container",
    "restrict-content-pro/content",
    "woocommerce-memberships/member-content",
];

/// Fields of Restrict Content Pro. It keeps who sees a post in them.
const FIELDS_FOR_MEMBERS: [&str; 4] = ["_is_paid", "rcp_access_level", "rcp_subscription_level", "rcp_user_level"];

/// Why not everybody saw a post or a part of it, as far as plug-ins tell that in the export.
fn for_members(item: &items::Item) -> Option<String> {
    if let Some(access) = item.meta("_jetpack_newsletter_access").filter(|access| *access != "everybody") {
        return Some(format!("it is for {access} only"));
    }
    let is_kept = |(key, value): &(String, String)| match key.as_str() {
        "_members_access_role" => !value.is_empty(),
        "um_content_restriction" => is_for_users(value),
        key => {
            let is_for_all = matches!(value.to_lowercase().as_str(), "" | "0" | "all" | "none" | "a:0:{}");
            FIELDS_FOR_MEMBERS.contains(&key) && !is_for_all
        }
    };
    if item.meta.iter().any(is_kept) {
        return Some("it is for members only".to_owned());
    }
    part_for_members(&item.content)
}

/// Whether the settings of Ultimate Member keep a post for those who are logged in.
fn is_for_users(settings: &str) -> bool {
    // Values as PHP writes them: `s:1:"2"`, `i:2`, `b:1`.
    let value = |key: &str| {
        let (_, rest) = settings.split_once(&format!("\"{key}\";"))?;
        Some(rest.split(';').next()?.rsplit(':').next()?.trim_matches('"'))
    };
    let is_off = matches!(value("_um_custom_access_settings"), Some("" | "0"));
    // 0 is for everybody, 1 for those who are not logged in.
    !is_off && !matches!(value("_um_accessible"), None | Some("" | "0" | "1"))
}

/// Why not everybody saw a part of a text.
fn part_for_members(text: &str) -> Option<String> {
    let closing = text.split("[/").skip(1).filter_map(|rest| Some(rest.split_once(']')?.0)).find_map(|name| {
        let level = FOR_LEVELS.iter().find(|begin| name.starts_with(**begin)).map(|begin| format!("[{begin}…]"));
        level.or_else(|| FOR_MEMBERS.contains(&name).then(|| format!("[{name}]")))
    });
    let block = || {
        blocks(text).find_map(|(name, options)| {
            let known = BLOCKS_FOR_MEMBERS.iter().find(|begin| name.starts_with(**begin));
            // Ultimate Member keeps any block for some.
            let is_restricted = || {
                let options: serde_json::Value = serde_json::from_str(options).unwrap_or_default();
                options.get("um_is_restrict").and_then(serde_json::Value::as_bool) == Some(true)
            };
            let name = known.map(|begin| (*begin).to_owned());
            name.or_else(|| is_restricted().then(|| "um_is_restrict".to_owned()))
        })
    };
    let found = closing.or_else(|| Some(format!("wp:{}", block()?)))?;
    Some(format!("a part of it is for members only ({found})"))
}

/// The ids of the shared blocks that a text names.
fn shared_blocks(text: &str) -> Vec<String> {
    blocks(text).filter_map(|(name, options)| shared_block(name, options)).collect()
}

fn date(item: &items::Item, notes: &mut Vec<String>) -> Option<Timestamp> {
    if let Some(date) = gmt(&item.date_gmt) {
        return Some(date);
    }
    let date = gmt(&item.date)?;
    if item.status == "publish" || item.status == "future" {
        notes.push("the file has its date in the time of the site only, which is taken as UTC".to_owned());
    }
    Some(date)
}

/// A date in UTC.
fn gmt(text: &str) -> Option<Timestamp> {
    dates::parse(text, &TimeZone::UTC).filter(|_| is_date(text))
}

/// Drafts have `0000-00-00 00:00:00`, which is none.
fn is_date(text: &str) -> bool {
    !text.is_empty() && !text.starts_with("0000")
}

/// Names in other scripts are kept as they stand in addresses.
fn decoded(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = name.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
