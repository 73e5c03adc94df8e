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
	valueFunctions  = append([]string{"string", "trim"}, filterFunctions...)
)

// near is the function for the stops near one of them.
const near = "near"

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
				c.Builtins[name] = written(b)
			}
		}
	}
	return c
}

// written makes "string" write numbers as people do: the one of the language writes
// 12345678 as 1.2345678e+07.
func written(b *builtin.Function) *builtin.Function {
	if b.Name != "string" {
		return b
	}
	own := *b
	own.Fast = func(v any) any { return plain(v) }
	return &own
}

// plain writes a value as text.
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

// program compiles what was checked.
func (f *fence) program(n ast.Node, c *conf.Config) (*vm.Program, error) {
	tree := &parser.Tree{Node: n, Source: file.NewSource(f.source)}
	if _, err := checker.Check(tree, c); err != nil {
		return nil, f.unfit(err)
	}
	if f.steps(n) > maxSteps {
		return nil, &Error{Kind: TooMuch, Field: f.field, At: -1}
	}
	p, err := compiler.Compile(tree, c)
	if err != nil {
		return nil, &Error{Kind: Syntax, Field: f.field, At: -1, Why: "it cannot be compiled"}
	}
	return p, nil
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }
