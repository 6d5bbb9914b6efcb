package main

import (
	"fmt"
	"strings"
)

// bashTemplate keeps to bash 3.2, which macOS has. Bash makes three words of --flag=value.
const bashTemplate = `# Completion of @program@ for bash, printed by: @program@ completion bash

_@program@() {
    local command='' flag='' arguments=0 ended='' words='' constants='' files='' word i
    local current=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            continue
        elif [[ -n $flag ]]; then
            flag=''
        elif [[ -z $ended && $word == -- ]]; then
            ended=yes
        elif [[ -z $ended && $word == -* ]]; then
            case $command:$word in
@taking@            esac
        elif [[ -z $command ]]; then
            command=$word
        else
            arguments=$((arguments + 1))
        fi
    done
    if [[ $current == = ]]; then
        current=''
    fi

    if [[ -n $flag ]]; then
        case $command:$flag in
@values@        esac
    elif [[ -z $ended && $current == -* ]]; then
        case $command in
@flags@        esac
    else
        case $command:$arguments in
@arguments@        esac
    fi

    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        while IFS='' read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen -f -- "$current")
    elif [[ -n $words ]]; then
        while IFS='' read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen -W "$words" -- "$current")
    fi
    if [[ -n $constants && $current == *[[:lower:]]* && $current != *[[:upper:]]* ]]; then
        while IFS='' read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen -W "$words" -- "$(tr '[:lower:]-' '[:upper:]_' <<<"$current")")
    fi
    return 0
}

complete -F _@program@ @program@
`

func bashScript(g shellGrammar) string {
	var taking, values, flags, arguments strings.Builder
	var commands []string
	for _, c := range g.commands {
		commands = append(commands, c.name)
		bashWords(&flags, c.name, flagNames(c.flags))
		var patterns []string
		for _, f := range c.flags {
			if f.value == nil {
				continue
			}
			for _, name := range f.names {
				patterns = append(patterns, c.name+":"+name)
			}
			bashValue(&values, strings.Join(patterns[len(patterns)-len(f.names):], " | "), *f.value)
		}
		if len(patterns) > 0 {
			fmt.Fprintf(&taking, "            %s)\n                flag=$word ;;\n", strings.Join(patterns, " | "))
		}
		for i, argument := range c.arguments {
			bashValue(&arguments, fmt.Sprintf("%s:%d", c.name, i), argument)
		}
	}
	bashWords(&flags, "''", flagNames(g.flags))
	bashWords(&arguments, ":0", commands)
	return strings.NewReplacer("@program@", g.program, "@taking@", taking.String(), "@values@", values.String(),
		"@flags@", flags.String(), "@arguments@", arguments.String()).Replace(bashTemplate)
}

// bashValue writes what bash does in that case, unless the value is free.
func bashValue(b *strings.Builder, pattern string, v shellValue) {
	switch {
	case v.file:
		fmt.Fprintf(b, "        %s)\n            files=yes ;;\n", pattern)
	case v.constants:
		bashWords(b, pattern, v.words, "constants=yes")
	case len(v.words) > 0:
		bashWords(b, pattern, v.words)
	}
}

// bashWords writes the words to offer in that case, and what else there is to do.
func bashWords(b *strings.Builder, pattern string, words []string, commands ...string) {
	commands = append(commands, "words='"+strings.Join(words, " ")+"'")
	fmt.Fprintf(b, "        %s)\n            %s ;;\n", pattern, strings.Join(commands, "\n            "))
}

// flagNames are all names of the flags.
func flagNames(flags []shellFlag) []string {
	var names []string
	for _, f := range flags {
		names = append(names, f.names...)
	}
	return names
}
