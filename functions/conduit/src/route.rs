//! The routes of Conduit.

use edge::Problem;
use lambda_http::http::Method;

/// The methods that some path takes, for preflights.
pub const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A token is not looked at: the front end may still send an old one with a log-in.
    Nobody,
    /// With a token or without.
    Anybody,
    /// With a token only.
    User,
}

/// A route with the parameters of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as the operation of Conduit's specification")]
pub enum Route<'a> {
    Register,
    LogIn,
    GetUser,
    UpdateUser,
    GetProfile(&'a str),
    Follow(&'a str),
    Unfollow(&'a str),
    ListArticles,
    Feed,
    CreateArticle,
    GetArticle(&'a str),
    UpdateArticle(&'a str),
    DeleteArticle(&'a str),
    Favorite(&'a str),
    Unfavorite(&'a str),
    ListComments(&'a str),
    CreateComment(&'a str),
    DeleteComment(&'a str, &'a str),
    ListTags,
}

impl<'a> Route<'a> {
    /// The route of a method and the segments of a path. 404 if nothing is there, 405 for another method.
    pub fn find(method: &Method, path: &[&'a str]) -> Result<Self, Problem> {
        let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
        let routes: &[(&str, Self)] = match path {
            ["users"] => &[("POST", Self::Register)],
            ["users", "login"] => &[("POST", Self::LogIn)],
            ["user"] => &[("GET", Self::GetUser), ("PUT", Self::UpdateUser)],
            ["profiles", name] => &[("GET", Self::GetProfile(name))],
            ["profiles", name, "follow"] => &[("POST", Self::Follow(name)), ("DELETE", Self::Unfollow(name))],
            ["articles"] => &[("GET", Self::ListArticles), ("POST", Self::CreateArticle)],
            // No article has this slug natively when it is asked for here: `GET` is the feed.
            ["articles", "feed"] if method == "GET" => &[("GET", Self::Feed)],
            ["articles", slug] => &[
                ("GET", Self::GetArticle(slug)),
                ("PUT", Self::UpdateArticle(slug)),
                ("DELETE", Self::DeleteArticle(slug)),
            ],
            ["articles", slug, "favorite"] => &[("POST", Self::Favorite(slug)), ("DELETE", Self::Unfavorite(slug))],
            ["articles", slug, "comments"] => &[("GET", Self::ListComments(slug)), ("POST", Self::CreateComment(slug))],
            ["articles", slug, "comments", number] => &[("DELETE", Self::DeleteComment(slug, number))],
            ["tags"] => &[("GET", Self::ListTags)],
            _ => return Err(Problem::not_found("There is nothing here.")),
        };
        match routes.iter().find(|(known, _)| *known == method) {
            Some((_, route)) => Ok(*route),
            None => {
                let methods = routes.iter().map(|(method, _)| *method).chain(["OPTIONS"]).collect::<Vec<_>>();
                Err(Problem::method_not_allowed(methods.join(", ")))
            }
        }
    }

    /// Who may call.
    pub fn access(&self) -> Access {
        match self {
            Self::Register | Self::LogIn | Self::ListTags => Access::Nobody,
            Self::GetProfile(_) | Self::ListArticles | Self::GetArticle(_) | Self::ListComments(_) => Access::Anybody,
            _ => Access::User,
        }
    }

    /// What a refusal names, unless a step of the answer knows better.
    pub fn subject(&self) -> &'static str {
        match self {
            Self::Register | Self::LogIn | Self::GetUser | Self::UpdateUser => "user",
            Self::GetProfile(_) | Self::Follow(_) | Self::Unfollow(_) => "profile",
            Self::ListTags => "tags",
            _ => "article",
        }
    }
}
