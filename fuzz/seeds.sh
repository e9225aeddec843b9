#!/usr/bin/env bash
# Writes the inputs of the tests of crate `lang` into a folder, in the form that a target reads: seeds.sh TARGET FOLDER
set -euo pipefail
target=$1 folder=$2
tests=$(cd "$(dirname "$0")/../crates/lang/tests/it" && pwd)

put() { # PREFIX FILE NAME: the input of a file, behind the byte by which `all` knows the check
  if [ "$target" = all ]; then { printf "$1"; cat "$2"; } > "$folder/$3"; else cat "$2" > "$folder/$3"; fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [[ $target = all || $target = configuration || $target = layout ]]; then
  number=0
  while IFS= read -r -d '' file; do
    number=$((number + 1))
    put '\0' "$file" "seed-configuration-$number"
    put '\1' "$file" "seed-layout-$number"
  done < <(find "$tests" \( -name '*.hcl' -o -name '*.tf' \) -print0)
fi
if [[ $target = all || $target = expression || $target = template ]]; then
  grep -h '^> ' "$tests"/functions/*.txt | cut -c3- | sed 's/var\.any/uu/g; s/var\.secret/x/g; s/var\.\([slmon]\)/u\1/g' |
    split -l 1 -d -a 5 - "$work/expression-"
  for file in "$work"/expression-*; do
    put '\2' "$file" "seed-${file##*/}"
  done
  for file in "$work"/expression-*[05]; do
    { printf 'a ${'; tr -d '\n' < "$file"; printf '} b %%{ for i in l ~} ${i} %%{ endfor }'; } > "$work/template"
    put '\3' "$work/template" "seed-template-${file##*-}"
  done
fi

# Inputs that the tests hold inside of Rust's raw strings: JSON, and files of values.
if [[ $target = all || $target = json || $target = values ]]; then
  number=0
  while IFS= read -r text; do
    number=$((number + 1))
    printf '%s' "$text" > "$work/json"
    put '\4' "$work/json" "seed-json-$number"
    put '\5' "$work/json" "seed-values-$number"
  done < <(grep -oh 'r#"[^#]*"#' "$tests"/json.rs "$tests"/values.rs | sed 's/^r#"//; s/"#$//')
fi
