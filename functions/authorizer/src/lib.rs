//! The Lambda authorizer: decides who may pass to the operations that need a user.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>

use std::fmt;

use domain::Denied;
use edge::telemetry::observe;
use edge::{Blog, authenticate, bearer_token, note_key_use};
use lambda_http::aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest as Question;
use serde_json::{Value, json};

/// What the template calls the function.
pub const NAME: &str = "authorizer";

/// Nobody may pass. API Gateway answers 401 to this message, and 500 to any other.
#[derive(Debug)]
pub struct Unauthorized;

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unauthorized")
    }
}

impl std::error::Error for Unauthorized {}

/// Lets the bearer of a good token or API key pass to every operation of the stage; what their role allows, the operations
/// decide. API Gateway keeps the answer for a minute by token, so a policy for less than the stage would refuse
/// the next operation.
///
/// # Errors
/// `Unauthorized` for a bad token; the cause itself if the token could not be checked.
pub async fn authorize(blog: &Blog, question: Question) -> Result<Value, lambda_http::Error> {
    // In a box, because it is large and handed on several times.
    let answer = Box::pin(async {
        let token = bearer_token(&question.headers)?.ok_or(Denied::BadToken)?;
        let viewer = authenticate(blog, token, blog.now()).await?;
        note_key_use(blog, &viewer, blog.now()).await;
        Ok(viewer)
    });
    let viewer = match observe(blog, NAME, None, answer).await {
        Ok(viewer) => viewer,
        Err(problem) if problem.kind().status.is_server_error() => return Err(problem.into()),
        Err(_) => return Err(Unauthorized.into()),
    };
    let user_id = viewer.user_id.to_string();
    let mut context = json!({
        "user_id": user_id,
        "username": viewer.username.as_str(),
        "cognito_name": viewer.cognito_name.as_str(),
        "role": viewer.role.name(),
        "session": viewer.session,
    });
    if let Some(key) = viewer.key {
        context["key_id"] = json!(key.id);
        context["scopes"] = json!(key.scopes.to_string());
    }
    Ok(json!({
        "principalId": user_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": "Allow",
                "Resource": stage_arn(question.method_arn.as_deref().unwrap_or_default()),
            }],
        },
        "context": context,
    }))
}

/// All of the stage that `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH` is in.
fn stage_arn(method_arn: &str) -> String {
    let mut parts = method_arn.split('/');
    match (parts.next(), parts.next()) {
        (Some(api), Some(stage)) => format!("{api}/{stage}/*"),
        _ => method_arn.to_owned(),
    }
}
