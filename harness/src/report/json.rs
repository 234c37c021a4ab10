//! `results.json`: [`Results`] as they are, except that tokens are cut. The form is `results.schema.json` beside this
//! crate's manifest, made from the types.

use std::io::{self, Write};

use super::results::Results;
use crate::secrets;

/// Writes the results, ending with a line feed.
pub fn write(results: &Results, writer: &mut dyn Write) -> io::Result<()> {
    let mut value = serde_json::to_value(results)?;
    secrets::cut_value(&mut value);
    serde_json::to_writer_pretty(&mut *writer, &value)?;
    writer.write_all(b"\n")
}

/// The JSON Schema of the results.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Results).to_value();
    schema["title"] = "The results of a run of Sparring".into();
    // The standard library's type brings no words of its own.
    schema["$defs"]["Duration"]["properties"]["secs"]["description"] = "Whole seconds.".into();
    schema["$defs"]["Duration"]["properties"]["nanos"]["description"] = "Nanoseconds beyond them.".into();
    schema
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::report::sample;

    fn written(results: &Results) -> String {
        let mut bytes = Vec::new();
        write(results, &mut bytes).expect("a vector takes all");
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }

    #[test]
    fn the_schema_file_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("results.schema.json");
        let expected = format!("{:#}\n", schema());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &expected).expect("the crate's folder can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == expected, "results.schema.json is stale: run this test with UPDATE_SCHEMA=1");
    }

    #[test]
    fn what_is_written_fits_the_schema_and_reads_back() {
        let text = written(&sample::results());
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let validator = jsonschema::validator_for(&schema()).expect("a well-formed schema");
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let back: Results = serde_json::from_str(&text).expect("the form that was written");
        assert_eq!(written(&back), text);
    }

    #[test]
    fn whole_tokens_stay_inside() {
        let results = sample::results();
        let whole = serde_json::to_string(&results).expect("JSON");
        assert!(whole.contains(sample::TOKEN), "the sample must hold a token");
        assert!(!written(&results).contains(&sample::TOKEN[..11]));
    }

    #[test]
    fn every_field_is_described() {
        let mut silent = Vec::new();
        undescribed(&schema(), "", &mut silent);
        assert!(silent.is_empty(), "without description: {silent:#?}");
    }

    /// Names of properties that tell nothing of themselves: neither in their own place nor, where they are the tag of an
    /// alternative or all that there is of it, beside the alternative.
    fn undescribed(value: &Value, path: &str, silent: &mut Vec<String>) {
        if let Some(properties) = value["properties"].as_object() {
            let alternative = properties.len() == 1 && value.get("description").is_some();
            let told = |one: &Value| alternative || one.get("description").is_some() || one.get("const").is_some();
            silent.extend(properties.iter().filter(|(_, one)| !told(one)).map(|(name, _)| format!("{path}/{name}")));
        }
        match value {
            Value::Object(map) => {
                for (name, one) in map {
                    undescribed(one, &format!("{path}/{name}"), silent);
                }
            }
            Value::Array(list) => {
                for one in list {
                    undescribed(one, path, silent);
                }
            }
            _ => {}
        }
    }
}
