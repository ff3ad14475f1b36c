# What zsh makes of lines when Tab is typed: drive.zsh SCRIPT FILE LINE…. FILE gets each line as it is then, standard output
# what was shown.
zmodload zsh/zpty
script=$1 file=$2
shift 2
: > $file

child=tab
zpty $child zsh -f -i
send() { zpty -w -n $child "$1" }
# Reads until the file has so many lines.
await() {
  local text
  local -i tries=0
  local -a lines
  while lines=(${(f)"$(<$file)"}); (( $#lines < $1 )); do
    zpty -r -t $child text && print -rn -- $text
    (( ++tries < 2000 )) || exit 1
    sleep 0.02
  done
  while zpty -r -t $child text; do print -rn -- $text; done
}

send "stty -echo 2>/dev/null; COLUMNS=200 LINES=50 PS1= FILE=${(q)file}
unsetopt beep; autoload -U compinit; compinit -u -D; source ${(q)script}
note() { print -r -- \$BUFFER >> \$FILE; BUFFER=; zle -I }
zle -N note; bindkey '^X' note; print ready >> \$FILE
"
await 1
integer count=1
for line; do
  send "$line"$'\t\x18'
  await $(( ++count ))
done
zpty -d $child
