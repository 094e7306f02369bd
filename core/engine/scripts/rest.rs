//! Who is not asked because it failed again and again: such a script rests for a while, and meanwhile the hook's policy
//! stands in its place in the order. Pure; `tally` knows who rests, `calls` asks the others.

use std::time::Duration;

use super::calls::{Asked, Verdict};
use super::serving::Member;
use crate::catalog::hooks::{BREAKER_FAILURES, BREAKER_WINDOW, Hook, Policy};

/// The scripts of one call in their order, each with the time for which it still rests.
pub struct Order(Vec<(Member, Option<Duration>)>);

impl Order {
    /// The order, looked at once, so that who rests does so for the whole call.
    pub fn of(hook: &Hook, members: Vec<Member>, rest: impl Fn(&Member) -> Option<Duration>) -> Self {
        let with_rest = |one: Member| {
            let left = rest(&one);
            (one, left)
        };
        let mut order: Vec<_> = members.into_iter().map(with_rest).collect();
        let first = order.iter().position(|(_, rest)| rest.is_some());
        if let Some(first) = first.filter(|_| hook.policy == Policy::Closed) {
            // Nobody behind it is asked: unless one before it decides, the call ends there.
            order.truncate(first + 1);
        }
        Self(order)
    }

    /// Those that are asked.
    pub fn awake(&self) -> Vec<Member> {
        self.0.iter().filter(|(_, rest)| rest.is_none()).map(|(one, _)| one.clone()).collect()
    }

    /// What those that were asked did, with those that rest in their places.
    pub fn with_resting(&self, hook: &Hook, asked: Vec<Asked>, number: &str) -> Vec<Asked> {
        let mut number = number.to_owned();
        let mut asked = asked.into_iter().peekable();
        let mut all: Vec<Asked> = Vec::new();
        for (member, rest) in &self.0 {
            let one = match rest {
                Some(_) if all.last().is_some_and(|one| ends(hook, one.verdict)) => break,
                Some(left) => Some(Asked::failed(member, &number, words(*left))),
                None => asked.next_if(|one| one.script == member.name),
            };
            all.extend(one.inspect(|one| number.clone_from(&one.after)));
        }
        all.extend(asked);
        all
    }
}

/// Whether nobody is asked after that.
pub fn ends(hook: &Hook, verdict: Verdict) -> bool {
    match verdict {
        Verdict::Allowed | Verdict::Rejected => true,
        Verdict::Failed => hook.policy == Policy::Closed,
        Verdict::NoOpinion | Verdict::Changed => false,
    }
}

fn words(left: Duration) -> String {
    let (window, left) = (BREAKER_WINDOW.as_secs(), left.as_secs() + 1);
    format!("it failed {BREAKER_FAILURES} times within {window} s and is not asked for another {left} s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::hooks::{DIAL_ADMIT, DIAL_REWRITE};

    fn member(name: &str) -> Member {
        Member { name: name.to_owned(), version: 1, priority: 0, line: 1 }
    }

    fn order(hook: &Hook, resting: &[&str]) -> Order {
        let rest = |one: &Member| resting.contains(&one.name.as_str()).then_some(Duration::from_secs(9));
        Order::of(hook, ["a", "b", "c"].map(member).to_vec(), rest)
    }

    fn step(name: &str, verdict: Verdict, after: &str) -> Asked {
        Asked { verdict, after: after.to_owned(), ..Asked::failed(&member(name), "1", String::new()) }
    }

    fn seen(all: &[Asked]) -> Vec<(&str, Verdict, &str)> {
        all.iter().map(|one| (one.script.as_str(), one.verdict, one.after.as_str())).collect()
    }

    #[test]
    fn one_that_rests_leaves_the_number_to_the_others() {
        let order = order(DIAL_REWRITE, &["b"]);
        assert_eq!(order.awake(), [member("a"), member("c")]);
        let asked = vec![step("a", Verdict::Changed, "91"), step("c", Verdict::Changed, "891")];
        let all = order.with_resting(DIAL_REWRITE, asked, "1");
        let expected =
            [("a", Verdict::Changed, "91"), ("b", Verdict::Failed, "91"), ("c", Verdict::Changed, "891")];
        assert_eq!(seen(&all), expected);
        assert!(all[1].reason.contains("failed 5 times within 60 s") && all[1].reason.contains("10 s"));
    }

    #[test]
    fn one_that_rests_decides_by_policy_unless_one_before_it_did() {
        let order = order(DIAL_ADMIT, &["b"]);
        assert_eq!(order.awake(), [member("a")]);
        let silent = order.with_resting(DIAL_ADMIT, vec![step("a", Verdict::NoOpinion, "1")], "1");
        assert_eq!(seen(&silent), [("a", Verdict::NoOpinion, "1"), ("b", Verdict::Failed, "1")]);
        let allowed = order.with_resting(DIAL_ADMIT, vec![step("a", Verdict::Allowed, "1")], "1");
        assert_eq!(seen(&allowed), [("a", Verdict::Allowed, "1")]);
    }

    #[test]
    fn where_all_rest_nobody_is_asked() {
        let open = order(DIAL_REWRITE, &["a", "b", "c"]);
        assert_eq!(open.awake(), []);
        assert_eq!(open.with_resting(DIAL_REWRITE, Vec::new(), "1").len(), 3);
        let closed = order(DIAL_ADMIT, &["a", "b", "c"]).with_resting(DIAL_ADMIT, Vec::new(), "1");
        assert_eq!(seen(&closed), [("a", Verdict::Failed, "1")]);
    }
}
