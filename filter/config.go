package filter

import (
	"fmt"
	"reflect"
	"strconv"
	"unicode"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// The functions of expressions.
var (
	filterFunctions = []string{"any", "none", "lower", "len"}
	valueFunctions  = append([]string{"trim"}, filterFunctions...)
)

// The functions that are ours: for the stops near one of them, and for a value as text.
const (
	near   = "near"
	asText = "string"
)

// filterConfig is the language of filters.
func filterConfig() *conf.Config {
	samples := map[string]any{results: map[string]any{}, lowerText: ""}
	for _, a := range attributes {
		samples[a.name] = [...]any{isText: "", isList: []string{}, isNumber: 0, isYesNo: false}[a.sort]
	}
	c := newConfig(samples, filterFunctions)
	c.Expect, c.ExpectAny = reflect.Bool, true
	return c
}

// valueConfig is the language of what reads values; names may have any.
func valueConfig(names []string) *conf.Config {
	c := newConfig(map[string]any{}, valueFunctions)
	c.Functions[asText] = &builtin.Function{Name: asText, Func: func(args ...any) (any, error) { return plain(args[0]), nil }, Types: []reflect.Type{reflect.TypeFor[func(any) string]()}}
	for _, name := range names {
		c.Env.Fields[name] = types.Any.Nature()
	}
	return c
}

func newConfig(samples map[string]any, functions []string) *conf.Config {
	c := conf.New(samples)
	c.MaxNodes, c.Optimize = MaxNodes, false
	for name := range c.Builtins {
		c.Disabled[name] = true
	}
	c.Builtins = conf.FunctionsTable{}
	for _, b := range builtin.Builtins {
		for _, name := range functions {
			if b.Name == name {
				delete(c.Disabled, name)
				c.Builtins[name] = b
			}
		}
	}
	return c
}

// plain writes a value as text, and numbers as people do: not as 1.2345678e+07.
func plain(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// parse reads the expression and checks it.
func (f *fence) parse(c *conf.Config) (ast.Node, error) {
	if len([]rune(f.source)) > MaxLength {
		return nil, &Error{Kind: TooLong, Field: f.field, At: -1}
	}
	tree, err := parser.ParseWithConfig(f.source, c)
	if err != nil {
		return nil, f.misread(err)
	}
	n := f.check(tree.Node)
	if f.err != nil {
		return nil, f.err
	}
	return n, nil
}

// program compiles what was checked, and counts the steps that it takes at most.
func (f *fence) program(n ast.Node, c *conf.Config) (*vm.Program, float64, error) {
	tree := &parser.Tree{Node: n, Source: file.NewSource(f.source)}
	if _, err := checker.Check(tree, c); err != nil {
		return nil, 0, f.unfit(err)
	}
	steps := f.steps(n)
	if steps > f.most() {
		return nil, 0, &Error{Kind: TooMuch, Field: f.field, At: -1}
	}
	p, err := compiler.Compile(tree, c)
	if err != nil {
		return nil, 0, &Error{Kind: Syntax, Field: f.field, At: -1, Why: "it cannot be compiled"}
	}
	return p, steps, nil
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }
