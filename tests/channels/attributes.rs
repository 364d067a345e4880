//! Getting in, attributes, and settings of the role.

use crate::harness::{Channel, run};

#[test]
fn logins_and_attributes() {
    run(&[logins(), attributes(), settings()].into_iter().flatten().collect::<Vec<_>>());
}

fn logins() -> Vec<Channel> {
    const EXPIRED: &str = "can_log_in login - - | {x} can log in \
         (VALID UNTIL 2001-01-01 00:00:00* is past, but only password logins check it)";
    vec![
        Channel::new("login")
            .setup("ALTER ROLE {x} PASSWORD NULL;")
            .act("SELECT session_user", "{x}")
            .found(&["can_log_in login - - | {x} can log in"])
            .remove("ALTER ROLE {x} NOLOGIN")
            .may_log_in(),
        // s03: trust asks for no password, so it asks for no expiry.
        Channel::new("valid_until")
            .setup("ALTER ROLE {x} PASSWORD NULL VALID UNTIL '2001-01-01';")
            .act("SELECT session_user", "{x}")
            .found(&[EXPIRED])
            .remove("ALTER ROLE {x} NOLOGIN")
            .may_log_in(),
        // s04: the limit does not bind a superuser.
        Channel::new("connection_limit")
            .setup("ALTER ROLE {x} SUPERUSER CONNECTION LIMIT 0;")
            .act("SELECT session_user", "{x}")
            .found(&[
                "can_log_in login - - | {x} can log in (CONNECTION LIMIT 0*superuser*)",
                "can_regain attribute - - | {x}*SUPERUSER*",
            ])
            .remove("ALTER ROLE {x} NOLOGIN NOSUPERUSER")
            .may_log_in(),
    ]
}

fn attributes() -> Vec<Channel> {
    vec![
        Channel::new("superuser")
            .setup("ALTER ROLE {x} SUPERUSER;")
            .act("SELECT count(*) > 0 FROM pg_authid", "t")
            .found(&["can_regain attribute - - | {x}*SUPERUSER*"])
            .remove("ALTER ROLE {x} NOSUPERUSER"),
        // s07b
        Channel::new("createrole_13")
            .on(13..=15)
            .setup("ALTER ROLE {x} CREATEROLE;")
            .act(
                "BEGIN; GRANT g TO {x}; SELECT count(*) FROM secret; ROLLBACK;
                 BEGIN; GRANT pg_execute_server_program TO {x};
                 SELECT pg_has_role('pg_execute_server_program', 'USAGE'); ROLLBACK;",
                "1\nt",
            )
            .found(&["can_regain attribute - - | {x}*CREATEROLE*"])
            .remove("ALTER ROLE {x} NOCREATEROLE"),
        Channel::new("createrole_16")
            .on(16..=18)
            .setup("ALTER ROLE {x} CREATEROLE;")
            .act(
                "BEGIN; CREATE ROLE backdoor LOGIN; SELECT rolname FROM pg_roles WHERE rolname = 'backdoor'; ROLLBACK;",
                "backdoor",
            )
            .found(&["* attribute - - | {x}*CREATEROLE*"])
            .remove("ALTER ROLE {x} NOCREATEROLE"),
        Channel::new("createdb")
            .setup("ALTER ROLE {x} CREATEDB;")
            .act("CREATE DATABASE of_{x}; DROP DATABASE of_{x}; SELECT 'made'", "made")
            .found(&["* attribute - - | {x}*CREATEDB*"])
            .remove("ALTER ROLE {x} NOCREATEDB"),
        Channel::new("replication")
            .setup("ALTER ROLE {x} REPLICATION;")
            .act(
                "\\connect -reuse-previous=on 'dbname=orders replication=1'
                 CREATE_REPLICATION_SLOT of_{x} TEMPORARY PHYSICAL;",
                "of_{x}|0/0||",
            )
            .found(&["* attribute - - | {x}*REPLICATION*"])
            .remove("ALTER ROLE {x} NOREPLICATION"),
        Channel::new("bypassrls")
            .setup(
                "CREATE TABLE t_{x} AS SELECT 1 AS a; ALTER TABLE t_{x} OWNER TO app;
                 ALTER TABLE t_{x} ENABLE ROW LEVEL SECURITY; GRANT SELECT ON t_{x} TO PUBLIC;
                 ALTER ROLE {x} BYPASSRLS;",
            )
            .act("SELECT a FROM t_{x}", "1")
            .found(&["* attribute - - | {x}*BYPASSRLS*"])
            .remove("ALTER ROLE {x} NOBYPASSRLS"),
    ]
}

fn settings() -> Vec<Channel> {
    vec![
        Channel::new("setting")
            .setup("ALTER ROLE {x} SET work_mem = '1234kB';")
            .act("SHOW work_mem", "1234kB")
            .found(&["latent role_setting - - | {x} has a value of its own for the setting work_mem"])
            .remove("ALTER ROLE {x} RESET ALL"),
        Channel::new("setting_of_database")
            .setup("ALTER ROLE {x} IN DATABASE orders SET work_mem = '1234kB';")
            .act("SHOW work_mem", "1234kB")
            .found(&[
                "latent role_setting orders - | {x} has a value of its own for the setting work_mem in database orders",
            ])
            .remove("ALTER ROLE {x} IN DATABASE orders RESET ALL"),
    ]
}
