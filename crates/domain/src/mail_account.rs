//! Accounts at Cognito that are nobody's. To make one is how Cognito is asked to send a message to an address
//! (docs/adr/0028).

use crate::{CognitoName, UserId};

/// What an account that is nobody's is for. Each user has at most one of each kind, and nobody knows its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailAccount {
    /// The address that is to become that of this user, once the code that was sent to it comes back.
    NewAddress(UserId),
    /// The address that this user has, which is told that it is to be replaced.
    OldAddress(UserId),
}

impl MailAccount {
    const NEW: &str = "-new-address";
    const OLD: &str = "-old-address";

    /// Both of a user; last the one that says whether a change of the address is under way.
    pub fn of(id: UserId) -> [Self; 2] {
        [Self::OldAddress(id), Self::NewAddress(id)]
    }

    /// Its name in Cognito. No id is written like this, and a user of another provider has a name that begins with the
    /// provider's.
    pub fn name(self) -> CognitoName {
        match self {
            Self::NewAddress(id) => format!("{id}{}", Self::NEW).into(),
            Self::OldAddress(id) => format!("{id}{}", Self::OLD).into(),
        }
    }

    /// The account with this name, which Cognito gives in lower case, if it is one of these.
    pub fn named(name: &str) -> Option<Self> {
        let of = |suffix: &str| name.strip_suffix(suffix)?.parse().ok();
        of(Self::NEW).map(Self::NewAddress).or_else(|| of(Self::OLD).map(Self::OldAddress))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_by_its_name_and_no_user_is_taken_for_one() {
        let id: UserId = "01M7YKM0T0000000000ABCDEFG".parse().unwrap();
        for account in MailAccount::of(id) {
            let name = account.name();
            assert_eq!(MailAccount::named(name.as_str()), Some(account));
            assert_eq!(MailAccount::named(&name.as_str().to_lowercase()), Some(account));
        }
        for user in ["01M7YKM0T0000000000ABCDEFG", "grace", "google_42", "grace-new-address", "-new-address", ""] {
            assert_eq!(MailAccount::named(user), None, "{user}");
        }
    }
}
