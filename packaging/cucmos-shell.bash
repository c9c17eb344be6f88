# Completion of cucmos-shell for bash: the program says what may follow.

_cucmos_shell() {
    local kind text
    COMPREPLY=()
    {
        read -r kind
        case $kind in
            files | folders)
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen "$([[ $kind == files ]] && echo -f || echo -d)" -- "$2")
                ;;
        esac
        while IFS=$'\t' read -r text _; do
            COMPREPLY+=("$text")
        done
    } < <("${1/#\~/$HOME}" complete bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
}

complete -F _cucmos_shell cucmos-shell
