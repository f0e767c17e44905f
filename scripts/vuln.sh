#!/bin/sh
# Looks for known vulnerabilities in what Errand depends on. It needs the Go
# vulnerability database, and fails where that cannot be reached: not having
# looked is not the same as having found nothing.
set -eu
cd "$(dirname "$0")/.."

status=0
out=$(go tool -modfile=tools/go.mod govulncheck ./... 2>&1) || status=$?
printf '%s\n' "$out"
case $status in
0) ;;
3) echo "make vuln: vulnerabilities found, see above." >&2 ;;
*)
	case $out in
	*"fetching vulnerabilities"*)
		echo "make vuln: NOT CHECKED: the vulnerability database (https://vuln.go.dev, or \$GOVULNDB) cannot be reached." >&2
		;;
	*) echo "make vuln: NOT CHECKED: govulncheck failed, see above." >&2 ;;
	esac
	;;
esac
exit $status
