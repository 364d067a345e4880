# Revoke single user access
./scripts/operations/revoke-access.sh --user <username>
# Revoke with reason
./scripts/operations/revoke-access.sh --user <username> --reason "User terminated"
# Batch revocation from CSV
./scripts/operations/revoke-access.sh --batch users.csv
# Revoke specific role/group
./scripts/operations/revoke-access.sh --user <username> --role admin
# Dry-run mode (simulation)
./scripts/operations/revoke-access.sh --user <username> --dry-run
# Emergency revocation (bypass approval)
./scripts/operations/revoke-access.sh --user <username> --emergency
# Partial revocation (specific permissions only)
./scripts/operations/revoke-access.sh --user <username> --permissions "db.write,api.admin"
# Extend contractor account for 30 days
./scripts/operations/revoke-access.sh --user <username> --extend 30d --reason "Contract extension approved"
# Test revocation with test user
./scripts/operations/revoke-access.sh --user test.user --dry-run
# Check database connectivity
./scripts/operations/revoke-access.sh --check-db
# Verify IAM permissions
./scripts/operations/revoke-access.sh --check-permissions
# Complete partial revocation
./scripts/operations/revoke-access.sh --user <username> --force
