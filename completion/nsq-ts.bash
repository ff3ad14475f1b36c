# Completion of nsq-ts for bash. Add this line to ~/.bashrc:
#   eval "$(nsq-ts completion bash)"
#
# What there is to choose from is asked of `nsq-ts complete` at each Tab, so that this never needs to be made again.
# It runs in bash 3.2, too, which macOS has.

_nsq_ts() {
  local program=nsq-ts files='' line value width=0 tab=$'\t'
  local -a values lines
  COMPREPLY=()
  # The nsq-ts beside the program that was typed.
  case $1 in
    '~/'*/*) program=$HOME/${1#??} program=${program%/*}/nsq-ts ;;
    */*) program=${1%/*}/nsq-ts ;;
  esac
  while IFS= read -r line; do
    case $line in
      :*) files=${line#:} ;;
      ?*) lines+=("$line") values+=("${line%%"$tab"*}") ;;
    esac
  done < <("$program" complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)

  if [ -n "$files" ]; then
    local word=${COMP_WORDS[COMP_CWORD]} kind=-f
    case $word in = | :) word='' ;; esac
    [ "$files" = folders ] && kind=-d
    type compopt >/dev/null 2>&1 && compopt -o filenames 2>/dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$kind" -- "$word")
  fi
  [ ${#values[@]} -eq 0 ] && return
  # bash has no place for descriptions but the list. A menu (37 and 42) would put them into the line.
  if [ ${#values[@]} -eq 1 ] || [ -n "$files" ] || [ "${COMP_TYPE:-9}" = 37 ] || [ "${COMP_TYPE:-9}" = 42 ]; then
    COMPREPLY+=("${values[@]}")
    return
  fi
  for value in "${values[@]}"; do
    [ ${#value} -gt "$width" ] && width=${#value}
  done
  for line in "${lines[@]}"; do
    value=${line%%"$tab"*}
    if [ "$value" != "$line" ]; then
      printf -v line "%-${width}s  (%s)" "$value" "${line#*"$tab"}"
      [ ${#line} -ge "${COLUMNS:-80}" ] && line=${line:0:${COLUMNS:-80}-4}...
    fi
    COMPREPLY+=("$line")
  done
}

complete -F _nsq_ts nsq-ts \
  nsq_stat nsq_tail nsq_to_file nsq_to_http nsq_to_nsq nsqadmin nsqd nsqlookupd to_nsq
