-- revoked/system_identifier: PostgreSQL only. Is the store on a target?
SELECT system_identifier::text FROM pg_catalog.pg_control_system()
