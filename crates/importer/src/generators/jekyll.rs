//! Jekyll: <https://jekyllrb.com/docs/structure/>.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    addresses::{Facts, fill, values_of_day},
    attributes::Lists,
    dates,
    extras::Extras,
    front_matter::{Keys, scalar},
    generators::{Rules, folders, read_first},
    glob::Star,
    site::{Scope, Site},
};

/// The rules of Jekyll.
pub struct Jekyll;

/// What is left out unless `exclude` says otherwise. Gems bring sample posts.
const EXCLUDED: [&str; 7] =
    [".sass-cache", ".jekyll-cache", "node_modules", "vendor/bundle/", "vendor/cache/", "vendor/gems/", "vendor/ruby/"];

impl Rules for Jekyll {
    fn detect(&self, folder: &Path) -> Option<Keys> {
        read_first(folder, &["_config.yml", "_config.yaml"], Keys::from_yaml)
    }

    fn follow(&self, site: &mut Site) {
        // https://jekyllrb.com/docs/configuration/front-matter-defaults/
        for default in site.config.0.get("defaults").and_then(Value::as_array).cloned().into_iter().flatten() {
            let path = default.pointer("/scope/path").and_then(scalar).unwrap_or_default();
            let path = path.trim_matches('/');
            let kind = default.pointer("/scope/type").and_then(Value::as_str).unwrap_or("posts");
            let Some(Value::Object(values)) = default.get("values") else { continue };
            let scope = match (kind, path.contains('*')) {
                ("posts", true) => Scope::Like(path.to_owned(), Star::Anywhere),
                ("posts", false) => Scope::Below(path.into()),
                ("drafts", _) => Scope::Below(Path::new(path).join("_drafts")),
                _ => continue,
            };
            site.default(scope, values.clone());
        }
        let included = site.config.list("include").ok().flatten().unwrap_or_default();
        let excluded = site.config.list("exclude").ok().flatten().unwrap_or_default();
        for pattern in
            excluded.into_iter().chain(EXCLUDED.map(str::to_owned)).filter(|pattern| !included.contains(pattern))
        {
            let pattern = pattern.trim_start_matches('/').to_owned();
            // Any path that begins with the text is meant: `_posts/old` excludes `_posts/old-times.md` too.
            let pattern = if pattern.contains('*') { pattern } else { format!("{pattern}*") };
            site.ignored
                .push((Scope::Like(pattern, Star::Anywhere), "`exclude` of the configuration names it".to_owned()));
        }
    }

    fn no_post(&self, site: &Site, path: &Path) -> Option<String> {
        let is_special = |part: &str| matches!(part, "_posts" | "_drafts");
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        let is_post = parts.iter().rev().skip(1).any(|part| is_special(part));
        if site.has_config && !is_post {
            return Some("it is a page, not a post: it is in no folder _posts or _drafts".to_owned());
        }
        // https://github.com/jekyll/jekyll/blob/master/lib/jekyll/entry_filter.rb
        let collections = site.setting("collections_dir").unwrap_or_default();
        let included = site.config.list("include").ok().flatten().unwrap_or_default();
        let is_let_in = |part: &str| is_special(part) || included.iter().any(|name| name.trim_matches('/') == part);
        let left = parts.iter().find(|part| {
            let is_passed_over = part.starts_with(['_', '.', '#', '~']) || part.ends_with('~');
            is_passed_over && !is_let_in(part) && !Path::new(&collections).iter().any(|folder| folder == &***part)
        });
        if let Some(part) = left {
            return Some(format!("Jekyll passes over names such as \"{part}\""));
        }
        let is_dated = parts.last().is_none_or(|name| dates::looks_dated(name));
        let is_draft = parts.iter().any(|part| part == "_drafts");
        (is_post && !is_draft && !is_dated).then(|| "Jekyll takes no post without a date in its name".to_owned())
    }

    fn no_post_by_text(&self, path: &Path, text: &str) -> Option<&'static str> {
        let is_post = folders(path).iter().any(|folder| folder == "_posts" || folder == "_drafts");
        let has_front_matter = text.lines().next().is_some_and(|line| line.trim_end() == "---");
        (is_post && !has_front_matter).then_some("Jekyll takes no post without front matter")
    }

    /// The folders around `_posts`.
    fn categories(&self, _site: &Site, path: &Path, _keys: &Keys) -> Vec<String> {
        let around = folders(path);
        let end = around.iter().position(|folder| folder == "_posts").unwrap_or_default();
        around.into_iter().take(end).collect()
    }

    /// <https://jekyllrb.com/docs/permalinks/>
    fn address(&self, facts: &Facts<'_>) -> Option<String> {
        let folders = folders(facts.path);
        let above = folders.iter().position(|folder| folder == "_posts")?;
        let own = facts.text("permalink").filter(|pattern| pattern.contains(':') || !pattern.contains('/'));
        let pattern = own.or_else(|| facts.site.setting("permalink")).unwrap_or_else(|| "date".to_owned());
        let pattern = match &*pattern {
            "date" => "/:categories/:year/:month/:day/:title.html",
            "pretty" => "/:categories/:year/:month/:day/:title/",
            "ordinal" => "/:categories/:year/:y_day/:title.html",
            "none" => "/:categories/:title.html",
            own => own,
        };
        let mut categories: Vec<String> = folders.into_iter().take(above).collect();
        for key in ["category", "categories"] {
            categories.extend(facts.keys.list(key).ok().flatten().unwrap_or_default());
        }
        let categories: Vec<_> = categories.iter().map(|category| category.to_lowercase()).collect();
        let name = facts.text("slug").unwrap_or_else(|| facts.name.words.clone());
        let mut values = values_of_day(&facts.day()?);
        values.extend([
            ("slugified_categories", categories.iter().map(slug::slugify).collect::<Vec<_>>().join("/")),
            ("categories", categories.join("/")),
            ("title", name.clone()),
            ("slug", slug::slugify(name)),
            ("collection", "posts".to_owned()),
            ("output_ext", ".html".to_owned()),
        ]);
        fill(pattern, &values)
    }

    fn sources(&self, _site: &Site) -> Vec<(String, PathBuf)> {
        vec![("/".to_owned(), PathBuf::new())]
    }

    /// Liquid.
    fn has_templates_in_code(&self) -> bool {
        true
    }

    /// kramdown does not; CommonMark, which a plug-in offers, does.
    fn strikes_between_single_tildes(&self, site: &Site) -> bool {
        site.setting("markdown").is_some_and(|name| name.to_lowercase().contains("commonmark"))
    }

    fn attribute_lists(&self, site: &Site) -> Lists {
        if self.strikes_between_single_tildes(site) { Lists::Nowhere } else { Lists::Everywhere }
    }

    fn extras(&self, site: &Site) -> Extras {
        if self.strikes_between_single_tildes(site) { Extras::Nothing } else { Extras::All }
    }
}
