//! `POST /webhooks/{id}/deliveries/{delivery_id}/resend`: Send a message again, with the same id and the same body, and attempt it for
//! three days as a new one.
//!
//! Problems: conflict.

use edge::{Accepted, Admin, Call, Path, Problem};
use table::Refused;

use crate::Services;
use crate::shared::lookup::{self, DeliveryPath, MAX_TRIES, contended};

pub async fn resend_delivery(
    services: &Services,
    Call { input: Path(path), now, .. }: Call<Admin, Path<DeliveryPath>>,
) -> Result<Accepted, Problem> {
    let blog = &services.blog;
    lookup::webhook(blog, path.id).await?.check_enabled()?;
    for _ in 0..MAX_TRIES {
        let delivery = lookup::delivery(blog, &path, now).await?;
        match blog.table.update_delivery(&delivery, &delivery.resent(now)).await {
            Ok(()) => return Ok(Accepted),
            Err(Refused::Changed) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(contended())
}
