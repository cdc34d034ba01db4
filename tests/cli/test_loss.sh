#!/bin/sh
# SPDX-License-Identifier: MIT
# drumfire launch over every fault that can be asked for, on each kernel behaviour: the results are those of an
# undisturbed run; what cannot be survived is named; a capture stops where its batch did.
. tests/cli/common.sh
LAUNCHES=12

# launch DEVICE OPTION...: each launch adds the words of x to what bins and sum hold. Into out and err; gives the status.
launch() {
	device=$1
	shift
	cp "$dir/start" "$dir/bins"
	rm -f "$dir/sum"
	"$drumfire" launch --device "$device" --code "$IMAGES/histogram.dfi" --grid 4 --repeat "$LAUNCHES" --stats json \
		--timeout 60 "$@" "in:$dir/x" "inout:$dir/bins" u32:1024 >"$dir/out" 2>"$dir/err"
}

json() {
	grep -q "\"$1\": $2" "$dir/out"
	verdict $? "no \"$1\": $2 after $3"
}

# The number of a field in a part of the replay's JSON: field captured|replayed NAME
field() {
	sed -n "/\"$1\": {/,/}/s/^ *\"$2\": \([0-9]*\),*\$/\1/p" "$dir/out"
}

head -c 4096 /dev/urandom >"$dir/x"
head -c 1024 /dev/urandom >"$dir/start"
"$drumfire" launch --help >"$dir/help"
names=$(sed -nE 's/^fault ([a-z0-9-]+)  .+/\1/p' "$dir/help")
[ "$(echo "$names" | wc -l)" -ge 8 ] && [ "$(grep -c '^fault ' "$dir/help")" -eq "$(echo "$names" | wc -l)" ]
verdict $? "the help does not list faults as 'fault NAME  meaning'"

# ---- every fault, once: nothing is lost; what was captured stops at the same place ----

captures=0
for kernel in 6.1 6.12 7.2; do
	soft=soft:gfx1030,kernel=$kernel
	launch $soft
	verdict $? "an undisturbed run on $kernel"
	json verdict '"done"' "an undisturbed run"
	cp "$dir/bins" "$dir/expected"
	for name in $names; do
		# Linux 6.1 tells nobody of page faults that it redirects: README.md, Loss.
		[ "$name/$kernel" != page-fault/6.1 ] || continue
		for at in 0 5 $((LAUNCHES - 1)); do
			rm -f "$dir/capture"
			launch $soft --fault "$name@$at" --capture "$dir/capture"
			verdict $? "$name@$at on $kernel was not survived"
			cmp -s "$dir/bins" "$dir/expected" && [ ! -s "$dir/err" ]
			verdict $? "$name@$at on $kernel: the results differ"
			if [ ! -e "$dir/capture" ]; then
				[ "$name" != removed ]
				verdict $? "no capture of $name@$at on $kernel"
				continue
			fi
			captures=$((captures + 1))
			"$drumfire" replay "$dir/capture" --stats json >"$dir/out" 2>"$dir/err"
			verdict $? "the capture of $name@$at on $kernel does not stop where it did"
			[ "$(field captured launch)" = "$at" ] && [ "$(field replayed launch)" = "$at" ] &&
				[ "$(field captured pc)" = "$(field replayed pc)" ]
			verdict $? "the capture of $name@$at on $kernel stops elsewhere"
		done
	done
done
[ $captures -ge 9 ]
verdict $? "only $captures captures were written"

# ---- poison ----

# What a launch leaves out: expected, with so many launches, from the undisturbed ones of a shorter batch.
shorter() {
	whole=$LAUNCHES
	LAUNCHES=$1
	launch soft:gfx1030
	LAUNCHES=$whole
	cp "$dir/bins" "$dir/expected"
}

# Linux 6.12 kills the waves of a launch that hangs and lets the stream go on: it is found by halves there.
for kernel in 6.1 6.12 7.2; do
	soft=soft:gfx1030,kernel=$kernel
	shorter 5
	launch $soft --fault hang@5:always
	[ $? -eq 1 ] && [ "$(wc -l <"$dir/err")" -eq 1 ] &&
		grep -q "^drumfire launch: poisoned: context 1, batch 1, launch 5 of $LAUNCHES; 5 launches are done" "$dir/err"
	verdict $? "hang@5:always on $kernel is not named"
	cmp -s "$dir/bins" "$dir/expected"
	verdict $? "hang@5:always on $kernel: what came before it is not there"
	shorter $((LAUNCHES - 1))
	launch $soft --independent --fault hang@5:always
	[ $? -eq 1 ] && grep -q "^drumfire launch: poisoned: context 1, batch 1, launch 5 of $LAUNCHES; $((LAUNCHES - 1)) " "$dir/err"
	verdict $? "hang@5:always among independent launches on $kernel is not named"
	cmp -s "$dir/bins" "$dir/expected"
	verdict $? "hang@5:always on $kernel: the independent others are not there"
done

# ---- options ----

launch soft:gfx1030 --retries 0 --fault hang@3
[ $? -eq 1 ] && grep -q "^drumfire launch: guilty reset: context 1, batch 1, launch 3 of $LAUNCHES; " "$dir/err"
verdict $? "--retries 0 was run again"
launch soft:gfx1030 --marker 4 --retries 0 --fault hang@5
[ $? -eq 1 ] && grep -q "launches 4 to 7 in flight of $LAUNCHES; " "$dir/err"
verdict $? "--marker 4 does not name the set in flight"
launch soft:gfx1030 --marker 0 --retries 0 --fault hang@5
[ $? -eq 1 ] && grep -q "launches 0 to $((LAUNCHES - 1)) in flight of $LAUNCHES; " "$dir/err"
verdict $? "--marker 0 names more than the batch"
launch soft:gfx1030 --fault nonsense@1
[ $? -eq 1 ] && [ "$(wc -l <"$dir/err")" -eq 1 ]
verdict $? "a fault that does not exist was taken"
for bad in "--marker x" "--retries -1" "--retries x"; do
	# shellcheck disable=SC2086 # an option and its value
	launch soft:gfx1030 $bad
	[ $? -eq 2 ]
	verdict $? "$bad was taken"
done
launch soft:gfx1030 --fault hang@5 --timeline "$dir/t.svg" --trace "$dir/t.json" &&
	grep -q '^<svg xmlns=' "$dir/t.svg" && grep -q 'class="lost"' "$dir/t.svg" &&
	tail -1 "$dir/t.svg" | grep -q '</svg>' && grep -q '"cat":"run again"' "$dir/t.json"
verdict $? "the timeline of a loss"
launch soft:gfx1030 --timeline "$dir/no/such/folder"
[ $? -eq 1 ] && grep -q "timeline $dir/no/such/folder: No such file" "$dir/err"
verdict $? "a timeline that cannot be written"

# ---- replay: refusals ----

replay() {
	status=$1
	words=$2
	shift 2
	"$drumfire" replay "$@" >"$dir/out" 2>"$dir/err"
	[ $? -eq "$status" ] && cat "$dir/out" "$dir/err" | grep -qF -e "$words"
	verdict $? "expected $status and '$words' from: replay $*"
}

launch soft:gfx1030,kernel=6.12 --fault hang@5 --capture "$dir/capture"
replay 0 "usage: drumfire replay" --help
replay 2 "usage: drumfire replay"
replay 2 "drumfire replay --help" "$dir/capture" --timeout 0
replay 1 "No such file" "$dir/none"
replay 1 "no capture: it begins with" "$dir/x"
replay 1 "is gfx1033" "$dir/capture" --device soft:gfx1033
replay 1 "--strict needs a software GPU" "$dir/capture" --strict --device /dev/dri/renderD128
replay 0 "replayed    wave does not end at launch 5" "$dir/capture"
replay 0 "replayed    wave does not end at launch 5" "$dir/capture" --strict
replay 0 "replayed    came to its end" "$dir/capture" --until 5
replay 0 "replayed    wave does not end at launch 5" "$dir/capture" --until 6
replay 2 "drumfire replay --help" "$dir/capture" --until x
head -c 3000 "$dir/capture" >"$dir/short"
replay 1 "the file has 3000 bytes" "$dir/short"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
