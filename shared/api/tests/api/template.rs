//! The timing and wiring of template.yaml: relations between timeouts, queues, schedules and the constants of the program,
//! and that a stack can be created, rolled back and deleted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use taskbell_domain::{
    delivery::{LEASE, MAX_LATENESS, UNCERTAIN_WAIT},
    timer::{DISPATCH_HORIZON, RECHECK_AFTER},
};
use taskbell_test::template::{
    attribute, default_of, project, properties, resources, schedule, seconds, statements, template,
    timeout,
};

use crate::functions::name_of;

const FUNCTION: &str = "AWS::Serverless::Function";
const MAPPING: &str = "AWS::Lambda::EventSourceMapping";
const QUEUE: &str = "AWS::SQS::Queue";
const TABLE: &str = "AWS::DynamoDB::Table";

/// The maximum delay of a message on SQS (`SendMessage` in the SQS API reference, `DelaySeconds`).
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// How long a DynamoDB stream keeps a record ("Change data capture for DynamoDB Streams").
const STREAM_RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// The waits of Lambda before the second and third attempt of an asynchronous event ("How Lambda handles errors and
/// retries with asynchronous invocation").
const ASYNCHRONOUS_WAITS: SignedDuration = SignedDuration::from_mins(1 + 2);

fn events(function: &Value) -> Map<String, Value> {
    function["Properties"]["Events"].as_object().cloned().unwrap_or_default()
}

/// The mappings that read a queue: the function, the queue, and the mapping itself.
fn readers_of_queues() -> Vec<(String, String, Value)> {
    let queues = resources(QUEUE);
    let read = resources(MAPPING).into_iter().filter_map(|(_, mapping)| {
        let source = attribute(&mapping["Properties"]["EventSourceArn"])?;
        let queue = source.strip_suffix(".Arn").filter(|queue| queues.contains_key(*queue))?;
        let function = mapping["Properties"]["FunctionName"]["Ref"].as_str()?;
        Some((function.to_owned(), queue.to_owned(), mapping["Properties"].clone()))
    });
    let read: Vec<_> = read.collect();
    assert!(!read.is_empty());
    read
}

// ------------------------------------------------------------------ the reminder protocol

#[test]
fn a_lease_outlasts_its_worker_and_ends_before_the_visibility_timeout() {
    let (limit, hidden) =
        (timeout("SendRemindersFunction"), &properties("ReminderQueue")["VisibilityTimeout"]);
    assert!(limit < LEASE, "a worker may still send after its lease: {limit} and {LEASE}");
    assert!(LEASE < seconds(hidden), "a message is redelivered while its worker may hold the lease");
    assert!(
        seconds(hidden) < UNCERTAIN_WAIT,
        "an uncertain mail is sent again before its message is redelivered"
    );
    assert!(UNCERTAIN_WAIT < RECHECK_AFTER);
}

#[test]
fn the_visibility_timeout_is_at_least_six_function_timeouts() {
    for (function, queue, _) in readers_of_queues() {
        let hidden = seconds(&properties(&queue)["VisibilityTimeout"]);
        assert!(hidden >= timeout(&function) * 6, "{queue} hides messages for {hidden}");
    }
}

#[test]
fn every_event_source_mapping_reports_batch_item_failures() {
    for (id, mapping) in resources(MAPPING) {
        let reports = &mapping["Properties"]["FunctionResponseTypes"];
        assert_eq!(reports, &json!(["ReportBatchItemFailures"]), "{id}");
        assert!(mapping["Properties"]["BatchSize"].as_u64().is_some_and(|size| size > 1), "{id}");
    }
}

#[test]
fn after_five_failures_a_message_goes_to_a_dead_letter_queue_with_longer_retention() {
    // What is pushed too late is dropped.
    for (_, queue, _) in readers_of_queues().into_iter().filter(|(_, queue, _)| queue != "PushQueue") {
        let queue = properties(&queue);
        let redrive = &queue["RedrivePolicy"];
        assert_eq!(redrive["maxReceiveCount"], 5);
        let dead = attribute(&redrive["deadLetterTargetArn"]).expect("a queue");
        let dead = properties(dead.trim_end_matches(".Arn"));
        // A message in the dead-letter queue keeps its original timestamp.
        let (kept, kept_dead) =
            (seconds(&queue["MessageRetentionPeriod"]), seconds(&dead["MessageRetentionPeriod"]));
        assert!(kept < kept_dead, "{kept} and {kept_dead}");
        assert!(kept > MAX_LATENESS, "a message that could still be sent expires after {kept}");
    }
}

#[test]
fn every_dead_letter_queue_keeps_messages_for_14_days_and_has_an_alarm() {
    let read: BTreeSet<_> = readers_of_queues().into_iter().map(|(_, queue, _)| queue).collect();
    let alarms = resources("AWS::CloudWatch::Alarm");
    for (id, queue) in resources(QUEUE).into_iter().filter(|(id, _)| !read.contains(id)) {
        let kept = seconds(&queue["Properties"]["MessageRetentionPeriod"]);
        assert_eq!(kept, SignedDuration::from_hours(14 * 24), "{id}");
        let watches = |alarm: &&Value| {
            let alarm = &alarm["Properties"];
            let queue = format!("{id}.QueueName");
            attribute(&alarm["Dimensions"][0]["Value"]) == Some(queue)
                && alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
                && (&alarm["Threshold"], &alarm["ComparisonOperator"])
                    == (&json!(1), &json!("GreaterThanOrEqualToThreshold"))
        };
        assert_eq!(alarms.values().filter(watches).count(), 1, "{id}");
    }
}

#[test]
fn two_dispatch_runs_find_each_timer_before_its_time() {
    assert!(schedule() * 2 <= DISPATCH_HORIZON, "one missed run makes a reminder late");
    assert!(DISPATCH_HORIZON <= LONGEST_DELAY, "SQS cannot delay a message that long");
}

#[test]
fn a_dispatch_run_ends_before_the_next_one_starts() {
    let limit = timeout("DispatchDueTimersFunction");
    assert!(limit < schedule(), "{limit}");
    assert!(limit > schedule() / 2, "a peak needs most of the interval: {limit}");
}

#[test]
fn only_functions_that_write_to_their_own_queue_allow_recursive_loops() {
    let readers = readers_of_queues();
    for (id, function) in resources(FUNCTION) {
        let sends_to = |queue: &str| {
            let arn = json!({"Fn::GetAtt": format!("{queue}.Arn")});
            let sends = |one: &Value| one["Action"].to_string().contains("sqs:SendMessage");
            statements(&function).iter().any(|one| sends(one) && one["Resource"] == arn)
        };
        let chained = readers.iter().any(|(reader, queue, _)| *reader == id && sends_to(queue));
        let allowed = function["Properties"]["RecursiveLoop"] == "Allow";
        assert_eq!(chained, allowed, "{id}");
    }
    let alarm = properties("RecursiveInvocationAlarm");
    assert_eq!(alarm["MetricName"], "RecursiveInvocationsDropped");
    assert_eq!(alarm["Dimensions"][0]["Value"], json!({"Ref": "SendRemindersFunction"}));
}

#[test]
fn api_functions_time_out_before_api_gateway_does() {
    // The longest integration timeout of an HTTP API ("Quotas for configuring and running an HTTP API").
    const LONGEST: SignedDuration = SignedDuration::from_secs(30);
    for (id, function) in resources(FUNCTION) {
        if events(&function).values().any(|event| event["Type"] == "HttpApi") {
            assert!(timeout(&id) < LONGEST, "{id}: {}", timeout(&id));
        }
    }
}

// ------------------------------------------------------------ retries of events and records

#[test]
fn every_asynchronous_function_configures_its_retries() {
    let mapped: BTreeSet<_> = resources(MAPPING)
        .values()
        .filter_map(|mapping| mapping["Properties"]["FunctionName"]["Ref"].as_str().map(str::to_owned))
        .collect();
    let mut tried = BTreeMap::new();
    for (id, function) in resources(FUNCTION) {
        let routed = crate::live::routes().iter().any(|(_, routed)| *routed == id);
        let synchronous = routed || events(&function).values().any(|event| event["Type"] == "HttpApi");
        let config = &function["Properties"]["EventInvokeConfig"];
        assert_eq!(config.is_null(), synchronous || mapped.contains(&id), "{id}");
        if !config.is_null() {
            let (times, age) = (&config["MaximumRetryAttempts"], &config["MaximumEventAgeInSeconds"]);
            tried.insert(name_of(&id), (times.as_u64(), age.as_u64()));
        }
    }
    let expected = [
        ("create-signing-key", 2, 300),
        ("dispatch-due-timers", 0, 60),
        ("finish-deletions", 0, 300),
        ("record-mail-events", 2, 21_600),
    ];
    let expected = expected.map(|(name, times, age)| (name.to_owned(), (Some(times), Some(age))));
    assert_eq!(tried, expected.into());
}

#[test]
fn a_throttled_dispatch_run_is_dropped_before_the_next_one() {
    let config = &properties("DispatchDueTimersFunction")["EventInvokeConfig"];
    assert!(seconds(&config["MaximumEventAgeInSeconds"]) <= schedule());
    let every_minute = &properties("DispatchDueTimersFunction")["Events"]["EveryMinute"];
    let delivery_age = &every_minute["Properties"]["RetryPolicy"]["MaximumEventAgeInSeconds"];
    assert!(seconds(delivery_age) <= schedule());
}

#[test]
fn an_unrecorded_ses_event_goes_to_a_dead_letter_queue() {
    let function = properties("RecordMailEventsFunction");
    let queue = Some("MailEventDeadLetterQueue.Arn".to_owned());
    assert_eq!(attribute(&function["DeadLetterQueue"]["TargetArn"]), queue, "when it failed");
    let rule = &function["Events"]["Mail"]["Properties"];
    assert_eq!(attribute(&rule["DeadLetterConfig"]["Arn"]), queue, "when it was never delivered");
    let policy = properties("MailEventDeadLetterPolicy");
    let statement = &policy["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Principal"]["Service"], "events.amazonaws.com");
    assert_eq!(attribute(&statement["Resource"]), queue);
}

#[test]
fn stream_records_are_retried_for_hours_and_then_go_to_a_dead_letter_queue() {
    for (id, mapping) in resources(MAPPING) {
        let mapping = &mapping["Properties"];
        let Some(source) = attribute(&mapping["EventSourceArn"]) else { panic!("{id} has no source") };
        if !source.ends_with(".StreamArn") {
            continue;
        }
        let age = seconds(&mapping["MaximumRecordAgeInSeconds"]);
        assert!(age >= SignedDuration::from_hours(1) && age < STREAM_RETENTION, "{id}: {age}");
        assert!(mapping["MaximumRetryAttempts"].as_i64().is_some_and(|times| times >= 100), "{id}");
        assert_eq!(mapping["BisectBatchOnFunctionError"], true, "{id}");
        assert_eq!(mapping["StartingPosition"], "TRIM_HORIZON", "{id}");
        let discarded = attribute(&mapping["DestinationConfig"]["OnFailure"]["Destination"]);
        assert_eq!(discarded.as_deref(), Some("StreamDeadLetterQueue.Arn"), "{id}");
    }
}

#[test]
fn ses_publishes_every_event_that_the_rule_forwards() {
    let destination = &properties("MailEvents")["EventDestination"];
    let sent = destination["MatchingEventTypes"].as_array().expect("types").clone();
    let rule = &properties("RecordMailEventsFunction")["Events"]["Mail"]["Properties"]["Pattern"];
    let forwarded = rule["detail"]["eventType"].as_array().expect("types").clone();
    let lower = |types: Vec<Value>| -> BTreeSet<String> {
        types.iter().map(|one| one.as_str().expect("a type").to_lowercase()).collect()
    };
    let expected = ["bounce", "complaint", "delivery", "reject", "send"].map(str::to_owned);
    assert_eq!(lower(sent), expected.clone().into());
    assert_eq!(lower(forwarded), expected.into());
    assert_eq!(destination["Enabled"], true);
    let this_stack = json!([{"Ref": "MailConfigurationSet"}]);
    assert_eq!(rule["detail"]["mail"]["tags"]["ses:configuration-set"], this_stack);
    assert_eq!(
        properties("MailConfigurationSet")["SuppressionOptions"]["SuppressedReasons"],
        json!([])
    );
}

// ------------------------------------------------------ creating, rolling back and deleting

#[test]
fn no_resource_has_a_fixed_name_so_that_two_stacks_fit_into_one_account() {
    const NAMES: [&str; 13] = [
        "AlarmName",
        "ApiName",
        "DashboardName",
        "FilterName",
        "FunctionName",
        "LogGroupName",
        "ManagedPolicyName",
        "Name",
        "PolicyName",
        "QueueName",
        "RoleName",
        "TableName",
        "TopicName",
    ];
    for (id, resource) in template()["Resources"].as_object().expect("resources") {
        for name in NAMES {
            let given = &resource["Properties"][name];
            let contains_stack = given.to_string().contains("${AWS::StackName}");
            assert!(
                given.is_null() || given["Ref"].is_string() || contains_stack,
                "{id} is named {given}"
            );
        }
        for (event, schedule) in events(resource) {
            if schedule["Type"] == "ScheduleV2" {
                assert_eq!(schedule["Properties"]["OmitName"], true, "{id}: {event}");
            }
        }
    }
    let text = std::fs::read_to_string(project().join("template.yaml")).expect("template.yaml");
    for line in text.lines().filter(|line| line.contains("/signing-key")) {
        assert!(line.contains("${AWS::StackName}"), "{line}");
    }
}

#[test]
fn tables_with_indexes_are_created_sequentially() {
    let tables = resources(TABLE);
    let indexed =
        tables.iter().filter(|(_, table)| table["Properties"]["GlobalSecondaryIndexes"].is_array());
    let after: Vec<_> = indexed.map(|(_, table)| table["DependsOn"].as_str()).collect();
    assert_eq!(
        after.iter().filter(|before| before.is_none()).count(),
        1,
        "exactly one table is first: {after:?}"
    );
    let named: BTreeSet<_> = after.iter().flatten().collect();
    assert_eq!(named.len(), after.len() - 1, "the others form a chain: {after:?}");
    assert!(named.iter().all(|before| tables.contains_key(**before)), "{after:?}");
}

#[test]
fn a_first_deployment_has_no_deletion_protection() {
    assert_eq!(default_of("DeletionProtection"), "false");
    for (id, table) in resources(TABLE) {
        let protected = &table["Properties"]["DeletionProtectionEnabled"];
        assert_eq!(protected, &json!({"Ref": "DeletionProtection"}), "{id}");
        assert_eq!(
            (&table["DeletionPolicy"], &table["UpdateReplacePolicy"]),
            (&json!("Delete"), &json!("Retain"))
        );
    }
}

#[test]
fn a_rollback_keeps_only_the_signing_key_logs() {
    for (id, resource) in template()["Resources"].as_object().expect("resources") {
        let kept = resource.get("DeletionPolicy").is_some_and(|policy| policy != "Delete");
        assert_eq!(kept, id == "SigningKeyLogs", "{id}");
    }
    let logs = &properties("CreateSigningKeyFunction")["LoggingConfig"]["LogGroup"];
    assert_eq!(logs, &json!({"Ref": "SigningKeyLogs"}));
}

#[test]
fn every_log_group_uses_the_retention_parameter() {
    for (id, group) in resources("AWS::Logs::LogGroup") {
        assert_eq!(group["Properties"]["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{id}");
    }
    assert_eq!(default_of("LogRetentionDays"), 30);
    let common = &template()["Globals"]["Function"]["LoggingConfig"]["LogGroup"];
    assert_eq!(common, &json!({"Ref": "FunctionLogs"}));
}

#[test]
fn functions_decide_which_of_their_lines_are_written_and_lambda_writes_those_of_failures() {
    let logging = &template()["Globals"]["Function"]["LoggingConfig"];
    assert_eq!(logging["LogFormat"], "JSON", "levels apply to this format only");
    assert_eq!(logging["ApplicationLogLevel"], "TRACE");
    assert_eq!(logging["SystemLogLevel"], json!({"Ref": "PlatformLogLevel"}));
    assert_eq!(default_of("PlatformLogLevel"), "WARN");
}

#[test]
fn the_signing_key_timeout_exceeds_all_lambda_retries() {
    let limit = timeout("CreateSigningKeyFunction");
    let config = &properties("CreateSigningKeyFunction")["EventInvokeConfig"];
    let age = seconds(&config["MaximumEventAgeInSeconds"]);
    let waits = seconds(&properties("SigningKey")["ServiceTimeout"]);
    assert!(age >= limit * 2 + ASYNCHRONOUS_WAITS, "the third attempt begins after {age}");
    assert!(waits > age + limit, "an attempt may run after the stack stops waiting: {waits}");
    let after = &template()["Resources"]["SigningKey"]["DependsOn"];
    assert_eq!(
        after, "CreateSigningKeyFunctionEventInvokeConfig",
        "the configuration exists before the first event"
    );
}

// ------------------------------------------------------------------------------- limits

#[test]
fn the_default_concurrency_leaves_half_of_a_new_accounts_limit_to_the_api() {
    let workers = default_of("ReminderConcurrency").as_u64().expect("a number");
    let others = ["dispatch-due-timers", "record-mail-events", "update-statistics"].len() as u64;
    assert!(workers + others <= 10 / 2, "{workers} workers");
    let mapping = properties("SendRemindersMapping");
    assert_eq!(mapping["ScalingConfig"]["MaximumConcurrency"], json!({"Ref": "ReminderConcurrency"}));
}

#[test]
fn the_workers_get_the_sending_rate_and_their_concurrency() {
    let rate = template()["Parameters"]["MailsPerSecond"].clone();
    assert_eq!(
        (&rate["Default"], &rate["MinValue"]),
        (&json!(1), &json!(1)),
        "the limit of the SES sandbox"
    );
    let variables = &properties("SendRemindersFunction")["Environment"]["Variables"];
    assert_eq!(variables["MAILS_PER_SECOND"], json!({"Ref": "MailsPerSecond"}));
    assert_eq!(variables["REMINDER_CONCURRENCY"], json!({"Ref": "ReminderConcurrency"}));
}
