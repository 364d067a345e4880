//! Roles held: per grantor, with every combination of options, reached through others, and those that no
//! row of `pg_auth_members` tells of.

use crate::harness::{Channel, run};

const READS: &str = "SELECT count(*) FROM secret";

#[test]
fn memberships() {
    let all = [plain(), options(), reached(), implicit(), predefined()];
    run(&all.into_iter().flatten().collect::<Vec<_>>());
}

fn plain() -> Vec<Channel> {
    vec![
        Channel::new("member")
            .setup("GRANT g TO {x}; REVOKE ALL ON secret FROM {x};")
            .act(READS, "1")
            .found(&["latent membership - postgres | {x} is a member of g; granted by postgres*"])
            .remove("REVOKE g FROM {x}"),
        // Once ADMIN, always a member.
        Channel::new("admin_13")
            .on(13..=15)
            .setup("GRANT g TO {x} WITH ADMIN OPTION;")
            .act("BEGIN; GRANT g TO y; SELECT pg_has_role('y', 'g', 'USAGE'); ROLLBACK;", "t")
            .found(&[
                "can_regain admin_option - postgres | {x}*g*",
                "latent membership - postgres | {x} *g*",
            ])
            .remove("REVOKE g FROM {x}"),
        // s06: up to 15 there is one row for a role and its member, whoever granted it.
        Channel::new("two_grantors_13").on(13..=15).setup(TWO_GRANTORS),
        Channel::new("two_grantors_16")
            .on(16..=18)
            .setup(TWO_GRANTORS)
            .act(READS, "1")
            .found(&["latent membership - boss2 | {x} *g_{x}*granted by boss2*"])
            .remove("REVOKE g_{x} FROM {x} GRANTED BY boss2"),
        // The members of a leaver hold nothing of the leaver's once it has nothing.
        Channel::new("is_held_by_another").setup("GRANT {x} TO y;"),
        // Up to 15 a grantor is only a remark.
        Channel::new("granted_to_another").on(13..=15).setup(
            "GRANT g TO {x} WITH ADMIN OPTION; SET ROLE {x}; GRANT g TO boss; RESET ROLE;
                 REVOKE g FROM {x};",
        ),
    ]
}

const TWO_GRANTORS: &str = "
    CREATE ROLE g_{x}; GRANT SELECT ON secret TO g_{x};
    GRANT g_{x} TO boss WITH ADMIN OPTION; GRANT g_{x} TO boss2 WITH ADMIN OPTION;
    SET ROLE boss; GRANT g_{x} TO {x}; SET ROLE boss2; GRANT g_{x} TO {x}; RESET ROLE;
    SET ROLE boss; REVOKE g_{x} FROM {x}; RESET ROLE;
    REVOKE g_{x} FROM {x};
";

fn options() -> Vec<Channel> {
    let granted = "latent membership - postgres |";
    vec![
        Channel::new("noinherit_13")
            .on(13..=15)
            .setup("ALTER ROLE {x} NOINHERIT; GRANT g TO {x};")
            .act("SET ROLE g; SELECT count(*) FROM secret", "1")
            .found(&["latent membership - postgres | {x} is a member of g*SET ROLE*"])
            .remove("REVOKE g FROM {x}"),
        Channel::new("set_only")
            .on(16..=18)
            .setup("GRANT g TO {x} WITH INHERIT FALSE, SET TRUE;")
            .act("SET ROLE g; SELECT count(*) FROM secret", "1")
            .found(&[&format!("{granted} {{x}} *g*SET*")])
            .remove("REVOKE g FROM {x}"),
        Channel::new("inherit_only")
            .on(16..=18)
            .setup("GRANT g TO {x} WITH INHERIT TRUE, SET FALSE;")
            .act(READS, "1")
            .found(&[&format!("{granted} {{x}} is a member of g and has its rights, but cannot SET ROLE g*")])
            .remove("REVOKE g FROM {x}"),
        // s07: every has_…_privilege function says no.
        Channel::new("admin_only")
            .on(16..=18)
            .setup("GRANT g TO {x} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;")
            .act(
                "SELECT has_table_privilege('secret', 'SELECT'), pg_has_role('g', 'USAGE'), pg_has_role('g', 'SET');
                 BEGIN; GRANT g TO {x} WITH INHERIT TRUE; SELECT count(*) FROM secret; ROLLBACK;",
                "f|f|f\n1",
            )
            .found(&[
                "can_regain admin_option - postgres | {x}*g*",
                &format!("{granted} {{x}} is a member of g without its rights, but can grant them to itself*"),
            ])
            .remove("REVOKE g FROM {x}"),
        Channel::new("no_options")
            .on(16..=18)
            .setup("GRANT g TO {x} WITH ADMIN FALSE, INHERIT FALSE, SET FALSE;")
            .found(&[&format!("{granted} {{x}} *g*")])
            .remove("REVOKE g FROM {x}"),
    ]
}

fn reached() -> Vec<Channel> {
    vec![
        Channel::new("through_two")
            .setup("CREATE ROLE a_{x}; GRANT g TO a_{x}; GRANT a_{x} TO {x};")
            .act(READS, "1")
            .found(&[
                "latent membership - postgres | {x} is a member of a_{x}*",
                "latent membership - - | {x}*g*a_{x}*",
            ])
            .remove("REVOKE a_{x} FROM {x}"),
        // Attributes are not inherited, but come with SET ROLE.
        Channel::new("member_of_superuser")
            .setup("CREATE ROLE a_{x} SUPERUSER; GRANT a_{x} TO {x};")
            .act("SET ROLE a_{x}; SELECT count(*) > 0 FROM pg_authid", "t")
            .found(&[
                "* membership - postgres | {x} is a member of a_{x}*",
                "can_regain attribute - - | {x} can SET ROLE a_{x}, and a_{x} has SUPERUSER*",
            ])
            .remove("REVOKE a_{x} FROM {x}"),
        // What pg_has_role and has_…_privilege do not see.
        Channel::new("set_then_inherit_13")
            .on(13..=15)
            .setup(
                "CREATE ROLE a_{x}; GRANT g TO a_{x}; ALTER ROLE {x} NOINHERIT; GRANT a_{x} TO {x};",
            )
            .act("SET ROLE a_{x}; SELECT count(*) FROM secret", "1")
            .found(&[
                "latent membership - postgres | {x} is a member of a_{x}*",
                "latent membership - - | {x}*g*a_{x}*",
            ])
            .remove("REVOKE a_{x} FROM {x}"),
        Channel::new("set_then_inherit_16")
            .on(16..=18)
            .setup(
                "CREATE ROLE a_{x}; GRANT g TO a_{x} WITH INHERIT TRUE, SET FALSE;
                 GRANT a_{x} TO {x} WITH INHERIT FALSE, SET TRUE;",
            )
            .act(
                "SELECT has_table_privilege('secret', 'SELECT'), pg_has_role('g', 'USAGE'), pg_has_role('g', 'SET');
                 SET ROLE a_{x}; SELECT count(*) FROM secret",
                "f|f|f\n1",
            )
            .found(&[
                "latent membership - postgres | {x} is a member of a_{x}*",
                "latent membership - - | {x}*g*a_{x}*",
            ])
            .remove("REVOKE a_{x} FROM {x}"),
        // Who may act as one that has ADMIN may grant.
        Channel::new("admin_through_another")
            .setup("CREATE ROLE a_{x}; GRANT g TO a_{x} WITH ADMIN OPTION; GRANT a_{x} TO {x};")
            .act("BEGIN; GRANT g TO y; SELECT pg_has_role('y', 'g', 'USAGE'); ROLLBACK;", "t")
            .found(&[
                "latent membership - postgres | {x} is a member of a_{x}*",
                "latent membership - - | {x}*g*a_{x}*",
                "?can_regain admin_option - * | {x}*g*a_{x}*",
            ])
            .remove("REVOKE a_{x} FROM {x}"),
        // ADMIN on a role that reaches another: grant it to oneself, and be there.
        Channel::new("admin_then_inherit")
            .on(16..=18)
            .setup(
                "CREATE ROLE a_{x}; GRANT g TO a_{x};
                 GRANT a_{x} TO {x} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;",
            )
            .act("BEGIN; GRANT a_{x} TO {x} WITH INHERIT TRUE; SELECT count(*) FROM secret; ROLLBACK;", "1")
            .found(&[
                "can_regain admin_option - postgres | {x}*a_{x}*",
                "latent membership - postgres | {x} is a member of a_{x}*",
                "* membership - - | {x}*g*a_{x}*",
            ])
            .remove("REVOKE a_{x} FROM {x}"),
    ]
}

/// s16: the owner of a database is a member of `pg_database_owner` there, without any row that says so.
fn implicit() -> Vec<Channel> {
    const OWNS: &str = "can_regain ownership - - | {x} owns database of_{x}*";
    const SETUP: &str = "CREATE DATABASE of_{x} OWNER app; REVOKE ALL ON DATABASE of_{x} FROM {x};
        ALTER DATABASE of_{x} OWNER TO {x};";
    const REMOVE: &str = "ALTER DATABASE of_{x} OWNER TO app";
    let owner = |name: &str| Channel::new(name).setup(SETUP).remove(REMOVE);
    vec![
        owner("database_owner_13")
            .on(13..=13)
            .act("\\connect of_{x}\nCREATE SCHEMA mine; DROP SCHEMA mine; SELECT 'made'", "made")
            .found(&[OWNS]),
        owner("database_owner_14")
            .on(14..=14)
            .act("\\connect of_{x}\nSELECT pg_has_role('pg_database_owner', 'USAGE')", "t")
            .found(&[OWNS, "?* membership * * | {x}*pg_database_owner*"]),
        // From 15 on it owns schema public.
        owner("database_owner_15")
            .on(15..=18)
            .act(
                "\\connect of_{x}
                 SELECT count(*) FROM pg_auth_members WHERE member = '{x}'::regrole;
                 BEGIN; CREATE TABLE public.trojan (a int);
                 SELECT tableowner FROM pg_tables WHERE tablename = 'trojan'; ROLLBACK;",
                "0\n{x}",
            )
            .found(&[OWNS, "?* membership * * | {x}*pg_database_owner*"]),
    ]
}

/// No access list has them, and `pg_shdepend` does not know them.
fn predefined() -> Vec<Channel> {
    let held = |role: &str, since: u32, act: &str, prints: &str| {
        Channel::new(role)
            .on(since..=18)
            .setup(&format!("GRANT {role} TO {{x}};"))
            .act(act, prints)
            .found(&[&format!(
                "* membership - postgres | {{x}} is a member of {role}*granted by postgres*"
            )])
            .remove(&format!("REVOKE {role} FROM {{x}}"))
    };
    let has = |role: &str, since: u32| {
        held(role, since, &format!("SELECT pg_has_role('{role}', 'USAGE')"), "t")
    };
    vec![
        held("pg_read_all_data", 14, READS, "1"),
        held(
            "pg_write_all_data",
            14,
            "BEGIN; INSERT INTO secret VALUES (2); SELECT 'written'; ROLLBACK;",
            "written",
        ),
        held(
            "pg_read_server_files",
            13,
            "CREATE TEMP TABLE of_disk (line text); COPY of_disk FROM '/etc/hostname'; SELECT count(*) > 0 FROM of_disk",
            "t",
        ),
        held(
            "pg_execute_server_program",
            13,
            "CREATE TEMP TABLE out (line text); COPY out FROM PROGRAM 'echo ran'; SELECT line FROM out",
            "ran",
        ),
        held(
            "pg_write_server_files",
            13,
            "COPY (SELECT 1) TO '/dev/null'; SELECT 'written'",
            "written",
        ),
        held("pg_read_all_settings", 13, "SHOW hba_file \\gset\nSELECT 'read'", "read"),
        held("pg_checkpoint", 15, "CHECKPOINT; SELECT 'done'", "done"),
        held("pg_maintain", 17, "REINDEX TABLE secret; SELECT 'done'", "done"),
        has("pg_signal_backend", 13),
        has("pg_read_all_stats", 13),
        has("pg_stat_scan_tables", 13),
        has("pg_use_reserved_connections", 16),
        has("pg_create_subscription", 16),
        has("pg_signal_autovacuum_worker", 18),
        Channel::new("pg_monitor")
            .setup("GRANT pg_monitor TO {x};")
            .act("SELECT pg_has_role('pg_read_all_stats', 'USAGE')", "t")
            .found(&[
                "latent membership - postgres | {x} *pg_monitor*granted by postgres*",
                "latent membership - * | {x}*pg_read_all_stats*through pg_monitor*",
                "latent membership - * | {x}*pg_read_all_settings*through pg_monitor*",
                "latent membership - * | {x}*pg_stat_scan_tables*through pg_monitor*",
            ])
            .remove("REVOKE pg_monitor FROM {x}"),
    ]
}
