//! What attributes and predefined roles let a role do, each in one clause.

use super::words::words;

words! {
    /// An attribute of a role that is a power. Held by the role alone; whoever can SET ROLE to it takes it.
    Attribute {
        /// `rolsuper`.
        Superuser = "SUPERUSER",
        /// `rolcreaterole`.
        CreateRole = "CREATEROLE",
        /// `rolcreatedb`.
        CreateDb = "CREATEDB",
        /// `rolreplication`.
        Replication = "REPLICATION",
        /// `rolbypassrls`.
        BypassRls = "BYPASSRLS",
    }
}

impl Attribute {
    /// What it lets a role do on a server of this version.
    ///
    /// Source: PostgreSQL documentation, CREATE ROLE, and 22.2 Role Attributes.
    #[must_use]
    pub fn meaning(self, version_num: i32) -> &'static str {
        match self {
            Self::Superuser => "it may do everything, and take every role",
            Self::CreateRole if version_num < 160_000 => {
                "it may grant itself any role that is no superuser, owners and pg_execute_server_program included, \
                 and so regain nearly everything, and set anyone's password but a superuser's"
            }
            Self::CreateRole => {
                "it may make roles that can log in, and alter those it has ADMIN on, their passwords included"
            }
            Self::CreateDb => "it may make databases and owns what it makes",
            Self::Replication => "it may copy the whole cluster over a replication connection",
            Self::BypassRls => "row security does not apply to it",
        }
    }

    /// Column of `pg_roles`.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::Superuser => "rolsuper",
            Self::CreateRole => "rolcreaterole",
            Self::CreateDb => "rolcreatedb",
            Self::Replication => "rolreplication",
            Self::BypassRls => "rolbypassrls",
        }
    }
}

/// The role whose only member is the owner of the database one is connected to. PostgreSQL 14 and later.
pub const DATABASE_OWNER: &str = "pg_database_owner";

/// What a predefined role gives. No access list and no `pg_shdepend` says so; nobody else can make a role
/// whose name begins with `pg_`.
///
/// Source: PostgreSQL documentation, 22.5 Predefined Roles, of 13 to 18.
#[must_use]
pub fn predefined(role: &str) -> Option<&'static str> {
    Some(match role {
        "pg_monitor" => "it reads settings, statistics and what others run",
        "pg_read_all_settings" => "it reads every setting, secrets in them included",
        "pg_read_all_stats" => "it reads all statistics and what others run",
        "pg_stat_scan_tables" => "it runs monitoring functions that may lock tables for long",
        "pg_signal_backend" => "it ends the queries and sessions of all but superusers",
        "pg_read_server_files" => {
            "it reads every file that the server can read, whatever the grants"
        }
        "pg_write_server_files" => {
            "it writes every file that the server can write, and so can make itself superuser"
        }
        "pg_execute_server_program" => {
            "it runs programs as the server's own user, and so can make itself superuser"
        }
        "pg_read_all_data" => "it reads every table, view and sequence in every database",
        "pg_write_all_data" => "it changes the data of every table in every database",
        DATABASE_OWNER => "it has what is granted to the owner of each database",
        "pg_checkpoint" => "it runs CHECKPOINT",
        "pg_use_reserved_connections" => "it may use connections that are kept in reserve",
        "pg_create_subscription" => "it may make subscriptions where it has CREATE on the database",
        "pg_maintain" => {
            "it may run VACUUM, ANALYZE, CLUSTER, REINDEX, REFRESH and LOCK TABLE on everything"
        }
        "pg_signal_autovacuum_worker" => "it may stop autovacuum workers",
        _ => return None,
    })
}

/// Whether a predefined role lets its member leave the database's rules: then it can give itself anything.
#[must_use]
pub fn breaks_out(role: &str) -> bool {
    matches!(role, "pg_read_server_files" | "pg_write_server_files" | "pg_execute_server_program")
}

/// What a privilege means that few know by its name.
#[must_use]
pub fn privilege(word: &str) -> Option<&'static str> {
    Some(match word {
        "MAINTAIN" => "it may run VACUUM, ANALYZE, CLUSTER, REINDEX, REFRESH and LOCK TABLE",
        "TRIGGER" => "it may add triggers, which run as whoever changes the data",
        "ALTER SYSTEM" => "it may change this setting for the whole server",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn create_role_is_another_power_from_16_on() {
        assert!(Attribute::CreateRole.meaning(150_018).contains("any role that is no superuser"));
        assert!(Attribute::CreateRole.meaning(160_000).contains("those it has ADMIN on"));
    }

    #[test]
    fn only_predefined_roles_have_a_meaning() {
        assert!(predefined("pg_maintain").is_some());
        assert!(predefined("sales_read").is_none());
    }
}
