//! `settings`: what the stack's parameters say of the site.

use domain::Summary;
use edge::Problem;
use serde_json::{Value, json};

use crate::{Context, with_nulls};

/// Settings that have no counterpart here.
const NULLS: &[&str] = &[
    "codeinjection_foot",
    "codeinjection_head",
    "cover_image",
    "facebook",
    "firstpromoter_account",
    "icon",
    "meta_description",
    "meta_title",
    "og_description",
    "og_image",
    "og_title",
    "portal_button_icon",
    "portal_signup_terms_html",
    "twitter",
    "twitter_description",
    "twitter_image",
    "twitter_title",
];

/// `GET /settings/`. There are no members here, so all that is said of them is that there are none. The address of their support is
/// Ghost's default, because its libraries demand one.
pub fn get(context: &Context<'_>) -> Result<Value, Problem> {
    let config = &context.blog.config;
    let settings = json!({
        "title": config.site_title.as_str(),
        "description": config.site_description.as_ref().map(Summary::as_str).unwrap_or_default(),
        "logo": config.site_logo,
        "accent_color": config.site_accent.to_string(),
        "lang": config.site_language.as_str(),
        "locale": config.site_language.as_str(),
        "timezone": "Etc/UTC",
        "navigation": [],
        "secondary_navigation": [],
        "url": context.site.home(),
        "version": "6.0",
        "comments_enabled": "off",
        "members_enabled": false,
        "members_invite_only": false,
        "members_support_address": "noreply",
        "paid_members_enabled": false,
        "portal_button": false,
        "portal_button_signup_text": "Subscribe",
        "portal_button_style": "icon-and-text",
        "portal_name": true,
        "portal_plans": [],
        "portal_signup_checkbox_required": false,
        "recommendations_enabled": false,
    });
    Ok(json!({ "settings": context.query.pick(with_nulls(settings, NULLS)), "meta": {} }))
}
