//! Measures what operations cost: calls and capacity units of DynamoDB.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::{
    Client,
    operation::{
        batch_get_item::{BatchGetItemInput, BatchGetItemOutput},
        batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput},
        delete_item::{DeleteItemInput, DeleteItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        put_item::{PutItemInput, PutItemOutput},
        query::{QueryInput, QueryOutput},
        transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput},
        update_item::{UpdateItemInput, UpdateItemOutput},
    },
    types::{AttributeValue, ConsumedCapacity, ReturnConsumedCapacity},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{
                AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
            },
            dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

/// Calls and capacity units since the last reading. Counting requests against their rate limit runs concurrently and is
/// measured separately.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) calls: usize,
    /// The longest chain of calls each of which began when another had ended, those that count the request included.
    pub(crate) steps: usize,
    pub(crate) reads: f64,
    pub(crate) writes: f64,
    /// Write units of counting the request against its rate limit.
    pub(crate) counting: f64,
}

impl Cost {
    /// Read and write units.
    pub(crate) fn units(self) -> f64 {
        self.reads + self.writes
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.steps += other.steps;
        self.reads += other.reads;
        self.writes += other.writes;
        self.counting += other.counting;
    }
}

/// Requests the consumed capacity of every call and adds it up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Cost>>);

/// How many calls of the longest chain a call ends.
#[derive(Debug, Clone, Copy)]
struct Step(usize);

impl Storable for Step {
    type Storer = StoreReplace<Self>;
}

/// Marks a call that counts a request.
#[derive(Debug)]
struct Uncharged;

impl Storable for Uncharged {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(input) = context.input_mut().downcast_ref::<UpdateItemInput>()
            && let Some(AttributeValue::S(partition)) = input.key().and_then(|key| key.get("pk"))
            && partition.starts_with("LIMIT#")
        {
            bag.interceptor_state().store_put(Uncharged);
        }
        let step = self.0.lock().expect("not poisoned").steps + 1;
        bag.interceptor_state().store_put(Step(step));
        let mut known = false;
        macro_rules! ask {
            ($($input:ty)*) => {
                $(if let Some(input) = context.input_mut().downcast_mut::<$input>() {
                    input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
                    known = true;
                })*
            };
        }
        ask!(GetItemInput QueryInput BatchGetItemInput);
        ask!(PutItemInput UpdateItemInput DeleteItemInput TransactWriteItemsInput BatchWriteItemInput);
        assert!(known, "an operation without a budget");
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut cost = self.0.lock().expect("not poisoned");
        cost.steps = cost.steps.max(bag.load::<Step>().map_or(0, |step| step.0));
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        if bag.load::<Uncharged>().is_some() {
            let output = output.downcast_ref::<UpdateItemOutput>();
            cost.counting += output.map_or(0.0, |output| units(&output.consumed_capacity));
            return Ok(());
        }
        cost.calls += 1;
        macro_rules! add {
            ($kind:ident: $($output:ty)*) => {
                $(if let Some(output) = output.downcast_ref::<$output>() {
                    cost.$kind += units(&output.consumed_capacity);
                })*
            };
        }
        add!(reads: GetItemOutput QueryOutput BatchGetItemOutput);
        add!(writes: PutItemOutput UpdateItemOutput DeleteItemOutput TransactWriteItemsOutput BatchWriteItemOutput);
        Ok(())
    }
}

/// The response of an operation has one figure, or one for each table.
trait Figures {
    fn figures(&self) -> Vec<&ConsumedCapacity>;
}

impl Figures for Option<ConsumedCapacity> {
    fn figures(&self) -> Vec<&ConsumedCapacity> {
        self.iter().collect()
    }
}

impl Figures for Option<Vec<ConsumedCapacity>> {
    fn figures(&self) -> Vec<&ConsumedCapacity> {
        self.iter().flatten().collect()
    }
}

fn units(consumed: &impl Figures) -> f64 {
    consumed.figures().iter().filter_map(|figure| figure.capacity_units).sum()
}

impl Meter {
    pub(crate) fn on(&self, client: &Client) -> Client {
        let config = client.config().to_builder().interceptor(self.clone()).build();
        Client::from_conf(config)
    }

    /// The number of calls since the last reading.
    pub(crate) fn calls(&self) -> usize {
        self.0.lock().expect("not poisoned").calls
    }

    pub(crate) fn read(&self) -> Cost {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }
}
