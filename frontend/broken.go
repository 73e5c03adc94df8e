package frontend

import (
	"bytes"
	"fmt"
	"html/template"
	"iter"
	"strconv"
	"strings"
	"text/template/parse"
)

// locate returns an error of html/template with the file and line in which it stands:
// of markup that it cannot escape it says neither. file is that of the page.
func (v view) locate(broken *template.Error, file string) error {
	if broken.Node != nil || broken.Line > 0 {
		return fmt.Errorf("templates: %w", broken)
	}
	place := v.find(excerptOf(broken.Description), file)
	if place == "" {
		place = v.lastTag(file)
	}
	return fmt.Errorf("templates: %s: %s", place, broken.Description)
}

// excerptOf returns the markup that an error shows at its end; empty where there is none.
func excerptOf(description string) string {
	for i := range description {
		if excerpt, err := strconv.Unquote(description[i:]); err == nil && description[i] == '"' {
			return excerpt
		}
	}
	return ""
}

// find returns the file and line in which some markup stands, as "home.tmpl:3": that of the
// page where it stands there, too.
func (v view) find(markup, file string) (place string) {
	for tree, text := range v.texts() {
		i := bytes.Index(text.Text, []byte(markup))
		if i < 0 || markup == "" {
			continue
		}
		at := placeIn(tree, text, i)
		if tree.ParseName == file {
			return at
		}
		place = max(place, at)
	}
	return place
}

// lastTag returns the file of a page, with the line of the last tag in it: a page that ends
// within a tag or a value ends mostly in that one.
func (v view) lastTag(file string) string {
	place, last := file, parse.Pos(-1)
	for tree, text := range v.texts() {
		i := bytes.LastIndexByte(text.Text, '<')
		if i >= 0 && tree.ParseName == file && text.Position() > last {
			place, last = placeIn(tree, text, i), text.Position()
		}
	}
	return place
}

// placeIn is the file and line of what stands in some markup, so many bytes behind its
// beginning.
func placeIn(tree *parse.Tree, text *parse.TextNode, i int) string {
	place, _ := tree.ErrorContext(text) // file, line and column
	parts := strings.Split(place, ":")
	if len(parts) < 2 {
		return tree.ParseName
	}
	line, _ := strconv.Atoi(parts[1])
	return parts[0] + ":" + strconv.Itoa(line+bytes.Count(text.Text[:i], []byte("\n")))
}

// texts ranges over the markup of all templates of a view.
func (v view) texts() iter.Seq2[*parse.Tree, *parse.TextNode] {
	return func(yield func(*parse.Tree, *parse.TextNode) bool) {
		for _, t := range v.set.Templates() {
			if t.Tree == nil || t.Tree.Root == nil {
				continue
			}
			goOn := walk(t.Tree.Root, func(part parse.Node) bool {
				n, ok := part.(*parse.TextNode)
				return !ok || yield(t.Tree, n)
			})
			if !goOn {
				return
			}
		}
	}
}

// walk calls visit for all that a part of a template is made of, until one returns false.
func walk(part parse.Node, visit func(parse.Node) bool) bool {
	switch n := part.(type) {
	case *parse.ListNode:
		if n == nil {
			return true
		}
		for _, inner := range n.Nodes {
			if !walk(inner, visit) {
				return false
			}
		}
		return true
	case *parse.IfNode:
		return walk(n.List, visit) && walk(n.ElseList, visit)
	case *parse.RangeNode:
		return walk(n.List, visit) && walk(n.ElseList, visit)
	case *parse.WithNode:
		return walk(n.List, visit) && walk(n.ElseList, visit)
	default:
		return visit(part)
	}
}
