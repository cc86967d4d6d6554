# Completion of gemmascope in bash: eval "$(gemmascope completion bash)"
_gemmascope() {
    local line=${COMP_LINE:0:COMP_POINT} typed=$2 word rest
    # Bash breaks words at = and : too, and completes what stands behind the last of them.
    [[ $typed == [=:] ]] && typed=
    local whole=${line##*[[:space:]]}
    local before=${whole%"$typed"}
    COMPREPLY=()
    while IFS=$'\t' read -r word rest; do
        if [[ $word == :files ]]; then
            compopt -o default 2>/dev/null
        elif [[ -n $word ]]; then
            COMPREPLY+=("${word#"$before"}")
        fi
    done < <("$1" completion bash --line "$line" 2>/dev/null)
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[/=] ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _gemmascope gemmascope
