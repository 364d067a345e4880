//! What each finding comes to: something to give, or a reason why not.

use super::super::bootstrap::BOOTSTRAP;
use super::super::sql::owner_words;
use super::super::step::{Object, Right};
use crate::domain::before::BeforeState;
use crate::domain::graph::Can;
use crate::domain::residual::{Residual, ResidualKind as K};
use std::collections::{BTreeMap, BTreeSet};

/// In which order things are given: what others rest on comes first. A sequence of a column goes with its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Attribute,
    Membership,
    Owner,
    Sequence,
    Privilege,
    Default,
    Policy,
    Login,
}

/// What is given to whom. `rights` are those that one statement can give together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Give {
    /// `None`: what all databases share.
    pub(super) database: Option<String>,
    pub(super) sort: Sort,
    /// One of the accounts granted it, so it comes after what they have from others.
    pub(super) later: bool,
    /// Who granted it, where that was not who owned it. Statements as the same role stand next to each other.
    pub(super) acting: Option<String>,
    pub(super) role: String,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A word of ALTER ROLE.
    Option(String),
    Member(Member),
    Owner(Object),
    Rights {
        on: Object,
        grantable: bool,
        rights: Vec<Right>,
    },
    Default {
        owner: String,
        schema: Option<String>,
        objects: String,
        grantable: bool,
        rights: Vec<Right>,
    },
    Policy {
        table: String,
        policy: String,
        beside: Vec<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) group: String,
    pub(super) grantor: Option<String>,
    pub(super) admin: bool,
    /// INHERIT and SET; `None` before PostgreSQL 16, which has neither.
    pub(super) options: Option<(bool, bool)>,
}

/// What a script gives, in order, and what it leaves.
#[derive(Default)]
pub(super) struct Given<'a> {
    pub(super) gives: Vec<Give>,
    pub(super) left: Vec<(&'a Residual, &'static str)>,
}

impl<'a> Given<'a> {
    pub(super) fn of(states: &[&'a BeforeState]) -> Self {
        let accounts: BTreeSet<&str> = states.iter().filter_map(|state| state.role()).collect();
        let mut given = Self::default();
        for state in states {
            let version_num = state.version_num.unwrap_or_default();
            for found in &state.residual {
                given.add(found, version_num, &accounts);
            }
        }
        given.join();
        given
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gives.is_empty()
    }

    fn add(&mut self, found: &'a Residual, version_num: i32, accounts: &BTreeSet<&str>) {
        // It goes with what it rests on.
        if found.basis().is_some() {
            return;
        }
        match what(found, version_num) {
            Ok((sort, what)) => {
                let acting = found.grantor.as_ref().filter(|grantor| {
                    sort == Sort::Privilege && found.owner.as_ref() != Some(*grantor)
                });
                self.gives.push(Give {
                    database: found.database.clone(),
                    sort,
                    later: found.grantor.as_ref().is_some_and(|by| accounts.contains(by.as_str())),
                    acting: acting.cloned(),
                    // `what` gives nothing to a role without a name.
                    role: found.account.role.clone().unwrap_or_default(),
                    what,
                });
            }
            Err(why) => self.left.push((found, why)),
        }
    }

    /// As few statements as there can be: rights on one object together, and ADMIN with its membership.
    fn join(&mut self) {
        let mut joined: BTreeMap<Give, Vec<Right>> = BTreeMap::new();
        let mut members: BTreeMap<(String, String, Option<String>), Give> = BTreeMap::new();
        for mut give in std::mem::take(&mut self.gives) {
            if let What::Member(member) = &give.what {
                let key = (give.role.clone(), member.group.clone(), member.grantor.clone());
                match members.get_mut(&key).map(|give| &mut give.what) {
                    Some(What::Member(known)) => {
                        known.admin |= member.admin;
                        // ADMIN alone does not tell them.
                        known.options = known.options.max(member.options);
                    }
                    Some(_) | None => drop(members.insert(key, give)),
                }
                continue;
            }
            let rights = match &mut give.what {
                What::Rights { rights, .. } | What::Default { rights, .. } => {
                    std::mem::take(rights)
                }
                What::Option(_) | What::Member(_) | What::Owner(_) | What::Policy { .. } => {
                    Vec::new()
                }
            };
            joined.entry(give).or_default().extend(rights);
        }
        let whole = |(mut give, mut all): (Give, Vec<Right>)| {
            all.sort_by(|a, b| (&a.column, &a.privilege).cmp(&(&b.column, &b.privilege)));
            all.dedup();
            if let What::Rights { rights, .. } | What::Default { rights, .. } = &mut give.what {
                *rights = all;
            }
            give
        };
        self.gives = joined.into_iter().map(whole).chain(members.into_values()).collect();
        self.gives.sort();
    }
}

const NAMELESS: &str = "the role had no name any more";
const UNREAD: &str = "its name was not read";
const EDITED: &str = "somebody had edited a catalog";

fn what(found: &Residual, version_num: i32) -> Result<(Sort, What), &'static str> {
    if found.account.role.is_none() && !matches!(found.kind, K::VanishedSession | K::DanglingAcl) {
        return Err(NAMELESS);
    }
    let kept = matches!(found.kind, K::Login | K::Membership | K::AdminOption);
    if found.account.oid == BOOTSTRAP && !kept {
        return Err("the server needs it of this role, and no statement takes it");
    }
    if found.tampered {
        return Err(EDITED);
    }
    match found.kind {
        K::Login if found.instance.is_some() => Err("it was a standby that still let it in"),
        K::Login => Ok((Sort::Login, What::Option("LOGIN".to_owned()))),
        K::Attribute => {
            let word = found.privilege.clone().ok_or(UNREAD)?;
            Ok((Sort::Attribute, What::Option(word)))
        }
        K::Membership | K::AdminOption => {
            Ok((Sort::Membership, What::Member(member(found, version_num)?)))
        }
        K::Ownership => {
            let on = object(found).filter(|on| owner_words(on).is_some());
            let on =
                on.ok_or("no statement gives one of these to somebody, or its name was not read")?;
            let sequence = on.kind.as_deref() == Some("sequence");
            Ok((if sequence { Sort::Sequence } else { Sort::Owner }, What::Owner(on)))
        }
        K::Privilege => {
            let (on, privilege) = object(found).zip(found.privilege.clone()).ok_or(UNREAD)?;
            let right = Right { privilege, column: found.sub_object.clone() };
            let what = What::Rights { on, grantable: found.grantable, rights: vec![right] };
            Ok((Sort::Privilege, what))
        }
        K::DefaultPrivilege => default(found),
        K::Policy => policy(found),
        K::Subscription => Err(
            "in its database: ALTER SUBSCRIPTION … OWNER TO; it replicates with its owner's rights",
        ),
        K::UserMapping => {
            Err("the credential that it may have held was never read: CREATE USER MAPPING")
        }
        K::RoleSetting => Err("its value may be a secret and was never read: ALTER ROLE … SET"),
        K::Session | K::VanishedSession | K::Replication => {
            Err("a session is opened by who uses it")
        }
        K::PreparedTransaction => Err("what was rolled back is gone"),
        K::Job => Err("its command was never read: schedule it anew"),
        K::HbaRule => Err("edit pg_hba.conf, and SELECT pg_reload_conf()"),
        K::IdentMap => Err("edit pg_ident.conf, and SELECT pg_reload_conf()"),
        K::DanglingAcl => Err("it was of use to nobody"),
        K::Credential => Err("a secret that leaked is not to be used again"),
        K::Probe => Err("give it there"),
    }
}

fn object(found: &Residual) -> Option<Object> {
    Some(Object {
        class: found.class.clone()?,
        kind: found.object_type.clone(),
        name: found.object.clone()?,
    })
}

/// What a membership let its member do is what its options were.
fn member(found: &Residual, version_num: i32) -> Result<Member, &'static str> {
    let can = |can: Can| found.ways.iter().any(|way| way.can == can);
    let options = (can(Can::UsesNow), can(Can::SetRole));
    let known = version_num >= 160_000 && found.kind == K::Membership;
    Ok(Member {
        group: found.privilege.clone().ok_or(UNREAD)?,
        grantor: found.grantor.clone(),
        admin: found.kind == K::AdminOption,
        options: known.then_some(options),
    })
}

fn default(found: &Residual) -> Result<(Sort, What), &'static str> {
    let Some(privilege) = found.privilege.clone() else {
        return Err("what it would have given others was not read: ALTER DEFAULT PRIVILEGES");
    };
    let (Some(_), Some(owner), Some(kind)) = (&found.database, &found.owner, &found.object_type)
    else {
        return Err(UNREAD);
    };
    let what = What::Default {
        owner: owner.clone(),
        schema: found.sub_object.clone(),
        objects: kind.to_uppercase(),
        grantable: found.grantable,
        rights: vec![Right { privilege, column: None }],
    };
    Ok((Sort::Default, what))
}

fn policy(found: &Residual) -> Result<(Sort, What), &'static str> {
    let (Some(_), Some(table), Some(policy)) = (&found.database, &found.object, &found.sub_object)
    else {
        return Err(UNREAD);
    };
    let beside = found.dependents.iter().filter_map(|other| other.grantee.clone()).collect();
    Ok((Sort::Policy, What::Policy { table: table.clone(), policy: policy.clone(), beside }))
}
