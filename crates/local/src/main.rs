//! `cargo run`: the whole blog on `http://localhost:3000`.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use aws::Sdk;
use clap::{Args, Parser, Subcommand};
use domain::Timestamp;
use edge::Clock;
use edge::SignUpConfirmation;
use local::backing::{Emulators, Storage, TABLE_NAME, USER_POOL_CLIENT_ID, USER_POOL_ID, refs};
use local::s3::{BUCKET_NAME, KEY_ID, SECRET};
use local::server::Mailbox;
use local::stack::{Options, Stack};
use table::{Repair, RepairSettings, Repaired, Table};
use template::Template;
use tokio::net::TcpListener;
use tracing::level_filters::LevelFilter;

/// Broadsheet on this machine: API, database, accounts and mailbox in one process.
#[derive(Parser)]
#[command(name = "broadsheet", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// How much is logged: off, error, warn, info, or debug, with every call of the table, the user pool and the bucket.
    #[arg(long, default_value = "info")]
    log_level: LevelFilter,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Args)]
struct Serve {
    /// The port to answer on; 0 takes any that is free.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The address to answer on. In a container it has to be 0.0.0.0; elsewhere that is for everybody on the network.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Let other machines read the mailbox too, and with it set a new password for any account. A container needs it.
    #[arg(long)]
    open_mailbox: bool,
    /// The port that files are fetched from; 0 takes any that is free.
    #[arg(long, default_value_t = 0)]
    files_port: u16,
    #[command(flatten)]
    data: Data,
    /// Let new accounts wait for the code that is sent to their address (see /_local/emails).
    #[arg(long)]
    confirm_email: bool,
    /// Whoever registers this address is an administrator.
    #[arg(long, default_value = "admin@example.com")]
    admin_email: String,
}

#[derive(Args)]
struct Parameters {
    /// A parameter of template.yaml, such as PostsPerDay=3. May be given more than once.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    given: Vec<(String, String)>,
}

impl Parameters {
    /// What was given for one of them; what was given last counts.
    fn given(&self, name: &str) -> Option<&str> {
        self.given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| &**value)
    }

    /// With what a blog on a laptop has unless it is told otherwise. The same for every command, because what follows from a change
    /// depends on what is switched on.
    fn all(&self) -> Vec<(String, String)> {
        // What somebody tries out here listens here, and imports at the speed of this machine.
        let usual =
            [("WebhookLoopback", "true"), ("Conduit", "true"), ("GhostContent", "true"), ("RequestsPerMinute", "6000")];
        usual.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().chain(self.given.clone()).collect()
    }
}

fn parameter(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Args)]
struct Data {
    /// The folder that data is kept in.
    #[arg(long, default_value = ".broadsheet")]
    data: PathBuf,
    /// Keep nothing, whatever --data says: start empty and forget everything at the end.
    #[arg(long)]
    memory: bool,
    #[command(flatten)]
    parameters: Parameters,
}

#[derive(Subcommand)]
enum Command {
    /// Import a blog, or any folder of Markdown files, through the API.
    #[command(visible_alias = "seed")]
    Import(Box<importer::Import>),
    /// Export a blog through the API, as a folder that `import` reads back.
    Export(importer::Export),
    /// Ask a stack for pages as a blog is asked, check every answer, and report how fast it answers.
    Load(load::Load),
    /// Print the API's document, OpenAPI 3.1.
    #[command(name = "openapi")]
    OpenApi,
    /// Build the search index of the posts in a folder anew, beside the old one, and swap. Stop the blog first.
    Reindex(RunReindex),
    /// Run only DynamoDB, Cognito and S3, for `sam local start-api`.
    Backing(RunBacking),
    /// Check every count, rank and copy in the table, and print what is wrong.
    Repair(RunRepair),
}

#[derive(Args)]
struct RunReindex {
    /// The folder of the local blog.
    #[arg(long, default_value = ".broadsheet")]
    data: PathBuf,
    #[command(flatten)]
    parameters: Parameters,
}

#[derive(Args)]
struct RunRepair {
    /// Correct what is wrong, too.
    #[arg(long)]
    mend: bool,
    /// A table in DynamoDB instead of the local one. AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
    /// AWS_SESSION_TOKEN say where it is and who asks, as `aws configure export-credentials --format env` prints them.
    #[arg(long, value_name = "NAME", conflicts_with = "data")]
    table: Option<String>,
    /// The parameter SitemapPosts of the stack.
    #[arg(long, default_value_t = 10_000)]
    sitemap_posts: u32,
    /// The parameter FanOutFollowers of the stack.
    #[arg(long, default_value_t = 1_000)]
    fan_out_followers: u32,
    /// The folder of the local blog. Stop the blog first.
    #[arg(long, default_value = ".broadsheet")]
    data: PathBuf,
    #[command(flatten)]
    parameters: Parameters,
}

#[derive(Args)]
struct RunBacking {
    /// The address to answer on. Containers reach the host by its own address, not by 127.0.0.1.
    #[arg(long, default_value = "0.0.0.0")]
    host: IpAddr,
    /// DynamoDB's port.
    #[arg(long, default_value_t = 8000)]
    dynamodb_port: u16,
    /// Cognito's port.
    #[arg(long, default_value_t = 9229)]
    cognito_port: u16,
    /// S3's port.
    #[arg(long, default_value_t = 9000)]
    s3_port: u16,
    #[command(flatten)]
    data: Data,
    /// Run Cognito by itself, as a pool without our triggers would be; the contract test compares that with others.
    #[arg(long)]
    without_triggers: bool,
}

impl Data {
    fn storage(&self) -> Storage {
        if self.memory { Storage::Memory } else { Storage::Folder(self.data.clone()) }
    }
}

/// The folder of a blog that is there: a mistyped one would be an empty blog, of which nothing is wrong.
fn existing(folder: PathBuf) -> io::Result<Storage> {
    let is_there = folder.is_dir();
    is_there
        .then(|| Storage::Folder(folder.clone()))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no blog in {}", folder.display())))
}

/// Keeps other processes from the data until it is dropped, or the process ends in whatever way: each would do what follows from the
/// changes of the other once more.
fn lock(storage: &Storage) -> io::Result<Option<File>> {
    let Storage::Folder(folder) = storage else { return Ok(None) };
    let what = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(what)?;
    let file = File::create(folder.join("lock")).map_err(what)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            let running = format!("the blog in {} is running; stop it first, or name another folder", folder.display());
            Err(io::Error::other(running))
        }
        Err(TryLockError::Error(error)) => Err(what(error)),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let _ = tracing::subscriber::set_global_default(edge::telemetry::readable_lines(cli.log_level));
    let outcome = match cli.command {
        None => serve(cli.serve).await,
        Some(Command::Backing(options)) => run_backing(options).await,
        Some(Command::OpenApi) => print_openapi(),
        Some(Command::Repair(options)) => match repair(options).await {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => Err(error),
        },
        Some(Command::Reindex(data)) => reindex(data).await,
        Some(Command::Import(options)) => match importer::run(&options, now(), &mut io::stdout()).await {
            Ok(report) if report.counts.failed > 0 => return ExitCode::FAILURE,
            Ok(_) => Ok(()),
            Err(error) => Err(io::Error::other(error)),
        },
        Some(Command::Load(options)) => match load::run(&options, &mut io::stdout()).await {
            Ok(report) if report.wrong_answers() > 0 => return ExitCode::FAILURE,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        },
        Some(Command::Export(options)) => {
            importer::export(&options, &mut io::stdout()).await.map(drop).map_err(io::Error::other)
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("broadsheet: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: Serve) -> io::Result<()> {
    let listener = TcpListener::bind((options.host, options.port)).await.map_err(|error| {
        io::Error::new(error.kind(), format!("port {} cannot be used ({error}); try --port", options.port))
    })?;
    let address = listener.local_addr()?;
    let is_here = address.ip().is_unspecified() || address.ip().is_loopback();
    let base = if is_here { format!("http://localhost:{}", address.port()) } else { format!("http://{address}") };
    if options.confirm_email && options.data.parameters.given("SignUpConfirmation") == Some("auto") {
        return Err(io::Error::other("--confirm-email and --parameter SignUpConfirmation=auto contradict each other"));
    }
    let _lock = lock(&options.data.storage())?;
    let clock = Clock::system();
    let stack = Stack::start(Options {
        storage: options.data.storage(),
        sign_up_confirmation: if options.confirm_email { SignUpConfirmation::Email } else { SignUpConfirmation::Auto },
        admin_email: Some(options.admin_email.clone()),
        clock: clock.clone(),
        // Others on the network fetch files, by links that nobody else can sign, and do nothing with the table or the accounts.
        emulators: Emulators {
            s3: (options.host, options.files_port).into(),
            s3_secret: clock.new_ulid(clock.now()).to_string(),
            ..Emulators::of_this_machine()
        },
        triggers: true,
        parameters: options.data.parameters.all(),
    })
    .await?;

    let parameters = &options.data.parameters;
    let data = match options.data.storage() {
        Storage::Memory => "in memory, gone at the end".to_owned(),
        Storage::Folder(folder) => folder.display().to_string(),
    };
    let mut out = io::stdout().lock();
    writeln!(out, "Broadsheet {} is running. Ctrl-C ends it.", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  blog     {base}/")?;
    writeln!(out, "  API      {base}/v1")?;
    writeln!(out, "  docs     {base}/v1/docs")?;
    writeln!(out, "  editor   {base}/write")?;
    if parameters.given("Conduit") != Some("false") {
        writeln!(out, "  Conduit  {base}/api")?;
    }
    if parameters.given("GhostContent") != Some("false") {
        writeln!(out, "  Ghost    {base}, with a key of POST {base}/v1/admin/content-keys (docs/ghost.md)")?;
    }
    let readers = if options.open_mailbox { ", for whoever reaches it" } else { "" };
    writeln!(out, "  mailbox  {base}/_local/emails{readers}")?;
    writeln!(out, "  data     {data}")?;
    writeln!(out, "  admin    whoever registers {}", parameters.given("AdminEmail").unwrap_or(&options.admin_email))?;
    writeln!(out, "Open {base}/ in a browser.")?;
    drop(out);
    let stack = Arc::new(stack);
    let mailbox = if options.open_mailbox { Mailbox::Open } else { Mailbox::Closed };
    tokio::select! {
        served = local::server::serve(listener, Arc::clone(&stack), mailbox, interrupted()) => served?,
        () = stack.background() => {}
    }
    println!("Broadsheet has stopped.");
    Ok(())
}

async fn run_backing(options: RunBacking) -> io::Result<()> {
    let _lock = lock(&options.data.storage())?;
    // A whole stack, because the pool's triggers run in this process; only the services that the functions use can be reached.
    let stack = Stack::start(Options {
        storage: options.data.storage(),
        // As samconfig.toml has it for the functions.
        sign_up_confirmation: SignUpConfirmation::Auto,
        admin_email: None,
        clock: Clock::system(),
        emulators: Emulators {
            dynamodb: (options.host, options.dynamodb_port).into(),
            cognito: (options.host, options.cognito_port).into(),
            s3: (options.host, options.s3_port).into(),
            s3_secret: SECRET.to_owned(),
        },
        triggers: !options.without_triggers,
        parameters: options.data.parameters.all(),
    })
    .await?;
    let backing = &stack.backing;
    println!("DynamoDB, Cognito and S3 are running, for sam local start-api. Ctrl-C ends them.");
    println!("  DynamoDB   {}  table {TABLE_NAME}", backing.dynamodb);
    println!("  Cognito    {}  pool {USER_POOL_ID}, client {USER_POOL_CLIENT_ID}", backing.cognito_address);
    println!("  S3         {}  bucket {BUCKET_NAME}, key id {KEY_ID}, secret key {SECRET}", backing.s3);
    println!("  mailbox    http://{}/_local/emails", backing.cognito_address);
    tokio::select! {
        () = interrupted() => {}
        () = stack.background() => {}
    }
    Ok(())
}

/// Repairs a table; says whether nothing is wrong any more.
async fn repair(options: RunRepair) -> io::Result<bool> {
    let mode = if options.mend { Repair::Mend } else { Repair::Report };
    let RunRepair { sitemap_posts, fan_out_followers, .. } = options;
    let settings = RepairSettings { sitemap_posts, fan_out_followers };
    if let Some(name) = options.table {
        // How many posts a day an author has is of no matter here.
        let table = Table::new(&Sdk::from_env().map_err(io::Error::other)?, name, 0);
        return repair_table(&table, mode, settings, Clock::system().now()).await;
    }
    let storage = existing(options.data)?;
    let _lock = lock(&storage)?;
    let stack = Stack::start(Options {
        storage,
        sign_up_confirmation: SignUpConfirmation::Auto,
        admin_email: None,
        clock: Clock::system(),
        emulators: Emulators::of_this_machine(),
        triggers: false,
        parameters: options.parameters.all(),
    })
    .await?;
    // What follows from the last changes before the blog was stopped.
    stack.streams.drain(&stack.backing).await?;
    repair_table(&stack.blog.table, mode, settings, stack.blog.now()).await
}

async fn repair_table(table: &Table, mode: Repair, settings: RepairSettings, now: Timestamp) -> io::Result<bool> {
    let mut report = |finding| println!("{finding}");
    let Repaired { wrong, unsettled } =
        table.repair(mode, settings, now, &mut report).await.map_err(io::Error::other)?;
    match (wrong, mode) {
        (0, _) => println!("Nothing is wrong."),
        (wrong, Repair::Report) => println!("{wrong} wrong. Repair with --mend to correct it."),
        (wrong, Repair::Mend) => println!("{wrong} corrected."),
    }
    if unsettled > 0 {
        println!(
            "{unsettled} posts, users or tags were changed so often that they could not be checked. Repair once more."
        );
    }
    Ok(unsettled == 0 && (wrong == 0 || mode == Repair::Mend))
}

async fn reindex(options: RunReindex) -> io::Result<()> {
    let storage = existing(options.data)?;
    let _lock = lock(&storage)?;
    // By the bus, as for a deployed stack (docs/search.md).
    let stack = Stack::start(Options {
        storage,
        sign_up_confirmation: SignUpConfirmation::Auto,
        admin_email: None,
        clock: Clock::system(),
        emulators: Emulators::of_this_machine(),
        triggers: true,
        parameters: options.parameters.all(),
    })
    .await?;
    search::begin_to_rebuild(&stack.search, true).await.map_err(io::Error::other)?;
    stack.streams.drain(&stack.backing).await?;
    let state = stack.blog.table.search_state().await.map_err(io::Error::other)?;
    if state.manifest.rebuild.is_some() {
        return Err(io::Error::other("the index could not be built; the log says why"));
    }
    let segments = &state.manifest.segments;
    let posts: usize = segments.iter().map(|segment| segment.posts).sum();
    let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    println!("{posts} posts are indexed, in {bytes} bytes.");
    Ok(())
}

fn print_openapi() -> io::Result<()> {
    let template = Template::read(template::SOURCE, &refs()).map_err(io::Error::other)?;
    let document = openapi::document(&template).map_err(io::Error::other)?;
    io::stdout().write_all(openapi::text(&document).as_bytes())
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(Clock::system().now().milliseconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// Done when the user, or whoever runs this, asks for the end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
