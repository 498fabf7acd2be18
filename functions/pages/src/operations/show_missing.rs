//! `GET /pages/{rest+}`: Say that there is no such page.

use domain::fields;
use edge::{Call, Path, Problem, Visitor};

use crate::Services;
use crate::shared::reply::Shown;

fields! {
    pub struct AnyPath {
        rest: String,
    }
}

pub async fn show_missing(_: &Services, _: Call<Visitor, Path<AnyPath>>) -> Result<Shown, Problem> {
    Err(Problem::not_found("There is no page at this address."))
}
