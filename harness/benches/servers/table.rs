//! The result as a table: what each costs, the mock's ratios, and which aims are reached.

use std::io::{self, Write};

use crate::contender::{Aim, FAMILIES, Family};
use crate::machine::Cores;
use crate::measure::Measure;
use crate::rounds::Score;

/// Under which conditions it came about.
#[derive(Debug)]
pub(crate) struct Conditions {
    /// Rounds that count.
    pub(crate) rounds: usize,
    /// Idle connections.
    pub(crate) idle: usize,
    /// Where both sides ran.
    pub(crate) cores: Cores,
    /// Who was left out, and why.
    pub(crate) absent: Vec<String>,
}

/// Prints everything.
pub(crate) fn print(out: &mut impl Write, scores: &[Score], conditions: &Conditions) -> io::Result<()> {
    let Conditions { rounds, idle, cores, absent } = conditions;
    for family in &FAMILIES {
        let present: Vec<&Score> = scores.iter().filter(|score| score.family.name == family.name).collect();
        if let Some((mock, rivals)) = present.split_first() {
            print_family(out, family, mock, rivals)?;
        }
    }
    for line in aims(scores) {
        writeln!(out, "{line}")?;
    }
    for absent in absent {
        writeln!(out, "left out  {absent}")?;
    }
    writeln!(
        out,
        "\ncost: CPU time of the server process for one operation; /s: operations seen in a second.\n\
         ratio: sparring's capacity by that CPU time (1e6 us / cost) over the other's; seen: ratio of what was seen,\n\
         where the load may be the limit. Of memory and start: sparring's share of the other's. Aims go by `ratio`.\n\
         Medians of {rounds} rounds in turns, servers on core {}, load on core {}; {idle} idle connections.",
        cores.server, cores.load
    )
}

fn print_family(out: &mut impl Write, family: &Family, mock: &Score, rivals: &[&Score]) -> io::Result<()> {
    write!(out, "{:<28}{:>16}", family.name, mock.contender.name)?;
    for rival in rivals {
        write!(out, "   {:>26}", rival.contender.name)?;
    }
    write!(out, "\n{:<28}{:>8}{:>8}", "", "cost", "/s")?;
    for _ in rivals {
        write!(out, "   {:>8}{:>9}{:>9}", "cost", "ratio", "seen")?;
    }
    writeln!(out)?;
    for measure in Measure::ALL {
        write!(out, "{:<28}{:>8}{:>8}", measure.name(), figure(cost(mock, measure)), thousands(rate(mock, measure)))?;
        for rival in rivals {
            let ratio = format!("{}x", figure(ratio(mock, rival, measure)));
            let seen = seen(mock, rival, measure).map_or_else(String::new, |seen| format!("{}x", figure(seen)));
            write!(out, "   {:>8}{ratio:>9}{seen:>9}", figure(cost(rival, measure)))?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

/// A line for each aim.
fn aims(scores: &[Score]) -> Vec<String> {
    let mut lines = Vec::new();
    for score in scores {
        let mock = scores.iter().find(|other| other.family.name == score.family.name);
        let Some(mock) = mock else { continue };
        for aim in score.contender.aims {
            let (wanted, found, reached) = match *aim {
                Aim::AtLeast(measure, wanted) => {
                    let ratio = ratio(mock, score, measure);
                    (format!("at least {wanted}x"), format!("{}x", figure(ratio)), ratio >= wanted)
                }
                Aim::AtMost(measure, wanted) => {
                    let ratio = ratio(mock, score, measure);
                    (format!("at most {wanted}x"), format!("{}x", figure(ratio)), ratio <= wanted)
                }
                Aim::Within(measure, wanted) => {
                    let cost = cost(mock, measure);
                    (format!("under {wanted}"), figure(cost), cost < wanted)
                }
            };
            let word = if reached { "reached" } else { "MISSED" };
            let (family, rival, measure) = (score.family.name, score.contender.name, aim.measure().name());
            let measure = measure.rsplit_once(',').map_or(measure, |(name, _)| name);
            lines.push(format!("{word:<9} {family} {measure}: {found} ({wanted}; {rival})"));
        }
    }
    lines
}

fn cost(score: &Score, measure: Measure) -> f64 {
    median(score.of(measure).map(|reading| reading.cost))
}

fn rate(score: &Score, measure: Measure) -> Option<f64> {
    let rates: Vec<f64> = score.of(measure).filter_map(|reading| reading.rate).collect();
    (!rates.is_empty()).then(|| median(rates.into_iter()))
}

/// Of those side by side in one round: capacity, or for memory and start the share of the other's.
fn ratio(mock: &Score, rival: &Score, measure: Measure) -> f64 {
    let pairs = mock.of(measure).zip(rival.of(measure)).map(|(mock, rival)| (mock.cost, rival.cost));
    match measure {
        Measure::Idle | Measure::Start => median(pairs.map(|(mock, rival)| mock / rival)),
        _ => median(pairs.map(|(mock, rival)| rival / mock)),
    }
}

fn seen(mock: &Score, rival: &Score, measure: Measure) -> Option<f64> {
    let pairs = mock.of(measure).zip(rival.of(measure));
    let ratios: Vec<f64> = pairs.filter_map(|(mock, rival)| Some(mock.rate? / rival.rate?)).collect();
    (!ratios.is_empty()).then(|| median(ratios.into_iter()))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Three digits that count.
fn figure(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn thousands(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{}k", figure(value / 1_000.0)))
}
