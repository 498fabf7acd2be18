//! Measures the functions of the release build: their size, what a cold start and a warm request cost, and how much memory they
//! take, beside an empty function. Writes `docs/measurements.json` and `docs/measurements.md`. Run it by `scripts/measure`.

mod binary;
mod function;
mod instructions;
mod report;
mod runtime_api;
mod scene;
mod tls;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::binary::Size;
use crate::function::Function;
use crate::report::{Measured, Measurements, Warm};
use crate::scene::Scene;

/// Measure the functions of the release build.
#[derive(Parser)]
struct Cli {
    /// The folder of the binaries, with their symbols.
    #[arg(long)]
    binaries: PathBuf,
    /// Compare with docs/measurements.json instead of writing it, and fail on a difference of more than 3 %.
    #[arg(long)]
    check: bool,
    /// Measure only this binary, and print what was measured. For work on it.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Keep callgrind's files in this folder, for `callgrind_annotate`.
    #[arg(long, value_name = "FOLDER")]
    profiles: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> io::Result<()> {
    let scene = Scene::set().await?;
    let is_asked = |binary: &str| cli.only.as_deref().is_none_or(|only| only == binary);
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
    let measurements = Measurements { machine: report::machine()?, roots: scene.roots, functions, warm };
    if cli.only.is_some() {
        print!("{}", measurements.tables());
        return Ok(());
    }
    if cli.check { measurements.compare() } else { measurements.write() }
}

async fn measure(scene: &Scene, cli: &Cli, cold: &scene::Request) -> io::Result<Measured> {
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
