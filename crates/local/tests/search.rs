//! Search: what a reader means is found, at once, and what was withdrawn is not.

use domain::Role;
use local::wire::Fault;
use serde_json::{Value, json};
use table::{Unlisted, UnlistedFiles};

use crate::harness::{Client, TestStack, walk};

/// The slugs of what is found.
async fn found(client: &Client, typed: &str) -> Vec<String> {
    let answer = client.get(&path(typed)).await;
    answer.expect_status(200);
    answer.each("slug")
}

fn path(typed: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
    format!("/search?q={encoded}")
}

async fn write(author: &Client, title: &str, body: &str) -> String {
    author.draft(title).with("body", body).publish().await
}

/// What the table says the index is made of.
async fn state(stack: &TestStack) -> table::SearchState {
    stack.stack.blog.table.search_state().await.unwrap()
}

/// Rebuilds the index.
async fn rebuild(stack: &TestStack) {
    search::begin_to_rebuild(&stack.stack.search, true).await.unwrap();
    stack.settle().await;
}

#[tokio::test]
async fn a_reader_finds_what_they_mean() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.user("bob").await;
    let running = "Running a **blog** costs nothing while nobody reads it. A quick brown fox.";
    ada.draft("A blog without servers").with("body", running).tags(&["Serverless", "rust"]).publish().await;
    stack.pass_seconds(24 * 60 * 60);
    let (ada, bob) = (stack.log_in("ada").await, stack.log_in("bob").await);
    let russian = ada.draft("Книги о Москве").with("body", "Ёлка в лесу").with("language", "ru").publish().await;
    let chinese = bob.draft("人工智能").with("body", "改变世界").with("language", "zh").publish().await;
    let thai = bob.draft("ภาษาไทย").with("body", "เขียนติดกัน").with("language", "th").publish().await;
    let french = bob.draft("L'été à la mer").with("body", "On mangeait").with("language", "fr").publish().await;
    let note = bob.draft("").without("title").with("body", "A note: the fox was brown & quick, 1 < 2").publish().await;
    stack.settle().await;

    let visitor = stack.visitor();
    let servers = "a-blog-without-servers".to_owned();
    for (typed, expected) in [
        ("blogs", vec![&servers]),
        ("server", vec![&servers]),
        (r#""quick brown""#, vec![&servers]),
        ("quick brown", vec![&note, &servers]),
        ("quick -blog", vec![&note]),
        ("serv*", vec![&servers]),
        ("tag:rust", vec![&servers]),
        ("tag:SERVERLESS fox", vec![&servers]),
        ("fox -tag:rust", vec![&note]),
        ("author:ada", vec![&russian, &servers]),
        ("author:ada before:2026-11-22", vec![&servers]),
        ("fox after:2026-11-22", vec![&note]),
        ("книга", vec![&russian]),
        ("елка", vec![&russian]),
        ("智能", vec![&chinese]),
        ("世界", vec![&chinese]),
        ("ภาษา", vec![&thai]),
        ("ETE", vec![&french]),
        ("manger", vec![&french]),
        ("nothing-like-that", vec![]),
        ("\"quick brown", vec![&note, &servers]),
        ("before:yesterday", vec![]),
        ("   ", vec![]),
    ] {
        let (mut found, mut expected) = (found(&visitor, typed).await, expected);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{typed}");
    }
    let hits = visitor.get(&path("running foxes")).await.body;
    assert_eq!(hits["items"][0]["highlights"]["title"], "A blog without servers");
    let marked = "<mark>Running</mark> a blog costs nothing while nobody reads it. A quick brown <mark>fox</mark>.";
    assert_eq!(hits["items"][0]["highlights"]["body"], marked);
    let hits = visitor.get(&path("note")).await.body;
    assert_eq!(hits["items"][0]["highlights"]["title"], Value::Null);
    let marked = "A <mark>note</mark>: the fox was brown &amp; quick, 1 &lt; 2";
    assert_eq!(hits["items"][0]["highlights"]["body"], marked);
    // The whole card comes with it, as lists show it; for a viewer with what they did.
    assert_eq!(hits["items"][0]["author"]["username"], "bob");
    assert!(ada.get(&path("note")).await.body["items"][0]["viewer"].is_object());
    // A title weighs more than a text.
    write(&ada, "Brown bears", "A text.").await;
    stack.settle().await;
    assert_eq!(found_first(&visitor, "brown").await, "brown-bears");
    visitor.get("/search").await.expect_invalid(&["/q"]);
    let answer = visitor.get("/search?q=blog").await;
    assert_eq!(answer.header("cache-control"), "no-store", "a CDN would show what is withdrawn");
    assert_eq!(ada.get("/search?q=blog").await.header("cache-control"), "private, no-store");
}

async fn found_first(client: &Client, typed: &str) -> String {
    found(client, typed).await.remove(0)
}

/// Whether the index has it yet or not, a search sees each post as it is.
#[tokio::test]
async fn a_post_is_found_as_it_is_from_its_publication_to_its_end() {
    for is_indexed in [true, false] {
        let stack = TestStack::start().await;
        let (ada, visitor) = (stack.user("ada").await, stack.visitor());
        write(&ada, "Other", "Something else").await;
        stack.settle().await;
        let settle = async || {
            if !is_indexed {
                // No segment can be written: what is found comes from what changed since.
                stack.stack.wire.break_calls("PutObject", 0, 1_000, Fault::ServerError);
            }
            stack.settle().await;
            stack.stack.wire.mend();
            assert_eq!(state(&stack).await.pending.is_empty(), is_indexed);
        };
        let draft = ada.draft("Apple").with("body", "About pears").save().await;
        stack.settle().await;
        assert_eq!(found(&visitor, "pears").await, [""; 0], "a draft");
        let slug = draft["slug"].as_str().unwrap().to_owned();
        ada.post(&format!("/posts/{slug}/publish"), json!({})).await.expect_status(200);
        settle().await;
        assert_eq!(found(&visitor, "pear").await, ["apple"]);

        // Edited, with another slug.
        let edit = json!({ "body": "About plums", "slug": "plum" });
        ada.patch("/posts/apple", "*", edit).await.expect_status(200);
        settle().await;
        assert_eq!(found(&visitor, "pear").await, [""; 0]);
        assert_eq!(found(&visitor, "plum").await, ["plum"]);

        // Withdrawn at once, before anybody is told.
        ada.post("/posts/plum/unpublish", json!({})).await.expect_status(200);
        assert_eq!(found(&visitor, "plum").await, [""; 0]);
        assert_eq!(found(&ada, "plum").await, [""; 0]);
        settle().await;
        assert_eq!(found(&visitor, "plum").await, [""; 0]);
        let page = visitor.get("/search?q=author%3Aada&limit=1").await;
        assert_eq!(page.each("slug"), ["other"], "what is gone takes no place on a page");
        ada.post("/posts/plum/publish", json!({})).await.expect_status(200);
        settle().await;
        assert_eq!(found(&visitor, "plum").await, ["plum"]);
        ada.call("DELETE", "/posts/plum", &[("if-match", "*")], None).await.expect_status(204);
        assert_eq!(found(&visitor, "plum").await, [""; 0]);
        settle().await;
        assert_eq!(found(&visitor, "plum").await, [""; 0]);
        ada.post("/posts/plum/restore", json!({})).await.expect_status(200);
        ada.post("/posts/plum/publish", json!({})).await.expect_status(200);
        settle().await;
        assert_eq!(found(&visitor, "plum").await, ["plum"]);
        assert_eq!(found(&visitor, "something").await, ["other"], "what was there throughout");

        // Its author is renamed, and leaves.
        ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
        settle().await;
        assert_eq!(found(&visitor, "plum author:countess").await, ["plum"]);
        assert_eq!(found(&visitor, "plum author:ada").await, ["plum"], "the former name, as long as it is kept");
        let shown = visitor.get(&path("plum")).await.body;
        assert_eq!(shown["items"][0]["author"]["username"], "countess");
        let password = json!({ "password": crate::harness::PASSWORD });
        ada.call("DELETE", "/me", &[], Some(password)).await.expect_status(204);
        settle().await;
        assert_eq!(found(&visitor, "plum").await, [""; 0]);
        assert_eq!(found(&visitor, "something").await, [""; 0]);
    }
}

#[tokio::test]
async fn hostile_queries_are_answered() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    write(&ada, "Apple", "a b c d e f").await;
    stack.settle().await;
    let visitor = stack.visitor();
    let many: String = (0..10_000).map(|number| format!("w{number} ")).collect();
    for hostile in [
        &many,
        "a*",
        "\"\"\"a\" \"b\"\"",
        "-",
        "--a",
        "tag:",
        "author:\"",
        "before:9999-99-99",
        "\0\u{202e}*",
        "a:b:c",
        "*:*",
        "(a OR b) AND c~2^3",
    ] {
        let begin = tokio::time::Instant::now();
        visitor.get(&path(hostile)).await.expect_status(200);
        assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn a_list_of_hits_is_walked_while_others_write() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let mut there = Vec::new();
    for number in 0..12 {
        there.push(write(&ada, &format!("Apple {number}"), &"apple pear ".repeat(1 + number % 5)).await);
    }
    stack.settle().await;
    let visitor = stack.visitor();
    let (mut met, mut next) = (Vec::new(), Some(format!("{}&limit=3", path("apple"))));
    let mut number = 0;
    while let Some(path) = next.take() {
        let page = visitor.get(&path).await;
        page.expect_status(200);
        met.extend(page.each("slug"));
        next =
            page.body["next_cursor"].as_str().map(|cursor| format!("{}&limit=3&cursor={cursor}", self::path("apple")));
        // Others change what scores depend on.
        write(&ada, &format!("New {number}"), "apple apple apple").await;
        number += 1;
        stack.settle().await;
    }
    met.retain(|slug| there.contains(slug));
    met.sort();
    there.sort();
    assert_eq!(met, there);
    // A cursor belongs to its query.
    let page = visitor.get(&format!("{}&limit=3", path("apple"))).await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    visitor.get(&format!("{}&cursor={cursor}", path("pear"))).await.expect_problem(400, "invalid-cursor");
    visitor.get(&format!("{}&cursor=x{cursor}", path("apple"))).await.expect_problem(400, "invalid-cursor");
    assert_eq!(walk(&visitor, &path("apple"), 100).await.len(), 12 + number);
}

/// What a search reads: the state of the index and one batch of cards, however many posts there are.
#[tokio::test]
async fn a_search_of_a_warm_index_is_a_query_and_a_batch() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..25 {
        write(&ada, &format!("Apple {number}"), "pear").await;
    }
    stack.settle().await;
    let visitor = stack.visitor();
    found(&visitor, "pear").await;
    stack.stack.wire.record();
    assert_eq!(visitor.get("/search?q=pear&limit=20").await.each("slug").len(), 20);
    let calls = stack.stack.wire.take_calls();
    let actions: Vec<_> = calls.iter().map(|call| (&*call.action, call.capacity)).collect();
    // The key that the cursor is signed with is read once a process.
    let actions: Vec<_> =
        actions.into_iter().filter(|(action, _)| *action != "GetItem" && *action != "PutItem").collect();
    assert_eq!(actions, [("Query", 1.0), ("BatchGetItem", 10.0)]);
}

#[tokio::test]
async fn what_comes_twice_changes_nothing() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let slug = write(&ada, "Apple", "pear").await;
    let first = stack.changes();
    stack.settle().await;
    ada.patch(&format!("/posts/{slug}"), "*", json!({ "body": "plum" })).await.expect_status(200);
    let second = stack.changes();
    stack.settle().await;
    for changes in [&first, &second, &first] {
        stack.deliver_again(changes).await;
        assert_eq!(found(&stack.visitor(), "plum").await, std::slice::from_ref(&slug));
        assert_eq!(found(&stack.visitor(), "pear").await, [""; 0]);
        assert!(state(&stack).await.pending.is_empty());
    }
    assert_eq!(state(&stack).await.manifest.segments.iter().map(|segment| segment.posts).sum::<usize>(), 1);

    // A mark from before the post got another slug leads to it: of a search that has to look at it, and of the writer.
    let old = posts_pending(&stack, &slug).await;
    ada.patch(&format!("/posts/{slug}"), "*", json!({ "slug": "moved" })).await.expect_status(200);
    stack.settle().await;
    let newer = table::PendingPost { writes: 1_000, ..old };
    stack.stack.blog.table.mark_for_search(&newer).await.unwrap();
    assert_eq!(found(&stack.visitor(), "plum").await, ["moved"]);
    run_writer(&stack).await.unwrap();
    assert!(state(&stack).await.pending.is_empty());
    assert_eq!(found(&stack.visitor(), "plum").await, ["moved"]);
}

/// Whoever has the slug of a post that is gone, the post leaves the index.
#[tokio::test]
async fn a_post_whose_slug_is_given_to_another_leaves_the_index() {
    let stack = TestStack::start().await;
    // DynamoDB goes by the system's time.
    stack.set_time("2020-01-01T00:00:00Z");
    let ada = stack.user("ada").await;
    let slug = write(&ada, "Apple", "pear").await;
    stack.settle().await;
    ada.call("DELETE", &format!("/posts/{slug}"), &[("if-match", "*")], None).await.expect_status(204);
    stack.set_time("2020-02-01T00:00:00Z");
    stack.stack.backing.remove_expired_now().await;
    // Nobody was told of the end of the one before the next is there.
    assert_eq!(write(&stack.log_in("ada").await, "Apple", "plum").await, slug);
    stack.settle().await;
    assert_eq!(found(&stack.visitor(), "plum").await, [slug]);
    assert_eq!(found(&stack.visitor(), "pear").await, [""; 0]);
    assert_eq!(posts_of_segments(&stack).await, [1]);
}

/// The writer is stopped at each of its calls in turn, and called again, as the bus does: the index is whole in between, and comes
/// to the same end.
#[tokio::test]
async fn a_writer_that_is_stopped_anywhere_leaves_the_index_whole() {
    let calls = [("Query", 5), ("GetObject", 1), ("PutObject", 1), ("DeleteObject", 1), ("TransactWriteItems", 4)];
    let mut stopped = 0;
    for fault in [Fault::TimedOut, Fault::AnswerLost] {
        for (action, skip) in calls.iter().flat_map(|(action, times)| (0..*times).map(move |skip| (*action, skip))) {
            let what = format!("{fault:?} {action} {skip}");
            let stack = TestStack::start().await;
            let ada = stack.user("ada").await;
            write(&ada, "One", "apple").await;
            stack.settle().await;
            write(&ada, "Two", "apple").await;
            write(&ada, "Three", "apple").await;
            stack.settle().await;
            // Long enough that what was merged is deleted.
            stack.pass_seconds(15 * 60);
            ada.patch("/posts/one", "*", json!({ "body": "pear" })).await.expect_status(200);
            ada.post("/posts/two/unpublish", json!({})).await.expect_status(200);
            write(&ada, "Four", "apple").await;
            stack.stack.streams.hand_on(&stack.changes()).await;
            assert_eq!(state(&stack).await.pending.len(), 3, "{what}");
            stack.stack.wire.break_calls(action, skip, 3, fault);
            stopped += usize::from(run_writer(&stack).await.is_err());
            stack.stack.wire.mend();
            check_end(&stack, &what).await;
            stack.settle().await;
            check_end(&stack, &what).await;
            // The next change finds nothing that it trips over.
            stack.pass_seconds(15 * 60);
            write(&ada, "Five", "plum").await;
            stack.settle().await;
            check_end(&stack, &what).await;
            assert_eq!(found(&stack.visitor(), "plum").await, ["five"], "{what}");
            assert!(state(&stack).await.pending.is_empty(), "{what}");
            assert_eq!(TestSearch::new(&stack).len().await, 4, "{what}");
        }
    }
    assert!(stopped > 15, "only {stopped} times");
}

async fn check_end(stack: &TestStack, what: &str) {
    let visitor = stack.visitor();
    let mut apples = found(&visitor, "apple").await;
    apples.sort();
    assert_eq!(apples, ["four", "three"], "{what}");
    assert_eq!(found(&visitor, "pear").await, ["one"], "{what}");
}

#[tokio::test]
async fn two_writers_at_once_lose_nothing() {
    for action in ["PutObject", "TransactWriteItems"] {
        let stack = TestStack::start().await;
        let ada = stack.user("ada").await;
        write(&ada, "Old", "apple").await;
        stack.settle().await;
        write(&ada, "One", "apple").await;
        stack.stack.streams.hand_on(&stack.changes()).await;
        let hold = stack.stack.wire.hold_call(action);
        let slow = tokio::spawn({
            let stack = stack.clone();
            async move { run_writer(&stack).await }
        });
        hold.arrived().await;
        // While one is on its way another begins, finds the same and more, and is faster.
        write(&ada, "Two", "apple").await;
        let fast = stack.stack.blog.table.search_state().await.unwrap();
        assert_eq!(fast.pending.len(), 1, "the second is not marked yet");
        let two = posts_pending(&stack, "two").await;
        stack.stack.blog.table.mark_for_search(&two).await.unwrap();
        run_writer(&stack).await.unwrap();
        assert!(state(&stack).await.pending.is_empty());
        hold.release();
        slow.await.unwrap().unwrap();
        stack.settle().await;
        let mut apples = found(&stack.visitor(), "apple").await;
        apples.sort();
        assert_eq!(apples, ["old", "one", "two"], "{action}");
        assert!(state(&stack).await.pending.is_empty());
        // Every segment of the manifest is there.
        assert_eq!(stack.stack.bus.given_up("IndexPostsFailures"), [] as [Value; 0]);
        let fresh = TestSearch::new(&stack);
        assert_eq!(fresh.len().await, 3, "{action}");
    }
}

/// Who loses takes no mark back: the winner may have looked before it was there.
#[tokio::test]
async fn a_writer_that_loses_has_taken_nothing() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let run_held = async |title: &str| {
        let slug = write(&ada, title, "apple").await;
        mark(&stack, &slug).await;
        let hold = stack.stack.wire.hold_call("PutObject");
        let stack = stack.clone();
        let writer = tokio::spawn(async move { run_writer(&stack).await });
        hold.arrived().await;
        (hold, writer)
    };
    let (winner, winning) = run_held("One").await;
    let (loser, losing) = run_held("Two").await;
    // Each is stopped before it writes a second time: the first would take the other post along.
    for (hold, writer) in [(winner, winning), (loser, losing)] {
        stack.stack.wire.break_calls("PutObject", 1, 1_000, Fault::TimedOut);
        hold.release();
        writer.await.unwrap().unwrap_err();
        stack.stack.wire.mend();
    }
    assert_eq!(TestSearch::new(&stack).count("apple").await, 2);
    run_writer(&stack).await.unwrap();
    assert_eq!((TestSearch::new(&stack).count("apple").await, state(&stack).await.pending.len()), (2, 0));
    check_files(&stack, "two writers").await;
}

/// The mark of a post.
async fn posts_pending(stack: &TestStack, slug: &str) -> table::PendingPost {
    let slug = domain::Slug::try_from(slug.to_owned()).unwrap();
    let post = stack.stack.blog.table.post(&slug, stack.stack.blog.now()).await.unwrap().unwrap();
    table::PendingPost::from(&post)
}

/// Runs the plug-in by itself.
async fn run_writer(stack: &TestStack) -> Result<(), edge::Problem> {
    run(&stack.stack.search, "index_posts", json!({})).await
}

/// Runs a plug-in by itself, with this on the bus.
async fn run(services: &search::Services, name: &str, detail: Value) -> Result<(), edge::Problem> {
    let plugin = search::PLUGINS.iter().find(|plugin| plugin.name == name).unwrap();
    let event = serde_json::from_value(json!({ "detail-type": name, "detail": detail })).unwrap();
    local::wire::OPERATION.scope(name.to_owned(), plugin.run(services, event)).await
}

/// A process that has nothing in memory yet.
struct TestSearch(search::Services);

impl TestSearch {
    fn new(stack: &TestStack) -> Self {
        Self::with_sizes(stack, search::Sizes::default())
    }

    fn with_sizes(stack: &TestStack, sizes: search::Sizes) -> Self {
        let sdk = aws::Sdk::new(local::stack::sdk_config(stack.stack.wire.clone()));
        Self(search::Services::with_sizes(std::sync::Arc::clone(&stack.stack.blog), &sdk, sizes))
    }

    /// How many posts its index has.
    async fn len(&self) -> usize {
        self.count("-nothing").await
    }

    /// How many posts it finds.
    async fn count(&self, typed: &str) -> usize {
        self.try_count(typed).await.unwrap()
    }

    async fn try_count(&self, typed: &str) -> Result<usize, edge::Problem> {
        let query = search_index::Query::parse(typed, |_| None, |_| None);
        let authors = Default::default();
        let found = search::find(&self.0, &query, &authors, None, 1_000, self.0.blog.now());
        Ok(local::wire::OPERATION.scope("search".to_owned(), found).await?.hits.len())
    }
}

/// So few posts are many, and all is read in ranges.
const SMALL: search::Sizes =
    search::Sizes { whole_index: 0, whole_segment: 0, cache: 1 << 20, merged_at_once: 2, step: 2, rebuilt_at_once: 2 };

/// The files of the index that are in the bucket, and those that it lists or has just replaced.
async fn files(stack: &TestStack) -> (Vec<String>, Vec<String>) {
    let files = stack.stack.backing.bucket.keys().unwrap();
    let there = files.iter().filter_map(|file| file.strip_prefix("search/")).map(str::to_owned).collect();
    let manifest = state(stack).await.manifest;
    let mut known: Vec<String> = manifest.segments.iter().map(|segment| segment.name.clone()).collect();
    known.extend(unlisted(stack).await.into_iter().flat_map(|note| match note.files {
        Unlisted::Replaced { names } => names,
        Unlisted::Written { .. } => Vec::new(),
    }));
    known.sort();
    (there, known)
}

/// All notes of files that the index may not list.
async fn unlisted(stack: &TestStack) -> Vec<UnlistedFiles> {
    let table = &stack.stack.blog.table;
    table.unlisted_search_files(stack.stack.blog.now().plus_seconds(1)).await.unwrap()
}

/// An hour later the next writer has left nothing but what the index lists.
async fn check_files(stack: &TestStack, what: &str) {
    stack.pass_seconds(61 * 60);
    run_writer(stack).await.unwrap();
    let (there, known) = files(stack).await;
    assert_eq!(there, known, "{what}");
    assert_eq!(unlisted(stack).await, [], "{what}");
}

/// Posts about apples, each taken into the index by itself by a process that finds two posts many. Gives that process.
async fn many_segments(stack: &TestStack, posts: usize) -> TestSearch {
    let ada = stack.user("ada").await;
    let small = TestSearch::with_sizes(stack, SMALL);
    for number in 0..posts {
        let slug = write(&ada, &format!("Post {number}"), "apple").await;
        mark(stack, &slug).await;
        run(&small.0, "index_posts", json!({})).await.unwrap();
    }
    small
}

/// Marks a published post as changed, as `publish_events` does, and nothing else of what there is to do.
async fn mark(stack: &TestStack, slug: &str) {
    let pending = posts_pending(stack, slug).await;
    stack.stack.blog.table.mark_for_search(&pending).await.unwrap();
}

async fn posts_of_segments(stack: &TestStack) -> Vec<usize> {
    state(stack).await.manifest.segments.iter().map(|segment| segment.posts).collect()
}

/// A search that has read the manifest before may still read of segments that were replaced. No other search pays for them.
#[tokio::test]
async fn replaced_segments_stay_for_ten_minutes_and_no_search_reads_their_names() {
    let stack = TestStack::start().await;
    let cost = async || {
        stack.stack.wire.record();
        assert!(TestSearch::with_sizes(&stack, SMALL).count("apple").await > 0);
        let calls = stack.stack.wire.take_calls();
        let state = calls.iter().find(|call| call.request["ExpressionAttributeValues"][":pk"]["S"] == "SEARCH");
        state.expect("the manifest is read").capacity
    };
    many_segments(&stack, 1).await;
    let of_one = cost().await;
    let small = TestSearch::with_sizes(&stack, SMALL);
    for number in 1..65 {
        mark(&stack, "post-0").await;
        run(&small.0, "index_posts", json!({})).await.unwrap();
        assert_eq!(posts_of_segments(&stack).await, [1], "{number}");
    }
    assert_eq!(cost().await, of_one);
    let there = async || files(&stack).await.0.len();
    assert_eq!(there().await, 65);
    stack.pass_seconds(10 * 60);
    run_writer(&stack).await.unwrap();
    assert_eq!(there().await, 65);
    stack.pass_seconds(1);
    run_writer(&stack).await.unwrap();
    assert_eq!((there().await, unlisted(&stack).await), (1, Vec::new()));
}

/// While large segments are merged, others write, withdraw and search.
#[tokio::test]
async fn large_segments_are_merged_while_others_read_and_write() {
    let stack = TestStack::start().await;
    let small = many_segments(&stack, 9).await;
    assert_eq!(posts_of_segments(&stack).await, [4, 4, 1]);
    let puts = stack.stack.bus.take_recorded();
    assert!(puts.iter().any(|put| put["detail-type"] == "merge_segments"), "{puts:?}");
    let hold = stack.stack.wire.hold_call("PutObject");
    let merging = tokio::spawn({
        let small = TestSearch::with_sizes(&stack, SMALL);
        async move { run(&small.0, "merge_segments", json!({ "merge": "one" })).await }
    });
    hold.arrived().await;
    assert_eq!(state(&stack).await.manifest.merging.unwrap().id, "one");
    // Nobody else does the same.
    run(&small.0, "merge_segments", json!({ "merge": "two" })).await.unwrap();
    let ada = stack.log_in("ada").await;
    ada.post("/posts/post-0/unpublish", json!({})).await.expect_status(200);
    ada.patch("/posts/post-1", "*", json!({ "body": "pear" })).await.expect_status(200);
    write(&ada, "Post 9", "apple").await;
    for slug in ["post-0", "post-1", "post-9"] {
        mark(&stack, slug).await;
    }
    let check = async |what: &str| {
        for search in [&small, &TestSearch::with_sizes(&stack, SMALL), &TestSearch::new(&stack)] {
            assert_eq!((search.count("apple").await, search.count("pear").await), (8, 1), "{what}");
            assert_eq!(search.len().await, 9, "{what}");
        }
    };
    check("marked").await;
    run(&small.0, "index_posts", json!({})).await.unwrap();
    check("indexed").await;
    assert_eq!(posts_of_segments(&stack).await[..2], [4, 4]);
    hold.release();
    merging.await.unwrap().unwrap();
    check("merged").await;
    assert_eq!(posts_of_segments(&stack).await[0], 8);
    assert_eq!(state(&stack).await.manifest.merging, None);
    // Its own work comes again, and work of which nothing is left.
    for merge in ["one", "two"] {
        run(&small.0, "merge_segments", json!({ "merge": merge })).await.unwrap();
        check(merge).await;
    }
    check_files(&stack, "merged").await;
}

/// Stopped at each of its calls, and called again: what is there throughout is found in between and after.
#[tokio::test]
async fn a_merge_that_is_stopped_anywhere_comes_to_its_end() {
    let mut stopped = 0;
    for fault in [Fault::TimedOut, Fault::AnswerLost] {
        for (action, skips) in [("Query", 2), ("GetObject", 4), ("PutObject", 1), ("TransactWriteItems", 4)] {
            for skip in 0..skips {
                let what = format!("{fault:?} {action} {skip}");
                let stack = TestStack::start().await;
                let small = many_segments(&stack, 8).await;
                assert_eq!(posts_of_segments(&stack).await, [4, 4], "{what}");
                let work = json!({ "merge": "one" });
                stack.stack.wire.break_calls(action, skip, 3, fault);
                stopped += usize::from(run(&small.0, "merge_segments", work.clone()).await.is_err());
                stack.stack.wire.mend();
                for search in [&small, &TestSearch::with_sizes(&stack, SMALL)] {
                    assert_eq!(search.count("apple").await, 8, "{what}");
                }
                run(&TestSearch::with_sizes(&stack, SMALL).0, "merge_segments", work).await.unwrap();
                for search in [&small, &TestSearch::with_sizes(&stack, SMALL)] {
                    assert_eq!(search.count("apple").await, 8, "{what}");
                }
                assert_eq!(
                    (posts_of_segments(&stack).await, state(&stack).await.manifest.merging),
                    (vec![8], None),
                    "{what}"
                );
                check_files(&stack, &what).await;
            }
        }
    }
    assert!(stopped > 8, "only {stopped} times");
}

/// One that never comes back keeps others from beginning for an hour, and leaves nothing.
#[tokio::test]
async fn a_merge_that_is_given_up_is_begun_by_another() {
    let stack = TestStack::start().await;
    let small = many_segments(&stack, 8).await;
    stack.stack.wire.break_calls("TransactWriteItems", 2, 1_000, Fault::TimedOut);
    run(&small.0, "merge_segments", json!({ "merge": "one" })).await.unwrap_err();
    stack.stack.wire.mend();
    run(&small.0, "merge_segments", json!({ "merge": "two" })).await.unwrap();
    assert_eq!(posts_of_segments(&stack).await, [4, 4]);
    let (there, known) = files(&stack).await;
    assert_eq!(there.len(), known.len() + 1, "what it has written");
    stack.pass_seconds(61 * 60);
    run(&small.0, "merge_segments", json!({ "merge": "three" })).await.unwrap();
    assert_eq!((posts_of_segments(&stack).await, small.count("apple").await), (vec![8], 8));
    check_files(&stack, "given up").await;
}

/// All is built anew while segments are merged: what was merged is nobody's, and deleted.
#[tokio::test]
async fn a_merge_and_a_rebuild_at_once_leave_one_index() {
    for who_is_first in ["rebuild", "merge"] {
        let stack = TestStack::start().await;
        let small = many_segments(&stack, 8).await;
        let hold = stack.stack.wire.hold_call("PutObject");
        let slow = tokio::spawn({
            let (small, stack) = (TestSearch::with_sizes(&stack, SMALL), stack.clone());
            async move {
                match who_is_first {
                    "rebuild" => run(&small.0, "merge_segments", json!({ "merge": "one" })).await.unwrap(),
                    _ => rebuild(&stack).await,
                }
            }
        });
        hold.arrived().await;
        match who_is_first {
            "rebuild" => rebuild(&stack).await,
            _ => run(&small.0, "merge_segments", json!({ "merge": "one" })).await.unwrap(),
        }
        assert_eq!(small.count("apple").await, 8, "{who_is_first}");
        hold.release();
        slow.await.unwrap();
        let manifest = state(&stack).await.manifest;
        assert_eq!((manifest.rebuild, manifest.merging), (None, None));
        assert_eq!((small.count("apple").await, TestSearch::new(&stack).len().await), (8, 8), "{who_is_first}");
        check_files(&stack, who_is_first).await;
    }
}

/// A rebuild of many posts writes many segments, and merges them in steps of their own.
#[tokio::test]
async fn a_rebuild_of_many_posts_goes_in_steps() {
    let stack = TestStack::start().await;
    // A page of the list of all posts is a step at the least.
    let small = many_segments(&stack, 7).await;
    let ada = stack.log_in("ada").await;
    for number in 7..215 {
        let title = format!("Post {number}");
        ada.post("/posts", json!({ "title": title, "body": "apple", "status": "published" })).await.expect_status(201);
    }
    stack.stack.bus.take_recorded();
    local::wire::OPERATION.scope("index_posts".to_owned(), search::begin_to_rebuild(&small.0, true)).await.unwrap();
    let (mut steps, mut most) = (0, 0);
    let mut put = stack.stack.bus.take_recorded();
    while let Some(step) = put.into_iter().find(|put| put["detail-type"] == "rebuild_index") {
        most = most.max(step["detail"]["segments"].as_array().unwrap().len());
        steps += 1;
        run(&small.0, "rebuild_index", step["detail"].clone()).await.unwrap();
        put = stack.stack.bus.take_recorded();
        // Each comes twice, and what follows from the second is another's that comes to the same end.
        run(&small.0, "rebuild_index", step["detail"].clone()).await.unwrap();
        stack.stack.bus.take_recorded();
        if steps == 3 {
            // It takes longer than files are kept that nobody waits for.
            stack.pass_seconds(2 * 60 * 60);
            run_writer(&stack).await.unwrap();
        }
    }
    assert!(steps > 4 && most < 3, "{steps} steps, {most} segments");
    assert_eq!((small.count("apple").await, TestSearch::new(&stack).len().await), (215, 215));
    assert!(state(&stack).await.manifest.rebuild.is_none());
    check_files(&stack, "rebuilt").await;
}

/// A block of a segment that is read in ranges is damaged, or the file is another's from some byte on: that is found, the others are
/// searched, and the index is rebuilt.
#[tokio::test]
async fn a_damaged_range_is_left_out_and_rebuilt() {
    for damage in ["a byte", "the beginning", "the file"] {
        let stack = TestStack::start().await;
        many_segments(&stack, 9).await;
        let stored = state(&stack).await.manifest.segments;
        let sdk = aws::Sdk::new(local::stack::sdk_config(stack.stack.wire.clone()));
        let bucket = bucket::Bucket::new(&sdk, local::s3::BUCKET_NAME.to_owned());
        let key = format!("search/{}", stored[0].name);
        let search = TestSearch::with_sizes(&stack, SMALL);
        assert_eq!(search.count("post").await, 9);
        let mut bytes = bucket.get(&key).await.unwrap().unwrap();
        assert_eq!(bucket.get_range(&key, 3..7).await.unwrap().unwrap(), bytes[3..7]);
        assert_eq!(bucket.get_range(&key, 3..bytes.len() as u64 + 1).await.unwrap(), None);
        match damage {
            // Of the posts, which every search of this segment reads.
            "a byte" => bytes[5] ^= 1,
            "the beginning" => {
                let other = bucket.get(&format!("search/{}", stored[1].name)).await.unwrap().unwrap();
                bytes[..100].copy_from_slice(&other[..100]);
            }
            _ => bytes.clear(),
        }
        bucket.put(&key, bytes).await.unwrap();
        let fresh = TestSearch::with_sizes(&stack, SMALL);
        stack.stack.bus.take_recorded();
        assert_eq!(fresh.count("apple").await, 5, "{damage}");
        let put = stack.stack.bus.take_recorded();
        assert!(put.iter().any(|put| put["detail-type"] == "rebuild_index"), "{damage}: {put:?}");
        // Once it is known nobody tries again.
        stack.stack.wire.record();
        assert_eq!(fresh.count("apple").await, 5, "{damage}");
        assert!(stack.stack.wire.take_calls().iter().all(|call| call.action != "GetObject"));
        stack.settle().await;
        assert_eq!((fresh.count("apple").await, TestSearch::new(&stack).len().await), (9, 9), "{damage}");
    }
}

/// A merge that finds a segment damaged leaves the index as it is, and lets it be rebuilt.
#[tokio::test]
async fn a_merge_of_a_damaged_segment_ends_in_a_rebuild() {
    for writer in ["merge_segments", "index_posts"] {
        let stack = TestStack::start().await;
        let small = many_segments(&stack, if writer == "index_posts" { 9 } else { 8 }).await;
        let stored = state(&stack).await.manifest.segments.last().unwrap().clone();
        let sdk = aws::Sdk::new(local::stack::sdk_config(stack.stack.wire.clone()));
        let bucket = bucket::Bucket::new(&sdk, local::s3::BUCKET_NAME.to_owned());
        let key = format!("search/{}", stored.name);
        let mut bytes = bucket.get(&key).await.unwrap().unwrap();
        bytes[5] ^= 1;
        bucket.put(&key, bytes).await.unwrap();
        if writer == "index_posts" {
            let ada = stack.log_in("ada").await;
            let slug = write(&ada, "Late", "apple").await;
            mark(&stack, &slug).await;
        }
        stack.stack.bus.take_recorded();
        let fresh = TestSearch::with_sizes(&stack, SMALL);
        run(&fresh.0, writer, json!({ "merge": "one" })).await.unwrap();
        assert_eq!(state(&stack).await.manifest.merging, None);
        let put = stack.stack.bus.take_recorded();
        assert!(put.iter().any(|put| put["detail-type"] == "rebuild_index"), "{writer}: {put:?}");
        stack.settle().await;
        let all = if writer == "index_posts" { 10 } else { 8 };
        assert_eq!((small.count("apple").await, state(&stack).await.pending.len()), (all, 0), "{writer}");
        check_files(&stack, writer).await;
    }
}

/// A writer that dies between its file and the manifest leaves a file that the next one deletes, when it is old enough.
#[tokio::test]
async fn a_file_that_no_manifest_lists_is_deleted() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    write(&ada, "One", "apple").await;
    stack.stack.streams.hand_on(&stack.changes()).await;
    stack.stack.wire.break_calls("TransactWriteItems", 1, 1_000, Fault::TimedOut);
    run_writer(&stack).await.unwrap_err();
    stack.stack.wire.mend();
    let (there, known) = files(&stack).await;
    assert_eq!((there.len(), known.len()), (1, 0));
    run_writer(&stack).await.unwrap();
    let (there, known) = files(&stack).await;
    assert_eq!((there.len(), known.len()), (2, 1), "somebody may be about to list it");
    check_files(&stack, "one hour").await;
    assert_eq!(found(&stack.visitor(), "apple").await, ["one"]);
    // One that dies when the index lists its file has left none.
    let ada = stack.log_in("ada").await;
    let slug = write(&ada, "Two", "apple").await;
    mark(&stack, &slug).await;
    stack.stack.wire.break_calls("TransactWriteItems", 2, 1_000, Fault::TimedOut);
    run_writer(&stack).await.unwrap_err();
    stack.stack.wire.mend();
    let notes = unlisted(&stack).await;
    assert!(notes.iter().all(|note| matches!(note.files, Unlisted::Replaced { .. })), "{notes:?}");
    assert_eq!(state(&stack).await.pending.len(), 1);
    stack.pass_seconds(61 * 60);
    // What would have become a segment of its own is merged with it, so it is still read.
    run(&TestSearch::with_sizes(&stack, SMALL).0, "index_posts", json!({})).await.unwrap();
    assert_eq!(TestSearch::with_sizes(&stack, SMALL).count("apple").await, 2);
    check_files(&stack, "listed").await;
}

#[tokio::test]
async fn a_lost_a_torn_and_a_foreign_segment_are_left_out_and_rebuilt() {
    for damage in ["lost", "torn", "foreign", "lost for the writer"] {
        let stack = TestStack::start().await;
        let ada = stack.user("ada").await;
        for title in ["One", "Two", "Three", "Four", "Five"] {
            write(&ada, title, "apple").await;
            stack.settle().await;
        }
        let stored = state(&stack).await.manifest.segments;
        assert!(stored.len() > 1, "{stored:?}");
        let sdk = aws::Sdk::new(local::stack::sdk_config(stack.stack.wire.clone()));
        let bucket = bucket::Bucket::new(&sdk, local::s3::BUCKET_NAME.to_owned());
        let key = |stored: &table::StoredSegment| format!("search/{}", stored.name);
        let bytes = bucket.get(&key(&stored[0])).await.unwrap().unwrap();
        match damage {
            "lost" => bucket.delete(&key(&stored[0])).await.unwrap(),
            "torn" => bucket.put(&key(&stored[0]), bytes[..bytes.len() / 2].to_vec()).await.unwrap(),
            "foreign" => {
                let other = bucket.get(&key(&stored[1])).await.unwrap().unwrap();
                bucket.put(&key(&stored[0]), other).await.unwrap();
            }
            _ => {
                // It is about to be merged.
                bucket.delete(&key(&stored[1])).await.unwrap();
                write(&ada, "Six", "apple").await;
                stack.settle().await;
                assert_eq!(TestSearch::new(&stack).len().await, 6);
                assert!(state(&stack).await.manifest.rebuild.is_none());
                continue;
            }
        }
        // What is left is searched, by a process that has nothing in memory.
        let fresh = TestSearch::new(&stack);
        let left = fresh.len().await;
        assert!(left > 0 && left < 5, "{damage}: {left}");
        assert_eq!(fresh.len().await, left);
        stack.settle().await;
        assert_eq!(fresh.len().await, 5, "{damage}");
        assert!(state(&stack).await.manifest.rebuild.is_none());
    }
}

#[tokio::test]
async fn a_rebuild_takes_the_place_of_the_old_index_while_others_read_and_write() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..5 {
        write(&ada, &format!("Apple {number}"), "pear").await;
    }
    stack.settle().await;
    let before = state(&stack).await.manifest.segments;
    write(&ada, "Late", "pear").await;
    ada.patch("/posts/apple-1", "*", json!({ "body": "plum" })).await.expect_status(200);
    ada.post("/posts/apple-2/unpublish", json!({})).await.expect_status(200);
    stack.stack.streams.hand_on(&stack.changes()).await;
    // The rebuild has read the posts and is about to write them, when they change once more.
    search::begin_to_rebuild(&stack.stack.search, false).await.unwrap();
    let hold = stack.stack.wire.hold_call_after("PutObject", 1);
    let rebuilding = tokio::spawn({
        let stack = stack.clone();
        async move { stack.settle().await }
    });
    hold.arrived().await;
    assert!(state(&stack).await.manifest.rebuild.is_some());
    ada.patch("/posts/apple-3", "*", json!({ "body": "plum" })).await.expect_status(200);
    ada.post("/posts/apple-4/unpublish", json!({})).await.expect_status(200);
    for slug in ["apple-3", "apple-4"] {
        let pending = posts_pending(&stack, slug).await;
        stack.stack.blog.table.mark_for_search(&pending).await.unwrap();
    }
    run_writer(&stack).await.unwrap();
    // Searches go on all the while.
    let visitor = stack.visitor();
    let check = async || {
        let mut pears = found(&visitor, "pear").await;
        pears.sort();
        assert_eq!(pears, ["apple-0", "late"]);
        let mut plums = found(&visitor, "plum").await;
        plums.sort();
        assert_eq!(plums, ["apple-1", "apple-3"]);
    };
    check().await;
    hold.release();
    let searching = tokio::spawn({
        let visitor = visitor.clone();
        async move {
            for _ in 0..50 {
                let mut pears = found(&visitor, "pear").await;
                pears.sort();
                assert_eq!(pears, ["apple-0", "late"]);
            }
        }
    });
    rebuilding.await.unwrap();
    searching.await.unwrap();
    check().await;
    let after = state(&stack).await.manifest;
    assert!(after.rebuild.is_none());
    assert!(after.segments.iter().all(|segment| !before.contains(segment)), "{after:?}");
    assert_eq!(TestSearch::new(&stack).len().await, 4);
    // A post that was withdrawn before is in no segment of a rebuilt index.
    rebuild(&stack).await;
    assert_eq!(state(&stack).await.manifest.segments.iter().map(|segment| segment.posts).collect::<Vec<_>>(), [4]);
    check().await;
}

#[tokio::test]
async fn a_rebuild_that_is_stopped_anywhere_comes_to_its_end() {
    for fault in [Fault::TimedOut, Fault::AnswerLost] {
        for (action, skips) in [("Query", 4), ("PutObject", 1), ("TransactWriteItems", 2), ("PutEvents", 1)] {
            for skip in 0..skips {
                let stack = TestStack::start().await;
                let ada = stack.user("ada").await;
                write(&ada, "One", "apple").await;
                write(&ada, "Two", "apple").await;
                stack.settle().await;
                search::begin_to_rebuild(&stack.stack.search, false).await.unwrap();
                stack.stack.wire.break_calls(action, skip, 3, fault);
                stack.settle().await;
                stack.stack.wire.mend();
                stack.settle().await;
                let what = format!("{fault:?} {action} {skip}");
                assert_eq!(found(&stack.visitor(), "apple").await.len(), 2, "{what}");
                assert!(state(&stack).await.manifest.rebuild.is_none(), "{what}");
                assert_eq!(state(&stack).await.manifest.segments.len(), 1, "{what}");
                assert_eq!(stack.stack.bus.given_up("RebuildIndexFailures"), [] as [Value; 0], "{what}");
            }
        }
    }
}

/// A search that has read the manifest fetches a segment that is merged and deleted at this moment.
#[tokio::test]
async fn a_search_that_is_slower_than_a_merge_begins_again() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    write(&ada, "One", "apple").await;
    stack.settle().await;
    let fresh = TestSearch::new(&stack);
    let hold = stack.stack.wire.hold_call("GetObject");
    let slow = tokio::spawn(async move { fresh.len().await });
    hold.arrived().await;
    for title in ["Two", "Three"] {
        write(&ada, title, "apple").await;
        stack.settle().await;
        stack.pass_seconds(15 * 60);
    }
    hold.release();
    assert_eq!(slow.await.unwrap(), 3);
    assert!(state(&stack).await.manifest.rebuild.is_none());
}

#[tokio::test]
async fn an_editor_and_a_reader_find_the_same() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let editor = stack.user_with_role("edith", Role::Editor).await;
    ada.draft("Secret apple").save().await;
    let later = json!("2026-12-24T00:00:00.000Z");
    ada.draft("Later apple").with("status", "published").with("publish_at", later).save().await;
    write(&ada, "Public apple", "text").await;
    editor.call("PUT", "/posts/public-apple/repost", &[], None).await.expect_status(204);
    stack.settle().await;
    for client in [&ada, &editor, &stack.visitor()] {
        assert_eq!(found(client, "apple").await, ["public-apple"]);
    }
    stack.set_time("2026-12-24T00:00:01.000Z");
    stack.minute().await;
    stack.settle().await;
    let mut apples = found(&stack.visitor(), "apple").await;
    apples.sort();
    assert_eq!(apples, ["later-apple", "public-apple"]);
}
