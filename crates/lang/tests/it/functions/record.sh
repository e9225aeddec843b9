#!/usr/bin/env bash
# Records what Terraform answers to the expressions in the case files, which the tests compare with what we answer.
#
#   record.sh [FILE...]      default: every *.txt beside this script
#
# A case is a line `> EXPRESSION`. What follows it is written by this script: lines that begin with two spaces are the console's
# output, a line that begins with `! ` is an error. Lines that begin with `~ ` are kept: there Mainstay differs on purpose, and
# they say what it answers instead, in the same form. Lines that begin with `#` are kept, and blank lines are put between cases.
#
# It needs `terraform` on PATH, runs each expression in a copy of `project/` of its own, and reaches no network.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: > "$work/empty.rc"
export TF_CLI_CONFIG_FILE=$work/empty.rc CHECKPOINT_DISABLE=1 HOME=/home/ada here work

answer() { # EXPRESSION
  local folder output
  folder=$(mktemp -d "$work/case.XXXXXX")
  cp -r "$here/project/." "$folder"
  cd "$folder"
  if output=$(printf '%s\n' "$1" | terraform console -no-color 2> "$folder.err") && [ -n "$output" ]; then
    printf '%s\n' "$output" | sed 's/^/  /'
  else
    # The message is what follows the place, with its line breaks undone; a panic's trace is left out.
    sed '1,/source code not available/d; /^goroutine/,$d' "$folder.err" | tr '\n' ' ' |
      sed 's/  */ /g; s/^ */! /; s/ *$//; s/$/\n/'
  fi
  rm -rf "$folder" "$folder.err"
}
export -f answer

[ $# -gt 0 ] || set -- "$here"/*.txt
for file in "$@"; do
  cases=$work/cases
  grep '^> ' "$file" | cut -c3- > "$cases"
  mkdir -p "$work/answers"
  awk '{ print NR; print $0 }' "$cases" | tr '\n' '\0' |
    xargs -0 -P2 -n2 bash -c 'answer "$1" > "$work/answers/$0"'
  number=0
  while IFS= read -r line; do
    case $line in
      '> '*)
        number=$((number + 1))
        printf '\n%s\n' "$line"
        cat "$work/answers/$number"
        ;;
      '~ '*|'#'*) printf '%s\n' "$line" ;;
    esac
  done < "$file" > "$work/recorded"
  cp "$work/recorded" "$file"
  rm -rf "$work/answers"
done
