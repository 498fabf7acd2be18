use proptest::prelude::*;
use ulid::Ulid;

use super::*;
use crate::{Body, Email, Patch, Title};

const MINUTE: i64 = 60;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_milliseconds(1_795_249_800_000).plus_seconds(minutes * MINUTE)
}

fn user() -> User {
    let username = Username::try_from("ada".to_owned()).unwrap();
    let email = Email::try_from("ada@example.com".to_owned()).unwrap();
    User::new(Ulid(1).into(), username, email, Role::Author, at(0), at(1)).activated()
}

fn title(text: &str) -> Title {
    Title::try_from(text.to_owned()).unwrap()
}

fn text(words: u64) -> NewText {
    let body = Body::try_from("word ".repeat(usize::try_from(words).unwrap())).unwrap();
    NewText::new(body, "<p>…</p>".to_owned(), words, format!("{words} words"), Vec::new())
}

fn draft(named: Option<&str>) -> Post {
    let details = Details { title: named.map(title), ..Details::default() };
    let new = NewPost { details, ..NewPost::default() };
    Post::draft(new, &text(3), Ulid(7).into(), &user(), at(0))
}

/// A patch of the title alone.
fn retitled(patch: Patch<Title>) -> PostPatch {
    let details = DetailsPatch { title: patch, ..DetailsPatch::default() };
    PostPatch { details, tag_labels: None, slug: None, quote_of: Patch::Keep, reply_to: Patch::Keep }
}

/// What can happen to a post.
#[derive(Debug, Clone, Copy)]
enum Step {
    Publish,
    PublishAt(i64),
    Unpublish,
    Trash,
    Due(bool),
    Retitle(u8),
    Untitle,
    Rewrite(u8),
    Amend,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::Publish),
        (-5..20_i64).prop_map(Step::PublishAt),
        Just(Step::Unpublish),
        Just(Step::Trash),
        any::<bool>().prop_map(Step::Due),
        (0..4_u8).prop_map(Step::Retitle),
        Just(Step::Untitle),
        (1..4_u8).prop_map(Step::Rewrite),
        Just(Step::Amend),
    ];
    proptest::collection::vec(step, 0..30)
}

/// The post after a step; none if nothing changes.
fn after(post: &Post, step: Step, now: Timestamp) -> Option<Post> {
    let edit = |change: &dyn Fn(&mut Post) -> Option<NewText>| {
        let edited = post.edit(Ulid(2).into(), now, &PostText::default(), || None, |post| Ok(change(post))).unwrap();
        edited.map(|(post, _)| post)
    };
    match step {
        Step::Publish => edit(&|post| {
            post.publish(None, now).unwrap();
            None
        }),
        Step::PublishAt(minutes) => edit(&|post| {
            // Denied, it leaves the post as it is.
            let denied = post.publish(Some(now.plus_seconds(minutes * MINUTE)), now).err();
            assert!(denied.is_none() || post.is_published());
            None
        }),
        Step::Unpublish => edit(&|post| {
            post.unpublish();
            None
        }),
        Step::Trash => edit(&|post| {
            post.trash(now);
            None
        }),
        Step::Due(author_can_publish) => post.come_due(author_can_publish, now),
        Step::Retitle(number) => edit(&|post| {
            post.apply(&retitled(Patch::Set(title(&format!("Title {number}")))));
            None
        }),
        Step::Untitle => edit(&|post| {
            post.apply(&retitled(Patch::Clear));
            None
        }),
        Step::Rewrite(words) => edit(&|_| Some(text(words.into()))),
        Step::Amend => post
            .amend(|post| {
                post.preview_epoch += 1;
                Ok(())
            })
            .unwrap(),
    }
}

fn check_invariants(post: &Post) {
    assert_eq!(post.publish_at.is_some(), post.status == PostStatus::Scheduled, "{post:?}");
    assert_eq!(post.expires_at.is_some(), post.status == PostStatus::Trashed, "{post:?}");
    assert!(post.status != PostStatus::Published || post.published_at.is_some(), "{post:?}");
    assert_eq!(post.kind, if post.details.title.is_some() { PostKind::Article } else { PostKind::Note });
    assert!(post.text_version <= post.version && post.version <= post.writes, "{post:?}");
}

proptest! {
    #[test]
    fn whatever_happens_to_a_post_its_parts_agree_and_every_write_is_counted(steps in steps()) {
        let mut post = draft(Some("Title"));
        check_invariants(&post);
        for (minute, step) in steps.into_iter().enumerate() {
            let now = at(i64::try_from(minute).unwrap());
            let Some(next) = after(&post, step, now) else { continue };
            check_invariants(&next);
            prop_assert_eq!(next.writes, post.writes + 1);
            let is_edit = !matches!(step, Step::Amend);
            prop_assert_eq!(next.version, post.version + u64::from(is_edit));
            let moves_text = matches!(step, Step::Rewrite(_)) || next.slug != post.slug;
            prop_assert_eq!(next.text_version, if moves_text { next.version } else { post.text_version });
            // Once published, an address stays unless somebody chooses another.
            if post.published_at.is_some() {
                prop_assert_eq!(&next.slug, &post.slug);
            }
            // Publishing again does not make an old post new.
            if let (Step::Publish, Some(first)) = (step, post.published_at) {
                prop_assert_eq!(next.published_at, Some(first));
            }
            post = next;
        }
    }
}

#[test]
fn a_change_that_alters_nothing_is_no_edit() {
    let post = draft(Some("Title"));
    let same = post.edit(Ulid(2).into(), at(1), &PostText::default(), || None, |_| Ok(None)).unwrap();
    assert!(same.is_none());
    let stored = text(3);
    let same = post.edit(Ulid(2).into(), at(1), &stored.text, || None, |_| Ok(Some(stored.clone()))).unwrap();
    assert!(same.is_none(), "the same text is no new one");
    assert!(post.amend(|_| Ok(())).unwrap().is_none());
    assert!(post.come_due(true, at(1)).is_none());
}

#[test]
fn the_kind_follows_from_what_a_post_has() {
    let new = |title: Option<&str>, quote_of, reply_to| {
        let details = Details { title: title.map(self::title), ..Details::default() };
        let new = NewPost { details, quote_of, reply_to, ..NewPost::default() };
        Post::draft(new, &text(1), Ulid(7).into(), &user(), at(0)).kind
    };
    let other = Some(Ulid(8).into());
    assert_eq!(new(Some("T"), None, None), PostKind::Article);
    assert_eq!(new(None, None, None), PostKind::Note);
    assert_eq!(new(Some("T"), other, None), PostKind::Quote);
    assert_eq!(new(Some("T"), None, other), PostKind::Reply);
    assert_eq!(Post::repost(Ulid(8).into(), Ulid(9).into(), &user(), at(0)).kind, PostKind::Repost);
}

#[test]
fn an_excerpt_is_kept_only_where_no_summary_hides_it() {
    let post = draft(None);
    assert_eq!(post.excerpt.as_deref(), Some("3 words"));
    let summary = |post: &Post, summary: Option<&str>| {
        let summary = summary.map(|text| Summary::try_from(text.to_owned()).unwrap());
        let excerpt = || Some("asked for".to_owned());
        let change = |post: &mut Post| {
            post.details.summary = summary;
            Ok(None)
        };
        post.edit(Ulid(2).into(), at(1), &PostText::default(), excerpt, change).unwrap().unwrap().0
    };
    let summarised = summary(&post, Some("S"));
    assert_eq!((summarised.excerpt.as_deref(), summarised.summary_or_excerpt()), (None, Some("S")));
    assert_eq!(summary(&summarised, None).excerpt.as_deref(), Some("asked for"));
}
