//! The capacity units that DynamoDB counts for a call.

use aws_sdk_dynamodb::operation::{
    batch_get_item::BatchGetItemOutput, batch_write_item::BatchWriteItemOutput, delete_item::DeleteItemOutput,
    get_item::GetItemOutput, put_item::PutItemOutput, query::QueryOutput,
    transact_write_items::TransactWriteItemsOutput, update_item::UpdateItemOutput,
};
use aws_sdk_dynamodb::types::ConsumedCapacity;
use aws_smithy_runtime_api::client::interceptors::context::Output;

/// The capacity units that an answer says it took: for reading and for writing.
pub fn units(output: &Output) -> (f64, f64) {
    let sum = |consumed: &[ConsumedCapacity]| consumed.iter().filter_map(|consumed| consumed.capacity_units).sum();
    macro_rules! one_of {
        ($($kind:ty),*) => {
            $(if let Some(output) = output.downcast_ref::<$kind>() { return Some(output.consumed_capacity.as_slice()) })*
        };
    }
    let read = || {
        one_of!(GetItemOutput, QueryOutput);
        output.downcast_ref::<BatchGetItemOutput>().and_then(|output| output.consumed_capacity.as_deref())
    };
    let written = || {
        one_of!(PutItemOutput, UpdateItemOutput, DeleteItemOutput);
        if let Some(output) = output.downcast_ref::<BatchWriteItemOutput>() {
            return output.consumed_capacity.as_deref();
        }
        output.downcast_ref::<TransactWriteItemsOutput>().and_then(|output| output.consumed_capacity.as_deref())
    };
    (read().map_or(0.0, sum), written().map_or(0.0, sum))
}
