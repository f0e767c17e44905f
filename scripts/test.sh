#!/bin/sh
# Runs the tests with the race detector, on real servers that the tests start
# for themselves. Installs what is missing (Debian, Ubuntu): a C compiler and
# the C library's headers for the race detector, the servers' programs, and
# Chromium for the dashboard.
# Arguments go to go test; without any, it tests every package.
set -eu
cd "$(dirname "$0")/.."

compiles() {
	printf '#include <stdlib.h>\n#include <pthread.h>\nint main(void) { return 0; }\n' |
		$(go env CC) -x c -o /dev/null - >/dev/null 2>&1
}

# has says whether a program is installed, also where Debian keeps PostgreSQL's.
has() {
	command -v "$1" >/dev/null || ls /usr/lib/postgresql/*/bin/"$1" /usr/sbin/"$1" >/dev/null 2>&1
}

# missing lists the packages of what is not there. Those with redis-tools and
# mariadb-server-core in place of the full ones bring the programs without a
# daemon of their own.
missing() {
	compiles || printf 'gcc libc6-dev '
	has redis-check-rdb || printf 'redis-tools '
	{ has mariadbd && has mariadb-install-db; } || printf 'mariadb-server-core '
	has mariadb-admin || printf 'mariadb-client '
	has initdb || printf 'postgresql '
	has pgbouncer || printf 'pgbouncer '
	# Only the benchmarks' module wants RQ, and does without.
	! command -v apt-get >/dev/null || /usr/bin/python3 -c 'import rq' 2>/dev/null || printf 'python3-rq python3-redis '
	has chromium || has chromium-browser || has google-chrome || printf 'chromium '
}

# install installs packages and leaves no daemon running: nothing may start
# meanwhile, and the cluster that PostgreSQL's package makes is dropped again.
install() {
	as_root=$1
	shift
	policy=/usr/sbin/policy-rc.d
	[ -e $policy ] && policy=
	[ -z "$policy" ] || printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	[ -z "$policy" ] || $as_root chmod 755 $policy
	status=0
	{
		$as_root apt-get update -q &&
			$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
	} || status=$?
	[ -z "$policy" ] || $as_root rm -f $policy
	case " $* " in *" postgresql "*)
		pg_lsclusters -h 2>/dev/null | while read -r version name _; do
			$as_root pg_dropcluster --stop "$version" "$name" || true
		done
		;;
	esac
	return $status
}

give_up() {
	echo "make test: $1" >&2
	exit 1
}

# A Go older than go.mod asks for fetches the one it names, unless told not to.
if ! go list -m >/dev/null 2>&1; then
	export GOTOOLCHAIN=auto
	go list -m >/dev/null
fi

packages=$(missing)
if [ -n "$packages" ]; then
	# The list is split into words on purpose.
	# shellcheck disable=SC2086
	if ! command -v apt-get >/dev/null; then
		give_up "install what Debian has in these packages: $packages"
	elif [ "$(id -u)" -eq 0 ]; then
		install "" $packages
	elif sudo -n true 2>/dev/null; then
		install "sudo -n" $packages
	else
		give_up "run: sudo apt-get install --no-install-recommends $packages"
	fi
	packages=$(missing)
	[ -z "$packages" ] || give_up "still missing after the installation: $packages"
fi

# newest prints the path of a program that Debian keeps apart, of the newest version there is.
newest() {
	command -v "$1" || ls /usr/lib/postgresql/*/bin/"$1" /usr/sbin/"$1" 2>/dev/null | sort -V | tail -n 1
}

# server prints what the tests run against: a private server of the program, or the one that a variable names, of whose
# URL the password is not shown.
server() { # name, value of the variable, command that prints the version
	if [ -n "$2" ]; then
		printf '  %-11s the server at %s\n' "$1" "$(printf %s "$2" | sed -E 's#//([^:/@]*):.*@#//\1:***@#')"
	else
		printf '  %-11s %s\n' "$1" "$($3 2>/dev/null | head -n 1)"
	fi
}

# redis-check-rdb is the server by another name, and goes by the name it is called.
redis_version() {
	dir=$(mktemp -d)
	ln -s "$(command -v redis-server || command -v redis-check-rdb)" "$dir/redis-server"
	"$dir/redis-server" --version
	rm -r "$dir"
}

echo "The tests run against:"
server SQLite "" "go list -m modernc.org/sqlite"
server PostgreSQL "${ERRAND_TEST_POSTGRES_URL:-}" "$(newest postgres) --version"
server MySQL "${ERRAND_TEST_MYSQL_URL:-}" "$(newest mariadbd) --version"
server Redis "${ERRAND_TEST_REDIS_URL:-}" redis_version
server Chromium "" "$(command -v chromium || command -v chromium-browser || command -v google-chrome) --version"
echo "Not these: other versions of them, MySQL 8, Valkey. Name such a server in ERRAND_TEST_POSTGRES_URL, ERRAND_TEST_MYSQL_URL"
echo "or ERRAND_TEST_REDIS_URL; docs/testing.md tells which have been run."

if [ $# -eq 0 ]; then
	# The benchmarks' own module: each system does a little work.
	(cd bench && go test ./...)
	set -- ./...
fi
# Go's own limit of ten minutes a package is too little for a slow or busy machine. One among the arguments overrides it.
CGO_ENABLED=1 exec go test -race -timeout 40m "$@"
