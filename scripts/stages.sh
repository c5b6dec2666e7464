# Sourced by scripts/test and scripts/soak: runs stages one after the other and keeps their times.
#
#   stage NAME COMMAND...   runs COMMAND, unless an earlier stage has failed
#   stage_if GLOB NAME COMMAND...   the same, if the tree has a file that matches GLOB
#   report                  prints the table; its status is that of the whole run
#
# Budgets are seconds, one line `NAME SECONDS` per stage in tests/budgets.txt.
stage_rows=()
stage_failed=
stage_start=$SECONDS

budget() {
  awk -v name="$1" '$1 == name { print $2 }' tests/budgets.txt
}

stage() {
  local name=$1 began=$SECONDS spent
  shift
  if [ -n "$stage_failed" ]; then
    stage_rows+=("$name|-|not run")
    return
  fi
  printf '\n== %s\n' "$name"
  if "$@"; then
    spent=$((SECONDS - began))
    stage_rows+=("$name|$spent|ok")
  else
    spent=$((SECONDS - began))
    stage_rows+=("$name|$spent|FAILED")
    stage_failed=$name
  fi
}

stage_if() {
  local inputs=$1
  shift
  if compgen -G "$inputs" >/dev/null; then
    stage "$@"
  else
    stage_rows+=("$1|-|skipped: the tree has no $inputs")
  fi
}

# Prints one row of the table: name, seconds, budget, outcome.
row() {
  local over=
  if [ "$2" != - ] && [ -n "$3" ] && [ "$2" -gt "$3" ]; then
    over='  OVER ITS BUDGET'
  fi
  printf '%-16s %7s %7s  %s%s\n' "$1" "$2" "${3:--}" "$4" "$over"
}

# With WEIR_STAGE_TABLE, the table is also written to that file, without the budgets of `make test`.
report() {
  local entry name spent outcome kept=${WEIR_STAGE_TABLE:-/dev/null}
  printf '\n%-16s %7s %7s  %s\n' stage seconds budget outcome
  for entry in "${stage_rows[@]}"; do
    IFS='|' read -r name spent outcome <<<"$entry"
    row "$name" "$spent" "$(budget "$name")" "$outcome"
    printf '%-16s %7s  %s\n' "$name" "$spent" "$outcome" >>"$kept"
  done
  row total $((SECONDS - stage_start)) "$(budget total)" "${stage_failed:+FAILED in $stage_failed}"
  [ -z "$stage_failed" ]
}
