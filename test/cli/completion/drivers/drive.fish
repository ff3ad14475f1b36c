# What fish offers at the end of a line: drive.fish SCRIPT LINE…, a block for each line.
source $argv[1]
for line in $argv[2..-1]
    complete -C $line
    echo
end
