package main

import (
	"fmt"
	"strings"
)

// zshTemplate works both when the shell reads it and as a file named _useradmin in $fpath.
const zshTemplate = `#compdef @program@
# Completion of @program@ for zsh, printed by: @program@ completion zsh

_@program@() {
    local curcontext=$curcontext state line
    local -a commands
    commands=(
@commands@    )
    _arguments -C \
@flags@        '1:command:->command' \
        '*::argument:->argument'
    case $state in
    command)
        _describe command commands ;;
    argument)
        case $words[1] in
@cases@        esac ;;
    esac
}

if [[ $funcstack[1] == _@program@ ]]; then
    _@program@ "$@"
else
    compdef _@program@ @program@
fi
`

func zshScript(g shellGrammar) string {
	var commands, flags, cases strings.Builder
	zshFlags(&flags, "        ", g.flags)
	for _, c := range g.commands {
		fmt.Fprintf(&commands, "        %s\n", zshQuote(c.name+":"+c.help))
		fmt.Fprintf(&cases, "        %s)\n            _arguments \\\n", c.name)
		zshFlags(&cases, "                ", c.flags)
		for i, argument := range c.arguments {
			fmt.Fprintf(&cases, "                %s \\\n", zshQuote(fmt.Sprintf("%d%s", i+1, zshValue(argument))))
		}
		cases.WriteString("                && return 0 ;;\n")
	}
	return strings.NewReplacer("@program@", g.program, "@commands@", commands.String(), "@flags@", flags.String(),
		"@cases@", cases.String()).Replace(zshTemplate)
}

// zshFlags writes a specification for each name of each flag.
func zshFlags(b *strings.Builder, indent string, flags []shellFlag) {
	for _, f := range flags {
		for _, name := range f.names {
			spec := "(" + strings.Join(f.names, " ") + ")" + name
			if f.repeatable {
				spec = "*" + name
			}
			if f.value != nil {
				spec += "="
			}
			spec += "[" + strings.NewReplacer("[", `\[`, "]", `\]`).Replace(f.help) + "]"
			if f.value != nil {
				spec += zshValue(*f.value)
			}
			fmt.Fprintf(b, "%s%s \\\n", indent, zshQuote(spec))
		}
	}
}

// zshValue is the end of a specification: what the value is called, and what to offer.
func zshValue(v shellValue) string {
	name := ":" + strings.ReplaceAll(v.name, ":", `\:`)
	switch {
	case v.file:
		return name + ":_files"
	case v.constants:
		return name + ":{compadd -M 'm:{a-z-}={A-Z_}' -- " + strings.Join(v.words, " ") + "}"
	case len(v.words) > 0:
		return name + ":(" + strings.Join(v.words, " ") + ")"
	default:
		return name + ": "
	}
}

func zshQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
