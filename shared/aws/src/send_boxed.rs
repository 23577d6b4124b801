//! Sends the SDK's requests. Each binary compiles the futures that it awaits, all the way down; these ways down are
//! compiled here, once for all of them.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use futures_util::future::BoxFuture;

type Sending<T, E> = BoxFuture<'static, Result<T, SdkError<E, HttpResponse>>>;

/// A request that can be sent.
pub(crate) trait SendBoxed {
    /// What the service answers to it.
    type Answer;
    /// What the service says when it refuses.
    type Refusal;

    /// The answer to the request, once sent.
    fn send_boxed(self) -> Sending<Self::Answer, Self::Refusal>;
}

macro_rules! sent {
    ($($service:ident::$operation:ident($request:ident, $answer:ident, $refusal:ident)),* $(,)?) => {$(
        impl SendBoxed for $service::operation::$operation::builders::$request {
            type Answer = $service::operation::$operation::$answer;
            type Refusal = $service::operation::$operation::$refusal;

            // Inlined, it would be compiled where it is called.
            #[inline(never)]
            fn send_boxed(self) -> Sending<Self::Answer, Self::Refusal> {
                Box::pin(self.send())
            }
        }
    )*};
}

sent! {
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
