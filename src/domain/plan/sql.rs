//! The statements of each step.

use super::quote::{comment, ident, literal};
use super::step::{Acting, MemberOption, Object, Right, Step};

impl MemberOption {
    fn word(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Inherit => "INHERIT",
            Self::Set => "SET",
        }
    }
}

/// A grantee as SQL writes it.
pub(super) fn whom(grantee: Option<&String>) -> String {
    grantee.map_or_else(|| "PUBLIC".to_owned(), |name| ident(name))
}

/// The words by which GRANT names a kind of object.
fn grant_words(object: &Object) -> &'static str {
    match (object.class.as_str(), object.kind.as_deref()) {
        ("pg_class", Some("sequence")) => "SEQUENCE",
        ("pg_class", _) => "TABLE",
        ("pg_parameter_acl", _) => "PARAMETER",
        _ => owner_words(object).unwrap_or("TABLE"),
    }
}

/// The words by which ALTER … OWNER TO names a kind of object; `None` where the server has no such statement.
pub(super) fn owner_words(object: &Object) -> Option<&'static str> {
    Some(match (object.class.as_str(), object.kind.as_deref()) {
        ("pg_class", Some("sequence")) => "SEQUENCE",
        ("pg_class", Some("view")) => "VIEW",
        ("pg_class", Some("materialized view")) => "MATERIALIZED VIEW",
        ("pg_class", Some("foreign table")) => "FOREIGN TABLE",
        ("pg_class", _) => "TABLE",
        ("pg_proc", _) => "ROUTINE",
        ("pg_type", _) => "TYPE",
        ("pg_namespace", _) => "SCHEMA",
        ("pg_language", _) => "LANGUAGE",
        ("pg_largeobject", _) => "LARGE OBJECT",
        ("pg_foreign_data_wrapper", _) => "FOREIGN DATA WRAPPER",
        ("pg_foreign_server", _) => "SERVER",
        ("pg_database", _) => "DATABASE",
        ("pg_tablespace", _) => "TABLESPACE",
        ("pg_collation", _) => "COLLATION",
        ("pg_conversion", _) => "CONVERSION",
        ("pg_operator", _) => "OPERATOR",
        ("pg_opclass", _) => "OPERATOR CLASS",
        ("pg_opfamily", _) => "OPERATOR FAMILY",
        ("pg_ts_dict", _) => "TEXT SEARCH DICTIONARY",
        ("pg_ts_config", _) => "TEXT SEARCH CONFIGURATION",
        ("pg_statistic_ext", _) => "STATISTICS",
        ("pg_publication", _) => "PUBLICATION",
        ("pg_event_trigger", _) => "EVENT TRIGGER",
        _ => return None,
    })
}

fn on(object: &Object) -> String {
    let words = match grant_words(object) {
        "SERVER" => "FOREIGN SERVER",
        words => words,
    };
    format!("{words} {}", object.name)
}

fn rights(rights: &[Right]) -> String {
    let words: Vec<String> = rights
        .iter()
        .map(|right| match &right.column {
            Some(column) => format!("{} ({})", right.privilege, ident(column)),
            None => right.privilege.clone(),
        })
        .collect();
    words.join(", ")
}

pub(super) fn default_for(role: &str, schema: Option<&String>) -> String {
    let schema = schema.map_or(String::new(), |name| format!(" IN SCHEMA {}", ident(name)));
    format!("ALTER DEFAULT PRIVILEGES FOR ROLE {}{schema}", ident(role))
}

impl Step {
    /// The statements, as the role that runs the script; what has to be run as another role is between
    /// [`before`](Self::before) and [`after`](Self::after).
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        match self {
            Self::RollBack { gid, .. } => vec![format!("ROLLBACK PREPARED {};", literal(gid))],
            Self::AlterRole { role, options } => {
                vec![format!("ALTER ROLE {} {};", ident(role), options.join(" "))]
            }
            Self::Terminate { oid, account, wait } => vec![format!(
                "SELECT pg_catalog.pg_terminate_backend(pid{}) FROM pg_catalog.pg_stat_activity \
                 WHERE usesysid = {oid} AND pid <> pg_catalog.pg_backend_pid(); -- {}",
                if *wait { ", 5000" } else { "" },
                comment(account)
            )],
            Self::ResetSettings { role, in_database } => {
                let place = in_database
                    .as_ref()
                    .map_or(String::new(), |name| format!(" IN DATABASE {}", ident(name)));
                vec![format!("ALTER ROLE {}{place} RESET ALL;", ident(role))]
            }
            Self::GrantMembership { group, member, options } => {
                let options: Vec<String> = options
                    .iter()
                    .map(|(option, on)| {
                        format!("{} {}", option.word(), if *on { "TRUE" } else { "FALSE" })
                    })
                    .collect();
                let (group, member) = (ident(group), ident(member));
                vec![format!("GRANT {group} TO {member} WITH {};", options.join(", "))]
            }
            Self::RevokeMembership { group, member, grantor, cascade } => {
                let by = grantor
                    .as_ref()
                    .map_or(String::new(), |by| format!(" GRANTED BY {}", ident(by)));
                let cascade = if *cascade { " CASCADE" } else { "" };
                vec![format!("REVOKE {} FROM {}{by}{cascade};", ident(group), ident(member))]
            }
            Self::GrantPrivilege { on: object, rights: list, grantee, grantable } => {
                let option = if *grantable { " WITH GRANT OPTION" } else { "" };
                let (what, whom) = (rights(list), whom(grantee.as_ref()));
                vec![format!("GRANT {what} ON {} TO {whom}{option};", on(object))]
            }
            Self::RevokePrivilege { on: object, rights: list, grantee, cascade, .. } => {
                let cascade = if *cascade { " CASCADE" } else { "" };
                let (what, on) = (rights(list), on(object));
                vec![format!("REVOKE {what} ON {on} FROM {}{cascade};", ident(grantee))]
            }
            Self::AlterPolicy { table, policy, to, .. } => {
                let to: Vec<String> = to.iter().map(|role| whom(role.as_ref())).collect();
                vec![format!("ALTER POLICY {} ON {table} TO {};", ident(policy), to.join(", "))]
            }
            Self::RevokeDefault { owner, schema, objects, privileges, grantee } => {
                let alter = default_for(owner, schema.as_ref());
                let (what, whom) = (privileges.join(", "), ident(grantee));
                vec![format!("{alter} REVOKE {what} ON {objects} FROM {whom};")]
            }
            Self::ResetDefaults { role, schema, objects, grantees } => {
                reset_defaults(role, schema.as_ref(), objects, grantees)
            }
            Self::DropUserMapping { role, server } => {
                vec![format!("DROP USER MAPPING FOR {} SERVER {};", ident(role), ident(server))]
            }
            Self::Unschedule { job, .. } => vec![format!("SELECT cron.unschedule({job});")],
            Self::ReassignOwned { from, to } => {
                vec![format!("REASSIGN OWNED BY {} TO {};", ident(from), ident(to))]
            }
            Self::AlterOwner { on, from, to } => vec![alter_owner(on, from, to)],
        }
    }

    /// What it is for, where the statement does not say it.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        match self {
            Self::GrantMembership { .. } | Self::GrantPrivilege { .. } => {
                Some("held through the leaver until now; stays".to_owned())
            }
            Self::RevokePrivilege { tampered: true, .. } => {
                Some("somebody edited a catalog: pg_shdepend does not know this".to_owned())
            }
            Self::AlterPolicy { parked: true, .. } => Some(
                "it names nobody else; kept, for a role that no policy binds, so nobody sees more or less"
                    .to_owned(),
            ),
            Self::DropUserMapping { .. } => {
                Some("a credential for another server: change it there, too".to_owned())
            }
            Self::ResetDefaults { .. } => {
                Some("as if the leaver had never changed its default privileges".to_owned())
            }
            Self::Unschedule { what, .. } => Some(what.clone()),
            Self::RollBack { prepared_by: Some(by), .. } => {
                Some(format!("prepared by {by}, whose work in it is lost: ask first"))
            }
            Self::RollBack { prepared_by: None, .. }
            | Self::AlterRole { .. }
            | Self::Terminate { .. }
            | Self::ResetSettings { .. }
            | Self::RevokeMembership { .. }
            | Self::RevokePrivilege { tampered: false, .. }
            | Self::AlterPolicy { parked: false, .. }
            | Self::RevokeDefault { .. }
            | Self::ReassignOwned { .. }
            | Self::AlterOwner { .. } => None,
        }
    }

    /// As whom it has to be run, where that is not whoever runs the script.
    #[must_use]
    pub fn acting(&self) -> Option<&Acting> {
        match self {
            Self::RevokePrivilege { acting, .. } => acting.as_ref(),
            Self::RollBack { .. }
            | Self::AlterRole { .. }
            | Self::Terminate { .. }
            | Self::ResetSettings { .. }
            | Self::GrantMembership { .. }
            | Self::RevokeMembership { .. }
            | Self::GrantPrivilege { .. }
            | Self::AlterPolicy { .. }
            | Self::RevokeDefault { .. }
            | Self::ResetDefaults { .. }
            | Self::DropUserMapping { .. }
            | Self::Unschedule { .. }
            | Self::ReassignOwned { .. }
            | Self::AlterOwner { .. } => None,
        }
    }

    /// Everything that has to be run for this step alone.
    #[must_use]
    pub fn sql(&self) -> Vec<String> {
        let mut sql = self.acting().map_or_else(Vec::new, Acting::before);
        sql.extend(self.statements());
        sql.extend(self.acting().map_or_else(Vec::new, Acting::after));
        sql
    }

    /// The same, with what the step is for.
    #[must_use]
    pub fn sql_for_people(&self) -> Vec<String> {
        let mut sql = self.acting().map_or_else(Vec::new, Acting::before);
        sql.extend(self.told());
        sql.extend(self.acting().map_or_else(Vec::new, Acting::after));
        sql
    }

    /// The statements, the first with what the step is for.
    pub(super) fn told(&self) -> Vec<String> {
        let mut why = self.why().map(|why| format!(" -- {}", comment(&why)));
        let with = |statement: String| statement + &why.take().unwrap_or_default();
        self.statements().into_iter().map(with).collect()
    }
}

impl Acting {
    /// Becomes the role.
    #[must_use]
    pub fn before(&self) -> Vec<String> {
        let role = ident(&self.role);
        let demote = self.demoted.then(|| format!("ALTER ROLE {role} NOSUPERUSER;"));
        demote.into_iter().chain([format!("SET ROLE {role};")]).collect()
    }

    /// Ends being the role.
    #[must_use]
    pub fn after(&self) -> Vec<String> {
        let promote = self.demoted.then(|| format!("ALTER ROLE {} SUPERUSER;", ident(&self.role)));
        ["RESET ROLE;".to_owned()].into_iter().chain(promote).collect()
    }
}

/// A list disappears once it equals what the server would do without it.
fn reset_defaults(
    role: &str,
    schema: Option<&String>,
    objects: &str,
    grantees: &[Option<String>],
) -> Vec<String> {
    let alter = default_for(role, schema);
    let mut sql: Vec<String> = grantees
        .iter()
        .map(|other| format!("{alter} REVOKE ALL ON {objects} FROM {};", whom(other.as_ref())))
        .collect();
    if schema.is_none() {
        sql.push(format!("{alter} GRANT ALL ON {objects} TO {};", ident(role)));
        // What PUBLIC has without anybody's doing (PostgreSQL documentation, 5.8 Privileges).
        let public = match objects {
            "FUNCTIONS" => Some("EXECUTE"),
            "TYPES" => Some("USAGE"),
            _ => None,
        };
        sql.extend(public.map(|right| format!("{alter} GRANT {right} ON {objects} TO PUBLIC;")));
    }
    sql
}

/// A sequence of a column goes with its table, and the server refuses to alter it by itself.
fn alter_owner(on: &Object, from: &str, to: &str) -> String {
    let words = owner_words(on).unwrap_or("TABLE");
    let alter = format!("ALTER {words} {} OWNER TO {}", on.name, ident(to));
    if words != "SEQUENCE" {
        return format!("{alter};");
    }
    format!(
        "SELECT {} FROM pg_catalog.pg_class WHERE oid = {}::pg_catalog.regclass AND relowner = \
         {}::pg_catalog.regrole \\gexec",
        literal(&alter),
        literal(&on.name),
        literal(&ident(from)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Object {
        Object { class: "pg_class".into(), kind: Some("table".into()), name: name.into() }
    }

    #[test]
    fn a_revoke_for_another_is_between_set_role_and_reset_role() {
        let step = Step::RevokePrivilege {
            on: table("sales.orders"),
            rights: vec![
                Right { privilege: "SELECT".into(), column: Some("a".into()) },
                Right { privilege: "UPDATE".into(), column: Some("b c".into()) },
            ],
            grantee: "x".into(),
            acting: Some(Acting { role: "boss".into(), demoted: true }),
            cascade: true,
            tampered: false,
        };
        assert_eq!(
            step.sql(),
            [
                "ALTER ROLE \"boss\" NOSUPERUSER;",
                "SET ROLE \"boss\";",
                "REVOKE SELECT (\"a\"), UPDATE (\"b c\") ON TABLE sales.orders FROM \"x\" CASCADE;",
                "RESET ROLE;",
                "ALTER ROLE \"boss\" SUPERUSER;"
            ]
        );
    }

    #[test]
    fn every_class_has_its_words() {
        let words = |class: &str, kind: &str| {
            let object = Object { class: class.into(), kind: Some(kind.into()), name: "n".into() };
            (on(&object), owner_words(&object))
        };
        assert_eq!(words("pg_class", "view"), ("TABLE n".into(), Some("VIEW")));
        assert_eq!(
            words("pg_foreign_server", "server"),
            ("FOREIGN SERVER n".into(), Some("SERVER"))
        );
        assert_eq!(words("pg_parameter_acl", "parameter ACL"), ("PARAMETER n".into(), None));
        assert_eq!(words("pg_largeobject", "large object").0, "LARGE OBJECT n");
        assert_eq!(words("pg_extension", "extension").1, None);
    }
}
