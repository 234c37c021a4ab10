//! JSON values of every kind, small and not too deep.

use std::ops::Bound::Unbounded;

use bolero::{Driver, ValueGenerator};
use serde_json::{Map, Number, Value};

use super::Words;
use super::text::below;

/// Lists and maps in lists and maps.
const DEPTH: usize = 3;
/// Most members of a list or map.
const MEMBERS: usize = 4;

/// Any value; texts and keys are made of these words.
#[derive(Debug, Clone, Copy)]
pub struct Json(pub &'static [&'static str]);

impl ValueGenerator for Json {
    type Output = Value;

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<Value> {
        self.value(driver, DEPTH)
    }
}

impl Json {
    fn value<D: Driver>(self, driver: &mut D, depth: usize) -> Option<Value> {
        Some(match below(driver, if depth == 0 { 6 } else { 8 })? {
            0 => Value::Null,
            1 => Value::Bool(driver.gen_bool(None)?),
            2 => Value::from(driver.gen_i64(Unbounded, Unbounded)?),
            3 => Value::from(driver.gen_u8(Unbounded, Unbounded)?),
            4 => Number::from_f64(driver.gen_f64(Unbounded, Unbounded)?).map_or(Value::Null, Value::Number),
            5 => Value::String(Words(self.0).generate(driver)?),
            6 => Value::Array(
                (0..below(driver, MEMBERS)?).map(|_| self.value(driver, depth - 1)).collect::<Option<_>>()?,
            ),
            _ => Value::Object(self.members(driver, depth - 1)?),
        })
    }

    fn members<D: Driver>(self, driver: &mut D, depth: usize) -> Option<Map<String, Value>> {
        let member = |driver: &mut D| Some((Words(self.0).generate(driver)?, self.value(driver, depth)?));
        (0..below(driver, MEMBERS)?).map(|_| member(driver)).collect()
    }
}
