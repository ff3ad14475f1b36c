# What bash has after Tab at the end of a line: drive.bash SCRIPT LINE…, a block of replies for each line.
source "$1"
shift
COLUMNS=80
for COMP_LINE; do
  COMP_POINT=${#COMP_LINE}
  COMP_TYPE=9
  word=${COMP_LINE##*[ =:\"\']}
  COMP_WORDS=(of no interest "$word")
  COMP_CWORD=3
  program=${COMP_LINE%% *}
  function=$(complete -p "${program##*/}" | sed 's/.* -F \([^ ]*\) .*/\1/')
  "$function" "$program" "$word" ''
  printf '%s\n' "${COMPREPLY[@]}" ''
done
