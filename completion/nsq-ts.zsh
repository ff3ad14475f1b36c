#compdef nsq-ts nsq_stat nsq_tail nsq_to_file nsq_to_http nsq_to_nsq nsqadmin nsqd nsqlookupd to_nsq
# Completion of nsq-ts for zsh. Add this line to ~/.zshrc, below compinit:
#   source <(nsq-ts completion zsh)
# or put it where zsh looks for completions:
#   nsq-ts completion zsh > "${fpath[1]}/_nsq-ts"
#
# What there is to choose from is asked of `nsq-ts complete` at each Tab, so that this never needs to be made again.

_nsq_ts() {
  local program=nsq-ts line value files tab=$'\t'
  local -a answer described
  # The nsq-ts beside the program that was typed.
  [[ $words[1] == */* ]] && program=${~words[1]%/*}/nsq-ts
  answer=("${(@f)$("$program" complete zsh "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}")
  files=${answer[-1]#:}
  answer[-1]=()
  for line in $answer; do
    # A colon would end the value.
    value=${${${line%%$tab*}//\\/\\\\}//:/\\:}
    [[ $line == *$tab* ]] && value+=:${line#*$tab}
    described+=("$value")
  done
  [[ $PREFIX == -*=* ]] && compset -P '*='
  local -i missing=1
  (( $#described )) && _describe -t values 'nsq-ts' described && missing=0
  case $files in
    files) _files && missing=0 ;;
    folders) _files -/ && missing=0 ;;
  esac
  return missing
}

if [[ $funcstack[1] == _nsq[-_]ts ]]; then
  _nsq_ts "$@"
else
  compdef _nsq_ts nsq-ts nsq_stat nsq_tail nsq_to_file nsq_to_http nsq_to_nsq nsqadmin nsqd nsqlookupd to_nsq
fi
