//! Transactions that overlap on an item conflict, here as on AWS.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Get, Put, TransactGetItem, TransactWriteItem};
use local::backing::TABLE_NAME;
use local::stack::sdk_config;
use local::wire::Fault;
use serde_json::json;

use crate::harness::TestStack;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn put(name: &str) -> TransactWriteItem {
    let put = Put::builder().table_name(TABLE_NAME).item("pk", text(name)).item("sk", text("it"));
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

fn absent(name: &str) -> TransactWriteItem {
    let check = ConditionCheck::builder()
        .table_name(TABLE_NAME)
        .key("pk", text(name))
        .key("sk", text("it"))
        .condition_expression("attribute_not_exists(pk)");
    TransactWriteItem::builder().condition_check(check.build().unwrap()).build()
}

async fn write(client: &Client, items: Vec<TransactWriteItem>) -> Result<(), Vec<String>> {
    let written = client.transact_write_items().set_transact_items(Some(items)).send().await;
    let Err(error) = written else { return Ok(()) };
    let error = error.into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { panic!("{error}") };
    let reasons = cancelled.cancellation_reasons();
    Err(reasons.iter().map(|reason| reason.code().unwrap_or_default().to_owned()).collect())
}

fn code<T, E: ProvideErrorMetadata>(outcome: Result<T, SdkError<E>>) -> Option<String> {
    outcome.err().map(|error| error.code().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn what_meets_a_transaction_in_flight_is_refused_and_reads_are_not() {
    let stack = TestStack::start().await;
    let wire = &stack.stack.wire;
    let client = Client::new(&sdk_config(wire.clone()));
    let hold = wire.hold_transaction();
    let first = tokio::spawn({
        let client = client.clone();
        async move { write(&client, vec![put("a"), absent("b")]).await }
    });
    hold.arrived().await;

    // The reason stands where the item does; an item that is only checked is part of its transaction too.
    assert_eq!(write(&client, vec![put("c"), put("a")]).await.unwrap_err(), ["None", "TransactionConflict"]);
    assert_eq!(write(&client, vec![put("b"), put("c")]).await.unwrap_err(), ["TransactionConflict", "None"]);
    let conflict = Some("TransactionConflictException".to_owned());
    let put_item = client.put_item().table_name(TABLE_NAME).item("pk", text("a")).item("sk", text("it"));
    assert_eq!(code(put_item.clone().send().await), conflict);
    let delete = client.delete_item().table_name(TABLE_NAME).key("pk", text("b")).key("sk", text("it"));
    assert_eq!(code(delete.send().await), conflict);
    let update = client.update_item().table_name(TABLE_NAME).key("pk", text("a")).key("sk", text("it"));
    let update = update.update_expression("SET x = :x").expression_attribute_values(":x", text("x"));
    assert_eq!(code(update.send().await), conflict);
    let get = Get::builder().table_name(TABLE_NAME).key("pk", text("a")).key("sk", text("it")).build().unwrap();
    let get = client.transact_get_items().transact_items(TransactGetItem::builder().get(get).build());
    assert_eq!(code(get.clone().send().await).as_deref(), Some("TransactionCanceledException"));

    let plain = client.get_item().table_name(TABLE_NAME).key("pk", text("a")).key("sk", text("it"));
    assert!(plain.clone().send().await.unwrap().item.is_none(), "not there yet, and no conflict");
    let query = client.query().table_name(TABLE_NAME).key_condition_expression("pk = :pk");
    query.expression_attribute_values(":pk", text("a")).send().await.unwrap();
    write(&client, vec![put("c")]).await.unwrap();

    hold.release();
    first.await.unwrap().unwrap();
    put_item.send().await.unwrap();
    get.send().await.unwrap();
    write(&client, vec![put("a"), absent("b")]).await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_takes_time_conflicts_with_what_comes_meanwhile() {
    let stack = TestStack::start().await;
    let client = Client::new(&sdk_config(stack.stack.wire.clone()));
    stack.stack.wire.transactions_take(Duration::from_millis(100));
    let (one, other) = tokio::join!(write(&client, vec![put("a")]), write(&client, vec![put("a")]));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    // One that nobody waits for any more does not keep its items.
    let lost = write(&client, vec![put("a")]);
    assert!(tokio::time::timeout(Duration::from_millis(20), lost).await.is_err());
    write(&client, vec![put("a")]).await.unwrap();
}

#[tokio::test]
async fn who_edits_while_another_does_waits_for_them() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let slug = ada.publish("Busy", &[]).await;
    stack.stack.wire.transactions_take(Duration::from_millis(5));
    let (path, title, summary) = (format!("/posts/{slug}"), json!({ "title": "New" }), json!({ "summary": "New" }));
    let (one, other) = tokio::join!(ada.patch(&path, "*", title), ada.patch(&path, "*", summary));
    one.expect_status(200);
    other.expect_status(200);
    assert_eq!(ada.get(&path).await.body["version"], 3);
}

#[tokio::test]
async fn a_single_write_that_meets_a_transaction_is_done_later_and_never_500() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let slug = ada.publish("Met", &[]).await;
    stack.settle().await;
    bob.put(&format!("/posts/{slug}/repost"), json!({})).await;
    bob.post("/posts", json!({ "title": "Re", "body": "B", "reply_to": slug, "status": "published" }))
        .await
        .expect_status(201);
    stack.stack.wire.break_calls("UpdateItem", 0, 4, Fault::TransactionConflict);
    stack.settle().await;
    let cards = stack.visitor().get("/posts?author=ada").await;
    assert_eq!(cards.body["items"][0]["counts"]["replies"], 1, "{}", cards.body);

    // Nothing hands this one on again.
    ada.put("/tags/tea/follow", json!({})).await.expect_status(204);
    stack.stack.wire.break_calls("DeleteItem", 0, 1, Fault::TransactionConflict);
    ada.delete("/tags/tea/follow").await.expect_status(204);
    assert_eq!(ada.get("/me/tags").await.body["items"], json!([]));

    let body = json!({ "title": "Once", "body": "B" }).to_string().into_bytes();
    let headers = [("content-type", "application/json"), ("idempotency-key", "0123456789abcdef")];
    stack.stack.wire.break_calls("PutItem", 0, 1, Fault::TransactionConflict);
    ada.send("POST", "/posts", &headers, body).await.expect_problem(503, "unavailable");
}
