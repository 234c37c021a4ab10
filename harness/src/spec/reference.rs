//! `${name.field}` inside scalars: where it stands and what it names.
//!
//! Knows neither axes nor records; those who do follow the parts.

/// Part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// As it stands.
    Literal(&'t str),
    /// A reference.
    Reference(Target<'t>),
}

/// What a reference names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target<'t> {
    /// As it was written, `${` and `}` included.
    pub(super) raw: &'t str,
    /// Before the first dot: a record or `axes`.
    pub(super) name: &'t str,
    /// Behind it.
    pub(super) path: Vec<&'t str>,
}

/// The name that stands for the axes of the file, and for no record.
pub(super) const AXES: &str = "axes";

/// Cuts a text at its references; the error is the malformed one.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, &str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let end = rest[start..].find('}').ok_or(&rest[start..])? + start + 1;
        if start > 0 {
            parts.push(Part::Literal(&rest[..start]));
        }
        parts.push(Part::Reference(target(&rest[start..end])?));
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest));
    }
    Ok(parts)
}

/// Whether a text holds a reference, well-formed or not.
pub(super) fn occurs_in(text: &str) -> bool {
    text.contains("${")
}

/// Whether a text can be the name of a record.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn target(raw: &str) -> Result<Target<'_>, &str> {
    let mut steps = raw["${".len()..raw.len() - 1].split('.');
    let name = steps.next().filter(|name| is_name(name)).ok_or(raw)?;
    let path: Vec<&str> = steps.collect();
    if path.iter().any(|step| step.is_empty()) { Err(raw) } else { Ok(Target { raw, name, path }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("plain", "'plain'")]
    #[case("", "")]
    #[case("${a.b.0}", "a>b>0")]
    #[case("x ${a.b}y${c.d}", "'x ' a>b 'y' c>d")]
    #[case("$ {", "'$ {'")]
    #[case("${first}", "first")]
    fn texts_are_cut_at_their_references(#[case] text: &str, #[case] expected: &str) {
        let shown: Vec<String> = parts(text)
            .expect("well-formed")
            .into_iter()
            .map(|part| match part {
                Part::Literal(text) => format!("'{text}'"),
                Part::Reference(target) => [vec![target.name], target.path].concat().join(">"),
            })
            .collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[rstest]
    #[case("x ${a.b", "${a.b")]
    #[case("${}", "${}")]
    #[case("${a..b}", "${a..b}")]
    #[case("${a b}", "${a b}")]
    fn a_malformed_reference_is_named(#[case] text: &str, #[case] malformed: &str) {
        assert_eq!(parts(text), Err(malformed));
    }
}
