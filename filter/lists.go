package filter

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"ticketfrei/internal/nearest"
)

// Any stands for every value that is there.
const Any = "*"

// lists makes conditions of the values that are wanted and those that are not.
func (f *fence) lists(s Spec) ([]ast.Node, error) {
	if err := sizeOf(s); err != nil {
		return nil, err
	}
	wanted, err := f.list(include, s.Include)
	if err != nil {
		return nil, err
	}
	unwanted, err := f.list(exclude, s.Exclude)
	if err != nil {
		return nil, err
	}
	for i, n := range unwanted {
		unwanted[i] = &ast.UnaryNode{Operator: "not", Node: n}
	}
	return append(wanted, unwanted...), nil
}

func sizeOf(s Spec) error {
	n := 0
	for field, values := range map[string]map[string][]string{include: s.Include, exclude: s.Exclude} {
		for name, each := range values {
			n += len(each)
			if n > MaxValues || slices.ContainsFunc(each, func(v string) bool { return len([]rune(v)) > maxValue }) {
				return &Error{Kind: TooLong, Field: field, Attribute: cut(name, maxValue), At: -1}
			}
		}
	}
	return nil
}

// list makes one condition of each attribute's values.
func (f *fence) list(field string, values map[string][]string) ([]ast.Node, error) {
	var all []ast.Node
	for _, name := range ordered(values) {
		if len(values[name]) == 0 {
			continue
		}
		n, e := f.anyOf(name, values[name])
		if e != nil {
			e.Field, e.At = field, -1
			if e.Kind == UnknownValue || e.Kind == UnknownName {
				e.Attribute = name
			}
			return nil, e
		}
		all = append(all, n)
	}
	return all, nil
}

// ordered returns the names of the attributes in the order in which they are listed; the
// others at the end.
func ordered(values map[string][]string) []string {
	place := func(name string) int {
		i := slices.IndexFunc(attributes, func(a attribute) bool { return a.name == name })
		if i < 0 {
			return len(attributes)
		}
		return i
	}
	return slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		return cmp.Or(place(a)-place(b), strings.Compare(a, b))
	})
}

// anyOf makes the condition that an attribute has one of the values.
func (f *fence) anyOf(name string, values []string) (ast.Node, *Error) {
	if program, ok := strings.CutPrefix(name, results+"."); ok {
		return f.resultOf(program, values)
	}
	a, ok := find(name)
	if !ok {
		like, _ := nearest.Of(name, Attributes())
		return nil, &Error{Kind: UnknownName, Word: name, Nearest: like, Values: Attributes()}
	}
	if !a.within {
		f.uses[name] = true
	}
	var plain []string
	var each []ast.Node
	for _, v := range values {
		switch n, e := f.one(a, v); {
		case e != nil:
			return nil, e
		case n == nil:
			plain = append(plain, v)
		default:
			each = append(each, n)
		}
	}
	if len(plain) > 0 {
		each = append(each, oneOf(a, plain, named(name)))
	}
	return join("or", each), nil
}

// one makes the condition that an attribute has a value; nil: it need only be
// compared.
func (f *fence) one(a attribute, value string) (ast.Node, *Error) {
	switch {
	case value == Any:
		f.uses[a.name] = true
		return present(a), nil
	case a.sort == isNumber:
		return inRange(a, value)
	case a.sort == isYesNo:
		return yesNo(a, value)
	case a.within:
		f.uses[lowerText] = true
		return binary("contains", named(lowerText), &ast.StringNode{Value: strings.ToLower(value)}), nil
	}
	if a.name == "words" {
		value = strings.ToLower(value)
	}
	if e, ok := f.impossible(a, value); ok {
		return nil, &e
	}
	if a.sort == isList {
		return binary("in", &ast.StringNode{Value: value}, named(a.name)), nil
	}
	return nil, nil
}

// present makes the condition that an attribute has any value.
func present(a attribute) ast.Node {
	switch a.sort {
	case isText:
		return binary("!=", named(a.name), &ast.StringNode{})
	case isList:
		return binary(">", &ast.BuiltinNode{Name: "len", Arguments: []ast.Node{named(a.name)}}, &ast.IntegerNode{})
	default:
		return &ast.BoolNode{Value: true}
	}
}

func yesNo(a attribute, value string) (ast.Node, *Error) {
	yes, err := strconv.ParseBool(value)
	if err != nil || len(value) < len("true") {
		return nil, &Error{Kind: UnknownValue, Attribute: a.name, Word: value, Values: []string{"true", "false"}}
	}
	return binary("==", named(a.name), &ast.BoolNode{Value: yes}), nil
}

// inRange makes the condition that a number is value, or within it, as "6-22", "6-" or
// "-22". A range of hours ends when its last begins, and may go past midnight.
func inRange(a attribute, value string) (ast.Node, *Error) {
	wrong := outside(a, value)
	from, to, isRange := strings.Cut(strings.ReplaceAll(value, "–", "-"), "-")
	low, ok := number(from, a.low)
	high, fits := low, ok
	if isRange {
		high, fits = number(to, a.high+whole(a.open))
		high -= whole(a.open)
	}
	switch {
	case !ok || !fits || low < a.low || low > a.high || high < a.low-whole(a.open && isRange) || high > a.high || strings.TrimSpace(from+to) == "":
		return nil, &wrong
	case low > high && !a.open:
		return nil, &wrong
	}
	return between(a, low, high), nil
}

// between makes the condition that a number is at least low and at most high; or, where
// low is the greater, one of the two.
func between(a attribute, low, high int) ast.Node {
	op := "and"
	if low > high {
		op = "or"
	}
	return join(op, []ast.Node{
		binary(">=", named(a.name), &ast.IntegerNode{Value: low}),
		binary("<=", named(a.name), &ast.IntegerNode{Value: high}),
	})
}

func whole(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// number reads a number; none is other.
func number(text string, other int) (int, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return other, true
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// resultOf makes the condition that what a task made, as "gtfs.line", is one of the values.
func (f *fence) resultOf(path string, values []string) (ast.Node, *Error) {
	parts := strings.Split(path, ".")
	if len(parts) > maxPath || slices.Contains(parts, "") {
		return nil, &Error{Kind: UnknownName, Word: results + "." + path, Nearest: results + ".PROGRAM.NAME"}
	}
	f.uses[results] = true
	f.task(&ast.StringNode{Value: parts[0]})
	if f.err != nil {
		return nil, f.err
	}
	n := named(results)
	for _, p := range parts {
		n = &ast.ChainNode{Node: &ast.MemberNode{Node: n, Property: &ast.StringNode{Value: p}, Optional: true}}
	}
	if slices.Contains(values, Any) {
		return binary("!=", n, &ast.NilNode{}), nil
	}
	return binary("in", n, &ast.ConstantNode{Value: meant(values)}), nil
}

// maxPath is how many names a result may be below its program.
const maxPath = 6

// meant are the values that a text may stand for: itself, a number, true or false.
func meant(values []string) []any {
	var all []any
	for _, v := range values {
		all = append(all, v)
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			all = append(all, n)
		}
		if v == "true" || v == "false" {
			all = append(all, v == "true")
		}
	}
	return all
}

func named(name string) ast.Node { return &ast.IdentifierNode{Value: name} }

func binary(op string, left, right ast.Node) ast.Node {
	return &ast.BinaryNode{Operator: op, Left: left, Right: right}
}

// join makes one condition of several.
func join(op string, all []ast.Node) ast.Node {
	n := all[0]
	for _, other := range all[1:] {
		n = binary(op, n, other)
	}
	return n
}
