//! A fault of the importer in one item, which must not keep the others from coming in.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What reading an item gives or, if that panics, why the item fails. Whatever it had changed by then must not be used.
pub fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    let read = || {
        #[cfg(test)]
        tests::fail_if_planted();
        read()
    };
    catch_unwind(AssertUnwindSafe(read)).map_err(|fault| {
        let said = fault.downcast_ref::<String>().map(String::as_str).or_else(|| fault.downcast_ref().copied());
        format!(
            "It could not be read because of a fault of the importer, which is worth a report: {}",
            said.unwrap_or("?")
        )
    })
}

#[cfg(test)]
pub mod tests {
    use std::{
        cell::Cell,
        collections::HashMap,
        fs,
        panic::resume_unwind,
        path::{Path, PathBuf},
    };

    use crate::{
        formats::Formats,
        plan::{Plan, Planned},
    };

    thread_local! {
        /// Which of the items that are read next fails.
        static PLANTED: Cell<Option<usize>> = const { Cell::new(None) };
    }

    pub fn fail_if_planted() {
        let next = PLANTED.get().map(|number| number.checked_sub(1));
        PLANTED.set(next.flatten());
        if next == Some(None) {
            resume_unwind(Box::new("planted"));
        }
    }

    fn plan(path: &Path, planted: Option<usize>) -> Plan {
        PLANTED.set(planted);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let plan = Plan::of(path, None, &Formats::default(), &HashMap::new(), now).unwrap();
        PLANTED.set(None);
        plan
    }

    /// The items that failed, by their numbers.
    fn failed(plan: &Plan) -> Vec<usize> {
        let is_fault = |what: &Planned| matches!(what, Planned::Failed(reason) if reason.contains("a fault of the importer") && reason.ends_with(": planted"));
        (0..).zip(&plan.items).filter(|(_, item)| is_fault(&item.what)).map(|(number, _)| number).collect()
    }

    #[test]
    fn a_fault_in_one_item_leaves_the_others_alone() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| -> PathBuf {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        for name in ["a", "b", "c"] {
            write(&format!("posts/{name}.md"), "Text.");
        }
        let item = |id: u32| {
            format!(
                "<item><title>T{id}</title><content:encoded><![CDATA[Text.]]></content:encoded><wp:post_id>{id}</wp:post_id><wp:post_name>t{id}</wp:post_name>\
                 <wp:post_date_gmt>2020-01-02 03:04:05</wp:post_date_gmt><wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>"
            )
        };
        let items: String = (1..=3).map(item).collect();
        let wordpress = write(
            "wordpress.xml",
            &format!(
                "<rss xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:wp=\"http://wordpress.org/export/1.2/\"><channel>\
                 <link>https://e.com</link>{items}</channel></rss>"
            ),
        );
        let post = |id: u32| {
            format!(r#"{{"id": "{id}", "title": "T{id}", "slug": "t{id}", "html": "<p>Text.</p>", "status": "draft"}}"#)
        };
        let ghost =
            write("ghost.json", &format!(r#"{{"data": {{"posts": [{}, {}, {}]}}}}"#, post(1), post(2), post(3)));
        // Of a folder, each file is read first, and then its links.
        for (path, planted, expected) in [
            (folder.path().join("posts"), 4, 1),
            (folder.path().join("posts"), 1, 1),
            (wordpress.clone(), 1, 1),
            (ghost, 2, 2),
        ] {
            let plan = plan(&path, Some(planted));
            assert_eq!((failed(&plan), plan.posts().count()), (vec![expected], 2), "{} {planted}", path.display());
        }
        // The text of a post of WordPress is read when its turn comes.
        let plan = plan(&wordpress, None);
        let texts = plan.posts().enumerate().map(|(number, (path, document))| {
            PLANTED.set((number == 1).then_some(0));
            plan.whole(path, document).map(|whole| whole.document.body.clone())
        });
        let texts: Vec<_> = texts.collect();
        assert_eq!((texts[0].as_deref(), texts[2].as_deref()), (Ok("Text."), Ok("Text.")));
        assert!(texts[1].as_ref().is_err_and(|reason| reason.ends_with(": planted")), "{texts:?}");
    }
}
