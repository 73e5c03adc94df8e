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
func (f *fence) among(n *ast.BinaryNode) ast.Node {
	if a, ok := f.asked(n.Right); ok && a.sort == isList {
		f.possible(a, n.Left)
	}
	a, ok := f.asked(n.Left)
	each, fixed := n.Right.(*ast.ArrayNode)
	if !ok || !fixed {
		return n
	}
	for _, value := range each.Nodes {
		f.possible(a, value)
	}
	if texts := textsOf(each.Nodes); len(texts) > 0 && a.sort == isText {
		return oneOf(a, texts, n)
	}
	return n
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
	e := Error{Kind: UnknownValue, Attribute: a.name, Word: value, Values: []string{fmt.Sprintf("%d to %d", a.low, a.high)}, number: &a}
	if a.high == many {
		e.Values = []string{fmt.Sprintf("%d and more", a.low)}
	}
	return e
}

// textsOf returns the values of texts; nil: there is something else among them.
func textsOf(nodes []ast.Node) []string {
	var texts []string
	for _, n := range nodes {
		s, ok := n.(*ast.StringNode)
		if !ok {
			return nil
		}
		texts = append(texts, s.Value)
	}
	return texts
}

// handful is how many values are faster compared one by one than found in a set.
const handful = 8

// oneOf makes the condition that an attribute is one of the texts, in the place of a part.
func oneOf(a attribute, texts []string, of ast.Node) ast.Node {
	if len(texts) > handful {
		set := make(map[string]struct{}, len(texts))
		for _, s := range texts {
			set[s] = struct{}{}
		}
		return at(of, binary("in", named(a.name), &ast.ConstantNode{Value: set}))
	}
	each := make([]ast.Node, len(texts))
	for i, s := range texts {
		each[i] = at(of, binary("==", named(a.name), &ast.StringNode{Value: s}))
	}
	return join("or", each)
}

// at puts a part in the place of another.
func at(of, n ast.Node) ast.Node {
	n.SetLocation(of.Location())
	return n
}

// maxNear is how far near reaches, in stops.
const maxNear = 50

// call checks a call of a function that is ours.
func (f *fence) call(n *ast.CallNode) ast.Node {
	switch id, ok := n.Callee.(*ast.IdentifierNode); {
	case ok && f.world != nil && id.Value == near:
		return f.near(n)
	case ok && f.world == nil && id.Value == asText && len(n.Arguments) == 1:
		f.all(n.Arguments)
	default:
		f.otherCall(n, id)
	}
	return n
}

// near makes the set of stops of near(stop, n).
func (f *fence) near(n *ast.CallNode) ast.Node {
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
	return at(n, binary("in", named("stop"), &ast.ConstantNode{Value: around(f.world.Places, stop.Value, reach)}))
}

// otherCall refuses every other call.
func (f *fence) otherCall(n *ast.CallNode, name *ast.IdentifierNode) {
	if name == nil {
		f.notAllowed(n, "(…)")
		return
	}
	functions := append([]string{near}, filterFunctions...)
	if f.world == nil {
		functions = append([]string{asText}, valueFunctions...)
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
