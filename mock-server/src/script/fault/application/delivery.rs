//! Faults of the delivery of users' messages: missed ones, and ones that nobody gets.

use std::num::NonZeroU32;

use crate::script::fault::define::{Keys, fault};
use crate::script::fault::param::choice;

choice! {
    /// In which order missed messages come.
    pub enum QueueOrder {
        /// As they were written.
        Creation = "creation",
        /// The first of them comes last.
        Shuffled = "shuffled",
    }
}

choice! {
    /// How missed messages reach their user.
    pub enum QueueVia {
        /// As events, right after the connection is established.
        Events = "events",
        /// When the client asks the REST endpoint for them.
        Rest = "rest",
    }
}

fault! {
    /// The user finds messages that came while it had no connection; `after` is counted from when the connection is
    /// established.
    pub struct OfflineQueue {
        /// How many.
        pub messages: NonZeroU32 = NonZeroU32::MIN.saturating_add(2),
        /// In which order events bring them.
        pub order: QueueOrder = QueueOrder::Creation,
        /// How they reach the user.
        pub via: QueueVia = QueueVia::Events,
    }
    id: "offline-queue",
    family: "application",
    stage: Ready,
    keys: Keys::CONNECTION,
    scope: Messages,
}

fault! {
    /// A message that the user has posted is delivered to nobody else and ends in status FAILED, of which the user is
    /// told; `after` is counted from when it was posted.
    pub struct DeliveryFailure {
        /// The text of the message concerned; absent means every one.
        pub message: Option<String>,
    }
    id: "delivery-failure",
    family: "application",
    stage: Delivery,
    keys: Keys::CONNECTION,
    scope: Messages,
    concerns: |fault, subject| fault.message.is_none() || fault.message.as_deref() == subject.text,
}
