//! Chance that can be repeated: the same seed, rule, actor and ordinal always draw the same number.
//!
//! Nothing else has a part in it, so that neither scheduling nor other rules change what happens.

use crate::journal::Actor;

/// A number from 0 up to, but without, 1.
pub(super) fn draw(seed: u64, rule: usize, actor: &Actor, ordinal: u64) -> f64 {
    let mut state = seed;
    let mut stir = |word: u64| state = scramble(state ^ word);
    stir(rule as u64);
    actor.name().bytes().for_each(|byte| stir(u64::from(byte)));
    // An end mark, so that the name and what follows cannot be confused.
    stir(u64::MAX);
    stir(ordinal);
    // 32 bits are exact in a float, and fine enough for a chance.
    let bits = u32::try_from(state >> 32).expect("a shifted u64 has 32 bits left");
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// One step of `SplitMix64`.
fn scramble(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
