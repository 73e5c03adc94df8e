package filter

import (
	"reflect"

	"github.com/expr-lang/expr/ast"
)

// What an expression may take. A step is about ten nanoseconds; how many there are at most
// is counted before it runs. Filters are asked for every report, values are read once.
const (
	maxSteps      = 200_000
	maxValueSteps = 500_000
)

// maxString is how many characters one text has, of those that values are read from.
const maxString = 8 << 10

// extent is the most that a part may be.
type extent struct {
	text  float64 // characters, where it is a text
	chars float64 // of all texts in it, where it is a list or unknown
	count float64 // of the list
	any   bool    // what it is, is not known
}

// most is how many steps the expression may take.
func (f *fence) most() float64 {
	if f.world == nil {
		return maxValueSteps
	}
	return maxSteps
}

// meter counts the steps of an expression.
type meter struct {
	f     *fence
	steps float64
	times float64  // how often the part runs that is being counted
	each  []extent // what "#" is, outermost first
}

// steps returns how many steps an expression takes at most.
func (f *fence) steps(n ast.Node) float64 {
	m := meter{f: f, times: 1}
	m.count(n)
	return m.steps
}

func (m *meter) add(steps float64) { m.steps += m.times * steps }

// count counts the steps of a part and returns its extent.
func (m *meter) count(n ast.Node) extent {
	m.add(4)
	switch n := n.(type) {
	case *ast.StringNode:
		return text(len(n.Value))
	case *ast.IdentifierNode:
		return m.f.extent(n.Value)
	case *ast.ConstantNode:
		return extent{count: float64(reflect.ValueOf(n.Value).Len())}
	case *ast.PointerNode:
		return m.each[len(m.each)-1]
	case *ast.UnaryNode:
		return m.count(n.Node)
	case *ast.ChainNode:
		return m.count(n.Node)
	case *ast.MemberNode:
		return m.member(n)
	case *ast.BinaryNode:
		return m.binary(n)
	case *ast.ConditionalNode:
		m.count(n.Cond)
		return larger(m.count(n.Exp1), m.count(n.Exp2))
	case *ast.ArrayNode:
		return m.array(n)
	case *ast.BuiltinNode:
		return m.call(n)
	case *ast.CallNode:
		all := m.count(n.Arguments[0])
		m.add(10 + 4*all.chars)
		return text(int(all.chars))
	default:
		return extent{}
	}
}

// extent is that of an attribute, or of a name that may hold anything.
func (f *fence) extent(name string) extent {
	if name == lowerText {
		name = "text"
	}
	a, ok := find(name)
	switch {
	case f.world == nil:
		return extent{text: maxString, chars: float64(f.names.Size), count: float64(f.names.Size / 2), any: true}
	case !ok:
		return extent{text: maxResults, chars: maxResults, count: maxResults / 2, any: true}
	case a.name == "words":
		return extent{chars: maxText, count: maxWords}
	case a.sort == isList:
		return extent{chars: float64(a.most * maxLines), count: maxLines}
	default:
		return text(a.most)
	}
}

// text is the extent of a text.
func text(chars int) extent { return extent{text: float64(chars), chars: float64(chars)} }

func (m *meter) member(n *ast.MemberNode) extent {
	owner := m.count(n.Node)
	m.add(10)
	if owner.any {
		return owner
	}
	return extent{text: owner.chars, chars: owner.chars}
}

func (m *meter) array(n *ast.ArrayNode) extent {
	all := extent{count: float64(len(n.Nodes))}
	for _, e := range n.Nodes {
		each := m.count(e)
		all.chars += each.chars
		all.any = all.any || each.any
	}
	m.add(5 * all.count)
	return all
}

func (m *meter) binary(n *ast.BinaryNode) extent {
	left, right := m.count(n.Left), m.count(n.Right)
	switch n.Operator {
	case "and", "&&", "or", "||":
		return extent{}
	case "+":
		both := left.text + right.text
		m.add(10 + both/8)
		return extent{text: both, chars: both, any: left.any || right.any}
	case "??":
		return larger(left, right)
	case "contains":
		m.add(10 + left.text/2 + right.text/8)
	case "in":
		m.among(left, right)
	case "matches":
		m.pattern(n.Right, left)
	case "==", "!=":
		m.add(10 + compare(left, right))
	default:
		m.add(10 + min(left.text, right.text)/16)
	}
	return extent{}
}

// compare is what it takes to tell whether two parts are the same.
func compare(a, b extent) float64 {
	if a.any && b.any {
		return 8 * min(a.chars, b.chars)
	}
	return min(a.text, b.text) / 16
}

func (m *meter) among(left, right extent) {
	steps := 15 + 15*right.count + right.chars/16
	if left.any && right.any {
		steps += 8 * right.chars
	}
	m.add(steps)
}

func (m *meter) pattern(pattern ast.Node, subject extent) {
	s, ok := pattern.(*ast.StringNode)
	if !ok {
		return
	}
	size, err := patternSize(s.Value)
	if err == nil {
		m.add(50 + 3*float64(size)*subject.text)
	}
}

func (m *meter) call(n *ast.BuiltinNode) extent {
	over := m.count(n.Arguments[0])
	if p, ok := n.Arguments[len(n.Arguments)-1].(*ast.PredicateNode); ok {
		m.repeat(p, over)
		return extent{}
	}
	if n.Name == "len" {
		return extent{}
	}
	m.add(10 + 4*over.text)
	return extent{text: 2 * over.text, chars: 2 * over.text}
}

// repeat counts what is asked of each of a list. Its texts together have as many
// characters as the list, so each is taken for the average.
func (m *meter) repeat(p *ast.PredicateNode, over extent) {
	count := max(1, over.count)
	before := m.times
	m.times *= count
	m.each = append(m.each, extent{text: over.chars / count, chars: over.chars / count, count: over.count / count, any: over.any})
	m.add(8)
	m.count(p.Node)
	m.times = before
	m.each = m.each[:len(m.each)-1]
}

func larger(a, b extent) extent {
	return extent{text: max(a.text, b.text), chars: max(a.chars, b.chars), count: max(a.count, b.count), any: a.any || b.any}
}
