//! Password hashes (argon2id, PHC strings).

use argon2::password_hash::{Error as HashError, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::fault::Error;
use crate::random;

/// How much work one hash is.
#[derive(Clone, Copy)]
pub(super) enum Cost {
    /// For a file, which may hold a password that someone uses elsewhere too: the crate's defaults, which are
    /// OWASP's recommendation (19 MiB, 2 passes;
    /// <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
    Guarded,
    /// For a store in memory: nothing outlives the process, and tests sign up hundreds of users.
    Trivial,
}

pub(super) struct Passwords {
    argon2: Argon2<'static>,
    decoy: String,
}

impl Passwords {
    pub(super) fn new(cost: Cost) -> Result<Self, Error> {
        let params = match cost {
            Cost::Guarded => Params::DEFAULT,
            Cost::Trivial => Params::new(Params::MIN_M_COST, Params::MIN_T_COST, 1, None)?,
        };
        // Verifying against random bytes is the same work as verifying against a user's hash, and never succeeds.
        let (salt, digest) = random::salt_and_digest()?;
        let decoy = format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            params.m_cost(),
            params.t_cost(),
            params.p_cost(),
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(digest),
        );
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self { argon2, decoy })
    }

    pub(super) fn hash(&self, password: &str) -> Result<String, Error> {
        let hash = self.argon2.hash_password(password.as_bytes())?;
        Ok(hash.to_string())
    }

    /// Is it the password? Without a user (`None`) the answer is no, after the same time.
    pub(super) fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Error> {
        let hash = hash.unwrap_or(&self.decoy);
        match self.argon2.verify_password(password.as_bytes(), hash) {
            Ok(()) => Ok(true),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
