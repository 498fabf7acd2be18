//! The texts of requests: what is taken is taken again as it was made.

#![cfg_attr(fuzzing, no_main)]

use domain::{Email, PostId, Slug, Tag, Timestamp, Title, Username, WebUrl, WebhookUrl};

/// Whether a text that is taken is taken again, and is the same then.
fn settles<T: TryFrom<String>>(text: &str, show: impl Fn(&T) -> String) {
    let Ok(taken) = T::try_from(text.to_owned()) else { return };
    let shown = show(&taken);
    let again = T::try_from(shown.clone()).ok().map(|again| show(&again));
    assert_eq!(again.as_ref(), Some(&shown), "{text:?}");
}

/// The bytes are what a field of a request says.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    settles::<Slug>(text, ToString::to_string);
    settles::<Tag>(text, ToString::to_string);
    settles::<Username>(text, ToString::to_string);
    settles::<Timestamp>(text, ToString::to_string);
    settles::<Email>(text, |email| email.as_str().to_owned());
    settles::<WebUrl>(text, |url| url.as_str().to_owned());
    settles::<WebhookUrl>(text, |url| url.as_str().to_owned());
    settles::<Title>(text, |title| title.as_str().to_owned());
    if let Ok(title) = Title::try_from(text.to_owned()) {
        let id = PostId::from_number(u128::MAX >> 3);
        let slug = Slug::from_title(&title, id);
        assert_eq!(Slug::try_from(slug.to_string()).as_ref(), Ok(&slug));
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
