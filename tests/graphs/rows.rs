//! What the rows of `pg_auth_members`, attributes and owners of databases come to: the rules of the server,
//! applied until nothing more follows. Made of sets where the agent searches for paths, so that one can be wrong
//! without the other.

use revoked::domain::graph::Can;
use revoked::domain::residual::Way;
use std::collections::BTreeSet;

/// A row of `pg_auth_members`, by names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) member: String,
    pub(crate) held: String,
    pub(crate) grantor: String,
    pub(crate) inherit: bool,
    #[sqlx(rename = "sets")]
    pub(crate) set: bool,
    pub(crate) admin: bool,
}

/// The rows, and what makes them matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) all: BTreeSet<Row>,
    /// Role and attribute.
    pub(crate) attributes: BTreeSet<(String, String)>,
    /// Database and owner.
    pub(crate) databases: BTreeSet<(String, String)>,
    /// Roles without INHERIT, up to 15: what they are members of they have by SET ROLE.
    pub(crate) reserved: BTreeSet<String>,
}

type Names<'a> = BTreeSet<&'a str>;

/// What a role comes to by rows. None of the sets but `admins` leaves out the role itself.
#[derive(Debug)]
pub(crate) struct Closure<'a> {
    pub(crate) start: &'a str,
    /// Whose rights it has.
    pub(crate) uses: Names<'a>,
    /// Whom it can SET ROLE to.
    pub(crate) sets: Names<'a>,
    /// Whose rights it has, after SET ROLE to one of them.
    pub(crate) acts: Names<'a>,
    /// What it can grant.
    pub(crate) admins: Names<'a>,
    /// Whom it can SET ROLE to after granting itself what it can.
    pub(crate) regained: Names<'a>,
    /// Whose rights it has then.
    pub(crate) regained_acts: Names<'a>,
    /// What it counts as a member of.
    pub(crate) listed: Names<'a>,
}

impl Rows {
    pub(crate) fn has(&self, role: &str, attribute: &str) -> bool {
        self.attributes.contains(&(role.to_owned(), attribute.to_owned()))
    }

    pub(crate) fn superuser(&self, role: &str) -> bool {
        self.has(role, "SUPERUSER")
    }

    /// Everything that such rows lead to from there, the beginning included.
    fn closed<'a>(&'a self, from: &Names<'a>, such: impl Fn(&Row) -> bool) -> Names<'a> {
        let mut closed = from.clone();
        loop {
            let before = closed.len();
            for row in self.all.iter().filter(|row| such(row)) {
                if closed.contains(row.member.as_str()) {
                    closed.insert(&row.held);
                }
            }
            if closed.len() == before {
                return closed;
            }
        }
    }

    /// What those whose rights these are may grant: a superuser is only a superuser's to grant.
    fn grants<'a>(&'a self, acts: &Names<'a>) -> Names<'a> {
        let admin = self.all.iter().filter(|row| row.admin && acts.contains(row.member.as_str()));
        admin.map(|row| row.held.as_str()).filter(|held| !self.superuser(held)).collect()
    }

    pub(crate) fn closure<'a>(&'a self, start: &'a str) -> Closure<'a> {
        let itself = Names::from([start]);
        let uses = self.closed(&itself, |row| row.inherit);
        let sets = self.closed(&itself, |row| row.set);
        let acts = self.closed(&sets, |row| row.inherit);
        let mut admins = self.grants(&acts);
        admins.remove(start);
        let mut regained = sets.clone();
        let regained_acts = loop {
            let acts = self.closed(&regained, |row| row.inherit);
            let more: Names<'a> = &regained | &self.grants(&acts);
            let more = self.closed(&more, |row| row.set);
            if more == regained {
                break acts;
            }
            regained = more;
        };
        let listed = self.closed(&itself, |_| true);
        Closure { start, uses, sets, acts, admins, regained, regained_acts, listed }
    }

    /// Attributes that a role can take, and has not itself.
    pub(crate) fn attributes(&self, closure: &Closure<'_>, major: u32) -> BTreeSet<&str> {
        let taken = |attribute: &str| closure.regained.iter().any(|role| self.has(role, attribute));
        let mut attributes: BTreeSet<&str> =
            self.attributes.iter().map(|(_, a)| a.as_str()).filter(|a| taken(a)).collect();
        if major < 16 && taken("CREATEROLE") && self.all.iter().any(|row| self.lends(row)) {
            attributes.insert("SUPERUSER");
        }
        attributes.retain(|attribute| !self.has(closure.start, attribute));
        attributes
    }

    /// A superuser is held by one who is none: whoever may grant the latter may have the former.
    fn lends(&self, row: &Row) -> bool {
        self.superuser(&row.held) && !self.superuser(&row.member)
    }

    /// Databases in which a role can be `pg_database_owner`. With SET ROLE to a superuser it has everything,
    /// so that its databases need no word; a superuser is more than any owner.
    pub(crate) fn owned(&self, closure: &Closure<'_>, major: u32) -> BTreeSet<&str> {
        if major < 14 || self.superuser(closure.start) {
            return BTreeSet::new();
        }
        let counts = |owner: &str| {
            let set = closure.sets.contains(owner) && !closure.uses.contains(owner);
            closure.regained_acts.contains(owner) && !(set && self.superuser(owner))
        };
        let owned = self.databases.iter().filter(|(_, owner)| counts(owner));
        owned.map(|(database, _)| database.as_str()).collect()
    }

    fn hop(&self, member: &str, held: &str, such: impl Fn(&Row) -> bool) -> bool {
        self.all.iter().any(|row| row.member == member && row.held == held && such(row))
    }

    /// Who granted the first step of a way, where that is not the first superuser.
    pub(crate) fn blamed(&self, start: &str, first: &str, by: &str) -> bool {
        self.hop(start, first, |row| row.grantor == by && by != "postgres")
    }

    /// Whether rows lead along these roles, and let it do at their end what the way says.
    pub(crate) fn leads(&self, start: &str, roles: &[&str], way: &Way, major: u32) -> bool {
        let at = way.at.as_deref();
        let member = |hop: usize| hop.checked_sub(1).map_or(start, |before| roles[before]);
        let inherit = |hop: usize| self.hop(member(hop), roles[hop], |row| row.inherit);
        let set = |hop: usize| self.hop(member(hop), roles[hop], |row| row.set);
        let admin = |hop: usize| {
            self.hop(member(hop), roles[hop], |row| row.admin) && !self.superuser(roles[hop])
        };
        let (from, to) = (0, roles.len());
        let acts = |until: usize| {
            (from..=until).any(|turn| (from..turn).all(set) && (turn..until).all(inherit))
        };
        let regains = |from: usize| {
            let (mut sets, mut uses) = (true, false);
            for hop in from..to {
                (sets, uses) = ((sets && set(hop)) || admin(hop), (sets || uses) && inherit(hop));
                if !sets && !uses {
                    return false;
                }
            }
            true
        };
        match way.can {
            _ if roles.is_empty() => false,
            Can::UsesNow => at.is_none() && (from..to).all(inherit),
            Can::SetRole => at.is_none() && (from..to).all(set),
            Can::AfterSetRole => (1..to).any(|turn| {
                at == Some(roles[turn - 1]) && (from..turn).all(set) && (turn..to).all(inherit)
            }),
            Can::SelfGrant => (from..to).any(|turn| {
                at == Some(roles[turn]) && acts(turn) && admin(turn) && regains(turn + 1)
            }),
            Can::CreateRole => major < 16 && self.created(start, roles, at),
            Can::Listed => {
                at.is_none() && (from..to).all(|hop| self.hop(member(hop), roles[hop], |_| true))
            }
        }
    }

    /// Up to 15: along roles that it can take to one with CREATEROLE, which grants itself `at`, a member of a
    /// superuser.
    fn created(&self, start: &str, roles: &[&str], at: Option<&str>) -> bool {
        let [before @ .., granted, superuser] = roles else { return false };
        let holder = before.last().copied().unwrap_or(start);
        let mut along = std::iter::once(start).chain(before.iter().copied());
        let mut here = along.next().unwrap_or(start);
        let taken = along.all(|next| {
            let hop = self.hop(here, next, |row| row.set || row.admin);
            here = next;
            hop
        });
        taken
            && at == Some(*granted)
            && self.has(holder, "CREATEROLE")
            && !self.superuser(granted)
            && self.superuser(superuser)
            && self.hop(granted, superuser, |row| row.set)
    }
}

impl Closure<'_> {
    /// What a membership in `held` lets it do: nearest first, and no more than that.
    pub(crate) fn cans(&self, held: &str) -> Vec<Can> {
        let now = [(&self.uses, Can::UsesNow), (&self.sets, Can::SetRole)];
        let now: Vec<Can> =
            now.into_iter().filter(|(set, _)| set.contains(held)).map(|(_, can)| can).collect();
        if !now.is_empty() {
            return now;
        }
        let rest = [
            (&self.acts, Can::AfterSetRole),
            (&self.regained_acts, Can::SelfGrant),
            (&self.listed, Can::Listed),
        ];
        rest.into_iter()
            .find(|(set, _)| set.contains(held))
            .map(|(_, can)| can)
            .into_iter()
            .collect()
    }
}
