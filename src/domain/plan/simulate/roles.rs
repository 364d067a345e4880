//! Memberships: rows per grantor since PostgreSQL 16, one per member before.

use super::world::{World, is_of};
use super::{BTreeSet, K, Membership, Residual};
use crate::domain::plan::quote::ident;
use crate::domain::plan::step::MemberOption;
use crate::domain::residual::Basis;

const PER_GRANTOR: i32 = 160_000;

/// The edge that a direct membership stands for, and those that hang on it, where they are not known.
pub(super) fn complete(edges: &mut Vec<Membership>, found: &Residual, version_num: i32) {
    let (Some(member), Some(role)) = (&found.account.role, &found.privilege) else { return };
    let grantor = found.grantor.clone().unwrap_or_default();
    let admin = found.kind == K::AdminOption;
    let same = |edge: &&mut Membership| {
        edge.role == *role
            && edge.member == *member
            && (version_num < PER_GRANTOR || edge.grantor == grantor)
    };
    if let Some(edge) = edges.iter_mut().find(same) {
        edge.admin |= admin;
    } else {
        edges.push(Membership {
            role: role.clone(),
            member: member.clone(),
            grantor,
            by_bootstrap: false,
            admin,
            inherit: true,
            set: true,
        });
    }
    for other in &found.dependents {
        let Some(name) = &other.grantee else { continue };
        let edge = Membership {
            role: role.clone(),
            member: name.clone(),
            grantor: member.clone(),
            by_bootstrap: false,
            admin: other.grantable,
            inherit: other.inherit.unwrap_or(true),
            set: other.set.unwrap_or(true),
        };
        if !edges.contains(&edge) {
            edges.push(edge);
        }
    }
}

impl World {
    /// Whether the edges that are left still give this.
    pub(super) fn still_member(&self, found: &Residual) -> bool {
        let (Some(member), Some(role)) = (&found.account.role, &found.privilege) else {
            return true;
        };
        match found.basis() {
            Some(Basis::Membership(_)) => {
                let end = if found.kind == K::Membership { Some(role) } else { found.via.last() };
                return end.is_none_or(|end| self.reaches(member, end));
            }
            Some(Basis::CreateRole) => {
                return self.items.iter().any(|item| {
                    item.kind == K::Attribute
                        && is_of(item, member)
                        && item.privilege.as_deref() == Some("CREATEROLE")
                });
            }
            Some(Basis::Ownership(database)) => {
                return self.items.iter().any(|item| {
                    item.kind == K::Ownership
                        && is_of(item, member)
                        && item.class.as_deref() == Some("pg_database")
                        && item
                            .object
                            .as_ref()
                            .is_some_and(|name| *name == database || *name == ident(database))
                });
            }
            None => {}
        }
        self.edges.iter().any(|edge| {
            edge.role == *role
                && edge.member == *member
                && (self.version_num < PER_GRANTOR
                    || found.grantor.as_ref().is_none_or(|by| *by == edge.grantor))
                && (found.kind != K::AdminOption || edge.admin)
        })
    }

    fn reaches(&self, member: &str, role: &str) -> bool {
        let mut seen = BTreeSet::from([member]);
        let mut next = vec![member];
        while let Some(one) = next.pop() {
            for edge in &self.edges {
                let gives = edge.inherit || edge.set || edge.admin;
                if edge.member == one && gives && seen.insert(&edge.role) {
                    next.push(&edge.role);
                }
            }
        }
        seen.contains(role)
    }

    /// A superuser's GRANT makes or changes the row of the bootstrap superuser.
    pub(super) fn grant_role(
        &mut self,
        group: &str,
        member: &str,
        options: &[(MemberOption, bool)],
    ) {
        let one_row = self.version_num < PER_GRANTOR;
        let same = |edge: &&mut Membership| {
            edge.role == group && edge.member == member && (one_row || edge.by_bootstrap)
        };
        let set = |edge: &mut Membership| {
            for (option, on) in options {
                match option {
                    MemberOption::Admin => edge.admin = *on,
                    MemberOption::Inherit => edge.inherit = *on,
                    MemberOption::Set => edge.set = *on,
                }
            }
        };
        if let Some(edge) = self.edges.iter_mut().find(same) {
            return set(edge);
        }
        let bootstrap = self.edges.iter().find(|edge| edge.by_bootstrap);
        let grantor = bootstrap.map_or("a superuser", |edge| edge.grantor.as_str()).to_owned();
        let mut edge = Membership {
            role: group.to_owned(),
            member: member.to_owned(),
            grantor,
            by_bootstrap: true,
            admin: false,
            inherit: true,
            set: true,
        };
        set(&mut edge);
        self.edges.push(edge);
    }

    /// Without GRANTED BY a superuser revokes the row of the bootstrap superuser. Where there is no such row the
    /// server only warns.
    pub(super) fn revoke_role(
        &mut self,
        group: &str,
        member: &str,
        grantor: Option<&str>,
        cascade: bool,
    ) -> Result<(), String> {
        if self.version_num < PER_GRANTOR {
            self.edges.retain(|edge| !(edge.role == group && edge.member == member));
            return Ok(());
        }
        let row = |edge: &Membership| {
            edge.role == group
                && edge.member == member
                && grantor.map_or(edge.by_bootstrap, |by| edge.grantor == by)
        };
        self.edges.retain(|edge| !row(edge));
        self.fall(group, member, cascade)
    }

    /// What was granted by virtue of an ADMIN option falls with the last row that gives it.
    fn fall(&mut self, group: &str, grantor: &str, cascade: bool) -> Result<(), String> {
        let admin = |edge: &Membership| edge.role == group && edge.member == grantor && edge.admin;
        if self.edges.iter().any(admin) {
            return Ok(());
        }
        let depends =
            |edge: &Membership| edge.role == group && edge.grantor == grantor && !edge.by_bootstrap;
        while let Some(at) = self.edges.iter().position(depends) {
            if !cascade {
                return Err("dependent privileges exist".to_owned());
            }
            let gone = self.edges.remove(at);
            self.fall(group, &gone.member, cascade)?;
        }
        Ok(())
    }

    /// What others had of each role before and have now.
    pub(super) fn roles_since(
        &self,
        before: &Self,
        lose: &mut Vec<String>,
        keep: &mut Vec<String>,
    ) {
        let options = |edges: &[Membership], role: &str, member: &str| {
            let mut rows = edges.iter().filter(|e| e.role == role && e.member == member).peekable();
            rows.peek()?;
            let all = rows.fold((false, false, false), |all, e| {
                (all.0 | e.admin, all.1 | e.inherit, all.2 | e.set)
            });
            Some(all)
        };
        let others: BTreeSet<(&str, &str)> = before
            .edges
            .iter()
            .filter(|edge| !self.leavers.contains(&edge.member))
            .map(|edge| (edge.role.as_str(), edge.member.as_str()))
            .collect();
        for (role, member) in others {
            let had = options(&before.edges, role, member);
            let has = options(&self.edges, role, member);
            let rows = |edges: &[Membership]| {
                let of = |e: &&Membership| e.role == role && e.member == member;
                edges.iter().filter(of).map(|e| e.grantor.clone()).collect::<BTreeSet<_>>()
            };
            match has {
                None => lose.push(format!("{member} loses role {role}")),
                Some(_) if had != has => {
                    lose.push(format!("{member} has role {role} with other options"));
                }
                Some(_) if rows(&before.edges) != rows(&self.edges) => {
                    let grantors: Vec<_> = rows(&self.edges).into_iter().collect();
                    keep.push(format!(
                        "{member} keeps role {role}, granted by {}",
                        grantors.join(", ")
                    ));
                }
                Some(_) => {}
            }
        }
        self.through_leavers(before, lose);
    }

    /// Members of a leaver have what the leaver has.
    fn through_leavers(&self, before: &Self, lose: &mut Vec<String>) {
        let gone = |leaver: &str| {
            let rights = [K::Privilege, K::Ownership, K::Policy, K::Subscription];
            let of = |world: &Self| {
                let items = world.items.iter();
                let items = items.filter(|f| is_of(f, leaver) && rights.contains(&f.kind)).count();
                items + world.edges.iter().filter(|edge| edge.member == leaver).count()
            };
            of(before).saturating_sub(of(self))
        };
        let members: BTreeSet<(&str, &str)> = self
            .edges
            .iter()
            .filter(|edge| {
                self.leavers.contains(&edge.role) && !self.leavers.contains(&edge.member)
            })
            .map(|edge| (edge.member.as_str(), edge.role.as_str()))
            .collect();
        for (member, leaver) in members {
            let rights = gone(leaver);
            if rights > 0 {
                lose.push(format!(
                    "{member} is a member of {leaver} and loses what it has through {leaver} alone ({rights} rights)"
                ));
            }
        }
    }
}
