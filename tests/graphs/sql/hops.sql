-- Memberships that give anything.
SELECT r.rolname::text AS role, g.rolname::text AS held
FROM pg_auth_members m JOIN pg_authid g ON g.oid = m.roleid JOIN pg_authid r ON r.oid = m.member
WHERE true /*16 AND (m.inherit_option OR m.set_option OR m.admin_option) 16*/
