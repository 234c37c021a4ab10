//! The namespaces of a server, who is in them, and their rooms.
//!
//! A broadcast is written once and shared by all who get it, in the order in which they came. Locks are held to look up
//! or change who is where, never while something is sent. Knows nothing of sessions beyond handing them parcels.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::faults::overhear;
use super::member::Member;
use super::packet::{Args, encode_event};
use crate::engine::parcel::Parcel;
use crate::limits;
use crate::script::Direction;
use crate::server::lock;

/// All namespaces of a server; which there are is settled at its start.
#[derive(Debug)]
pub(crate) struct Hub {
    namespaces: Vec<Arc<Namespace>>,
}

/// One namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    /// Its name, which begins with a slash.
    pub(crate) name: &'static str,
    acks: AtomicU64,
    keys: AtomicU32,
    crowd: Mutex<Crowd>,
}

/// Who is there, by the key of each.
#[derive(Debug, Default)]
struct Crowd {
    members: BTreeMap<u32, Seat>,
    rooms: HashMap<Box<str>, BTreeMap<u32, Arc<Member>>>,
}

#[derive(Debug)]
struct Seat {
    member: Arc<Member>,
    rooms: Vec<Box<str>>,
}

/// Who is to get a broadcast: all but those in a room of `except`; with `rooms`, only those in any of them. Each member
/// has a room of its own besides, named by its id.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Audience<'a> {
    /// Those in any of these rooms; none given means everybody.
    pub(crate) rooms: &'a [&'a str],
    /// But not those in any of these.
    pub(crate) except: &'a [&'a str],
}

impl Hub {
    /// A hub with these namespaces.
    pub(crate) fn new(names: &[&'static str]) -> Self {
        Self { namespaces: names.iter().map(|name| Arc::new(Namespace::new(name))).collect() }
    }

    /// The namespace of this name.
    pub(crate) fn namespace(&self, name: &str) -> Option<&Arc<Namespace>> {
        self.namespaces.iter().find(|namespace| namespace.name == name)
    }

    /// Sends an event to everybody in a room, whichever namespace it belongs to.
    pub(crate) fn publish(&self, room: &str, event: &str, args: &Args) {
        for namespace in &self.namespaces {
            namespace.broadcast(Audience { rooms: &[room], except: &[] }, event, args);
        }
    }
}

impl Namespace {
    fn new(name: &'static str) -> Self {
        Self { name, acks: AtomicU64::new(0), keys: AtomicU32::new(0), crowd: Mutex::default() }
    }

    /// Sends an event to all of an audience.
    pub(crate) fn broadcast(&self, audience: Audience<'_>, event: &str, args: &Args) {
        let parcel = encode_event(self.name, None, event, args);
        let chosen = self.audience(audience);
        for member in &chosen {
            member.conn.post(parcel.clone());
        }
        for room in audience.rooms {
            self.leak(room, &chosen, event, &parcel);
        }
    }

    /// Lets rules deliver an event of a room to those outside.
    fn leak(&self, room: &str, inside: &[Arc<Member>], event: &str, parcel: &Parcel) {
        for member in self.audience(Audience::default()) {
            let Some(gate) = member.conn.gate() else { return };
            if !gate.shared.script.is_about(event, Direction::Overheard) {
                return;
            }
            if inside.binary_search_by_key(&member.key, |member| member.key).is_err() {
                overhear(&gate, &member.conn, room, event, parcel);
            }
        }
    }

    /// The next id for an event that asks for an answer.
    pub(super) fn next_ack(&self) -> u64 {
        self.acks.fetch_add(1, Ordering::Relaxed)
    }

    /// An id of the form that the official server gives, and the key that its last four bytes hold.
    pub(super) fn new_id(&self) -> (String, u32) {
        let key = self.keys.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 15];
        bytes[..11].copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[..11]);
        bytes[11..].copy_from_slice(&key.to_be_bytes());
        (BASE64_URL_SAFE_NO_PAD.encode(bytes), key)
    }

    pub(super) fn seat(&self, member: &Arc<Member>) {
        lock(&self.crowd).members.insert(member.key, Seat { member: Arc::clone(member), rooms: Vec::new() });
    }

    pub(super) fn unseat(&self, member: &Member) {
        let mut crowd = lock(&self.crowd);
        let seat = crowd.members.remove(&member.key);
        for room in seat.iter().flat_map(|seat| &seat.rooms) {
            crowd.vacate(room, member.key);
        }
        drop(crowd);
        // Outside the lock: it may be the last that holds the member.
        drop(seat);
    }

    pub(super) fn enter(&self, member: &Member, room: &str) {
        let mut crowd = lock(&self.crowd);
        let Some(seat) = crowd.members.get_mut(&member.key) else { return };
        let known = seat.rooms.iter().any(|known| **known == *room);
        if known || seat.rooms.len() >= limits::ROOMS || room.len() > limits::ROOM {
            return;
        }
        seat.rooms.push(room.into());
        let member = Arc::clone(&seat.member);
        crowd.rooms.entry(room.into()).or_default().insert(member.key, member);
    }

    pub(super) fn exit(&self, member: &Member, room: &str) {
        let mut crowd = lock(&self.crowd);
        let Some(seat) = crowd.members.get_mut(&member.key) else { return };
        seat.rooms.retain(|known| **known != *room);
        crowd.vacate(room, member.key);
    }

    fn audience(&self, audience: Audience<'_>) -> Vec<Arc<Member>> {
        let crowd = lock(&self.crowd);
        let mut chosen: Vec<Arc<Member>> = match audience.rooms {
            [] => crowd.members.values().map(|seat| Arc::clone(&seat.member)).collect(),
            rooms => {
                let all: BTreeMap<u32, &Arc<Member>> = rooms.iter().flat_map(|room| crowd.room(room)).collect();
                all.into_values().cloned().collect()
            }
        };
        for room in audience.except {
            let excepted: Vec<u32> = crowd.room(room).map(|(key, _)| key).collect();
            chosen.retain(|member| excepted.binary_search(&member.key).is_err());
        }
        chosen
    }
}

impl Crowd {
    /// Who is in a room, in the order of arrival; the one whose own room it is comes last.
    fn room(&self, room: &str) -> impl Iterator<Item = (u32, &Arc<Member>)> {
        let entered = self.rooms.get(room).into_iter().flatten().map(|(key, member)| (*key, member));
        entered.chain(self.of_id(room).map(|member| (member.key, member)))
    }

    fn of_id(&self, id: &str) -> Option<&Arc<Member>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(id).ok()?;
        let key = u32::from_be_bytes(bytes.get(11..15)?.try_into().ok()?);
        self.members.get(&key).map(|seat| &seat.member).filter(|member| member.id == id)
    }

    fn vacate(&mut self, room: &str, key: u32) {
        if let Some(members) = self.rooms.get_mut(room) {
            members.remove(&key);
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use rstest::rstest;

    use super::*;
    use crate::engine::conn::Conn;
    use crate::journal::{Actor, Attempt, Journal, Transport};

    fn member(namespace: &Arc<Namespace>) -> Arc<Member> {
        let (journal, sid) = (Arc::new(Journal::default()), String::new());
        let conn = Conn::new(Actor::new("a"), Attempt::default(), sid, Transport::Websocket, Weak::new(), journal);
        let member = Member::new(Arc::clone(namespace), conn);
        member.arrive();
        member
    }

    /// Five members: 1 and 3 are in `odd`, 3 and 4 in `late`, and 2 has left `odd`.
    fn namespace() -> (Arc<Namespace>, Vec<Arc<Member>>) {
        let namespace = Arc::clone(Hub::new(&["/"]).namespace("/").unwrap());
        let members: Vec<_> = (0..5).map(|_| member(&namespace)).collect();
        for (key, room) in [(3, "odd"), (1, "odd"), (2, "odd"), (4, "late"), (3, "late"), (3, "late")] {
            members[key].enter(room);
        }
        members[2].exit("odd");
        (namespace, members)
    }

    #[rstest]
    #[case::everybody(&[], &[], &[0, 1, 2, 3, 4])]
    #[case::a_room(&["odd"], &[], &[1, 3])]
    #[case::rooms_together(&["late", "odd"], &[], &[1, 3, 4])]
    #[case::an_unknown_room(&["none"], &[], &[])]
    #[case::without_a_room(&[], &["odd"], &[0, 2, 4])]
    #[case::a_room_without_another(&["odd"], &["late"], &[1])]
    #[case::one_alone(&["#2"], &[], &[2])]
    #[case::a_room_without_one(&["odd"], &["#3"], &[1])]
    #[case::all_but_one(&[], &["#0"], &[1, 2, 3, 4])]
    fn audiences(#[case] rooms: &[&str], #[case] except: &[&str], #[case] expected: &[u32]) {
        let (namespace, members) = namespace();
        let named = |room: &&str| match room.strip_prefix('#') {
            Some(key) => members[key.parse::<usize>().unwrap()].id.clone(),
            None => (*room).to_owned(),
        };
        let (rooms, except): (Vec<_>, Vec<_>) = (rooms.iter().map(named).collect(), except.iter().map(named).collect());
        let (rooms, except): (Vec<&str>, Vec<&str>) =
            (rooms.iter().map(String::as_str).collect(), except.iter().map(String::as_str).collect());
        let chosen = namespace.audience(Audience { rooms: &rooms, except: &except });
        assert_eq!(chosen.iter().map(|member| member.key).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn who_leaves_is_in_no_room_and_enters_none() {
        let (namespace, members) = namespace();
        assert!(members[3].depart() && !members[3].depart());
        members[3].enter("odd");
        let inside = namespace.audience(Audience { rooms: &["odd", "late", &members[3].id], except: &[] });
        assert_eq!(inside.iter().map(|member| member.key).collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn rooms_are_bounded_and_empty_ones_are_gone() {
        let (namespace, members) = namespace();
        (0..2 * limits::ROOMS).for_each(|number| members[0].enter(&number.to_string()));
        members[0].enter(&"x".repeat(limits::ROOM + 1));
        assert_eq!(lock(&namespace.crowd).rooms.len(), limits::ROOMS + 2);
        members[0].depart();
        assert_eq!(lock(&namespace.crowd).rooms.len(), 2);
    }
}
