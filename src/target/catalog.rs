//! Rows of the catalogs in words, as they were seen: what stands behind a residual. Pure.

use super::rows::{AclRow, DependencyRow, RoleRow};
use crate::domain::graph::Edge;
use crate::domain::powers::Attribute;
use std::fmt::Write as _;

/// Letters of an access list, in the order in which the server writes them.
///
/// Source: PostgreSQL documentation, 5.8 Privileges, and `acl.h` for the order.
const LETTERS: &[(&str, char)] = &[
    ("INSERT", 'a'),
    ("SELECT", 'r'),
    ("UPDATE", 'w'),
    ("DELETE", 'd'),
    ("TRUNCATE", 'D'),
    ("REFERENCES", 'x'),
    ("TRIGGER", 't'),
    ("EXECUTE", 'X'),
    ("USAGE", 'U'),
    ("CREATE", 'C'),
    ("TEMPORARY", 'T'),
    ("CONNECT", 'c'),
    ("SET", 's'),
    ("ALTER SYSTEM", 'A'),
    ("MAINTAIN", 'm'),
];

/// Catalogs whose objects have an owner or an access list, with the columns that hold them.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("pg_class", "relowner", "relacl"),
    ("pg_attribute", "", "attacl"),
    ("pg_proc", "proowner", "proacl"),
    ("pg_type", "typowner", "typacl"),
    ("pg_namespace", "nspowner", "nspacl"),
    ("pg_language", "lanowner", "lanacl"),
    ("pg_largeobject", "lomowner", "lomacl"),
    ("pg_foreign_data_wrapper", "fdwowner", "fdwacl"),
    ("pg_foreign_server", "srvowner", "srvacl"),
    ("pg_extension", "extowner", ""),
    ("pg_collation", "collowner", ""),
    ("pg_conversion", "conowner", ""),
    ("pg_operator", "oprowner", ""),
    ("pg_opclass", "opcowner", ""),
    ("pg_opfamily", "opfowner", ""),
    ("pg_ts_dict", "dictowner", ""),
    ("pg_ts_config", "cfgowner", ""),
    ("pg_statistic_ext", "stxowner", ""),
    ("pg_publication", "pubowner", ""),
    ("pg_event_trigger", "evtowner", ""),
    ("pg_default_acl", "defaclrole", "defaclacl"),
    ("pg_database", "datdba", "datacl"),
    ("pg_tablespace", "spcowner", "spcacl"),
    ("pg_parameter_acl", "", "paracl"),
];

/// OIDs of the catalogs, the same on every server, and what their objects are called.
///
/// Source: `CATALOG(…)` of the headers in `src/include/catalog`.
const CLASSES: &[(u32, &str)] = &[
    (826, "default privileges"),
    (1213, "tablespace"),
    (1247, "type"),
    (1255, "routine"),
    (1259, "table, view or sequence"),
    (1262, "database"),
    (1417, "foreign server"),
    (1418, "user mapping"),
    (2328, "foreign-data wrapper"),
    (2607, "conversion"),
    (2612, "language"),
    (2613, "large object"),
    (2615, "schema"),
    (2616, "operator class"),
    (2617, "operator"),
    (2753, "operator family"),
    (3079, "extension"),
    (3256, "policy"),
    (3381, "statistics object"),
    (3456, "collation"),
    (3466, "event trigger"),
    (3600, "text search dictionary"),
    (3602, "text search configuration"),
    (6100, "subscription"),
    (6104, "publication"),
    (6243, "parameter"),
];

/// An object whose name nobody read.
pub(super) fn unnamed(class: u32, object: u32) -> String {
    match CLASSES.iter().find(|(oid, _)| *oid == class) {
        Some((_, kind)) => format!("the {kind} with OID {object}"),
        None => format!("object {object} of catalog {class}"),
    }
}

fn flag(on: bool) -> char {
    if on { 't' } else { 'f' }
}

/// A row of `pg_auth_members`, by the names of its roles. INHERIT and SET are columns since 16.
pub(super) fn membership(edge: &Edge, name: impl Fn(u32) -> String, version_num: i32) -> String {
    let mut row = format!(
        "pg_auth_members: role={} member={} grantor={} admin={}",
        name(edge.role.0),
        name(edge.member.0),
        name(edge.grantor.0),
        flag(edge.admin)
    );
    if version_num >= 160_000 {
        // Writing to a String cannot fail.
        let _ = write!(row, " inherit={} set={}", flag(edge.inherit), flag(edge.set));
    }
    row
}

/// `rolinherit` of a member, which decides before 16.
pub(super) fn inherits(member: &str, inherit: bool) -> String {
    format!("pg_roles: rolname={member} rolinherit={}", flag(inherit))
}

/// What makes a login, and what looks as if it prevented one.
pub(super) fn login(role: &RoleRow) -> String {
    format!(
        "pg_roles: oid={} rolname={} rolcanlogin={} rolconnlimit={} rolvaliduntil={}",
        role.oid.0,
        role.name,
        flag(role.has(RoleRow::LOGIN)),
        role.connection_limit,
        role.valid_until.as_deref().unwrap_or("null")
    )
}

/// An attribute that a role has.
pub(super) fn attribute(role: &str, attribute: Attribute) -> String {
    format!("pg_roles: rolname={role} {}=t", attribute.column())
}

/// Who owns a database.
pub(super) fn database_owner(database: &str, owner: &str) -> String {
    format!("pg_database: datname={database} datdba={owner}")
}

/// A row of `pg_shdepend`.
pub(super) fn dependency(row: &DependencyRow) -> String {
    format!(
        "pg_shdepend: dbid={} classid={} objid={} objsubid={} refobjid={} deptype={}",
        row.database.0, row.class.0, row.object.0, row.sub_object, row.role.0, row.kind
    )
}

/// The owner column of an object.
pub(super) fn owner(catalog: &str, object: u32, owner: u32) -> String {
    let known = COLUMNS.iter().find(|(name, column, _)| *name == catalog && !column.is_empty());
    let column = known.map_or("owner", |(_, column, _)| *column);
    format!("{catalog}: oid={object} {column}={owner}")
}

/// The item of an access list that `row` is a privilege of: all that its grantor gave its grantee.
pub(super) fn entry(
    row: &AclRow,
    list: &[&AclRow],
    catalog: &str,
    name: impl Fn(u32) -> String,
) -> String {
    let key = |r: &AclRow| (r.class, r.object, r.sub_object, r.grantee, r.grantor);
    let mut letters = String::new();
    for (word, letter) in LETTERS {
        let has = list.iter().find(|other| key(other) == key(row) && other.privilege == *word);
        if let Some(has) = has {
            letters.push(*letter);
            letters.push_str(if has.grantable { "*" } else { "" });
        }
    }
    let catalog = if row.sub_object == 0 { catalog } else { "pg_attribute" };
    let known = COLUMNS.iter().find(|(name, ..)| *name == catalog);
    let column = known.map_or("acl", |(_, _, column)| *column);
    let object = match row.sub_object {
        0 => format!("oid={}", row.object.0),
        number => format!("attrelid={} attnum={number}", row.object.0),
    };
    format!(
        "{catalog}: {object} {column} has {}={letters}/{}",
        quoted(&name(row.grantee.0)),
        quoted(&name(row.grantor.0))
    )
}

/// A role's name as the server writes it in an access list.
fn quoted(name: &str) -> String {
    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::postgres::types::Oid;

    fn granted(privilege: &str, grantable: bool, sub_object: i32) -> AclRow {
        AclRow {
            class: Oid(1259),
            object: Oid(16_410),
            sub_object,
            owner: Oid(1),
            grantee: Oid(2),
            grantor: Oid(3),
            privilege: privilege.to_owned(),
            grantable,
        }
    }

    fn name(oid: u32) -> String {
        if oid == 2 { "o'brien".to_owned() } else { "boss".to_owned() }
    }

    #[test]
    fn an_item_of_an_access_list_is_whole_and_as_the_server_writes_it() {
        let items = [
            granted("MAINTAIN", false, 0),
            granted("SELECT", true, 0),
            granted("INSERT", false, 0),
            granted("UPDATE", false, 2),
        ];
        let list: Vec<&AclRow> = items.iter().collect();
        assert_eq!(
            entry(list[0], &list, "pg_class", name),
            "pg_class: oid=16410 relacl has \"o'brien\"=ar*m/boss"
        );
        assert_eq!(
            entry(list[3], &list, "pg_class", name),
            "pg_attribute: attrelid=16410 attnum=2 attacl has \"o'brien\"=w/boss"
        );
    }

    #[test]
    fn an_owner_stands_in_its_own_column() {
        assert_eq!(owner("pg_proc", 7, 9), "pg_proc: oid=7 proowner=9");
        assert_eq!(owner("pg_new_catalog", 7, 9), "pg_new_catalog: oid=7 owner=9");
    }
}
