//! The adapters of a run: one process a client, shared by its cases, started again when it has ended.
//!
//! Knows nothing of cases.

use std::collections::BTreeMap;

use tokio::sync::Mutex;

use super::adapter::{Adapter, Launch, LaunchError};
use super::warm_up::warm_up;

/// The adapters of a run, by client name.
#[derive(Debug)]
pub struct Fleet {
    seed: u64,
    berths: BTreeMap<String, Berth>,
}

#[derive(Debug)]
struct Berth {
    launch: Launch,
    adapter: Mutex<Option<Adapter>>,
}

impl Fleet {
    /// A fleet in which nothing has started yet.
    pub fn new(launches: impl IntoIterator<Item = Launch>, seed: u64) -> Self {
        let berth = |launch: Launch| (launch.name.clone(), Berth { launch, adapter: Mutex::new(None) });
        Self { seed, berths: launches.into_iter().map(berth).collect() }
    }

    /// The shared adapter of a client, started if it does not run.
    pub async fn shared(&self, client: &str) -> Result<Adapter, LaunchError> {
        let berth = self.berth(client);
        let mut slot = berth.adapter.lock().await;
        if let Some(adapter) = slot.as_ref().filter(|adapter| adapter.ended().is_none()) {
            return Ok(adapter.clone());
        }
        let adapter = self.start(&berth.launch).await?;
        *slot = Some(adapter.clone());
        Ok(adapter)
    }

    /// An adapter for one case alone, so that nothing that another case did can disturb it.
    pub async fn own(&self, client: &str) -> Result<Adapter, LaunchError> {
        self.start(&self.berth(client).launch).await
    }

    /// A running adapter that has been warmed up; cold if that did not go well, so that a case meets the reason.
    async fn start(&self, launch: &Launch) -> Result<Adapter, LaunchError> {
        let adapter = Adapter::start(launch.clone(), self.seed).await?;
        if warm_up(&adapter, launch.speed).await {
            return Ok(adapter);
        }
        drop(adapter);
        Adapter::start(launch.clone(), self.seed).await
    }

    /// Ends every adapter in good order.
    pub async fn stop(&self) {
        for berth in self.berths.values() {
            if let Some(adapter) = berth.adapter.lock().await.take() {
                adapter.stop().await;
            }
        }
    }

    fn berth(&self, client: &str) -> &Berth {
        self.berths.get(client).expect("the plan holds only clients of this run")
    }
}
