//! The services that the functions use: an embedded DynamoDB, a local Cognito and a local S3, each at an address of its
//! own, speaking the wire protocol that the AWS SDK speaks.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use dynoxide::Database;
use edge::Clock;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::s3;
use crate::stream_log::{self, StreamLog};
use local_cognito::{self as cognito, Cognito, Settings};
use local_s3::LocalS3;
use template::{Refs, Template};

/// The table's name, wherever it is local.
pub const TABLE_NAME: &str = "broadsheet-local";
/// The user pool's id.
pub const USER_POOL_ID: &str = "local_Broadsheet";
/// The id of the pool's app client.
pub const USER_POOL_CLIENT_ID: &str = "broadsheetlocalclient";

/// The secret of that client.
pub const USER_POOL_CLIENT_SECRET: &str = "broadsheetlocalclientsecret";

/// Where data is kept.
#[derive(Debug, Clone)]
pub enum Storage {
    /// Nowhere: gone when the process ends.
    Memory,
    /// In files in this folder.
    Folder(PathBuf),
}

/// Where the emulators answer. Port 0 is any that is free. Whoever reaches DynamoDB or Cognito can do anything with the blog.
#[derive(Debug, Clone)]
pub struct Emulators {
    /// DynamoDB.
    pub dynamodb: SocketAddr,
    /// Cognito, with its mailbox.
    pub cognito: SocketAddr,
    /// S3. Links to files begin with it.
    pub s3: SocketAddr,
    /// The secret key that requests to S3 are signed with.
    pub s3_secret: String,
}

impl Emulators {
    /// For this machine only, with the secret key that is known.
    pub fn of_this_machine() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { dynamodb: address, cognito: address, s3: address, s3_secret: s3::SECRET.to_owned() }
    }
}

/// The emulators, running until they are dropped.
pub struct Backing {
    /// Where DynamoDB answers.
    pub dynamodb: SocketAddr,
    /// Where Cognito answers, and serves its keys.
    pub cognito_address: SocketAddr,
    /// Where S3 answers.
    pub s3: SocketAddr,
    /// The secret key of S3.
    pub s3_secret: String,
    /// The user pool itself, for its mailbox.
    pub cognito: Arc<Cognito>,
    /// The changes of the table that wait to be handed on.
    pub stream_log: StreamLog,
    database: Database,
    /// The one shard of the table's stream, as `GetShardIterator` takes it.
    shard: Value,
    /// Its beginning, as `GetRecords` takes it.
    beginning: String,
    /// The bucket itself, for who is to be told of its files.
    pub bucket: Arc<LocalS3>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Backing {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// What the template refers to, as it is called here.
pub fn refs() -> Refs {
    Refs::from([
        ("BlogTable".to_owned(), TABLE_NAME.to_owned()),
        ("BlogBucket".to_owned(), s3::BUCKET_NAME.to_owned()),
        ("UserPool".to_owned(), USER_POOL_ID.to_owned()),
        ("UserPoolClient".to_owned(), USER_POOL_CLIENT_ID.to_owned()),
        ("UserPoolClient.ClientSecret".to_owned(), USER_POOL_CLIENT_SECRET.to_owned()),
        ("AWS::StackName".to_owned(), "local".to_owned()),
        ("Bus".to_owned(), "local".to_owned()),
    ])
}

impl Backing {
    /// Starts them. The table and the pool are made as the template defines them, unless the folder has them already.
    pub async fn start(
        template: &Template,
        storage: &Storage,
        clock: &Clock,
        emulators: Emulators,
    ) -> io::Result<Self> {
        let folder = match storage {
            Storage::Memory => None,
            Storage::Folder(folder) => {
                std::fs::create_dir_all(folder)?;
                Some(folder)
            }
        };
        let address = stream_log::address(folder.map(PathBuf::as_path));
        let database = Database::new(&address).map_err(io::Error::other)?;
        create_table(&database, template)?;
        let stream_log = StreamLog::open(&address).map_err(io::Error::other)?;
        let shard = shard(&database)?;
        let beginning = iterator(&database, &shard, None)?;

        let clock = clock.clone();
        let now: cognito::Now = Arc::new(move || {
            jiff::Timestamp::from_millisecond(clock.now().milliseconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        });
        let path = folder.map(|folder| folder.join("cognito.sqlite"));
        let cognito = Cognito::open(path.as_deref(), settings(template), now).map_err(io::Error::other)?;
        let cognito = Arc::new(cognito);

        let bucket = Arc::new(s3::open(folder.map(PathBuf::as_path), &emulators.s3_secret)?);

        let dynamodb_listener = listen(emulators.dynamodb, "DynamoDB").await?;
        let cognito_listener = listen(emulators.cognito, "Cognito").await?;
        let s3_listener = listen(emulators.s3, "files").await?;
        let dynamodb = dynamodb_listener.local_addr()?;
        let cognito_address = cognito_listener.local_addr()?;
        let s3 = s3_listener.local_addr()?;
        let pool = cognito_router(Arc::clone(&cognito));
        let tasks = vec![
            tokio::spawn(dynoxide::server::serve_on(dynamodb_listener, database.clone())),
            tokio::spawn(serve(cognito_listener, pool, "Cognito")),
            tokio::spawn(serve(s3_listener, s3::router(Arc::clone(&bucket)), "S3")),
        ];
        let s3_secret = emulators.s3_secret;
        Ok(Self {
            dynamodb,
            cognito_address,
            s3,
            s3_secret,
            cognito,
            stream_log,
            database,
            shard,
            beginning,
            bucket,
            tasks,
        })
    }

    /// The database behind DynamoDB, for whoever serves it once more.
    pub fn database(&self) -> Database {
        self.database.clone()
    }

    /// The oldest changes of the table that were not taken away yet, at most a thousand.
    pub fn records(&self) -> io::Result<Vec<Value>> {
        self.records_after(None)
    }

    /// The same, of those after this one, which was not taken away yet either.
    pub fn records_after(&self, last: Option<&Value>) -> io::Result<Vec<Value>> {
        // Far cheaper than asking the database, and so the rule while nothing happens.
        if self.stream_log.is_empty().map_err(io::Error::other)? {
            return Ok(Vec::new());
        }
        let position = match last {
            Some(_) => &iterator(&self.database, &self.shard, last)?,
            None => &self.beginning,
        };
        let request = serde_json::from_value(json!({ "ShardIterator": position }))?;
        let answer = self.database.get_records(request).map_err(io::Error::other)?;
        let mut answer = serde_json::to_value(answer)?;
        Ok(answer["Records"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Takes this change away, and all before it.
    pub fn take_away(&self, last: &Value) -> io::Result<()> {
        self.stream_log.trim(last["eventID"].as_str().unwrap_or_default()).map_err(io::Error::other)?;
        Ok(())
    }

    /// What DynamoDB does in the background, for ever: items past their TTL are removed, some time later.
    pub async fn remove_expired(&self) {
        let mut minute = tokio::time::interval(Duration::from_secs(60));
        loop {
            minute.tick().await;
            self.remove_expired_now().await;
        }
    }

    /// Removes them once. By the system's time: a test that wants something to be removed lets it happen years ago.
    pub async fn remove_expired_now(&self) {
        let database = self.database.clone();
        match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(_)) | Err(_) => {}
            Ok(Err(error)) => tracing::warn!(%error, "removing expired items failed"),
        }
    }

    /// Where the pool's public keys are.
    pub fn jwks_url(&self) -> String {
        format!("http://{}/{USER_POOL_ID}/.well-known/jwks.json", self.cognito_address)
    }
}

async fn listen(address: SocketAddr, what: &str) -> io::Result<TcpListener> {
    let failed = |error: io::Error| {
        let port = address.port();
        io::Error::new(error.kind(), format!("port {port}, for {what}, cannot be used ({error}); choose another"))
    };
    TcpListener::bind(address).await.map_err(failed)
}

async fn serve(listener: TcpListener, app: Router, name: &str) {
    if let Err(error) = axum::serve(listener, app).await {
        tracing::error!(%error, name, "an emulator stopped");
    }
}

fn settings(template: &Template) -> Settings {
    let pool = &template.user_pool;
    Settings {
        user_pool_id: USER_POOL_ID.to_owned(),
        region: "local".to_owned(),
        client_id: USER_POOL_CLIENT_ID.to_owned(),
        client_secret: USER_POOL_CLIENT_SECRET.to_owned(),
        auth_flows: pool.auth_flows.clone(),
        write_attributes: pool.write_attributes.clone(),
        read_attributes: pool.read_attributes.clone(),
        access_token_validity: SignedDuration::from_mins(pool.access_token_minutes),
        refresh_token_validity: SignedDuration::from_hours(24 * pool.refresh_token_days),
        password_minimum_length: pool.password_minimum_length,
    }
}

fn create_table(database: &Database, template: &Template) -> io::Result<()> {
    let name = template.table["TableName"].as_str().unwrap_or_default();
    let tables: Value = {
        let request = serde_json::from_value(json!({}))?;
        serde_json::to_value(database.list_tables(request).map_err(io::Error::other)?)?
    };
    if tables["TableNames"].as_array().is_some_and(|names| names.iter().any(|known| known == name)) {
        return Ok(());
    }
    let request = serde_json::from_value(template.table.clone())?;
    database.create_table(request).map_err(io::Error::other)?;
    let request = serde_json::from_value(json!({
        "TableName": name,
        "TimeToLiveSpecification": { "AttributeName": template.ttl_attribute, "Enabled": true },
    }))?;
    database.update_time_to_live(request).map_err(io::Error::other)?;
    Ok(())
}

/// The shard of the table's stream.
fn shard(database: &Database) -> io::Result<Value> {
    let streams = database.list_streams(serde_json::from_value(json!({ "TableName": TABLE_NAME }))?);
    let streams = serde_json::to_value(streams.map_err(io::Error::other)?)?;
    let arn = &streams["Streams"][0]["StreamArn"];
    let stream = database.describe_stream(serde_json::from_value(json!({ "StreamArn": arn }))?);
    let stream = serde_json::to_value(stream.map_err(io::Error::other)?)?;
    Ok(json!({ "StreamArn": arn, "ShardId": stream["StreamDescription"]["Shards"][0]["ShardId"] }))
}

/// Where what comes after this change begins, or the whole stream, whatever is taken away from it.
fn iterator(database: &Database, shard: &Value, last: Option<&Value>) -> io::Result<String> {
    let mut request = shard.clone();
    request["ShardIteratorType"] = "TRIM_HORIZON".into();
    if let Some(last) = last {
        request["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER".into();
        request["SequenceNumber"] = last["dynamodb"]["SequenceNumber"].clone();
    }
    let iterator = database.get_shard_iterator(serde_json::from_value(request)?).map_err(io::Error::other)?;
    iterator.shard_iterator.ok_or_else(|| io::Error::other("the table has no stream"))
}

fn cognito_router(cognito: Arc<Cognito>) -> Router {
    Router::new()
        .route("/", post(call))
        .route(
            "/{pool}/.well-known/jwks.json",
            get(|State(cognito): State<Arc<Cognito>>| async move { Json(cognito.jwks()) }),
        )
        // `backing` has no API in front that could show the codes.
        .route("/_local/emails", get(|State(cognito): State<Arc<Cognito>>| async move { emails(&cognito) }))
        .with_state(cognito)
}

/// What would have been sent by e-mail, newest first.
pub fn emails(cognito: &Cognito) -> Response {
    match cognito.emails() {
        Ok(emails) => Json(emails).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn call(State(cognito): State<Arc<Cognito>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    // A password's hash takes a while on purpose.
    let Ok(answer) = tokio::task::spawn_blocking(move || cognito.call(&target, &body)).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
    let error_type = answer.error_type.map(|name| [(HeaderName::from_static("x-amzn-errortype"), name)]);
    let body = answer.body.to_string();
    match error_type {
        Some(error_type) => (status, content_type, error_type, body).into_response(),
        None => (status, content_type, body).into_response(),
    }
}
