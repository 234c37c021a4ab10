//! Stub.
use sparring_mock_server::contract::Contract;
use sparring_mock_server::journal::{Actor, Record};
use tokio::sync::mpsc;
/// x
pub struct ProbeOptions {
    /// a
    pub actor: Actor,
    /// b
    pub url: String,
    /// c
    pub contract: &'static Contract,
    /// d
    pub setup: crate::spec::model::ProbeSetup,
}
/// x
pub struct Probe;
impl Probe {
    /// n
    pub fn new(_: ProbeOptions, _: mpsc::UnboundedSender<Record>) -> Self {
        Self
    }
    /// a
    pub async fn act(
        &mut self,
        _: &str,
        _: &serde_json::Map<String, serde_json::Value>,
        _: Option<&str>,
    ) -> Result<(), String> {
        Ok(())
    }
}
