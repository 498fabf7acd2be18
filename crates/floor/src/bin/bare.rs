//! A function that makes one call of DynamoDB through the SDK and answers nothing: what a request that asks the table costs at least.
//! `_HANDLER` says which call. `scripts/measure` compares `get_post` with it; it is never deployed.

use aws::Service;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Slug;
use lambda_http::{Body, Error, Request, RequestExt, Response, service_fn};
use table::keys;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (blog, sdk) = edge::runtime::start()?;
    let client = &Client::new(&sdk.config(Service::DynamoDb));
    let table = blog.config.table_name.as_str();
    let is_query = edge::runtime::handler_name() == "bare_query";
    lambda_http::run(service_fn(async |request: Request| {
        let slug = request.path_parameters().first("slug").unwrap_or_default().to_owned();
        let key = keys::post(&Slug::try_from(slug)?);
        let (pk, sk) = (AttributeValue::S(key.pk), AttributeValue::S(key.sk));
        let items = if is_query {
            // What `get_post` asks for: the post, its counts and its text.
            let query =
                client.query().table_name(table).key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
            let query = query.expression_attribute_values(":pk", pk).expression_attribute_values(":prefix", sk);
            query.send().await?.items.map_or(0, |items| items.len())
        } else {
            let item = client.get_item().table_name(table).key("pk", pk).key("sk", sk);
            item.send().await?.item.map_or(0, |_| 1)
        };
        match items {
            0 => Err(Error::from("there is no such post")),
            _ => Ok(Response::new(Body::Empty)),
        }
    }))
    .await
}
