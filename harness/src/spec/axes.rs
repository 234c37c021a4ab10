//! The axes of a file: all combinations of their values, and a tree with the values of one put in.
//!
//! Works on the tree alone; knows nothing of what the values mean.

use super::error::{Diagnostics, Span};
use super::reference::{self, AXES, Part, Target};
use super::tree::{Entry, Node, Yaml};

/// More cases than this from one file are a mistake.
const MAX_COMBINATIONS: usize = 1_000;

/// One value for each axis.
#[derive(Debug, Clone, Default)]
pub(super) struct Combination<'n> {
    choices: Vec<Choice<'n>>,
}

#[derive(Debug, Clone)]
struct Choice<'n> {
    axis: &'n str,
    label: String,
    value: &'n Node,
}

impl Combination<'_> {
    /// What the id of the case ends in: `[label,label]`, or nothing for a file without axes.
    pub(super) fn suffix(&self) -> String {
        if self.choices.is_empty() {
            return String::new();
        }
        let labels: Vec<&str> = self.choices.iter().map(|choice| choice.label.as_str()).collect();
        format!("[{}]", labels.join(","))
    }
}

/// All combinations, the first axis changing slowest; a single empty one without axes.
pub(super) fn combinations<'n>(axes: Option<&'n Node>, diagnostics: &mut Diagnostics) -> Vec<Combination<'n>> {
    let mut combinations = vec![Combination::default()];
    let Some(axes) = axes.filter(|axes| !axes.is_broken()) else { return combinations };
    let Some(entries) = axes.as_map() else {
        diagnostics.error(axes.span, format!("expected a map of names to values, found {}", axes.shown()));
        return combinations;
    };
    for entry in entries {
        refuse_nested(&entry.value, diagnostics);
        let choices = choices(entry, diagnostics);
        if combinations.len().saturating_mul(choices.len()) > MAX_COMBINATIONS {
            diagnostics.error(entry.key_span, format!("the axes make more than {MAX_COMBINATIONS} cases"));
            return combinations;
        }
        combinations = combinations
            .iter()
            .flat_map(|combination| choices.iter().map(move |choice| extended(combination, choice)))
            .collect();
    }
    combinations
}

fn extended<'n>(combination: &Combination<'n>, choice: &Choice<'n>) -> Combination<'n> {
    let mut choices = combination.choices.clone();
    choices.push(choice.clone());
    Combination { choices }
}

fn choices<'n>(entry: &'n Entry, diagnostics: &mut Diagnostics) -> Vec<Choice<'n>> {
    let axis = entry.key.as_str();
    if !reference::is_name(axis) {
        diagnostics.error(entry.key_span, format!("`{axis}` is no name: letters, digits, `-` and `_`"));
    }
    let choices: Vec<Choice<'n>> = match &entry.value.value {
        Yaml::Map(values) => {
            values.iter().map(|one| Choice { axis, label: one.key.clone(), value: &one.value }).collect()
        }
        Yaml::List(values) => values.iter().filter_map(|value| labelled(axis, value, diagnostics)).collect(),
        Yaml::Broken => Vec::new(),
        _ => {
            let message =
                format!("expected a list of scalars or a map of labels to values, found {}", entry.value.shown());
            diagnostics.error(entry.value.span, message);
            Vec::new()
        }
    };
    if choices.is_empty() {
        if matches!(&entry.value.value, Yaml::List(items) if items.is_empty())
            || matches!(&entry.value.value, Yaml::Map(entries) if entries.is_empty())
        {
            diagnostics.error(entry.key_span, format!("axis `{axis}` has no value"));
        }
        // A broken value keeps the rest of the file readable without a second error at each use.
        return vec![Choice { axis, label: String::new(), value: &BROKEN }];
    }
    choices
}

static BROKEN: Node = Node { value: Yaml::Broken, span: Span { start: 0, end: 0 } };

fn labelled<'n>(axis: &'n str, value: &'n Node, diagnostics: &mut Diagnostics) -> Option<Choice<'n>> {
    let label = value.scalar_text();
    if label.is_none() && !value.is_broken() {
        let message = format!("expected a scalar, found {}", value.shown());
        diagnostics.error_with_help(value.span, message, "give it a label: make the axis a map of labels to values");
    }
    Some(Choice { axis, label: label?, value })
}

/// The values of an axis are put in as they stand, so that no axis can lean on another.
fn refuse_nested(node: &Node, diagnostics: &mut Diagnostics) {
    match &node.value {
        Yaml::List(items) => items.iter().for_each(|item| refuse_nested(item, diagnostics)),
        Yaml::Map(entries) => entries.iter().for_each(|entry| refuse_nested(&entry.value, diagnostics)),
        Yaml::Text(text) => match reference::parts(text) {
            Err(malformed) => report_malformed(node.span, malformed, diagnostics),
            Ok(parts) if parts.iter().any(|part| matches!(part, Part::Reference(to) if to.name == AXES)) => {
                diagnostics.error(node.span, "an axis cannot refer to an axis");
            }
            Ok(_) => {}
        },
        _ => {}
    }
}

fn report_malformed(span: Span, malformed: &str, diagnostics: &mut Diagnostics) {
    let message = format!("malformed reference `{malformed}`");
    diagnostics.error_with_help(span, message, "references look like ${name.field} or ${axes.name}");
}

/// The tree with the values of a combination in the place of its references to axes.
pub(super) fn put_in(node: &Node, combination: &Combination<'_>, diagnostics: &mut Diagnostics) -> Node {
    let value = match &node.value {
        Yaml::List(items) => {
            Yaml::List(items.iter().flat_map(|item| spliced(item, combination, diagnostics)).collect())
        }
        Yaml::Map(entries) => Yaml::Map(
            entries
                .iter()
                .map(|entry| Entry { value: put_in(&entry.value, combination, diagnostics), ..entry.clone() })
                .collect(),
        ),
        Yaml::Text(text) if reference::occurs_in(text) => {
            return put_in_text(node, text, combination, diagnostics);
        }
        other => other.clone(),
    };
    Node { value, span: node.span }
}

/// An item of a list: a reference to a list stands for its items.
fn spliced(item: &Node, combination: &Combination<'_>, diagnostics: &mut Diagnostics) -> Vec<Node> {
    let refers = item.as_text().is_some_and(reference::occurs_in);
    match put_in(item, combination, diagnostics) {
        Node { value: Yaml::List(items), .. } if refers => items,
        node => vec![node],
    }
}

fn put_in_text(node: &Node, text: &str, combination: &Combination<'_>, diagnostics: &mut Diagnostics) -> Node {
    let parts = match reference::parts(text) {
        Ok(parts) => parts,
        Err(malformed) => {
            report_malformed(node.span, malformed, diagnostics);
            return Node::broken(node.span);
        }
    };
    if let [Part::Reference(target)] = parts.as_slice() {
        if target.name != AXES {
            return node.clone();
        }
        return follow(target, combination, node.span, diagnostics).cloned().unwrap_or(Node::broken(node.span));
    }
    let mut joined = String::new();
    for part in parts {
        match part {
            Part::Literal(text) => joined.push_str(text),
            Part::Reference(target) if target.name != AXES => joined.push_str(target.raw),
            Part::Reference(target) => match text_of(&target, combination, node.span, diagnostics) {
                Some(text) => joined.push_str(&text),
                None => return Node::broken(node.span),
            },
        }
    }
    Node { value: Yaml::Text(joined), span: node.span }
}

fn text_of(
    target: &Target<'_>,
    combination: &Combination<'_>,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let value = follow(target, combination, span, diagnostics)?;
    let text = value.scalar_text();
    if text.is_none() && !value.is_broken() {
        diagnostics.error(span, format!("`{}` is {}, which cannot stand inside a text", target.raw, value.shown()));
    }
    text
}

fn follow<'n>(
    target: &Target<'_>,
    combination: &Combination<'n>,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Option<&'n Node> {
    let Some((axis, path)) = target.path.split_first() else {
        diagnostics.error(span, format!("`{}` names no axis", target.raw));
        return None;
    };
    let Some(choice) = combination.choices.iter().find(|choice| choice.axis == *axis) else {
        diagnostics.unknown(span, "axis", axis, combination.choices.iter().map(|choice| choice.axis));
        return None;
    };
    let found = path.iter().try_fold(choice.value, |node, step| match &node.value {
        Yaml::List(items) => items.get(step.parse::<usize>().ok()?),
        _ => node.get(step),
    });
    if found.is_none() && !choice.value.has_broken() {
        let message = format!("`{}` leads nowhere for label `{}` of axis `{axis}`", target.raw, choice.label);
        diagnostics.error(span, message);
    }
    found
}
