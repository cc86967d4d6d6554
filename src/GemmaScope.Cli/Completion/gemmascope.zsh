#compdef gemmascope
# Completion of gemmascope in zsh, after compinit: eval "$(gemmascope completion zsh)"
_gemmascope() {
    local line="${(j: :)words[1,CURRENT-1]} $PREFIX" word help files
    local -a whole parts
    while IFS=$'\t' read -r word help; do
        case $word in
            :files) files=1 ;;
            */) parts+=("${word//:/\\:}:$help") ;;
            *) whole+=("${word//:/\\:}:$help") ;;
        esac
    done < <("${words[1]}" completion zsh --line "$line" 2>/dev/null)
    (( $#whole )) && _describe -V gemmascope whole
    (( $#parts )) && _describe -V gemmascope parts -S ''
    [[ -n $files ]] && _files
    return 0
}
compdef _gemmascope gemmascope
