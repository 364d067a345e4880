//! Taking away memberships and privileges, per grantor, without taking from others what is theirs.

use super::quote::ident;
use super::{Plan, Setting, of};
use crate::domain::residual::{Dependent, Residual, ResidualKind};
use std::collections::BTreeSet;

/// Direct memberships only: what is reached through them goes with them.
pub(super) fn memberships(residual: &[Residual], setting: &Setting, plan: &mut Plan) {
    let mut steps = Vec::new();
    for found in of(residual, &[ResidualKind::Membership, ResidualKind::AdminOption]) {
        let (true, Some(role), Some(group)) =
            (found.via.is_empty(), &found.account.role, &found.privilege)
        else {
            continue;
        };
        let granted_by_leaver = of(residual, &[ResidualKind::AdminOption]).any(|other| {
            other.account.role.is_some()
                && other.account.role == found.grantor
                && other.privilege == found.privilege
        });
        if granted_by_leaver && setting.version_num >= 160_000 {
            // It goes with the CASCADE that takes the grantor's own.
            continue;
        }
        let (role, group) = (ident(role), ident(group));
        // Since 16 a membership belongs to its grantor, and others may depend on it.
        if setting.version_num >= 160_000 {
            for other in &found.dependents {
                steps.push(regrant_membership(&group, other));
            }
            let by = found
                .grantor
                .as_deref()
                .map_or(String::new(), |by| format!(" GRANTED BY {}", ident(by)));
            let cascade = if found.cascade { " CASCADE" } else { "" };
            steps.push(format!("REVOKE {group} FROM {role}{by}{cascade};"));
        } else {
            steps.push(format!("REVOKE {group} FROM {role};"));
        }
    }
    let mut seen = BTreeSet::new();
    plan.cluster.extend(steps.into_iter().filter(|step| seen.insert(step.clone())));
}

fn regrant_membership(group: &str, other: &Dependent) -> String {
    let option = |name: &str, value: Option<bool>| {
        value.map(|on| format!("{name} {}", if on { "TRUE" } else { "FALSE" }))
    };
    let options: Vec<String> = [
        option("ADMIN", Some(other.grantable)),
        option("INHERIT", other.inherit),
        option("SET", other.set),
    ]
    .into_iter()
    .flatten()
    .collect();
    let grantee = other.grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), ident);
    format!("GRANT {group} TO {grantee} WITH {};", options.join(", "))
}

/// The words by which GRANT names a kind of object.
pub(super) fn object_words(class: &str, object_type: Option<&str>) -> &'static str {
    match (class, object_type) {
        ("pg_class", Some("sequence")) => "SEQUENCE",
        ("pg_proc", _) => "ROUTINE",
        ("pg_type", _) => "TYPE",
        ("pg_namespace", _) => "SCHEMA",
        ("pg_language", _) => "LANGUAGE",
        ("pg_largeobject", _) => "LARGE OBJECT",
        ("pg_foreign_data_wrapper", _) => "FOREIGN DATA WRAPPER",
        ("pg_foreign_server", _) => "FOREIGN SERVER",
        ("pg_database", _) => "DATABASE",
        ("pg_tablespace", _) => "TABLESPACE",
        ("pg_parameter_acl", _) => "PARAMETER",
        _ => "TABLE",
    }
}

/// Revokes per object and grantor. A REVOKE acts for the owner unless run as the grantor, so a grant by
/// another is revoked after `SET ROLE` to that other.
pub(super) fn privileges(residual: &[Residual], plan: &mut Plan) {
    for found in of(residual, &[ResidualKind::Privilege]) {
        let (Some(role), Some(class), Some(object), Some(privilege)) =
            (&found.account.role, &found.class, &found.object, &found.privilege)
        else {
            plan.by_hand.push(found.sentence.clone());
            continue;
        };
        let granted_by_leaver = of(residual, &[ResidualKind::Privilege]).any(|other| {
            other.grantable
                && other.account.role.is_some()
                && other.account.role == found.grantor
                && (&other.database, &other.object, &other.sub_object, &other.privilege)
                    == (&found.database, &found.object, &found.sub_object, &found.privilege)
        });
        if granted_by_leaver {
            continue;
        }
        let on = format!("{} {object}", object_words(class, found.object_type.as_deref()));
        let what = match &found.sub_object {
            Some(column) => format!("{privilege} ({})", ident(column)),
            None => privilege.clone(),
        };
        let mut steps = Vec::new();
        for other in &found.dependents {
            let grantee = other.grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), ident);
            let option = if other.grantable { " WITH GRANT OPTION" } else { "" };
            steps.push(format!("GRANT {what} ON {on} TO {grantee}{option};"));
        }
        let cascade = if found.cascade { " CASCADE" } else { "" };
        let revoke = format!("REVOKE {what} ON {on} FROM {}{cascade};", ident(role));
        match (&found.grantor, &found.owner) {
            (Some(grantor), Some(owner)) if grantor != owner => {
                steps.push(format!("SET ROLE {};", ident(grantor)));
                steps.push(revoke);
                steps.push("RESET ROLE;".to_owned());
            }
            _ => steps.push(revoke),
        }
        match &found.database {
            Some(database) => plan.databases.entry(database.clone()).or_default().extend(steps),
            None => plan.cluster.extend(steps),
        }
    }
}
