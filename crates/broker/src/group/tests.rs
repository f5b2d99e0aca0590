use super::*;
use crate::group::member::JoinRequest;

/// Drives one group and keeps the answers.
struct Bench {
    group: Group,
    replies: Replies,
    tickets: Ticket,
    now: u64,
}

const SESSION: u64 = 10_000;
const REBALANCE: u64 = 30_000;

impl Bench {
    fn new(gather_ms: u64) -> Self {
        Self { group: Group::new(gather_ms), replies: Vec::new(), tickets: 0, now: 0 }
    }

    fn request(member_id: &str, offered: &str, instance: Option<&str>, metadata: &str) -> JoinRequest {
        JoinRequest {
            member_id: member_id.to_owned(),
            offered_id: offered.to_owned(),
            instance: instance.map(str::to_owned),
            client_id: "client".to_owned(),
            client_host: "host".to_owned(),
            session_ms: SESSION,
            rebalance_ms: REBALANCE,
            protocol_type: "consumer".to_owned(),
            protocols: vec![("range".to_owned(), Bytes::copy_from_slice(metadata.as_bytes()))],
            id_required: instance.is_none(),
        }
    }

    fn send(&mut self, request: &JoinRequest) -> Ticket {
        self.tickets += 1;
        self.group.join(request, self.tickets, self.now, &mut self.replies);
        self.tickets
    }

    /// The usual two-step first join; returns the ticket of the second step.
    fn enter(&mut self, id: &str) -> Ticket {
        let first = self.send(&Self::request("", id, None, "m"));
        assert_eq!(self.take(first), Some(Reply::Join(Err(JoinFault::IdRequired(id.to_owned())))));
        self.again(id)
    }

    fn again(&mut self, id: &str) -> Ticket {
        self.send(&Self::request(id, "unused", None, "m"))
    }

    fn sync(&mut self, id: &str, generation: i32, assignments: &[(&str, &'static str)]) -> Ticket {
        self.tickets += 1;
        let assignments =
            assignments.iter().map(|(id, to)| ((*id).to_owned(), Bytes::from_static(to.as_bytes())));
        let request = SyncRequest {
            member_id: id.to_owned(),
            instance: None,
            generation,
            protocol_type: None,
            protocol: None,
            assignments: assignments.collect(),
        };
        self.group.sync(&request, self.tickets, self.now, &mut self.replies);
        self.tickets
    }

    fn tick(&mut self, at: u64) {
        self.now = at;
        self.group.tick(at, &mut self.replies);
    }

    fn take(&mut self, ticket: Ticket) -> Option<Reply> {
        let at = self.replies.iter().position(|(of, _)| *of == ticket)?;
        Some(self.replies.remove(at).1)
    }

    fn joined(&mut self, ticket: Ticket) -> Joined {
        match self.take(ticket) {
            Some(Reply::Join(Ok(joined))) => joined,
            other => panic!("not joined: {other:?}"),
        }
    }

    fn synced(&mut self, ticket: Ticket) -> Result<Bytes, ResponseError> {
        match self.take(ticket) {
            Some(Reply::Sync(result)) => result.map(|synced| synced.assignment),
            other => panic!("not synced: {other:?}"),
        }
    }

    fn refused(&mut self, ticket: Ticket) -> ResponseError {
        match self.take(ticket) {
            Some(Reply::Join(Err(JoinFault::Refused(error)))) => error,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// A stable group of "a" (leader) and "b" in generation 2.
    fn stable_pair() -> Self {
        let mut bench = Self::new(0);
        let a = bench.enter("a");
        assert_eq!(bench.joined(a).generation, 1);
        let synced = bench.sync("a", 1, &[("a", "all")]);
        assert_eq!(bench.synced(synced), Ok(Bytes::from_static(b"all")));
        let b = bench.enter("b");
        assert_eq!(bench.take(b), None);
        assert_eq!(bench.group.heartbeat("a", None, 1, 0), Err(ResponseError::RebalanceInProgress));
        let a = bench.again("a");
        let (a, b) = (bench.joined(a), bench.joined(b));
        assert_eq!((a.leader.as_str(), a.members.len()), ("a", 2));
        assert_eq!((b.leader.as_str(), b.members.len()), ("a", 0));
        assert_eq!((a.generation, b.generation), (2, 2));
        let b = bench.sync("b", 2, &[]);
        assert_eq!(bench.take(b), None);
        let a = bench.sync("a", 2, &[("a", "half"), ("b", "other")]);
        assert_eq!(bench.synced(a), Ok(Bytes::from_static(b"half")));
        assert_eq!(bench.synced(b), Ok(Bytes::from_static(b"other")));
        assert_eq!(bench.group.phase, Phase::Stable);
        bench
    }
}

#[test]
fn two_members_reach_a_stable_generation() {
    Bench::stable_pair();
}

#[test]
fn a_follower_that_rejoins_unchanged_gets_the_current_generation() {
    let mut bench = Bench::stable_pair();
    let b = bench.again("b");
    assert_eq!(bench.joined(b).generation, 2);
    assert_eq!(bench.group.phase, Phase::Stable);
    let changed = bench.send(&Bench::request("b", "", None, "other topics"));
    assert_eq!(bench.take(changed), None);
    assert!(matches!(bench.group.phase, Phase::Joining { .. }));
}

#[test]
fn a_leader_that_rejoins_starts_a_rebalance() {
    let mut bench = Bench::stable_pair();
    let a = bench.again("a");
    assert_eq!(bench.take(a), None);
    let b = bench.again("b");
    assert_eq!((bench.joined(a).generation, bench.joined(b).generation), (3, 3));
}

#[test]
fn a_silent_member_expires_and_the_other_takes_over() {
    let mut bench = Bench::stable_pair();
    bench.now = SESSION - 1;
    bench.group.heartbeat("b", None, 2, bench.now).unwrap();
    bench.tick(SESSION);
    assert!(!bench.group.members.contains_key("a"));
    assert_eq!(bench.group.heartbeat("b", None, 2, bench.now), Err(ResponseError::RebalanceInProgress));
    let b = bench.again("b");
    let b = bench.joined(b);
    assert_eq!((b.leader.as_str(), b.generation), ("b", 3));
}

#[test]
fn members_waiting_inside_join_or_sync_do_not_expire() {
    let mut bench = Bench::stable_pair();
    let b = bench.send(&Bench::request("b", "", None, "other topics"));
    bench.now = SESSION - 1;
    bench.group.heartbeat("a", None, 2, bench.now).unwrap_err();
    bench.tick(SESSION + 1);
    assert_eq!(bench.take(b), None, "b waits in join");
    let a = bench.again("a");
    bench.joined(b);
    bench.joined(a);
    let b = bench.sync("b", 3, &[]);
    bench.tick(SESSION * 2 - 5);
    assert!(bench.group.members.contains_key("b"), "b waits in sync");
    assert_eq!(bench.take(b), None);
}

#[test]
fn a_rebalance_leaves_behind_those_who_do_not_come() {
    let mut bench = Bench::stable_pair();
    bench.group.members.values_mut().for_each(|member| member.session_ms = 10 * REBALANCE);
    bench.group.heartbeat("a", None, 2, 0).unwrap();
    let b = bench.send(&Bench::request("b", "", None, "other topics"));
    bench.tick(REBALANCE);
    let joined = bench.joined(b);
    assert_eq!((joined.leader.as_str(), joined.members.len(), joined.generation), ("b", 1, 3));
    let a = bench.again("a");
    assert_eq!(bench.refused(a), ResponseError::UnknownMemberId);
}

#[test]
fn a_leader_that_never_syncs_is_dropped_at_the_deadline() {
    let mut bench = Bench::stable_pair();
    let a = bench.again("a");
    let b = bench.again("b");
    bench.joined(a);
    bench.joined(b);
    bench.group.members.values_mut().for_each(|member| member.expires_at = u64::MAX);
    let b = bench.sync("b", 3, &[]);
    bench.tick(REBALANCE);
    assert_eq!(bench.synced(b), Err(ResponseError::RebalanceInProgress));
    assert_eq!(bench.group.members.keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn leaving_starts_a_rebalance_and_the_last_one_empties_the_group() {
    let mut bench = Bench::stable_pair();
    bench.group.leave("a", None, 0, &mut bench.replies).unwrap();
    assert!(matches!(bench.group.phase, Phase::Joining { .. }));
    bench.group.leave("b", None, 0, &mut bench.replies).unwrap();
    assert_eq!((bench.group.phase, bench.group.generation), (Phase::Empty, 3));
    assert!(bench.group.is_idle());
    assert_eq!(bench.group.leave("b", None, 0, &mut bench.replies), Err(ResponseError::UnknownMemberId));
}

#[test]
fn stale_generations_and_strangers_are_refused() {
    let mut bench = Bench::stable_pair();
    assert_eq!(bench.group.heartbeat("a", None, 1, 0), Err(ResponseError::IllegalGeneration));
    assert_eq!(bench.group.heartbeat("x", None, 2, 0), Err(ResponseError::UnknownMemberId));
    let stale = bench.sync("a", 1, &[]);
    assert_eq!(bench.synced(stale), Err(ResponseError::IllegalGeneration));
    let stranger = bench.again("x");
    assert_eq!(bench.refused(stranger), ResponseError::UnknownMemberId);
    let mut other = Bench::request("", "c", None, "m");
    other.protocols[0].0 = "sticky".to_owned();
    let other = bench.send(&other);
    assert_eq!(bench.refused(other), ResponseError::InconsistentGroupProtocol);
}

#[test]
fn commits_are_checked_for_member_and_generation() {
    let mut bench = Bench::stable_pair();
    let mut check = |member: &str, generation, transactional| {
        bench.group.check_commit(member, None, generation, transactional, 0)
    };
    assert_eq!(check("a", 2, false), Ok(()));
    assert_eq!(check("a", 2, true), Ok(()));
    assert_eq!(check("a", 1, true), Err(ResponseError::IllegalGeneration));
    assert_eq!(check("x", 2, true), Err(ResponseError::UnknownMemberId));
    assert_eq!(check("", -1, true), Ok(()), "a blank member passes inside a transaction, as in Kafka");
    assert_eq!(check("", -1, false), Err(ResponseError::UnknownMemberId));
    let mut empty = Group::new(0);
    assert_eq!(empty.check_commit("", None, -1, false, 0), Ok(()));
    assert_eq!(empty.check_commit("a", None, 3, false, 0), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_static_member_takes_its_seat_back_without_a_rebalance() {
    let mut bench = Bench::new(0);
    let first = bench.send(&Bench::request("", "s-1", Some("s"), "m"));
    assert_eq!(bench.joined(first).member_id, "s-1");
    let request = SyncRequest {
        member_id: "s-1".to_owned(),
        instance: Some("s".to_owned()),
        generation: 1,
        protocol_type: None,
        protocol: None,
        assignments: vec![("s-1".to_owned(), Bytes::from_static(b"all"))],
    };
    bench.group.sync(&request, 99, 0, &mut bench.replies);
    assert_eq!(bench.synced(99), Ok(Bytes::from_static(b"all")));

    let back = bench.send(&Bench::request("", "s-2", Some("s"), "m"));
    let joined = bench.joined(back);
    assert_eq!((joined.member_id.as_str(), joined.generation), ("s-2", 1));
    assert_ne!(joined.leader, "s-2", "it must not assign anew");
    let again = SyncRequest { member_id: "s-2".to_owned(), assignments: Vec::new(), ..request };
    bench.group.sync(&again, 100, 0, &mut bench.replies);
    assert_eq!(bench.synced(100), Ok(Bytes::from_static(b"all")));
    let fenced = bench.group.heartbeat("s-1", Some("s"), 1, 0);
    assert_eq!(fenced, Err(ResponseError::FencedInstanceId));
}

#[test]
fn a_new_group_gathers_members_for_the_initial_delay() {
    let mut bench = Bench::new(3_000);
    let a = bench.enter("a");
    bench.tick(2_000);
    assert_eq!(bench.take(a), None);
    let b = bench.enter("b");
    bench.tick(4_999);
    assert_eq!(bench.take(a), None, "a second member extends the delay");
    bench.tick(5_000);
    assert_eq!((bench.joined(a).generation, bench.joined(b).generation), (1, 1));
}

#[test]
fn a_promised_id_that_is_never_used_does_not_block_for_ever() {
    let mut bench = Bench::stable_pair();
    bench.send(&Bench::request("", "ghost", None, "m"));
    let a = bench.again("a");
    let b = bench.again("b");
    assert_eq!((bench.take(a), bench.take(b)), (None, None));
    bench.tick(SESSION);
    assert_eq!((bench.joined(a).generation, bench.joined(b).generation), (3, 3));
}

#[test]
fn deadlines_are_announced() {
    let mut bench = Bench::stable_pair();
    assert_eq!(bench.group.next_deadline(), Some(SESSION));
    bench.again("a");
    assert_eq!(bench.group.next_deadline(), Some(SESSION));
    bench.again("b");
    assert!(matches!(bench.group.phase, Phase::Syncing { .. }));
}
