# Completion of cucmos-shell for fish: the program says what may follow.

function __cucmos_shell_complete
    set -l program (string replace -r '^~' $HOME -- (commandline -opc)[1])
    set -l token (commandline -ct)
    set -l answer ($program complete fish -- (commandline -cp | string collect) $token 2>/dev/null)
    set -l option (string match -r -- '^--[^=]*=' $token; or echo)
    set -l path (string replace -r -- '^--[^=]*=' '' $token)
    switch "$answer[1]"
        case files
            printf '%s\n' $option(__fish_complete_path $path)
        case folders
            printf '%s\n' $option(__fish_complete_directories $path '')
    end
    printf '%s\n' $answer[2..]
end

complete -c cucmos-shell -f -a '(__cucmos_shell_complete)'
