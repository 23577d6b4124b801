//! Sends requests of the SDK as boxed futures. A crate compiles every generic future that it awaits, down to the HTTP client.
//! Boxed in functions that are never inlined, these futures are compiled once, in this crate, instead of in each binary.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use futures_util::future::BoxFuture;

type Sending<T, E> = BoxFuture<'static, Result<T, SdkError<E, HttpResponse>>>;

/// A request builder of an SDK.
pub(crate) trait SendBoxed {
    /// The output of the operation.
    type Output;
    /// The error of the operation.
    type Error;

    /// Sends the request, with the retries and timeouts of the client.
    fn send_boxed(self) -> Sending<Self::Output, Self::Error>;
}

macro_rules! impl_send_boxed {
    ($($service:ident::$operation:ident($request:ident, $output:ident, $error:ident)),* $(,)?) => {$(
        impl SendBoxed for $service::operation::$operation::builders::$request {
            type Output = $service::operation::$operation::$output;
            type Error = $service::operation::$operation::$error;

            // Inlined, the future would be compiled in the calling crate.
            #[inline(never)]
            fn send_boxed(self) -> Sending<Self::Output, Self::Error> {
                Box::pin(self.send())
            }
        }
    )*};
}

impl_send_boxed! {
    aws_sdk_apigatewaymanagement::delete_connection(
        DeleteConnectionFluentBuilder, DeleteConnectionOutput, DeleteConnectionError
    ),
    aws_sdk_apigatewaymanagement::post_to_connection(
        PostToConnectionFluentBuilder, PostToConnectionOutput, PostToConnectionError
    ),
    aws_sdk_dynamodb::batch_get_item(BatchGetItemFluentBuilder, BatchGetItemOutput, BatchGetItemError),
    aws_sdk_dynamodb::batch_write_item(BatchWriteItemFluentBuilder, BatchWriteItemOutput, BatchWriteItemError),
    aws_sdk_dynamodb::delete_item(DeleteItemFluentBuilder, DeleteItemOutput, DeleteItemError),
    aws_sdk_dynamodb::get_item(GetItemFluentBuilder, GetItemOutput, GetItemError),
    aws_sdk_dynamodb::put_item(PutItemFluentBuilder, PutItemOutput, PutItemError),
    aws_sdk_dynamodb::query(QueryFluentBuilder, QueryOutput, QueryError),
    aws_sdk_dynamodb::transact_write_items(
        TransactWriteItemsFluentBuilder, TransactWriteItemsOutput, TransactWriteItemsError
    ),
    aws_sdk_dynamodb::update_item(UpdateItemFluentBuilder, UpdateItemOutput, UpdateItemError),
    aws_sdk_ses::send_raw_email(SendRawEmailFluentBuilder, SendRawEmailOutput, SendRawEmailError),
    aws_sdk_sqs::send_message_batch(SendMessageBatchFluentBuilder, SendMessageBatchOutput, SendMessageBatchError),
    aws_sdk_ssm::delete_parameter(DeleteParameterFluentBuilder, DeleteParameterOutput, DeleteParameterError),
    aws_sdk_ssm::get_parameter(GetParameterFluentBuilder, GetParameterOutput, GetParameterError),
    aws_sdk_ssm::put_parameter(PutParameterFluentBuilder, PutParameterOutput, PutParameterError),
}
