# Completion of nsq-ts for fish. Add this line to ~/.config/fish/config.fish:
#   nsq-ts completion fish | source
#
# What there is to choose from is asked of `nsq-ts complete` at each Tab, so that this never needs to be made again.

function __nsq_ts_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # The nsq-ts beside the program that was typed.
    set -l program nsq-ts
    if string match -q '*/*' -- $words[1]
        set program (string replace -r '^~/' "$HOME/" -- $words[1] | string replace -r '[^/]*$' nsq-ts)
    end
    set -l answer ($program complete fish $words "$current" 2>/dev/null </dev/null)
    or return
    set -l prefix (string match -r '^-[^=]*=' -- $current)
    set -l value (string replace -r '^-[^=]*=' '' -- $current)
    switch $answer[-1]
        case :files
            __fish_complete_path "$value" | string replace -r '^' -- "$prefix"
        case :folders
            __fish_complete_directories "$value" | string replace -r '^' -- "$prefix"
    end
    set -e answer[-1]
    string join \n -- $answer
end

for program in nsq-ts nsq_stat nsq_tail nsq_to_file nsq_to_http nsq_to_nsq nsqadmin nsqd nsqlookupd to_nsq
    complete -c $program -e
    complete -c $program -f -a '(__nsq_ts_complete)'
end
