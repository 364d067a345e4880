//! Everything that roles other than the leavers can do, so that it can be compared before and after a plan.

use crate::common::sql;
use revoked::domain::plan::quote::connect;
use revoked::throwaway::Cluster;
use std::collections::{BTreeMap, BTreeSet};

/// What is shared by all databases. `@L@` is an array of the leavers' names.
const SHARED: &str = "
SELECT 'role|' || pg_catalog.concat_ws('|', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
    rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil)
FROM pg_roles WHERE rolname <> ALL (@L@);
SELECT 'setting|' || pg_catalog.concat_ws('|', setrole::regrole, setdatabase, setconfig)
FROM pg_db_role_setting WHERE setrole::regrole::text <> ALL (SELECT pg_catalog.quote_ident(l) FROM unnest(@L@) AS l);
";

/// Members by what they have of a role, whoever granted it.
const MEMBERS_13: &str = "
SELECT 'member|' || pg_catalog.concat_ws('|', r.rolname, m.rolname, bool_or(admin_option))
FROM pg_auth_members AS a JOIN pg_roles AS r ON r.oid = roleid JOIN pg_roles AS m ON m.oid = member
WHERE m.rolname <> ALL (@L@) GROUP BY r.rolname, m.rolname;
";
const MEMBERS_16: &str = "
SELECT 'member|' || pg_catalog.concat_ws('|', r.rolname, m.rolname, bool_or(admin_option), bool_or(inherit_option),
    bool_or(set_option))
FROM pg_auth_members AS a JOIN pg_roles AS r ON r.oid = roleid JOIN pg_roles AS m ON m.oid = member
WHERE m.rolname <> ALL (@L@) GROUP BY r.rolname, m.rolname;
";

/// Each database. An owner's own entries are left out, since owners change; lines of `owner` tell of them.
const LOCAL: &str = "
WITH o (class, oid, sub, owner, given, standard) AS (
    SELECT 'pg_class', oid, 0, relowner, relacl, acldefault(CASE WHEN relkind = 'S' THEN 's' ELSE 'r' END::\"char\", relowner) FROM pg_class WHERE relkind NOT IN ('i','I','t','c')
    UNION ALL SELECT 'pg_attribute', attrelid, attnum, relowner, attacl, NULL FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid WHERE attacl IS NOT NULL AND NOT attisdropped
    UNION ALL SELECT 'pg_proc', oid, 0, proowner, proacl, acldefault('f', proowner) FROM pg_proc
    UNION ALL SELECT 'pg_type', oid, 0, typowner, typacl, acldefault('T', typowner) FROM pg_type WHERE typrelid = 0 AND typcategory <> 'A'
    UNION ALL SELECT 'pg_namespace', oid, 0, nspowner, nspacl, acldefault('n', nspowner) FROM pg_namespace
    UNION ALL SELECT 'pg_language', oid, 0, lanowner, lanacl, acldefault('l', lanowner) FROM pg_language
    UNION ALL SELECT 'pg_largeobject', oid, 0, lomowner, lomacl, NULL FROM pg_largeobject_metadata
    UNION ALL SELECT 'pg_foreign_data_wrapper', oid, 0, fdwowner, fdwacl, NULL FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server', oid, 0, srvowner, srvacl, NULL FROM pg_foreign_server
    UNION ALL SELECT 'pg_database', oid, 0, datdba, datacl, acldefault('d', datdba) FROM pg_database
    UNION ALL SELECT 'pg_tablespace', oid, 0, spcowner, spcacl, NULL FROM pg_tablespace
    UNION ALL SELECT 'pg_publication', oid, 0, pubowner, NULL, NULL FROM pg_publication
    UNION ALL SELECT 'pg_event_trigger', oid, 0, evtowner, NULL, NULL FROM pg_event_trigger
    UNION ALL SELECT 'pg_subscription', oid, 0, subowner, NULL, NULL FROM pg_subscription
    UNION ALL SELECT 'pg_extension', oid, 0, extowner, NULL, NULL FROM pg_extension
    UNION ALL SELECT 'pg_statistic_ext', oid, 0, stxowner, NULL, NULL FROM pg_statistic_ext
    UNION ALL SELECT 'pg_collation', oid, 0, collowner, NULL, NULL FROM pg_collation
    UNION ALL SELECT 'pg_operator', oid, 0, oprowner, NULL, NULL FROM pg_operator
    @PARAMETERS@
), n AS (
    SELECT current_database() AS db, o.*, coalesce(given, standard) AS acl, w.rolname AS owner_name
    FROM o JOIN pg_roles AS w ON w.oid = o.owner
    -- What initdb made has its standard list as long as nobody gave it another.
    WHERE o.oid >= 16384 OR o.class IN ('pg_database', 'pg_tablespace') OR given IS NOT NULL
)
SELECT 'owner|' || concat_ws('|', db, class, oid, owner_name) FROM n WHERE class NOT IN ('pg_attribute', 'pg_parameter_acl')
UNION ALL
SELECT 'acl|' || concat_ws('|', db, class, n.oid, sub, coalesce(g.rolname, 'PUBLIC'), x.privilege_type, bool_or(x.is_grantable))
FROM n CROSS JOIN LATERAL aclexplode(acl) AS x LEFT JOIN pg_roles AS g ON g.oid = x.grantee
WHERE x.grantee <> n.owner AND coalesce(g.rolname, '') <> ALL (@L@)
GROUP BY db, class, n.oid, sub, g.rolname, x.privilege_type
UNION ALL
SELECT concat_ws('|', CASE WHEN l.given THEN 'default' ELSE 'default less' END, current_database(), w.rolname,
    defaclnamespace, defaclobjtype, coalesce(g.rolname, 'PUBLIC'), l.privilege_type, l.is_grantable)
FROM pg_default_acl AS d JOIN pg_roles AS w ON w.oid = defaclrole
    -- A list that says what holds without it is no list.
    CROSS JOIN LATERAL acldefault((CASE defaclobjtype WHEN 'S' THEN 's' ELSE defaclobjtype END)::\"char\", defaclrole) AS s (acl)
    CROSS JOIN LATERAL (
        SELECT true, x.grantee, x.privilege_type, x.is_grantable FROM aclexplode(defaclacl) AS x
        EXCEPT SELECT true, x.grantee, x.privilege_type, x.is_grantable FROM aclexplode(s.acl) AS x WHERE defaclnamespace = 0
        UNION ALL (
            SELECT false, x.grantee, x.privilege_type, x.is_grantable FROM aclexplode(s.acl) AS x WHERE defaclnamespace = 0
            EXCEPT SELECT false, x.grantee, x.privilege_type, x.is_grantable FROM aclexplode(defaclacl) AS x
        )
    ) AS l (given, grantee, privilege_type, is_grantable)
    LEFT JOIN pg_roles AS g ON g.oid = l.grantee
WHERE w.rolname <> ALL (@L@) AND coalesce(g.rolname, '') <> ALL (@L@)
UNION ALL
SELECT 'policy|' || concat_ws('|', current_database(), polrelid, polname, polpermissive, polcmd,
    pg_get_expr(polqual, polrelid), (
        SELECT array_agg(CASE WHEN r = 0 THEN 'PUBLIC' ELSE r::regrole::text END ORDER BY r) FROM unnest(polroles) AS r
        LEFT JOIN pg_roles AS g ON g.oid = r
        WHERE coalesce(g.rolname, '') <> ALL (@L@) AND NOT coalesce(g.rolsuper, false)))
FROM pg_policy
UNION ALL
SELECT 'mapping|' || concat_ws('|', current_database(), usename, srvname)
FROM pg_user_mappings WHERE usename <> ALL (@L@);
";

/// What everybody but `leavers` can do.
pub(crate) struct Fingerprint(BTreeSet<String>);

impl Fingerprint {
    pub(crate) fn of(cluster: &Cluster, leavers: &[String]) -> Self {
        let names: Vec<String> =
            leavers.iter().map(|name| format!("'{}'", name.replace('\'', "''"))).collect();
        let names = format!("ARRAY[{}]::text[]", names.join(", "));
        let members = if cluster.major() >= 16 { MEMBERS_16 } else { MEMBERS_13 };
        let parameters = if cluster.major() >= 15 {
            "UNION ALL SELECT 'pg_parameter_acl', oid, 0, 10, paracl, NULL FROM pg_parameter_acl"
        } else {
            ""
        };
        let local = LOCAL.replace("@PARAMETERS@", parameters).replace("@L@", &names);
        let shared = format!("{SHARED}{members}").replace("@L@", &names);
        let mut lines = sql(cluster, "postgres", "postgres", &shared);
        let databases = sql(
            cluster,
            "postgres",
            "postgres",
            "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template1'",
        );
        for database in databases.lines() {
            let there = format!("{}\n{local}", connect(database));
            lines.push_str(&sql(cluster, "postgres", "postgres", &there));
        }
        Self(lines.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// What changed for others, but for new owners of what the leavers had: such an object has another owner, and
    /// what that one was granted on it before it now has as its owner.
    pub(crate) fn changes(&self, after: &Self, leavers: &[String]) -> Vec<String> {
        let owners = after.owners();
        let excused = |line: &str| {
            let parts: Vec<&str> = line.split('|').collect();
            match parts[0] {
                "acl" => {
                    let key = (parts[1].to_owned(), parts[2].to_owned(), parts[3].to_owned());
                    owners.get(&key).is_some_and(|owner| owner == parts[5])
                }
                "owner" => leavers.iter().any(|name| name == parts[4]),
                _ => false,
            }
        };
        let lost = self.0.difference(&after.0).filter(|line| !excused(line));
        let before = self.owners();
        let new = after.0.difference(&self.0).filter(|line| {
            let parts: Vec<&str> = line.split('|').collect();
            let key = || (parts[1].to_owned(), parts[2].to_owned(), parts[3].to_owned());
            !(parts[0] == "owner"
                && before.get(&key()).is_some_and(|owner| leavers.contains(owner)))
        });
        lost.map(|line| format!("- {line}")).chain(new.map(|line| format!("+ {line}"))).collect()
    }

    fn owners(&self) -> BTreeMap<(String, String, String), String> {
        let lines = self.0.iter().filter_map(|line| line.strip_prefix("owner|"));
        lines
            .map(|line| {
                let parts: Vec<&str> = line.splitn(4, '|').collect();
                let key = (parts[0].to_owned(), parts[1].to_owned(), parts[2].to_owned());
                (key, parts[3].to_owned())
            })
            .collect()
    }
}
