# SPDX-License-Identifier: Apache-2.0
# Which lines of src/grant, and of what it reads with in src/base, the seeds and the kept inputs reach; for tests/fuzz/run, whose variables it uses.
# shellcheck disable=SC2154 # cache, work

# Percent of those lines
COVERAGE_GOAL=95

# Run every input once, and collect what it reached.
collect_coverage() {
	local name
	for name; do
		LLVM_PROFILE_FILE=$work/$name.profraw build/fuzz-coverage/tests/fuzz/fuzz_"$name" -runs=0 -close_fd_mask=3 \
			"$cache/$name" "tests/fuzz/corpus/$name" >"$work/$name.log" 2>&1 </dev/null || {
			tail -n 40 "$work/$name.log"
			return 1
		}
	done
	llvm-profdata merge -o "$work/all.profdata" "$work"/*.profraw
}

# Say it of each file, then which lines are not reached, with their text, then the sum of all.
print_coverage() {
	awk -v goal="$COVERAGE_GOAL" '
		/^SF:/ {
			file = substr($0, 4)
			sub(/^.*\/src\//, "src/", file)
			counts = file ~ /^src\/(grant\/.*|base\/(base64|digest|json|network|ssh_key))\.c$/
			total = reached = 0
		}
		counts && /^DA:/ {
			split(substr($0, 4), line, ",")
			total++
			if (line[2] > 0)
				reached++
			else
				missed[++misses] = file ":" line[1]
		}
		counts && /^end_of_record/ {
			printf "      %-32s %4d of %4d lines\n", file, reached, total
			all += total
			all_reached += reached
		}
		END {
			for (i = 1; i <= misses; i++) {
				split(missed[i], place, ":")
				for (number = 0; number < place[2]; number++)
					if ((getline text <place[1]) <= 0)
						break
				close(place[1])
				gsub(/^[ \t]+/, "", text)
				print "      not reached: " missed[i] ": " text
			}
			percent = all == 0 ? 0 : 100 * all_reached / all
			printf "%s coverage of src/grant and what it reads with: %.1f %% of %d lines (goal %d %%)\n",
				percent < goal ? "FAIL " : "ok   ", percent, all, goal
			exit percent < goal
		}'
}

coverage_of() {
	local name objects=()
	mkdir -p "${@/#/$cache/}"
	collect_coverage "$@" || return 1
	for name; do
		objects+=(-object "build/fuzz-coverage/tests/fuzz/fuzz_$name")
	done
	llvm-cov export -format=lcov -instr-profile="$work/all.profdata" "${objects[@]}" | print_coverage
}
