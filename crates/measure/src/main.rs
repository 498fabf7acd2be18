//! Measures the functions of the release build: their size, what a cold start and a warm request cost, and how much memory they
//! take, beside an empty function; and what pages take of the table as a blog grows. Writes `docs/measurements.json`, `docs/measurements.md` and
//! `docs/measurements-growth.md`. Run it by `scripts/measure`.

mod asked;
mod binary;
mod flame;
mod function;
mod growth;
mod instructions;
mod report;
mod runtime_api;
mod scene;
mod tls;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::binary::Size;
use crate::function::Function;
use crate::report::{Measured, Measurements, Warm};
use crate::scene::Scene;

/// Measure what is deployed.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the functions of the release build.
    Functions(Functions),
    /// Draw where the instructions of an init go, as docs/init.svg.
    Flame {
        /// The folder of the binaries, with their symbols.
        #[arg(long)]
        binaries: PathBuf,
        /// The binary.
        #[arg(long, value_name = "NAME", default_value = "posts")]
        only: String,
    },
    /// Measure what pages take of the table in blogs of 100, 10,000 and 1,000,000 posts.
    Growth {
        /// Blogs of other sizes; prints the table and writes nothing.
        #[arg(long, value_name = "NUMBER")]
        posts: Vec<usize>,
    },
}

#[derive(Args)]
struct Functions {
    /// The folder of the binaries, with their symbols.
    #[arg(long)]
    binaries: PathBuf,
    /// Compare with docs/measurements.json instead of writing it, and fail on a difference of more than 3 %.
    #[arg(long)]
    check: bool,
    /// Measure only this binary, and compare it or print what was measured. May be given more than once.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Keep callgrind's files in this folder, for `callgrind_annotate`.
    #[arg(long, value_name = "FOLDER")]
    profiles: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Functions(options) => functions(options).await,
        Command::Flame { binaries, only } => flame(&binaries, &only).await,
        Command::Growth { posts } => growth(&posts).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn functions(cli: Functions) -> io::Result<()> {
    let scene = Scene::set().await?;
    let is_asked = |binary: &str| cli.only.is_empty() || cli.only.iter().any(|only| only == binary);
    let mut functions = BTreeMap::new();
    for cold in scene.cold_starts().await?.iter().filter(|cold| is_asked(&cold.binary)) {
        eprintln!("{}", cold.binary);
        functions.insert(cold.binary.clone(), measure(&scene, &cli, cold).await?);
    }
    let mut warm = BTreeMap::new();
    for request in scene.warm_requests().await?.iter().filter(|request| is_asked(&request.binary)) {
        eprintln!("{}", request.handler);
        let function = Function::of(&scene, &cli.binaries, request).keeping(cli.profiles.as_deref());
        let instructions = instructions::of_a_warm_request(&function, &request.events).await?;
        let nanoseconds = function.nanoseconds_of_a_warm_request(&request.events).await?;
        warm.insert(request.name.clone(), Warm { binary: request.binary.clone(), instructions, nanoseconds });
    }
    let growth = report::committed()?.growth;
    let measurements = Measurements { machine: report::machine()?, roots: scene.roots, functions, warm, growth };
    match (cli.check, cli.only.is_empty()) {
        (true, _) => measurements.compare(is_asked),
        (false, true) => measurements.write(),
        (false, false) => io::stdout().write_all(measurements.tables().as_bytes()),
    }
}

async fn measure(scene: &Scene, cli: &Functions, cold: &scene::Request) -> io::Result<Measured> {
    let function = Function::of(scene, &cli.binaries, cold).keeping(cli.profiles.as_deref());
    let Size { stripped, zipped, crates } = binary::size(function.program())?;
    // Nothing of the table is asked at init where the table has no usable address.
    let unwarmed = function.without_table();
    let (init, answered) = function.cold_start(&cold.events).await?;
    Ok(Measured {
        stripped,
        zipped,
        crates,
        init_instructions: instructions::of_init(&unwarmed).await?,
        warmed_instructions: instructions::of_init(&function).await?,
        answer_instructions: instructions::of_first_answer(&function, &cold.events).await?,
        unwarmed_nanoseconds: unwarmed.init_nanoseconds().await?,
        init_nanoseconds: init,
        answer_nanoseconds: answered,
        memory_kilobytes: function.memory_kilobytes(&cold.events).await?,
    })
}

async fn flame(binaries: &Path, only: &str) -> io::Result<()> {
    let scene = Scene::set().await?;
    let cold_starts = scene.cold_starts().await?;
    let cold = cold_starts.iter().find(|cold| cold.binary == only);
    let cold = cold.ok_or_else(|| io::Error::other(format!("nothing is measured of {only}")))?;
    let svg = flame::of_init(&Function::of(&scene, binaries, cold), only).await?;
    std::fs::write(report::docs("init.svg"), svg)
}

async fn growth(posts: &[usize]) -> io::Result<()> {
    let growth = growth::measured(if posts.is_empty() { &growth::SIZES } else { posts }).await?;
    let grown = growth::grown(&growth);
    if !grown.is_empty() {
        return Err(io::Error::other(grown.join("\n")));
    }
    if posts.is_empty() {
        report::write_growth(growth)
    } else {
        io::stdout().write_all(growth::table(&growth).as_bytes())
    }
}
