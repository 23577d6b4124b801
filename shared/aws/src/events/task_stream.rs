//! The stream of the tasks table, as Lambda hands it to a function.

use serde::Deserialize;
use taskbell_domain::{ports::PortError, task::Task};

use crate::dynamodb::task_of;

/// Some records of the stream, in the order in which each item changed.
#[derive(Deserialize)]
pub struct TaskStream {
    /// The records.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One change of an item.
#[derive(Deserialize)]
pub struct Record {
    dynamodb: StreamRecordImages,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamRecordImages {
    sequence_number: String,
    old_image: Option<serde_dynamo::Item>,
    new_image: Option<serde_dynamo::Item>,
}

impl Record {
    /// Its number, by which Lambda is told that it was not dealt with.
    pub fn sequence(&self) -> &str {
        &self.dynamodb.sequence_number
    }

    /// The task as it was, and as it is now.
    ///
    /// # Errors
    /// [`PortError`] if it is not an item of a task.
    pub fn tasks(self) -> Result<(Option<Task>, Option<Task>), PortError> {
        let StreamRecordImages { old_image, new_image, .. } = self.dynamodb;
        Ok((old_image.map(task_of).transpose()?, new_image.map(task_of).transpose()?))
    }
}
