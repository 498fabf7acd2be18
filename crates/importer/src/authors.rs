//! Who wrote the posts on the old site, and who becomes their author here.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    ImportError,
    client::{Client, Profile, Session},
    document::Document,
    journal::Journal,
};

/// The users that the authors of the old site are here, from a file of lines `NAME: KEY`: the API key of that user, or an
/// e-mail address to invite. A line that begins with `#` says nothing.
#[derive(Default)]
pub struct Authors {
    lines: HashMap<String, String>,
}

impl Authors {
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::parse(&fs::read_to_string(path)?)
            .map_err(|number| io::Error::new(io::ErrorKind::InvalidData, format!("line {number} is not NAME: KEY")))
    }

    /// The lines, or the number of the first one that cannot be read: the posts of its author would become another user's.
    fn parse(text: &str) -> Result<Self, usize> {
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = HashMap::new();
        for (number, line) in (1_usize..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let pair = line.rsplit_once(':').map(|(name, value)| (folded(name), value.trim()));
            let is_read = |(name, value): &(String, &str)| {
                !name.is_empty() && !value.is_empty() && !value.contains(char::is_whitespace)
            };
            let (name, value) = pair.filter(is_read).ok_or(number)?;
            lines.insert(name, value.to_owned());
        }
        Ok(Self { lines })
    }

    /// The names with the keys by which their posts are made.
    fn keys(&self) -> Vec<(&str, &str)> {
        let pairs = self.lines.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut found: Vec<_> = pairs.filter(|(_, value)| !value.contains('@')).collect();
        found.sort_unstable();
        found
    }

    /// The e-mail addresses of those who have no account yet, each once.
    pub fn addresses(&self) -> BTreeSet<&str> {
        self.lines.values().map(String::as_str).filter(|value| value.contains('@')).collect()
    }

    /// What becomes of those who have no account and get no invitation either.
    pub fn uninvited(&self) -> Option<String> {
        let addresses: Vec<_> = self.addresses().into_iter().collect();
        let said = || format!("Not invited without --invite: {}. Their posts become yours.", addresses.join(", "));
        (!addresses.is_empty()).then(said)
    }
}

/// Names that differ in this only are one person's.
fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A user who makes posts, with what they made before.
pub struct Account {
    pub profile: Profile,
    pub journal: Journal,
    /// While another acts.
    pub session: Session,
}

/// Whoever makes posts: first the user who imports, then those whose keys are known.
pub struct Accounts {
    all: Vec<Account>,
    by_name: HashMap<String, usize>,
}

impl Accounts {
    /// Signs everybody in. The client comes with the session of the user who imports, and is left without one.
    pub async fn open(client: &mut Client<'_>, authors: &Authors, journal: &Path) -> Result<Self, ImportError> {
        let mut accounts = Self { all: vec![account(client, journal).await?], by_name: HashMap::new() };
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (name, key) in authors.keys() {
            let index = match known.get(key) {
                Some(index) => *index,
                None => {
                    client.swap(&mut Session::of_key(key));
                    accounts.all.push(account(client, journal).await?);
                    accounts.all.len() - 1
                }
            };
            known.insert(key, index);
            accounts.by_name.insert(name.to_owned(), index);
        }
        Ok(accounts)
    }

    /// The one who makes a post: the first of its authors whose key is known.
    pub fn of(&mut self, document: Option<&Document>) -> Option<&mut Account> {
        let mut authors = document.into_iter().flat_map(|document| &document.authors);
        let index = authors.find_map(|name| self.by_name.get(&folded(name)).copied()).unwrap_or(0);
        self.all.get_mut(index)
    }

    /// The slugs that files have from earlier imports.
    pub fn slugs(&self) -> HashMap<PathBuf, String> {
        self.all.iter().flat_map(|account| account.journal.slugs()).collect()
    }
}

async fn account(client: &mut Client<'_>, journal: &Path) -> Result<Account, ImportError> {
    let profile: Profile = client.profile().await?;
    let of_journal = |source| ImportError::File { path: journal.to_owned(), source };
    let journal = Journal::open(journal, &profile.id, true).map_err(of_journal)?;
    let mut session = Session::default();
    client.swap(&mut session);
    Ok(Account { profile, journal, session })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_key_or_an_address() {
        let text = "\u{feff}# ours\n\nAda  Lovelace: bsk_1\nDr: Bob : bob@example.com\nRobert: bob@example.com\n";
        let authors = Authors::parse(text).ok().unwrap();
        assert_eq!(authors.keys(), [("ada lovelace", "bsk_1")]);
        assert_eq!(authors.addresses().into_iter().collect::<Vec<_>>(), ["bob@example.com"]);
        let said = "Not invited without --invite: bob@example.com. Their posts become yours.";
        assert_eq!(authors.uninvited().as_deref(), Some(said));
        for line in ["jane bsk_abc", "bogus", "Jane:", ": bsk_abc", "Jane: bsk abc"] {
            assert_eq!(Authors::parse(&format!("Ada: bsk_1\n{line}\n")).err(), Some(2), "{line}");
        }
    }
}
