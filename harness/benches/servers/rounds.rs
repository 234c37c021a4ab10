//! The order of the whole: contenders take turns, so that all have the same of what else the machine does.

use std::io::{self, IsTerminal, Write};

use crate::contender::{Contender, FAMILIES, Family};
use crate::effort::Effort;
use crate::machine::{self, Cores};
use crate::measure::{self, Error, Measure, Reading};
use crate::server::Server;
use crate::table::{self, Conditions};

/// Open files that a server needs beside its connections, at most.
const SPARE: usize = 500;

/// A contender with all that was measured of it.
#[derive(Debug)]
pub(crate) struct Score {
    /// Its family.
    pub(crate) family: &'static Family,
    /// Who.
    pub(crate) contender: &'static Contender,
    /// Readings, round by round.
    pub(crate) readings: Vec<(Measure, Reading)>,
}

impl Score {
    /// The readings of a measure, round by round.
    pub(crate) fn of(&self, measure: Measure) -> impl Iterator<Item = Reading> {
        self.readings.iter().filter(move |(known, _)| *known == measure).map(|(_, reading)| *reading)
    }
}

/// Measures everything and prints the table.
pub(crate) fn run(effort: &Effort, only: Option<&str>) -> Result<(), Error> {
    let cores = Cores::claim()?;
    let idle = effort.idle.min(machine::open_files()?.saturating_sub(SPARE) / 1_000 * 1_000);
    let (mut scores, absent) = line_up(only);
    if scores.is_empty() {
        return Err(measure::NOBODY.into());
    }
    starts(effort, cores, &mut scores)?;
    works(effort, cores, &mut scores)?;
    weighings(effort, cores, idle, &mut scores)?;
    progress("");
    let conditions = Conditions { rounds: effort.rounds, idle, cores, absent };
    table::print(&mut io::stdout().lock(), &scores, &conditions)?;
    Ok(())
}

/// Who takes part, and who does not for which reason.
fn line_up(only: Option<&str>) -> (Vec<Score>, Vec<String>) {
    let (mut scores, mut absent) = (Vec::new(), Vec::new());
    for family in FAMILIES.iter().filter(|family| family.is(only)) {
        for contender in family.contenders {
            match contender.hindrance() {
                None => scores.push(Score { family, contender, readings: Vec::new() }),
                Some(why) => absent.push(format!("{}: {why}", contender.name)),
            }
        }
    }
    (scores, absent)
}

fn starts(effort: &Effort, cores: Cores, scores: &mut [Score]) -> Result<(), Error> {
    for turn in 1..=effort.starts {
        progress(&format!("start {turn} of {}", effort.starts));
        for score in &mut *scores {
            score.readings.push((Measure::Start, measure::start(score.family, score.contender, cores)?));
        }
    }
    Ok(())
}

fn works(effort: &Effort, cores: Cores, scores: &mut [Score]) -> Result<(), Error> {
    let start = |score: &Score| Ok::<_, Error>(Server::start(score.contender.command()?, cores)?);
    let servers = scores.iter().map(start).collect::<Result<Vec<_>, _>>()?;
    for round in 0..=effort.rounds {
        for (score, server) in scores.iter_mut().zip(&servers) {
            progress(&format!("round {round} of {}: {}", effort.rounds, score.contender.name));
            let readings = measure::work(server, score.family.dialect, effort)
                .map_err(|error| format!("{} ({}): {error}", score.contender.name, score.family.name))?;
            if round > 0 {
                score.readings.extend(readings);
            }
        }
    }
    Ok(())
}

fn weighings(effort: &Effort, cores: Cores, idle: usize, scores: &mut [Score]) -> Result<(), Error> {
    for turn in 1..=effort.weighings {
        for score in &mut *scores {
            progress(&format!("{idle} idle connections {turn} of {}: {}", effort.weighings, score.contender.name));
            score.readings.push((Measure::Idle, measure::weigh(score.family, score.contender, idle, cores)?));
        }
    }
    Ok(())
}

/// Says on a terminal what goes on; an empty text takes that away.
fn progress(text: &str) {
    if io::stderr().is_terminal() {
        // Fails only when nobody looks any more.
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
    }
}
