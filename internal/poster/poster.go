// Package poster draws the poster of a city, as SVG and as PDF: its name, what its
// moderators want to say, a QR code of its page and its addresses.
package poster

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"
)

// Size is a size of paper.
type Size string

// The sizes.
const (
	A4      Size = "a4"
	A6      Size = "a6"
	Sticker Size = "sticker"
)

// Sizes are all, the biggest first.
var Sizes = []Size{A4, A6, Sticker}

// paper is width and height in millimetres.
var paper = map[Size][2]float64{A4: {210, 297}, A6: {105, 148}, Sticker: {74, 74}}

// Known tells whether there is such a size.
func (s Size) Known() bool { return paper[s] != [2]float64{} }

// Width and Height are in millimetres.
func (s Size) Width() float64 { return paper[s][0] }

// Height is in millimetres.
func (s Size) Height() float64 { return paper[s][1] }

// Poster is what a poster says.
type Poster struct {
	Name     string   // of the city
	Text     string   // a paragraph a line
	Page     string   // address of the city's page: the QR code
	Ways     []string // addresses of its bots; not on a sticker
	Language string   // of Text
}

// sheet is a poster as it is drawn, in millimetres from the top left.
type sheet struct {
	Poster
	Width, Height float64
	Lines         []line
	Code          code
}

// code is the QR code: a square.
type code struct {
	X, Y, Side float64
	Modules    int // in a row, with the quiet ones around
	Path       template.HTMLAttr
	qr         *qr.Code
}

// quiet is how many modules around a QR code stay white.
const quiet = 4

// newCode makes the QR code of an address.
func newCode(address string) (code, error) {
	q, err := qr.Encode(address, qr.M)
	if err != nil {
		return code{}, fmt.Errorf("QR code of %s: %w", address, err)
	}
	c := code{qr: q, Modules: q.Size + 2*quiet}
	var path strings.Builder
	c.rows(func(x, y, n int) { fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x, y, n, n) })
	c.Path = template.HTMLAttr(`d="` + path.String() + `"`)
	return c, nil
}

// rows calls do for each run of n black modules in a row.
func (c code) rows(do func(x, y, n int)) {
	for y := range c.qr.Size {
		for x := 0; x < c.qr.Size; x++ {
			n := 0
			for x+n < c.qr.Size && c.qr.Black(x+n, y) {
				n++
			}
			if n > 0 {
				do(x+quiet, y+quiet, n)
				x += n
			}
		}
	}
}

// Scale is how many millimetres a module has.
func (c code) Scale() float64 { return c.Side / float64(c.Modules) }

//go:embed poster.svg.tmpl
var svg string

var svgTemplate = template.Must(template.New("poster").Parse(svg))

// SVG draws the poster as a picture.
func (p Poster) SVG(size Size) ([]byte, error) {
	s, err := p.lay(size)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := svgTemplate.Execute(&b, s); err != nil {
		return nil, fmt.Errorf("poster: %w", err)
	}
	return b.Bytes(), nil
}
