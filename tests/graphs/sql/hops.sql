-- Every membership.
SELECT p.rolname::text AS member, g.rolname::text AS held, coalesce(b.rolname::text, '') AS grantor,
    p.rolinherit /*16 AND false OR m.inherit_option 16*/ AS inherit,
    true /*16 AND m.set_option 16*/ AS sets, m.admin_option AS admin
FROM pg_auth_members m JOIN pg_authid g ON g.oid = m.roleid JOIN pg_authid p ON p.oid = m.member
    LEFT JOIN pg_authid b ON b.oid = m.grantor
