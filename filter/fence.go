package filter

import (
	"errors"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"ticketfrei/internal/nearest"
)

// lowerText is the report's text in lower case, for the lists: no expression can name it.
const lowerText = "text, lower"

// fence goes through an expression and refuses what filters do not have.
type fence struct {
	field  string
	source string
	world  *World // nil: it reads values
	names  Names
	uses   map[string]bool
	values map[string][]string // of attributes, so far
	seen   map[ast.Node]bool
	nested int
	// classes and folded are what its patterns have of what takes long to make, so far.
	classes, folded int
	err             *Error
}

func newFence(field, source string, w World) *fence {
	return &fence{field: field, source: source, world: &w, uses: map[string]bool{}, values: map[string][]string{}, seen: map[ast.Node]bool{}}
}

// fail keeps the first error.
func (f *fence) fail(n ast.Node, e Error) {
	if f.err != nil {
		return
	}
	e.Field, e.At, e.source = f.field, n.Location().From, f.source
	f.err = &e
}

func (f *fence) notAllowed(n ast.Node, word string) { f.fail(n, Error{Kind: NotAllowed, Word: word}) }

// check goes through a part and returns it as it is compiled.
func (f *fence) check(n ast.Node) ast.Node {
	if f.err != nil || n == nil {
		return n
	}
	switch n := n.(type) {
	case *ast.NilNode, *ast.BoolNode, *ast.StringNode, *ast.IntegerNode, *ast.FloatNode:
		return n
	case *ast.IdentifierNode:
		return f.name(n, n.Value)
	}
	// a < b < c has b twice. Were that more than a name, such comparisons in each other
	// would double the work each time.
	if f.seen[n] {
		f.notAllowed(n, "a comparison with a calculation in its middle")
		return n
	}
	f.seen[n] = true
	return f.compound(n)
}

func (f *fence) compound(n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		n.Node = f.check(n.Node)
	case *ast.BinaryNode:
		return f.binary(n)
	case *ast.MemberNode:
		return f.member(n)
	case *ast.ChainNode:
		n.Node = f.check(n.Node)
	case *ast.CallNode:
		return f.call(n)
	case *ast.BuiltinNode:
		f.builtin(n)
	case *ast.PointerNode:
		if n.Name != "" {
			f.notAllowed(n, "#"+n.Name)
		}
	case *ast.ConditionalNode:
		n.Cond, n.Exp1, n.Exp2 = f.check(n.Cond), f.check(n.Exp1), f.check(n.Exp2)
	case *ast.ArrayNode:
		f.all(n.Nodes)
	default:
		f.notAllowed(n, form(n))
	}
	return n
}

func (f *fence) all(nodes []ast.Node) {
	for i := range nodes {
		nodes[i] = f.check(nodes[i])
	}
}

// form names what an expression may not have.
func form(n ast.Node) string {
	switch n.(type) {
	case *ast.VariableDeclaratorNode:
		return "let"
	case *ast.SequenceNode:
		return ";"
	case *ast.MapNode, *ast.PairNode:
		return "{…}"
	case *ast.SliceNode:
		return "[…:…]"
	case *ast.BytesNode:
		return "b\"…\""
	default:
		return "this"
	}
}

var operators = strings.Fields("and && or || == != < > <= >= + - * / % in contains startsWith endsWith matches ??")

func (f *fence) binary(n *ast.BinaryNode) ast.Node {
	if !slices.Contains(operators, n.Operator) {
		f.notAllowed(n, n.Operator)
		return n
	}
	n.Left, n.Right = f.check(n.Left), f.check(n.Right)
	switch n.Operator {
	case "matches":
		f.pattern(n)
	case "==", "!=":
		f.compared(n.Left, n.Right)
		f.compared(n.Right, n.Left)
	case "in":
		return f.among(n)
	}
	return n
}

// name checks the name of an attribute or a value.
func (f *fence) name(n ast.Node, name string) ast.Node {
	if f.world == nil {
		if !slices.Contains(f.names.Names, name) {
			f.unknown(n, name, f.names.Names, valueFunctions)
		}
		return n
	}
	if _, ok := find(name); !ok {
		f.unknown(n, name, Attributes(), filterFunctions)
		return n
	}
	f.uses[name] = true
	return n
}

func (f *fence) unknown(n ast.Node, name string, right, functions []string) {
	like, _ := nearest.Of(name, slices.Concat(right, functions))
	f.fail(n, Error{Kind: UnknownName, Word: name, Nearest: like, Values: right})
}

// member checks "author.known", "results.program.value" or "body.value". In filters, what
// is not there is nil and not an error.
func (f *fence) member(n *ast.MemberNode) ast.Node {
	key, isName := n.Property.(*ast.StringNode)
	if _, isIndex := n.Property.(*ast.IntegerNode); !isName && !isIndex {
		f.fail(n, Error{Kind: NotFixed, Word: "[…]"})
		return n
	}
	if f.world == nil {
		n.Node = f.check(n.Node)
		return n
	}
	owner, named := n.Node.(*ast.IdentifierNode)
	switch {
	case named && owner.Value == results && isName:
		f.task(key)
	case named && isName && !known(owner.Value):
		return f.whole(n, owner.Value+"."+key.Value)
	default:
		n.Node = f.check(n.Node)
	}
	n.Optional = true
	return &ast.ChainNode{Node: n}
}

func known(name string) bool { _, ok := find(name); return ok }

// whole makes one name of "author.known".
func (f *fence) whole(n *ast.MemberNode, name string) ast.Node {
	id := &ast.IdentifierNode{Value: name}
	id.SetLocation(n.Node.Location())
	return f.name(id, name)
}

// task checks the program whose results are asked for.
func (f *fence) task(program *ast.StringNode) {
	f.uses[results] = true
	if f.world.Tasks == nil || slices.Contains(f.world.Tasks, program.Value) {
		return
	}
	like, _ := nearest.Of(program.Value, f.world.Tasks)
	f.fail(program, Error{Kind: UnknownValue, Attribute: results, Word: program.Value, Nearest: like, Values: f.world.Tasks})
}

// builtin checks a call of a function that the language has.
func (f *fence) builtin(n *ast.BuiltinNode) {
	functions := filterFunctions
	if f.world == nil {
		functions = valueFunctions
	}
	if !slices.Contains(functions, n.Name) {
		f.notAllowed(n, n.Name+"(…)")
		return
	}
	if len(n.Arguments) > 0 && n.Arguments[0].Location().From < n.Location().From {
		f.notAllowed(n, "|")
	}
	for i, a := range n.Arguments {
		if p, ok := a.(*ast.PredicateNode); ok {
			f.predicate(p)
		} else {
			n.Arguments[i] = f.check(a)
		}
	}
}

func (f *fence) predicate(p *ast.PredicateNode) {
	if f.nested++; f.nested > MaxNested {
		f.fail(p, Error{Kind: TooDeep})
	}
	p.Node = f.check(p.Node)
	f.nested--
}

// misread says where an expression cannot be read.
func (f *fence) misread(err error) error {
	e := &Error{Kind: Syntax, Field: f.field, At: -1, Why: err.Error(), source: f.source}
	if at, ok := errors.AsType[*file.Error](err); ok {
		e.At, e.Why = at.From, at.Message
	}
	switch {
	case strings.Contains(e.Why, "maximum allowed nodes"):
		return &Error{Kind: TooBig, Field: f.field, At: -1}
	case e.Why == `unexpected token Operator("=")`:
		e.Word, e.Nearest = "=", "=="
	}
	return e
}

// unfit says what does not fit together.
func (f *fence) unfit(err error) error {
	at, ok := errors.AsType[*file.Error](err)
	if !ok {
		return &Error{Kind: NoAnswer, Field: f.field, At: -1}
	}
	return &Error{Kind: Types, Field: f.field, At: at.From, Why: at.Message, source: f.source}
}
