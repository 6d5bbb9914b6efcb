package main

import (
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" name:"bash|zsh|fish" enum:"bash,zsh,fish" help:"The shell."`
}

// Help is shown above the arguments.
func (*completionCommand) Help() string {
	return `The script completes commands, flags, their values and the names that explain takes. It does not run useradmin. To load
it, put one of these lines into the shell's startup file; for zsh, below the line that runs compinit.

Examples:

  eval "$(useradmin completion bash)"
  eval "$(useradmin completion zsh)"
  useradmin completion fish | source`
}

// Run prints the script.
func (c *completionCommand) Run(ctx *kong.Context, std streams) error {
	g, err := loadGlossary()
	if err != nil {
		return err
	}
	write := map[string]func(shellGrammar) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell]
	_, err = io.WriteString(std.Out, write(grammarOf(ctx.Model, g.names())))
	return err
}

// shellGrammar is what a shell has to know of the command line.
type shellGrammar struct {
	program  string
	flags    []shellFlag // before a command
	commands []shellCommand
}

type shellCommand struct {
	name, help string
	flags      []shellFlag
	arguments  []shellValue
}

type shellFlag struct {
	names      []string // with their hyphens
	help       string
	repeatable bool
	value      *shellValue // nil if the flag takes none
}

// shellValue is what stands behind a flag or as an argument.
type shellValue struct {
	name string
	// words are what to offer; none if the value is free.
	words []string
	// constants says that words in upper case may be typed in lower case.
	constants bool
	file      bool
}

// grammarOf reads the command line's model. Fields have the tag `complete` where the model says too little: "file" for
// the name of a file, "names" for a name that explain takes.
func grammarOf(model *kong.Application, names []string) shellGrammar {
	g := shellGrammar{program: model.Name, flags: flagsOf(model.Node)}
	for _, node := range model.Children {
		c := shellCommand{name: node.Name, help: firstClause(node.Help), flags: flagsOf(node)}
		if len(node.Children) > 0 {
			c.flags, c.arguments = ofChildren(node)
		}
		for _, argument := range node.Positional {
			v := valueOf(argument)
			if argument.Tag.Get("complete") == "names" {
				v.words, v.constants = names, true
			}
			c.arguments = append(c.arguments, v)
		}
		g.commands = append(g.commands, c)
	}
	return g
}

// ofChildren makes one command of those below a command such as policy: its first argument is the name of one of them, and then
// it takes what any of them does.
func ofChildren(node *kong.Node) (flags []shellFlag, arguments []shellValue) {
	names := shellValue{name: "command"}
	for _, child := range node.Children {
		names.words = append(names.words, child.Name)
		for _, flag := range flagsOf(child) {
			if !slices.ContainsFunc(flags, func(known shellFlag) bool { return slices.Equal(known.names, flag.names) }) {
				flags = append(flags, flag)
			}
		}
		for i, argument := range child.Positional {
			if i >= len(arguments) {
				arguments = append(arguments, valueOf(argument))
			}
		}
	}
	return flags, slices.Insert(arguments, 0, names)
}

// flagsOf returns the flags of a command, with those that every command has.
func flagsOf(node *kong.Node) []shellFlag {
	var flags []shellFlag
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			described := shellFlag{names: []string{"--" + f.Name}, help: firstClause(f.Help), repeatable: f.IsCumulative()}
			if f.Short != 0 {
				described.names = []string{"-" + string(f.Short), "--" + f.Name}
			}
			if !f.IsBool() {
				v := valueOf(f.Value)
				described.value = &v
			}
			flags = append(flags, described)
			if f.Tag.Negatable != "" {
				flags = append(flags, shellFlag{names: []string{"--no-" + f.Name}, help: "The opposite of --" + f.Name})
			}
		}
	}
	return flags
}

func valueOf(v *kong.Value) shellValue {
	described := shellValue{name: v.Name, file: v.Tag.Get("complete") == "file"}
	if v.Enum != "" {
		described.words = v.EnumSlice()
	}
	return described
}

// firstClause is short enough for a list.
func firstClause(help string) string {
	for _, end := range []string{". ", "; ", ": ", " ("} {
		help, _, _ = strings.Cut(help, end)
	}
	return strings.TrimSuffix(help, ".")
}
