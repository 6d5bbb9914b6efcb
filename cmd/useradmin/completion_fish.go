package main

import (
	"fmt"
	"slices"
	"strings"
)

func fishScript(g shellGrammar) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Completion of %[1]s for fish, printed by: %[1]s completion fish\n\ncomplete --command %[1]s --no-files\n", g.program)
	fishFlags(&b, g.program, "__fish_use_subcommand", g.flags)
	for _, c := range g.commands {
		fmt.Fprintf(&b, "complete --command %s --condition __fish_use_subcommand --arguments %s --description %s\n", g.program, c.name, fishQuote(c.help))
	}
	for _, c := range g.commands {
		condition := "__fish_seen_subcommand_from " + c.name
		for _, other := range g.commands {
			// In `policy explain`, explain is no command.
			if len(other.arguments) > 0 && slices.Contains(other.arguments[0].words, c.name) {
				condition += "; and not __fish_seen_subcommand_from " + other.name
			}
		}
		condition = fishQuote(condition)
		b.WriteString("\n")
		fishFlags(&b, g.program, condition, c.flags)
		for _, argument := range c.arguments {
			if argument.file {
				fmt.Fprintf(&b, "complete --command %s --condition %s --force-files\n", g.program, condition)
			}
			if len(argument.words) > 0 {
				fmt.Fprintf(&b, "complete --command %s --condition %s --arguments %s\n", g.program, condition, fishQuote(strings.Join(argument.words, " ")))
			}
		}
	}
	return b.String()
}

func fishFlags(b *strings.Builder, program, condition string, flags []shellFlag) {
	for _, f := range flags {
		fmt.Fprintf(b, "complete --command %s --condition %s", program, condition)
		for _, name := range f.names {
			if long, ok := strings.CutPrefix(name, "--"); ok {
				b.WriteString(" --long-option " + long)
			} else {
				b.WriteString(" --short-option " + strings.TrimPrefix(name, "-"))
			}
		}
		switch {
		case f.value == nil:
		case f.value.file:
			b.WriteString(" --require-parameter --force-files")
		case len(f.value.words) > 0:
			b.WriteString(" --exclusive --arguments " + fishQuote(strings.Join(f.value.words, " ")))
		default:
			b.WriteString(" --exclusive")
		}
		fmt.Fprintf(b, " --description %s\n", fishQuote(f.help))
	}
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
