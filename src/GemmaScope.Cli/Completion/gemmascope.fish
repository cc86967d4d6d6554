# Completion of gemmascope in fish: gemmascope completion fish | source
function __gemmascope_complete
    set -l line (commandline -cp)
    set -l command (commandline -co)[1]
    for entry in ($command completion fish --line "$line" 2>/dev/null)
        if test "$entry" = ":files"
            __fish_complete_path (commandline -ct)
        else
            echo $entry
        end
    end
end
complete -c gemmascope -f -a '(__gemmascope_complete)'
