//! Tests of tokens: how they are described, and that what is minted is judged as it should be.

mod judging;
mod reading;
