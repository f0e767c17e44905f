#!/bin/sh
# Runs the tests with the race detector, which needs a C compiler and the C
# library's headers, and installs both where they are missing (Debian, Ubuntu).
# Arguments go to go test; without any, it tests every package.
set -eu
cd "$(dirname "$0")/.."

packages="gcc libc6-dev"

compiles() {
	printf '#include <stdlib.h>\n#include <pthread.h>\nint main(void) { return 0; }\n' |
		$(go env CC) -x c -o /dev/null - >/dev/null 2>&1
}

install() {
	"$@" apt-get update -q
	"$@" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
}

give_up() {
	echo "make test: the race detector needs a C compiler and the C library's headers; $1" >&2
	exit 1
}

# A Go older than go.mod asks for fetches the one it names, unless told not to.
if ! go list -m >/dev/null 2>&1; then
	export GOTOOLCHAIN=auto
	go list -m >/dev/null
fi

if ! compiles; then
	if ! command -v apt-get >/dev/null; then
		give_up "install them (on Debian: $packages)."
	elif [ "$(id -u)" -eq 0 ]; then
		install env
	elif sudo -n true 2>/dev/null; then
		install sudo -n
	else
		give_up "run: sudo apt-get install $packages"
	fi
	compiles || give_up "$packages are installed, but '$(go env CC)' does not compile; see go env CC."
fi

[ $# -gt 0 ] || set -- ./...
CGO_ENABLED=1 exec go test -race "$@"
