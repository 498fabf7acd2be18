//! Puts copies of an item into a stack's table, where a story needs as many as a bound says: to make each by a request takes minutes.
//! Counts do not follow, so such a stack is unwatched.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use domain::Timestamp;
use local::backing::TABLE_NAME;
use local::stack::sdk_config;

use crate::harness::{START, TestStack};

pub type Item = HashMap<String, AttributeValue>;

/// What a batch writes at most.
const BATCH: usize = 25;

fn dynamodb(stack: &TestStack) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&sdk_config(stack.stack.wire.clone()))
}

pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// The last item of a partition.
pub async fn last_of(stack: &TestStack, partition: &str) -> Option<Item> {
    let query = dynamodb(stack).query().table_name(TABLE_NAME).key_condition_expression("pk = :pk");
    let query = query.expression_attribute_values(":pk", text(partition)).scan_index_forward(false).limit(1);
    query.send().await.unwrap().items.unwrap_or_default().into_iter().next()
}

/// The item with this key.
pub async fn item(stack: &TestStack, partition: &str, sort_key: &str) -> Item {
    let get = dynamodb(stack).get_item().table_name(TABLE_NAME).key("pk", text(partition)).key("sk", text(sort_key));
    get.send().await.unwrap().item.unwrap_or_else(|| panic!("there is no {partition} {sort_key}"))
}

/// Writes a copy of an item for each number, changed so.
pub async fn copy(stack: &TestStack, item: &Item, numbers: std::ops::Range<usize>, change: impl Fn(&mut Item, usize)) {
    let copies = numbers.map(|number| {
        let mut copy = item.clone();
        change(&mut copy, number);
        assert!(copy["pk"] != item["pk"] || copy["sk"] != item["sk"], "it is the same item");
        let put = PutRequest::builder().set_item(Some(copy)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    });
    let copies: Vec<_> = copies.collect();
    for batch in copies.chunks(BATCH) {
        let write = dynamodb(stack).batch_write_item().request_items(TABLE_NAME, batch.to_vec());
        let left = write.send().await.unwrap().unprocessed_items.unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Adds to a count of an item.
pub async fn add(stack: &TestStack, item: &Item, name: &str, number: usize) {
    let update = dynamodb(stack).update_item().table_name(TABLE_NAME);
    let update = update.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).update_expression("ADD #n :n");
    let update = update.expression_attribute_names("#n", name).condition_expression("attribute_exists(#n)");
    update.expression_attribute_values(":n", AttributeValue::N(number.to_string())).send().await.unwrap();
}

/// Makes a card of a list that of another post, which was published `number` milliseconds after the stories begin.
pub fn another_post(card: &mut Item, number: usize) {
    let (at, id) = (milliseconds_later(number), another_id(number));
    card.insert("sk".to_owned(), text(format!("{at}#{id}")));
    for (name, value) in [("id", id), ("slug", format!("copy-{number}")), ("published_at", at)] {
        assert!(card.insert(name.to_owned(), text(value)).is_some(), "a card has no {name}");
    }
}

/// An id that sorts after all others.
pub fn another_id(number: usize) -> String {
    format!("01ZZZZZZZZ{number:016}")
}

/// A time after the beginning of the stories.
pub fn milliseconds_later(number: usize) -> String {
    Timestamp::from_milliseconds(START + i64::try_from(number).unwrap()).to_string()
}

/// More tags of one of the parts that the table has them in, as if each was on a post. There is one tag.
pub async fn more_tags(stack: &TestStack, numbers: std::ops::Range<usize>) {
    for part in 0..4 {
        if let Some(count) = last_of(stack, &format!("TAGS#{part}")).await {
            copy(stack, &count, numbers.clone(), |count, number| {
                count.insert("sk".to_owned(), text(format!("NAME#zz-{number:04}#COUNT#00")));
            })
            .await;
            return;
        }
    }
    panic!("there is no tag");
}
