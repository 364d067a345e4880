//! The full sentence of every kind and of every variant that matters.

use super::*;
use crate::domain::ids::RoleOid;
use crate::domain::residual::{AccountRef, Strength};

fn of(kind: K) -> Residual {
    let account =
        AccountRef { target: "orders".into(), oid: RoleOid(16401), role: Some("john_doe".into()) };
    Residual::new(kind, Strength::Latent, account)
}

fn way(can: Can, via: &[&str], at: Option<&str>) -> Way {
    Way {
        can,
        via: via.iter().map(|r| (*r).to_owned()).collect(),
        at: at.map(str::to_owned),
        granted_by: None,
    }
}

/// A role held: directly where the first way has no roles in between.
fn member(role: &str, ways: &[Way]) -> Residual {
    let mut found = of(K::Membership);
    found.privilege = Some(role.into());
    found.via = ways.first().map(|way| way.via.clone()).unwrap_or_default();
    found.ways = ways.to_vec();
    found
}

fn said(found: Residual) -> String {
    found.described().sentence
}

#[test]
fn memberships_of_the_account_itself() {
    let here = |cans: &[Can]| {
        let ways: Vec<Way> = cans.iter().map(|can| way(*can, &[], None)).collect();
        said(member("app_rw", &ways))
    };
    for (cans, sentence) in [
        (&[Can::UsesNow, Can::SetRole][..], "john_doe is a member of app_rw"),
        (
            &[Can::UsesNow],
            "john_doe is a member of app_rw and has its rights, but cannot SET ROLE app_rw",
        ),
        (
            &[Can::SetRole],
            "john_doe is a member of app_rw, with its rights only after SET ROLE app_rw",
        ),
        (
            &[Can::SelfGrant],
            "john_doe is a member of app_rw without its rights, but can grant them to itself",
        ),
        (
            &[Can::Listed],
            "john_doe is a member of app_rw without its rights; only a line for +app_rw in pg_hba.conf would \
             match it",
        ),
        (&[], "john_doe is a member of app_rw"),
    ] {
        assert_eq!(here(cans), sentence);
    }
}

#[test]
fn a_membership_names_whose_revoke_does_not_remove_it() {
    let mut found = member("app_rw", &[way(Can::UsesNow, &[], None), way(Can::SetRole, &[], None)]);
    found.grantor = Some("boss2".into());
    assert_eq!(said(found.clone()), "john_doe is a member of app_rw; granted by boss2");
    found.inferred_grantor = Some("postgres".into());
    assert_eq!(
        said(found),
        "john_doe is a member of app_rw; granted by boss2, so a REVOKE by postgres will not remove it without \
         GRANTED BY boss2"
    );
    let mut reached = member("app_rw", &[way(Can::SetRole, &["team_a"], None)]);
    reached.inferred_grantor = Some("postgres".into());
    reached.ways[0].granted_by = Some("boss2".into());
    assert_eq!(
        said(reached),
        "john_doe can SET ROLE app_rw through team_a; team_a was granted by boss2, so a REVOKE by postgres \
         will not remove it"
    );
}

#[test]
fn roles_reached_through_others() {
    let to = |ways: &[Way]| said(member("app_rw", ways));
    assert_eq!(
        to(&[way(Can::UsesNow, &["team_a", "b"], None)]),
        "john_doe has the rights of app_rw through team_a and then b"
    );
    assert_eq!(
        to(&[way(Can::UsesNow, &["team_a"], None), way(Can::SetRole, &["team_a"], None)]),
        "john_doe has the rights of app_rw, and can SET ROLE to it, through team_a"
    );
    assert_eq!(
        to(&[way(Can::UsesNow, &["team_a"], None), way(Can::SetRole, &["b"], None)]),
        "john_doe has the rights of app_rw through team_a, and can SET ROLE app_rw through b"
    );
    assert_eq!(
        to(&[way(Can::SetRole, &["team_a"], None)]),
        "john_doe can SET ROLE app_rw through team_a"
    );
    assert_eq!(
        to(&[way(Can::AfterSetRole, &["team_a"], Some("team_a"))]),
        "john_doe has the rights of app_rw after SET ROLE team_a"
    );
    assert_eq!(
        to(&[way(Can::AfterSetRole, &["team_a", "b"], Some("team_a"))]),
        "john_doe has the rights of app_rw after SET ROLE team_a, through team_a and then b"
    );
    assert_eq!(
        to(&[way(Can::SelfGrant, &["team_a"], Some("team_a"))]),
        "john_doe has the rights of app_rw once it grants itself team_a, which it can"
    );
    assert_eq!(
        to(&[way(Can::SelfGrant, &["team_a", "b"], Some("team_a"))]),
        "john_doe has the rights of app_rw once it grants itself team_a, which it can, through team_a and \
         then b"
    );
    assert_eq!(
        to(&[way(Can::Listed, &["team_a"], None)]),
        "john_doe counts as a member of app_rw through team_a, without its rights; only a line for +app_rw \
         in pg_hba.conf would match it"
    );
}

#[test]
fn a_predefined_role_says_what_it_gives() {
    let mut found = member("pg_read_all_data", &[way(Can::UsesNow, &["team_a"], None)]);
    found.detail = Some("it reads every table, view and sequence in every database".into());
    assert_eq!(
        said(found),
        "john_doe has the rights of pg_read_all_data through team_a: it reads every table, view and \
         sequence in every database"
    );
}

#[test]
fn the_owner_of_a_database() {
    let owner = |ways: &[Way]| {
        let mut found = member("pg_database_owner", ways);
        found.database = Some("orders".into());
        said(found)
    };
    assert_eq!(
        owner(&[]),
        "john_doe is pg_database_owner in database orders, because it owns the database"
    );
    assert_eq!(
        owner(&[way(Can::SetRole, &[], Some("pg_database_owner"))]),
        "john_doe is pg_database_owner in database orders after SET ROLE pg_database_owner, because it owns the database"
    );
    assert_eq!(
        owner(&[way(Can::SetRole, &["app"], Some("pg_database_owner"))]),
        "john_doe is pg_database_owner in database orders after SET ROLE pg_database_owner; app owns the database"
    );
    assert_eq!(
        owner(&[way(Can::UsesNow, &["app"], None)]),
        "john_doe is pg_database_owner in database orders through app, which owns the database"
    );
    assert_eq!(
        owner(&[way(Can::AfterSetRole, &["team_a", "app"], Some("team_a"))]),
        "john_doe is pg_database_owner in database orders after SET ROLE team_a; app owns the database"
    );
    assert_eq!(
        owner(&[way(Can::SetRole, &["app"], None)]),
        "john_doe is pg_database_owner in database orders after SET ROLE app; app owns the database"
    );
    assert_eq!(
        owner(&[way(Can::SelfGrant, &["app"], Some("app"))]),
        "john_doe is pg_database_owner in database orders once it grants itself app; app owns the database"
    );
}

#[test]
fn admin_options() {
    let mut found = of(K::AdminOption);
    found.privilege = Some("app_rw".into());
    assert_eq!(
        said(found.clone()),
        "john_doe has ADMIN on app_rw, which is a superuser, so only a superuser can use it"
    );
    found.grantable = true;
    found.grantor = Some("boss".into());
    assert_eq!(
        said(found.clone()),
        "john_doe may grant app_rw to anyone, also to itself; granted by boss"
    );
    found.grantor = None;
    found.via = vec!["team_a".into()];
    assert_eq!(said(found), "john_doe may grant app_rw to anyone, also to itself, through team_a");
}

#[test]
fn attributes() {
    let with = |ways: &[Way]| {
        let mut found = member("SUPERUSER", ways);
        found.kind = K::Attribute;
        found.detail = Some("it may do everything".into());
        said(found)
    };
    for (ways, sentence) in [
        (&[][..], "john_doe has SUPERUSER: it may do everything"),
        (
            &[way(Can::SetRole, &["dba"], None)],
            "john_doe can SET ROLE dba, and dba has SUPERUSER: it may do everything",
        ),
        (
            &[way(Can::SetRole, &["team_a", "dba"], None)],
            "john_doe can SET ROLE dba through team_a, and dba has SUPERUSER: it may do everything",
        ),
        (
            &[way(Can::SelfGrant, &["team_a", "dba"], Some("team_a"))],
            "john_doe can grant itself team_a and then SET ROLE dba, which has SUPERUSER: it may do \
             everything",
        ),
        (
            &[way(Can::CreateRole, &["team_a", "dba"], Some("team_a"))],
            "john_doe can grant itself team_a by CREATEROLE and then SET ROLE dba, which has SUPERUSER: it \
             may do everything",
        ),
        (
            &[way(Can::CreateRole, &["hr", "team_a", "dba"], Some("team_a"))],
            "john_doe can grant itself team_a by CREATEROLE of hr and then SET ROLE dba, which has \
             SUPERUSER: it may do everything",
        ),
    ] {
        assert_eq!(with(ways), sentence);
    }
}

fn object(kind: K, object_type: &str, name: &str) -> Residual {
    let mut found = of(kind);
    found.database = Some("orders".into());
    found.object_type = Some(object_type.into());
    found.object = Some(name.into());
    found
}

#[test]
fn objects() {
    assert_eq!(
        said(object(K::Ownership, "table", "sales.orders")),
        "john_doe owns table sales.orders in database orders"
    );
    let mut function = object(K::Ownership, "function", "f()");
    function.detail = Some("whoever may execute it acts with the rights of john_doe".into());
    assert_eq!(
        said(function),
        "john_doe owns function f() in database orders (whoever may execute it acts with the rights of \
         john_doe)"
    );
    let mut grant = object(K::Privilege, "table", "sales.orders");
    grant.privilege = Some("SELECT".into());
    grant.grantor = Some("boss".into());
    grant.owner = Some("app".into());
    assert_eq!(
        said(grant.clone()),
        "john_doe has SELECT on table sales.orders in database orders; granted by boss, so a REVOKE by the \
         owner app does not remove it"
    );
    grant.owner = Some("boss".into());
    grant.sub_object = Some("price".into());
    grant.grantable = true;
    grant.tampered = true;
    assert_eq!(
        said(grant.clone()),
        "john_doe has SELECT on column price of table sales.orders in database orders, with grant option; \
         granted by boss; pg_shdepend does not know it, so somebody has edited a system catalog directly"
    );
    grant.kind = K::DanglingAcl;
    grant.sub_object = None;
    grant.tampered = false;
    grant.account.role = None;
    assert_eq!(
        said(grant),
        "table sales.orders still lists role with OID 16401, which no longer exists, for SELECT in database \
         orders; granted by boss"
    );
    let mut policy = object(K::Policy, "policy", "sales.orders");
    policy.sub_object = Some("own rows".into());
    assert_eq!(said(policy), "policy own rows on sales.orders names john_doe in database orders");
    assert_eq!(
        said(object(K::UserMapping, "server", "erp")),
        "john_doe has a user mapping, which may hold a password, for server erp in database orders"
    );
    assert_eq!(
        said(object(K::Subscription, "subscription", "feed")),
        "john_doe owns subscription feed in database orders"
    );
    let mut coming = object(K::DefaultPrivilege, "tables", "of app in schema sales");
    coming.sub_object = Some("sales".into());
    assert_eq!(
        said(coming.clone()),
        "john_doe has default privileges of its own for new tables of app in schema sales in database orders"
    );
    coming.privilege = Some("SELECT".into());
    assert_eq!(
        said(coming),
        "john_doe will get SELECT on new tables of app in schema sales in database orders"
    );
}

#[test]
fn logins_sessions_and_what_runs_at_login() {
    let mut login = of(K::Login);
    assert_eq!(said(login.clone()), "john_doe can log in");
    login.detail = Some("VALID UNTIL 2001-01-01 is past, but only password logins check it".into());
    assert_eq!(
        said(login),
        "john_doe can log in (VALID UNTIL 2001-01-01 is past, but only password logins check it)"
    );
    let mut session = of(K::Session);
    session.database = Some("orders".into());
    session.object = Some("pid 42".into());
    session.detail = Some("pid 42, program psql".into());
    assert_eq!(
        said(session.clone()),
        "john_doe has an open session in database orders (pid 42, program psql)"
    );
    session.kind = K::Replication;
    session.database = None;
    assert_eq!(
        said(session.clone()),
        "john_doe has an open replication connection (pid 42, program psql)"
    );
    session.kind = K::VanishedSession;
    session.account.role = None;
    assert_eq!(
        said(session),
        "a session of role with OID 16401 is open although the role no longer exists (pid 42, program psql)"
    );
    let mut setting = of(K::RoleSetting);
    setting.privilege = Some("role".into());
    assert_eq!(said(setting), "john_doe has a value of its own for the setting role");
    let mut prepared = of(K::PreparedTransaction);
    prepared.database = Some("orders".into());
    prepared.object = Some("later".into());
    assert_eq!(
        said(prepared.clone()),
        "prepared transaction later, prepared by john_doe, takes effect when it is committed in database orders"
    );
    prepared.owner = Some("boss".into());
    assert_eq!(
        said(prepared),
        "prepared transaction later, prepared by boss, is about john_doe and takes effect when it is committed in \
         database orders"
    );
    for (kind, words) in [
        (K::Job, "john_doe has nightly"),
        (K::HbaRule, "pg_hba.conf has a rule for john_doe: nightly"),
        (K::IdentMap, "pg_ident.conf lets others in as john_doe: nightly"),
        (K::Credential, "john_doe: nightly"),
        (K::Probe, "john_doe: nightly"),
    ] {
        let mut found = of(kind);
        found.object = Some("nightly".into());
        assert_eq!(said(found), words);
    }
}
