//! Cursors that cannot be forged.

use crate::SigningKey;

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The sort key of the last item that was shown; empty while only pinned posts were.
    pub after: String,
    /// The ids of the posts that were shown ahead of their place, as pinned posts or by reposts; they are skipped at their place.
    pub shown: Vec<String>,
}

impl Cursor {
    /// A page that ended with the item at this sort key.
    pub fn after(sort_key: &str) -> Self {
        Self { after: sort_key.to_owned(), shown: Vec::new() }
    }

    /// The cursor as a client gets it. It is bound to the list's name, so a cursor of another list, or of the same list
    /// with other filters, does not verify.
    pub fn sign(&self, list: &str, key: &SigningKey) -> String {
        key.sign(list, &format!("{}\n{}", self.after, self.shown.join(",")))
    }

    /// Reads back what [`sign`](Self::sign) wrote for the same list. None for anything else.
    pub fn verify(text: &str, list: &str, key: &SigningKey) -> Option<Self> {
        let text = key.verify(list, text)?;
        let (after, shown) = text.split_once('\n')?;
        let shown = shown.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Some(Self { after: after.to_owned(), shown })
    }
}
