#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do completion and manual page know every command and every option? (TAP)
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
. "$TOP/tools/completion/ringshm"

PAGE=$TOP/docs/man/ringshm.1

# completes WANT WORD... : the last word, as it stands, is completed to exactly WANT.
completes() {
	local want=$1 got
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_ringshm ringshm
	got=${COMPREPLY[*]}
	[ "$got" = "$want" ] || { say "'$got', not '$want'"; return 1; }
}
commands() { _ringshm_commands ringshm; }
# Those of --help that manual page FILE does not have.
unmentioned() {
	local command option bad=0
	for command in $(commands); do
		awk -v name="$command" '/^\.SS / { inside = ($2 == name) } inside' "$1" >"$WORK/section"
		[ -s "$WORK/section" ] || { say "$1 has no section on $command"; bad=1; }
		for option in $(_ringshm_options ringshm "$command" | grep -vxE -- '--(help|usage|version)'); do
			sed 's/\\-/-/g' "$WORK/section" | grep -qE -- "$option([^a-z-]|$)" || { say "$1, $command: $option is missing"; bad=1; }
		done
	done
	return $bad
}
every_command_has_options() {
	local command
	[ "$(commands | wc -l)" -ge 10 ] || return 1
	for command in $(commands); do
		_ringshm_options ringshm "$command" | grep -qx -- --help || { say "$command"; return 1; }
	done
}

ringshm create -q mdata
ringshm create -q other
tap_check 'commands are completed' completes 'create' ringshm cr
tap_check 'several are offered' completes 'recv rm' ringshm r
tap_check 'channels are completed' completes 'mdata' ringshm stat md
tap_check 'all of them where nothing is said yet' completes 'mdata other' ringshm recv ''
tap_check 'no channels where none is wanted' completes '' ringshm ls ''
tap_check 'options are completed' completes '--watch' ringshm stat --w
tap_check 'values too' completes 'spsc' ringshm create --kind s
tap_check 'also behind an equals sign' completes 'token' ringshm create --kind = to
tap_check 'every command has options to complete' every_command_has_options
tap_check 'the manual page has every command and option' unmentioned "$PAGE"
sed 's/watch/witch/' "$PAGE" >"$WORK/planted.1"
tap_finds 'an option that it lacks is noticed' 'stat: --watch is missing' unmentioned "$WORK/planted.1"
tap_done
