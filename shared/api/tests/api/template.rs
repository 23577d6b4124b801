//! The timing and the wiring that stand in template.yaml and nowhere else: what must hold between timeouts, queues,
//! schedules and the constants of the program; and that a stack can be created, rolled back and deleted.

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

/// The longest delay of a message on SQS (`SendMessage` in the SQS API reference, `DelaySeconds`).
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// How long a DynamoDB stream keeps a record ("Change data capture for DynamoDB Streams").
const STREAM_RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// What Lambda waits before the second and the third attempt of an asynchronous event ("How Lambda handles errors and
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
fn a_worker_whose_lease_has_ended_has_been_ended_and_only_then_its_messages_come_again() {
    let (limit, hidden) =
        (timeout("SendRemindersFunction"), &properties("ReminderQueue")["VisibilityTimeout"]);
    assert!(limit < LEASE, "a worker may still send after its lease: {limit} against {LEASE}");
    assert!(LEASE < seconds(hidden), "a message comes again while its worker may still hold the lease");
    assert!(seconds(hidden) < UNCERTAIN_WAIT, "an uncertain mail is sent again before its message is");
    assert!(UNCERTAIN_WAIT < RECHECK_AFTER);
}

#[test]
fn a_message_is_hidden_for_six_times_its_functions_time_limit() {
    for (function, queue, _) in readers_of_queues() {
        let hidden = seconds(&properties(&queue)["VisibilityTimeout"]);
        assert!(hidden >= timeout(&function) * 6, "{queue} hides messages for {hidden}");
    }
}

#[test]
fn every_reader_of_a_queue_or_stream_reports_the_messages_that_failed() {
    for (id, mapping) in resources(MAPPING) {
        let reports = &mapping["Properties"]["FunctionResponseTypes"];
        assert_eq!(reports, &json!(["ReportBatchItemFailures"]), "{id}");
        assert!(mapping["Properties"]["BatchSize"].as_u64().is_some_and(|size| size > 1), "{id}");
    }
}

#[test]
fn a_message_that_fails_five_times_waits_in_a_dead_letter_queue_that_keeps_it_longer() {
    for (_, queue, _) in readers_of_queues() {
        let queue = properties(&queue);
        let redrive = &queue["RedrivePolicy"];
        assert_eq!(redrive["maxReceiveCount"], 5);
        let dead = attribute(&redrive["deadLetterTargetArn"]).expect("a queue");
        let dead = properties(dead.trim_end_matches(".Arn"));
        // A dead message keeps the moment at which it was first queued.
        let (kept, kept_dead) =
            (seconds(&queue["MessageRetentionPeriod"]), seconds(&dead["MessageRetentionPeriod"]));
        assert!(kept < kept_dead, "{kept} against {kept_dead}");
        assert!(kept > MAX_LATENESS, "a message that could still be sent is lost after {kept}");
    }
}

#[test]
fn every_queue_that_nobody_reads_keeps_its_messages_for_two_weeks_and_has_an_alarm() {
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
fn a_timer_is_found_by_two_runs_of_the_dispatcher_before_its_moment() {
    assert!(schedule() * 2 <= DISPATCH_HORIZON, "one run that is missed makes a reminder late");
    assert!(DISPATCH_HORIZON <= LONGEST_DELAY, "SQS cannot hold a message that long");
}

#[test]
fn a_run_of_the_dispatcher_ends_before_the_next_one_begins() {
    let limit = timeout("DispatchDueTimersFunction");
    assert!(limit < schedule(), "{limit}");
    assert!(limit > schedule() / 2, "a rush needs the time that there is: {limit}");
}

#[test]
fn a_function_that_queues_to_its_own_queue_is_no_endless_loop_to_lambda() {
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
fn a_function_behind_the_api_has_ended_before_api_gateway_gives_up() {
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
fn every_asynchronous_invocation_says_how_often_and_how_long_it_is_tried() {
    let mapped: BTreeSet<_> = resources(MAPPING)
        .values()
        .filter_map(|mapping| mapping["Properties"]["FunctionName"]["Ref"].as_str().map(str::to_owned))
        .collect();
    let mut tried = BTreeMap::new();
    for (id, function) in resources(FUNCTION) {
        let synchronous = events(&function).values().any(|event| event["Type"] == "HttpApi");
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
        ("record-mail-events", 2, 21_600),
    ];
    let expected = expected.map(|(name, times, age)| (name.to_owned(), (Some(times), Some(age))));
    assert_eq!(tried, expected.into());
}

#[test]
fn a_throttled_run_of_the_dispatcher_is_dropped_before_the_next_one() {
    let config = &properties("DispatchDueTimersFunction")["EventInvokeConfig"];
    assert!(seconds(&config["MaximumEventAgeInSeconds"]) <= schedule());
    let every_minute = &properties("DispatchDueTimersFunction")["Events"]["EveryMinute"];
    let handed_over = &every_minute["Properties"]["RetryPolicy"]["MaximumEventAgeInSeconds"];
    assert!(seconds(handed_over) <= schedule());
}

#[test]
fn an_event_of_ses_that_is_not_recorded_waits_in_a_dead_letter_queue() {
    let function = properties("RecordMailEventsFunction");
    let queue = Some("MailEventDeadLetterQueue.Arn".to_owned());
    assert_eq!(attribute(&function["DeadLetterQueue"]["TargetArn"]), queue, "when it failed");
    let rule = &function["Events"]["Mail"]["Properties"];
    assert_eq!(attribute(&rule["DeadLetterConfig"]["Arn"]), queue, "when it was never handed over");
    let policy = properties("MailEventDeadLetterPolicy");
    let statement = &policy["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Principal"]["Service"], "events.amazonaws.com");
    assert_eq!(attribute(&statement["Resource"]), queue);
}

#[test]
fn a_record_of_a_stream_is_tried_for_hours_and_never_silently_discarded() {
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
        assert_eq!(discarded.as_deref(), Some("StatisticsDeadLetterQueue.Arn"), "{id}");
    }
}

#[test]
fn ses_sends_every_event_that_the_rule_forwards() {
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
fn two_stacks_fit_into_one_account_because_nothing_has_a_name_of_its_own() {
    const NAMES: [&str; 12] = [
        "AlarmName",
        "ApiName",
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
            assert!(given.is_null() || given["Ref"].is_string(), "{id} is named {given}");
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
fn tables_with_indexes_are_created_one_after_the_other() {
    let tables = resources(TABLE);
    let indexed =
        tables.iter().filter(|(_, table)| table["Properties"]["GlobalSecondaryIndexes"].is_array());
    let after: Vec<_> = indexed.map(|(_, table)| table["DependsOn"].as_str()).collect();
    assert_eq!(
        after.iter().filter(|before| before.is_none()).count(),
        1,
        "one is the first: {after:?}"
    );
    let named: BTreeSet<_> = after.iter().flatten().collect();
    assert_eq!(named.len(), after.len() - 1, "each other one has one of its own before it: {after:?}");
    assert!(named.iter().all(|before| tables.contains_key(**before)), "{after:?}");
}

#[test]
fn a_first_deploy_protects_nothing_so_that_it_can_be_rolled_back() {
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
fn a_rollback_leaves_nothing_but_the_log_that_says_why() {
    for (id, resource) in template()["Resources"].as_object().expect("resources") {
        let kept = resource.get("DeletionPolicy").is_some_and(|policy| policy != "Delete");
        assert_eq!(kept, id == "SigningKeyLogs", "{id}");
    }
    let logs = &properties("CreateSigningKeyFunction")["LoggingConfig"]["LogGroup"];
    assert_eq!(logs, &json!({"Ref": "SigningKeyLogs"}));
}

#[test]
fn every_log_group_forgets_after_the_days_of_the_parameter() {
    for (id, group) in resources("AWS::Logs::LogGroup") {
        assert_eq!(group["Properties"]["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{id}");
    }
    assert_eq!(default_of("LogRetentionDays"), 30);
    let common = &template()["Globals"]["Function"]["LoggingConfig"]["LogGroup"];
    assert_eq!(common, &json!({"Ref": "FunctionLogs"}));
}

#[test]
fn the_stack_waits_for_its_key_longer_than_lambda_tries_to_make_it() {
    let limit = timeout("CreateSigningKeyFunction");
    let config = &properties("CreateSigningKeyFunction")["EventInvokeConfig"];
    let age = seconds(&config["MaximumEventAgeInSeconds"]);
    let waits = seconds(&properties("SigningKey")["ServiceTimeout"]);
    assert!(age >= limit * 2 + ASYNCHRONOUS_WAITS, "the third attempt begins after {age}");
    assert!(waits > age + limit, "an attempt makes a key when the stack waits no more: {waits}");
    let after = &template()["Resources"]["SigningKey"]["DependsOn"];
    assert_eq!(
        after, "CreateSigningKeyFunctionEventInvokeConfig",
        "the first event is such an event, too"
    );
}

// ------------------------------------------------------------------------------- limits

#[test]
fn the_defaults_leave_half_of_a_new_accounts_ten_functions_to_the_api() {
    let workers = default_of("ReminderConcurrency").as_u64().expect("a number");
    let others = ["dispatch-due-timers", "record-mail-events", "update-statistics"].len() as u64;
    assert!(workers + others <= 10 / 2, "{workers} workers");
    let mapping = properties("SendRemindersMapping");
    assert_eq!(mapping["ScalingConfig"]["MaximumConcurrency"], json!({"Ref": "ReminderConcurrency"}));
}

#[test]
fn the_workers_are_told_the_sending_rate_and_how_many_they_are() {
    let rate = template()["Parameters"]["MailsPerSecond"].clone();
    assert_eq!(
        (&rate["Default"], &rate["MinValue"]),
        (&json!(1), &json!(1)),
        "what SES's sandbox allows"
    );
    let told = &properties("SendRemindersFunction")["Environment"]["Variables"];
    assert_eq!(told["MAILS_PER_SECOND"], json!({"Ref": "MailsPerSecond"}));
    assert_eq!(told["REMINDER_CONCURRENCY"], json!({"Ref": "ReminderConcurrency"}));
}
