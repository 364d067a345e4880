//! What is given back of each kind, and what is only told.

use super::*;
use crate::domain::graph::Can;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{Cause, Gap};
use crate::domain::residual::{AccountRef, Dependent, Residual, ResidualKind as K, Strength, Way};
use crate::domain::time::UtcTime;

fn account(oid: u32, role: &str) -> AccountRef {
    AccountRef { target: "main".into(), oid: RoleOid(oid), role: Some(role.into()) }
}

fn found(kind: K) -> Residual {
    Residual::new(kind, Strength::Latent, account(16_401, "x"))
}

/// Something about an object in the database orders.
fn on(kind: K, class: &str, object_type: &str, object: &str) -> Residual {
    let mut found = found(kind);
    found.database = Some("orders".into());
    found.class = Some(class.into());
    found.object_type = Some(object_type.into());
    found.object = Some(object.into());
    found
}

fn granted(privilege: &str, grantor: &str) -> Residual {
    let mut found = on(K::Privilege, "pg_class", "table", "sales.orders");
    found.privilege = Some(privilege.into());
    found.grantor = Some(grantor.into());
    found.owner = Some("app".into());
    found
}

fn member(group: &str, grantor: &str, can: &[Can]) -> Residual {
    let mut found = found(K::Membership);
    found.privilege = Some(group.into());
    found.grantor = Some(grantor.into());
    let way = |can: &Can| Way { can: *can, via: Vec::new(), at: None, granted_by: None };
    found.ways = can.iter().map(way).collect();
    found
}

fn state(version_num: i32, residual: Vec<Residual>) -> BeforeState {
    let first = residual.first().map_or_else(|| account(16_401, "x"), |one| one.account.clone());
    BeforeState {
        target: "main".into(),
        oid: first.oid,
        seen_at: UtcTime::EPOCH,
        system_identifier: Some(SystemIdentifier(7)),
        version_num: Some(version_num),
        residual: residual.into_iter().map(Residual::described).collect(),
        gaps: Vec::new(),
    }
}

/// Lines of the script that are neither comments nor commands of psql.
fn statements_of(states: &[BeforeState]) -> Vec<String> {
    let script = script("rev_1", states);
    let is_sql = |line: &&str| {
        let framing = ["--", "\\", "BEGIN;", "COMMIT;", "SET LOCAL", "SELECT system_identifier"];
        !line.is_empty()
            && !framing.iter().any(|start| line.starts_with(start))
            && !line.contains(" AS ours ")
    };
    script.lines().filter(is_sql).map(str::to_owned).collect()
}

fn sql(version_num: i32, residual: Vec<Residual>) -> Vec<String> {
    statements_of(&[state(version_num, residual)])
}

/// Whether the finding is told in a comment and nothing is done about it.
fn is_only_told(residual: Residual) -> bool {
    let states = [state(180_000, vec![residual])];
    let script = script("rev_1", &states);
    let told = script.lines().filter(|line| line.starts_with("-- NOT GIVEN BACK: ")).count();
    told == 1 && statements_of(&states).is_empty() && !script.contains("BEGIN;")
}

#[test]
fn attributes_come_first_and_the_login_last() {
    let mut attribute = found(K::Attribute);
    attribute.privilege = Some("BYPASSRLS".into());
    let lines = sql(180_000, vec![found(K::Login), attribute, granted("SELECT", "app")]);
    assert_eq!(
        lines,
        [
            "ALTER ROLE \"x\" BYPASSRLS;",
            "GRANT SELECT ON TABLE sales.orders TO \"x\";",
            "ALTER ROLE \"x\" LOGIN;",
        ]
    );
}

#[test]
fn a_membership_has_its_options_and_grantor() {
    let mut admin = found(K::AdminOption);
    admin.privilege = Some("g".into());
    admin.grantor = Some("boss".into());
    admin.grantable = true;
    let both = vec![admin, member("g", "boss", &[Can::SetRole])];
    assert_eq!(
        sql(180_000, both.clone()),
        ["GRANT \"g\" TO \"x\" WITH ADMIN TRUE, INHERIT FALSE, SET TRUE GRANTED BY \"boss\";"]
    );
    assert_eq!(sql(150_000, both), ["GRANT \"g\" TO \"x\" WITH ADMIN OPTION GRANTED BY \"boss\";"]);
    let plain = member("g", "boss", &[Can::UsesNow, Can::SetRole]);
    assert_eq!(sql(130_000, vec![plain]), ["GRANT \"g\" TO \"x\" GRANTED BY \"boss\";"]);
    assert_eq!(
        sql(160_000, vec![member("g", "boss", &[Can::Listed])]),
        ["GRANT \"g\" TO \"x\" WITH ADMIN FALSE, INHERIT FALSE, SET FALSE GRANTED BY \"boss\";"]
    );
}

#[test]
fn what_was_reached_comes_with_what_it_was_reached_through() {
    let mut reached = member("top", "boss", &[Can::UsesNow]);
    reached.via = vec!["g".into()];
    let mut attribute = found(K::Attribute);
    attribute.privilege = Some("SUPERUSER".into());
    attribute.via = vec!["g".into()];
    let mut of_database = member("pg_database_owner", "boss", &[]);
    of_database.database = Some("orders".into());
    let lines = sql(
        180_000,
        vec![reached, attribute, of_database, member("g", "boss", &[Can::UsesNow, Can::SetRole])],
    );
    assert_eq!(
        lines,
        ["GRANT \"g\" TO \"x\" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE GRANTED BY \"boss\";"]
    );
}

#[test]
fn rights_are_given_by_who_gave_them() {
    let mut column = granted("UPDATE", "app");
    column.sub_object = Some("a b".into());
    let mut grantable = granted("DELETE", "boss");
    grantable.grantable = true;
    let lines =
        sql(180_000, vec![granted("SELECT", "app"), column, granted("INSERT", "app"), grantable]);
    assert_eq!(
        lines,
        [
            "GRANT INSERT, SELECT, UPDATE (\"a b\") ON TABLE sales.orders TO \"x\";",
            "SELECT NOT pg_catalog.has_schema_privilege('boss', 'sales', 'USAGE') AS lent0 \\gset revoked_",
            "GRANT USAGE ON SCHEMA sales TO \"boss\"; -- taken back below",
            "SET ROLE \"boss\";",
            "GRANT DELETE ON TABLE sales.orders TO \"x\" WITH GRANT OPTION;",
            "RESET ROLE;",
            "REVOKE USAGE ON SCHEMA sales FROM \"boss\";",
        ]
    );
}

#[test]
fn what_one_account_gave_another_comes_after_what_it_gave_it_from() {
    let mut theirs = granted("SELECT", "x");
    theirs.account = account(16_402, "a");
    let mut first = granted("SELECT", "boss");
    first.grantable = true;
    let lines = statements_of(&[state(180_000, vec![theirs]), state(180_000, vec![first])]);
    let place = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    assert!(place("TO \"x\" WITH GRANT OPTION") < place("TO \"a\""), "{lines:#?}");
}

#[test]
fn things_are_owned_again_tables_before_sequences() {
    let lines = sql(
        180_000,
        vec![
            on(K::Ownership, "pg_class", "sequence", "sales.orders_id_seq"),
            on(K::Ownership, "pg_class", "table", "sales.orders"),
            on(K::Ownership, "pg_proc", "function", "sales.f(integer)"),
        ],
    );
    assert_eq!(
        lines,
        [
            "ALTER TABLE sales.orders OWNER TO \"x\";",
            "ALTER ROUTINE sales.f(integer) OWNER TO \"x\";",
            "SELECT 'ALTER SEQUENCE sales.orders_id_seq OWNER TO \"x\"' FROM pg_catalog.pg_class WHERE oid = \
             'sales.orders_id_seq'::pg_catalog.regclass AND relowner <> '\"x\"'::pg_catalog.regrole \\gexec",
        ]
    );
    assert!(is_only_told(on(K::Ownership, "pg_extension", "extension", "hstore")));
    let mut unread = on(K::Ownership, "", "", "object 7 of catalog 8");
    (unread.class, unread.object_type) = (None, None);
    assert!(is_only_told(unread));
}

#[test]
fn default_privileges_are_those_of_their_maker() {
    let mut to = on(K::DefaultPrivilege, "pg_default_acl", "tables", "of app in schema sales");
    to.owner = Some("app".into());
    to.sub_object = Some("sales".into());
    to.privilege = Some("SELECT".into());
    to.grantable = true;
    let more = Residual { privilege: Some("INSERT".into()), ..to.clone() };
    assert_eq!(
        sql(180_000, vec![to.clone(), more]),
        [
            "ALTER DEFAULT PRIVILEGES FOR ROLE \"app\" IN SCHEMA \"sales\" GRANT INSERT, SELECT ON TABLES TO \"x\" \
             WITH GRANT OPTION;"
        ]
    );
    // Its own list: what stood in it for others was not read.
    assert!(is_only_told(Residual { privilege: None, ..to }));
}

#[test]
fn a_policy_is_for_the_role_beside_those_it_is_for() {
    let mut policy = on(K::Policy, "pg_policy", "policy", "\"sales\".\"orders\"");
    policy.sub_object = Some("own rows".into());
    policy.dependents =
        vec![Dependent { grantee: Some("y".into()), grantable: false, inherit: None, set: None }];
    let lines = sql(180_000, vec![policy]);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for part in [
        "SELECT 'ALTER POLICY \"own rows\" ON \"sales\".\"orders\" TO ' ||",
        "r.rolname = 'x' OR r.oid = ANY (p.polroles) AND NOT r.rolsuper OR r.oid = ANY (p.polroles) AND r.rolname \
         IN ('y')",
        "AND NOT 0 = ANY (p.polroles)",
        "\\gexec",
    ] {
        assert!(lines[0].contains(part), "{part}: {lines:#?}");
    }
}

#[test]
fn what_sql_does_not_give_is_told() {
    for kind in [
        K::UserMapping,
        K::RoleSetting,
        K::Session,
        K::VanishedSession,
        K::Replication,
        K::PreparedTransaction,
        K::Job,
        K::HbaRule,
        K::IdentMap,
        K::DanglingAcl,
        K::Credential,
        K::Probe,
        K::Subscription,
    ] {
        assert!(is_only_told(on(kind, "", "", "something")), "{kind}");
    }
    assert!(is_only_told(Residual { tampered: true, ..granted("SELECT", "app") }));
    assert!(is_only_told(Residual { instance: Some("standby".into()), ..found(K::Login) }));
    let nameless = AccountRef { role: None, ..account(16_401, "x") };
    assert!(is_only_told(Residual { account: nameless, ..granted("SELECT", "app") }));
    let first = account(10, "postgres");
    assert!(is_only_told(Residual { account: first, ..granted("SELECT", "app") }));
}

#[test]
fn it_says_what_it_is_and_for_which_cluster_and_role() {
    let mut one = state(180_000, vec![found(K::Login)]);
    one.gaps.push(Gap {
        surface: K::Privilege,
        target: "main".into(),
        database: Some("billing\nDROP ROLE y;".into()),
        reason: "unread".into(),
        fix: "GRANT CONNECT".into(),
        cause: Cause::PermissionDenied,
    });
    let text = script("rev_1", &[one]);
    for line in [
        "-- What revoked found before the access of rev_1 was taken away.",
        "-- approved withdrawal (revoked expect withdraw rev_1 --erroneous) is a regression, and is reported as one.",
        "-- On main, as of 1970-01-01T00:00:00.000000Z: x (OID 16401)",
        "SELECT system_identifier::text = '7' AS here FROM pg_catalog.pg_control_system() \\gset revoked_",
        "-- CREATE ROLE \"x\";",
        "-- NOT SEEN THEN: privilege of main in billing\u{fffd}DROP ROLE y;: unread",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert!(text.contains("(r.oid, r.rolname) IN ((16401, 'x'))"), "{text}");
    let (opened, closed) = (text.matches("\\if ").count(), text.matches("\\endif").count());
    assert_eq!(opened, closed, "{text}");
}

#[test]
fn other_systems_are_only_told_of() {
    let mut elsewhere = state(0, vec![on(K::Probe, "", "", "api keys")]);
    (elsewhere.system_identifier, elsewhere.version_num) = (None, None);
    let text = script("rev_1", &[elsewhere]);
    assert!(text.contains("-- NOT GIVEN BACK: "), "{text}");
    assert!(!text.contains("\\if"), "{text}");
}
