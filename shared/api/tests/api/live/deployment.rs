//! The WebSocket API in template.yaml.

use serde_json::{Value, json};
use taskbell_domain::{feed::CLOCK_TOLERANCE, live::MAX_PUSH_AGE};
use taskbell_test::template::{properties, resources, seconds, statements, timeout};

/// The routes of the WebSocket API, each with its function.
pub(crate) fn routes() -> Vec<(String, String)> {
    let routes = resources("AWS::ApiGatewayV2::Route");
    let routes = routes.values().map(|route| {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let target = text(&route["Properties"]["Target"]["Fn::Sub"]);
        let integration = target.trim_start_matches("integrations/${").trim_end_matches('}');
        let uri = text(&properties(integration)["IntegrationUri"]["Fn::Sub"]);
        let (_, function) = uri.rsplit_once("functions/${").expect("a function");
        let (function, rest) = function.split_once('.').expect("an attribute");
        assert_eq!(rest, "Arn}/invocations");
        (text(&route["Properties"]["RouteKey"]), function.to_owned())
    });
    routes.collect()
}

#[test]
fn each_route_invokes_its_function_and_may_do_so() {
    let mut routes = routes();
    routes.sort();
    let expected = [("$connect", "Connect"), ("$default", "Receive"), ("$disconnect", "Disconnect")]
        .map(|(route, name)| (route.to_owned(), format!("{name}LiveFunction")));
    assert_eq!(routes, expected);
    let permissions = resources("AWS::Lambda::Permission");
    let stage = &properties("LiveStage");
    for (route, function) in routes {
        let source = format!(
            "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{LiveApi}}/{}/{route}",
            stage["StageName"].as_str().expect("a name"),
        );
        let expected = json!({
            "Action": "lambda:InvokeFunction", "FunctionName": { "Ref": function },
            "Principal": "apigateway.amazonaws.com", "SourceArn": { "Fn::Sub": source },
        });
        let found = permissions.values().filter(|one| one["Properties"] == expected).count();
        assert_eq!(found, 1, "{route}");
    }
    // Every route exists before the stage, and each later change of one is deployed.
    let after = stage["DependsOn"].as_array().map_or(0, Vec::len);
    let after = after.max(
        resources("AWS::ApiGatewayV2::Stage")["LiveStage"]["DependsOn"].as_array().map_or(0, Vec::len),
    );
    assert_eq!((after, &stage["AutoDeploy"]), (3, &json!(true)));
    let throttling = &stage["DefaultRouteSettings"];
    for limit in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
        assert_eq!(throttling[limit], json!({ "Ref": "ApiRateLimit" }));
    }
}

#[test]
fn only_two_functions_send_to_connections_and_to_those_of_the_stage_only() {
    let arn = |method: &str| {
        let api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${LiveApi}";
        json!({ "Fn::Sub": format!("{api}/live/{method}/@connections/*") })
    };
    let mut may = Vec::new();
    for (id, function) in resources("AWS::Serverless::Function") {
        for statement in statements(&function) {
            if statement["Action"].to_string().contains("execute-api") {
                assert_eq!(statement["Action"], json!(["execute-api:ManageConnections"]));
                assert_eq!(statement["Resource"], json!([arn("POST"), arn("DELETE")]), "{id}");
                may.push(id.clone());
            }
        }
    }
    assert_eq!(may, ["PushChangesFunction", "ReceiveLiveFunction"]);
    for id in may {
        let endpoint = &properties(&id)["Environment"]["Variables"]["LIVE_ENDPOINT"]["Fn::If"];
        assert_eq!(endpoint[0], "HasEndpointUrl");
        let on_aws = "https://${LiveApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live";
        assert_eq!(endpoint[2], json!({ "Fn::Sub": on_aws }));
    }
}

#[test]
fn what_cannot_be_pushed_is_dropped_after_a_minute_and_delays_nothing() {
    let queue = properties("PushQueue");
    let kept = seconds(&queue["MessageRetentionPeriod"]);
    assert!(kept <= MAX_PUSH_AGE && kept <= CLOCK_TOLERANCE, "{kept}");
    assert!(queue["RedrivePolicy"].is_null());
    // A push that fails is received again only after it has expired.
    assert!(seconds(&queue["VisibilityTimeout"]) >= kept);
    assert!(timeout("PushChangesFunction").as_secs() <= 10);
    let mapping = properties("PushChangesMapping");
    assert_eq!(mapping["ScalingConfig"]["MaximumConcurrency"], json!({ "Ref": "PushConcurrency" }));
    // Nothing else reads or waits for that queue.
    let readers = resources("AWS::Lambda::EventSourceMapping");
    let source = json!({ "Fn::GetAtt": "PushQueue.Arn" });
    let of_pushes = readers.values().filter(|one| one["Properties"]["EventSourceArn"] == source);
    assert_eq!(of_pushes.count(), 1);
}
