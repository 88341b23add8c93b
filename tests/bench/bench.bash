# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What every bench begins with: a build of its own, and a line that says what machine the figures are of.

# bench_build: set EXC_BUILD to an optimised build, unless it names one
bench_build() {
	[ -z "${EXC_BUILD-}" ] || return 0
	export EXC_BUILD=$PWD/build/bench
	tests/install-dependencies build demo test
	[ -e configure ] || autoreconf -i
	mkdir -p "$EXC_BUILD"
	(cd "$EXC_BUILD" && ../../configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var \
		--libdir="/usr/lib/$(gcc -print-multiarch)" CFLAGS=-O2 && make -j"$(nproc)") >"$EXC_BUILD/log" 2>&1
}

bench_machine() {
	echo "machine: $(nproc) cores, $(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo), Linux $(uname -r)"
}
