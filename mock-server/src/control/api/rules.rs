//! Rules: what goes wrong, on which attempts, when.
//!
//! A rule is the same flat map as in a script file. Every change is one step: no connection meets half of it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::super::Desk;
use super::super::input::{Input, Query, answer};
use super::super::problem::Problem;
use crate::script::{Armed, Fault, Rule, read_rules};
use crate::values::FieldError;

/// Rules that may be in force at once: each is looked at at every stage of every connection.
const MOST: usize = 1_000;

/// A rule in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleInForce {
    /// Its index, which is that of its records in the journal.
    index: usize,
    /// The rule as a flat map.
    #[schema(value_type = AnyRule)]
    rule: Map<String, Value>,
    /// The rule as `sparring serve --fault` takes it.
    #[schema(example = "silent-auth attempts=1-2")]
    line: String,
    /// How often it has fired.
    fired: u64,
}

impl From<Armed> for RuleInForce {
    fn from(Armed { index, rule, fired }: Armed) -> Self {
        Self { index, rule: rule.to_map(), line: rule.to_string(), fired }
    }
}

/// The rules in force, in the order in which they have their say.
#[utoipa::path(get, path = "/rules", operation_id = "list_rules", tag = "rules", responses((status = OK, body = Vec<RuleInForce>)))]
pub(crate) async fn list(State(desk): State<Arc<Desk>>) -> Response {
    answer(StatusCode::OK, &in_force(&desk))
}

/// One rule in force.
#[utoipa::path(get, path = "/rules/{index}", operation_id = "get_rule", tag = "rules", params(("index" = usize, Path, description = "Its index")),
    responses((status = OK, body = RuleInForce), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn one(State(desk): State<Arc<Desk>>, Path(index): Path<String>) -> Result<Response, Problem> {
    let rule = in_force(&desk).into_iter().find(|rule| rule.index.to_string() == index);
    rule.map(|rule| answer(StatusCode::OK, &rule)).ok_or_else(|| missing(&index))
}

/// Arms a rule, or a list of them, behind those in force.
///
/// They are in force when the answer comes.
#[utoipa::path(post, path = "/rules", operation_id = "add_rules", tag = "rules", request_body = Rules,
    responses((status = CREATED, body = Vec<RuleInForce>), (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn add(State(desk): State<Arc<Desk>>, input: Input) -> Result<Response, Problem> {
    let rules = read(&desk, input, desk.house.shared.script.rules().len())?;
    let first = desk.house.arm(rules);
    let new = in_force(&desk).into_iter().filter(|rule| rule.index >= first).collect::<Vec<_>>();
    Ok(answer(StatusCode::CREATED, &new))
}

/// Puts a list of rules in the place of all that are in force, in one step.
///
/// Every rule begins anew, also one that was in force before: what it has done is forgotten.
#[utoipa::path(put, path = "/rules", operation_id = "replace_rules", tag = "rules", request_body = Rules,
    responses((status = OK, body = Vec<RuleInForce>), (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn replace(State(desk): State<Arc<Desk>>, input: Input) -> Result<Response, Problem> {
    let rules = read(&desk, input, 0)?;
    desk.house.replace(rules);
    Ok(answer(StatusCode::OK, &in_force(&desk)))
}

/// Disarms all rules, or those of one fault: they fire no more, and lasting effects are undone.
#[utoipa::path(delete, path = "/rules", operation_id = "remove_rules", tag = "rules", params(("fault" = Option<String>, Query, description = "Only the rules of this fault")),
    responses((status = OK, description = "How many were disarmed", body = Disarmed), (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn clear(State(desk): State<Arc<Desk>>, uri: Uri) -> Result<Response, Problem> {
    let script = &desk.house.shared.script;
    let fault = Query::of(&uri).read(&["fault"], |fields| {
        let fault = fields.text("fault", "the id of a fault");
        if let Some(wrong) = fault.as_deref().filter(|id| Fault::describe(id).is_none()) {
            fields.refuse(FieldError::unknown("fault", wrong, "a fault", Fault::ids()));
        }
        fault
    })?;
    let disarmed = fault.map_or_else(|| script.clear(), |fault| script.disarm(&fault));
    Ok(answer(StatusCode::OK, &Disarmed { disarmed }))
}

/// Disarms one rule: it fires no more, and a lasting effect is undone.
#[utoipa::path(delete, path = "/rules/{index}", operation_id = "remove_rule", tag = "rules", params(("index" = usize, Path, description = "Its index")),
    responses((status = OK, body = Disarmed), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn remove(State(desk): State<Arc<Desk>>, Path(index): Path<String>) -> Result<Response, Problem> {
    let number = index.parse().ok();
    number.and_then(|number| desk.house.shared.script.remove(number)).ok_or_else(|| missing(&index))?;
    Ok(answer(StatusCode::OK, &Disarmed { disarmed: 1 }))
}

/// How many rules were disarmed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Disarmed {
    disarmed: usize,
}

/// A rule; its schema is made of the catalogue of faults.
#[derive(Debug, ToSchema)]
#[schema(as = Rule)]
#[expect(dead_code, reason = "it only names a value in the OpenAPI document")]
pub(crate) struct AnyRule(Value);

/// One rule or a list of them; JSON, or YAML as in a script file.
#[derive(Debug, ToSchema)]
#[schema(value_type = Vec<AnyRule>)]
#[expect(dead_code, reason = "it only names the body in the OpenAPI document")]
pub(crate) struct Rules(Value);

fn in_force(desk: &Desk) -> Vec<RuleInForce> {
    desk.house.shared.script.list().into_iter().map(RuleInForce::from).collect()
}

fn missing(index: &str) -> Problem {
    Problem::not_found(format!("no rule of index `{index}` is in force"))
}

/// Reads rules that fit the system; all that is wrong with them at once.
fn read(desk: &Desk, Input(value): Input, present: usize) -> Result<Vec<Rule>, Problem> {
    let value = if value.is_object() { json!([value]) } else { value };
    let rules = read_rules(&value).map_err(Problem::wrong)?;
    desk.house.fit(&rules).map_err(Problem::wrong)?;
    if present + rules.len() > MOST {
        return Err(Problem::conflict(format!("no more than {MOST} rules can be in force")));
    }
    Ok(rules)
}
