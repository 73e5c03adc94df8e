package poster

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-fonts/dejavu/dejavusans"
	"codeberg.org/go-fonts/dejavu/dejavusansbold"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// shaped is a line of text with its letters joined and in the order in which they stand.
type shaped struct {
	text        string
	rightToLeft bool
	width       float64 // in sizes of its letters
	runs        []shaping.Output
}

// em is the size in which letters are shaped.
const em = 1000

// fonts are the letters. They have those of Latin, Greek, Cyrillic, Arabic and more, and
// may be given to everybody.
var fonts = sync.OnceValues(func() (f [2]*font.Font, err error) {
	for i, ttf := range [][]byte{dejavusans.TTF, dejavusansbold.TTF} {
		face, err := font.ParseTTF(bytes.NewReader(ttf))
		if err != nil {
			return f, fmt.Errorf("font of the poster: %w", err)
		}
		f[i] = face.Font
	}
	return f, nil
})

// faceOf returns letters for one who draws.
func faceOf(bold bool) (*font.Face, error) {
	f, err := fonts()
	if err != nil {
		return nil, err
	}
	if bold {
		return font.NewFace(f[1]), nil
	}
	return font.NewFace(f[0]), nil
}

// onlyFace is a shaping.Fontmap.
type onlyFace struct{ *font.Face }

// ResolveFace returns the face.
func (f onlyFace) ResolveFace(rune) *font.Face { return f.Face }

// wrap breaks a paragraph into lines of at most the width, in sizes of its letters.
func wrap(paragraph, lang string, bold bool, width float64) ([]shaped, error) {
	face, err := faceOf(bold)
	if err != nil || paragraph == "" {
		return nil, err
	}
	text := []rune(paragraph)
	in := shaping.Input{Text: text, RunEnd: len(text), Direction: directionOf(paragraph), Face: face, Size: fixed.I(em), Language: language.NewLanguage(lang)}
	var splitter shaping.Segmenter
	var shaper shaping.HarfbuzzShaper
	var runs []shaping.Output
	for _, part := range splitter.Split(in, onlyFace{face}) {
		runs = append(runs, shaper.Shape(part))
	}
	var wrapper shaping.LineWrapper
	lines, _ := wrapper.WrapParagraphF(shaping.WrapConfig{Direction: in.Direction}, fixed.I(int(width*em)), text, shaping.NewSliceIterator(runs))
	all := make([]shaped, 0, len(lines))
	for _, l := range lines {
		all = append(all, newShaped(text, l, in.Direction == di.DirectionRTL))
	}
	return all, nil
}

func newShaped(text []rune, l shaping.Line, rightToLeft bool) shaped {
	s := shaped{rightToLeft: rightToLeft, runs: slices.Clone(l)}
	from, to := len(text), 0
	for _, run := range l {
		s.width += float64(run.Advance) / 64 / em
		from, to = min(from, run.Runes.Offset), max(to, run.Runes.Offset+run.Runes.Count)
	}
	s.text = strings.TrimSpace(string(text[min(from, to):to]))
	slices.SortFunc(s.runs, func(a, b shaping.Output) int { return int(a.VisualIndex - b.VisualIndex) })
	return s
}

// directionOf is the direction of the first letter that has one.
func directionOf(text string) di.Direction {
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko):
			return di.DirectionRTL
		case unicode.IsLetter(r):
			return di.DirectionLTR
		}
	}
	return di.DirectionLTR
}

// CanDraw tells whether a PDF can show every letter of the poster. An SVG always can: it
// is drawn with the letters of whoever looks at it.
func (p Poster) CanDraw() bool {
	face, err := faceOf(false)
	if err != nil {
		return false
	}
	for _, r := range p.Name + p.Text + strings.Join(p.Ways, "") {
		if _, ok := face.NominalGlyph(r); !ok && unicode.IsGraphic(r) && !unicode.In(r, unicode.Variation_Selector) {
			return false
		}
	}
	return true
}
