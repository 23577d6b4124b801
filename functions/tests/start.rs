//! How functions start when something is missing: not at all, with one line that names everything.

use std::{path::Path, process::Command};

use taskbell_test::template::resources;

/// The folder that all binaries of this package are built into.
fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_get-health")).parent().expect("a folder")
}

/// Runs a function with these variables and no others; gives what it printed. It must end by itself.
fn refusal(function: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(programs().join(function))
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the program starts");
    assert!(!output.status.success(), "{function} must not start");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn every_function_names_all_its_missing_variables_in_one_line() {
    let template = resources("AWS::Serverless::Function");
    for (id, function) in &template {
        let code = function["Properties"]["CodeUri"].as_str().expect("a folder");
        let name = code.trim_end_matches('/').rsplit('/').next().expect("a name");
        let printed = refusal(name, &[]);
        assert_eq!(printed.lines().count(), 1, "{id}: {printed}");
        let own =
            function["Properties"]["Environment"]["Variables"].as_object().cloned().unwrap_or_default();
        // A stack need not name an operator.
        let needed = own.keys().map(String::as_str).filter(|name| *name != "OPERATOR_ADDRESS");
        for variable in needed.chain(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"]) {
            assert!(printed.contains(&format!("{variable} is not set")), "{id}: {printed}");
        }
    }
}

#[test]
fn a_variable_that_is_wrong_is_named_with_the_reason() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_REGION", "us-east-1"),
        ("ACCOUNTS_TABLE", "a"),
        ("TASKS_TABLE", "t"),
        ("TOKEN_ISSUER", "i"),
        ("REQUESTS_PER_MINUTE", "600"),
        ("TOKEN_PUBLIC_KEY", "not a key"),
    ];
    let printed = refusal("get-task", &variables);
    assert_eq!(printed.lines().count(), 1, "{printed}");
    assert!(printed.contains("TOKEN_PUBLIC_KEY is wrong"), "{printed}");
    assert!(!printed.contains("not set"), "{printed}");
}
