package filter

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"

	"ticketfrei/internal/nearest"
)

// compared refuses a value that an attribute never has.
func (f *fence) compared(name, value ast.Node) {
	if a, ok := f.asked(name); ok && a.sort != isList {
		f.possible(a, value)
	}
}

// among refuses values that an attribute never has, in "line in [...]" and "... in lines",
// and makes a set of those that are fixed.
func (f *fence) among(n *ast.BinaryNode) {
	if a, ok := f.asked(n.Right); ok && a.sort == isList {
		f.possible(a, n.Left)
	}
	a, ok := f.asked(n.Left)
	each, fixed := n.Right.(*ast.ArrayNode)
	if !ok || !fixed {
		return
	}
	for _, value := range each.Nodes {
		f.possible(a, value)
	}
	if set := setOf(each.Nodes); set != nil && a.sort == isText {
		n.Right = constant(set, n.Right)
	}
}

// asked returns the attribute that a part names.
func (f *fence) asked(n ast.Node) (attribute, bool) {
	id, ok := n.(*ast.IdentifierNode)
	if !ok || f.world == nil {
		return attribute{}, false
	}
	return find(id.Value)
}

func (f *fence) possible(a attribute, value ast.Node) {
	switch v := value.(type) {
	case *ast.StringNode:
		if e, ok := f.impossible(a, v.Value); ok {
			f.fail(v, e)
		}
	case *ast.IntegerNode:
		if a.sort == isNumber && (v.Value < a.low || v.Value > a.high) {
			f.fail(v, outside(a, strconv.Itoa(v.Value)))
		}
	}
}

// impossible tells that an attribute never is a text.
func (f *fence) impossible(a attribute, value string) (Error, bool) {
	values, ok := f.values[a.name]
	if !ok {
		values = a.known(*f.world)
		f.values[a.name] = values
	}
	if len(values) == 0 || value == "" || slices.Contains(values, value) {
		return Error{}, false
	}
	like, _ := nearest.Of(value, values)
	return Error{Kind: UnknownValue, Attribute: a.name, Word: value, Nearest: like, Values: values}, true
}

func outside(a attribute, value string) Error {
	e := Error{Kind: UnknownValue, Attribute: a.name, Word: value, Values: []string{fmt.Sprintf("%d to %d", a.low, a.high)}}
	if a.high == many {
		e.Values = []string{fmt.Sprintf("%d and more", a.low)}
	}
	return e
}

// setOf makes a set of texts; nil: there is something else among them.
func setOf(nodes []ast.Node) map[string]struct{} {
	set := make(map[string]struct{}, len(nodes))
	for _, n := range nodes {
		s, ok := n.(*ast.StringNode)
		if !ok {
			return nil
		}
		set[s.Value] = struct{}{}
	}
	return set
}

// constant is a value that is there already, in the place of a part.
func constant(value any, of ast.Node) ast.Node {
	c := &ast.ConstantNode{Value: value}
	c.SetLocation(of.Location())
	return c
}

// maxNear is how far near reaches, in stops.
const maxNear = 50

// call checks near(stop, n), the only function that is ours, and makes the set of stops
// of it.
func (f *fence) call(n *ast.CallNode) ast.Node {
	id, ok := n.Callee.(*ast.IdentifierNode)
	if !ok || f.world == nil || id.Value != near {
		f.callOf(n, id)
		return n
	}
	if len(f.world.Places.Lines()) == 0 {
		f.fail(n, Error{Kind: NoPlaces})
		return n
	}
	stop, reach, ok := nearArguments(n.Arguments)
	if !ok {
		f.fail(n, Error{Kind: NotFixed, Word: near})
		return n
	}
	stops, _ := find("stop")
	f.possible(stops, stop)
	f.uses["stop"] = true
	in := &ast.BinaryNode{Operator: "in", Left: &ast.IdentifierNode{Value: "stop"}, Right: constant(around(f.world.Places, stop.Value, reach), n)}
	in.SetLocation(n.Location())
	return in
}

// callOf refuses every other call.
func (f *fence) callOf(n *ast.CallNode, name *ast.IdentifierNode) {
	if name == nil {
		f.notAllowed(n, "(…)")
		return
	}
	functions := append([]string{near}, filterFunctions...)
	if f.world == nil {
		functions = valueFunctions
	}
	f.unknown(n, name.Value, nil, functions)
}

func nearArguments(args []ast.Node) (stop *ast.StringNode, reach int, ok bool) {
	if len(args) != 2 {
		return nil, 0, false
	}
	stop, isText := args[0].(*ast.StringNode)
	n, isNumber := args[1].(*ast.IntegerNode)
	if !isText || !isNumber || stop.Value == "" || n.Value < 0 || n.Value > maxNear {
		return nil, 0, false
	}
	return stop, n.Value, true
}
