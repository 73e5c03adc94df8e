package poster

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"unicode/utf16"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/text/encoding/charmap"
)

// points are in a millimetre.
const points = 72 / 25.4

// PDF draws the poster as a document for printing. Its letters are outlines, so that
// every printer shows them alike; letters of Western Europe can be searched and copied.
func (p Poster) PDF(size Size) ([]byte, error) {
	s, err := p.lay(size)
	if err != nil {
		return nil, err
	}
	var c bytes.Buffer
	fmt.Fprintf(&c, "%.4f 0 0 %.4f 0 %.2f cm\n", points, -points, s.Height*points) // millimetres from the top left
	for _, l := range s.Lines {
		l.outline(&c)
		l.hide(&c)
	}
	scale := s.Code.Scale()
	s.Code.rows(func(x, y, n int) {
		fmt.Fprintf(&c, "%.3f %.3f %.3f %.3f re\n", s.Code.X+float64(x)*scale, s.Code.Y+float64(y)*scale, float64(n)*scale, scale)
	})
	c.WriteString("f\n")
	return document(s, c.Bytes())
}

// outline draws the letters of a line.
func (l line) outline(c *bytes.Buffer) {
	x := l.X - l.shaped.width*l.Size/2
	for _, run := range l.shaped.runs {
		unit := l.Size / float64(run.Face.Upem())
		for _, g := range run.Glyphs {
			if o, ok := run.Face.GlyphData(g.GlyphID).(font.GlyphOutline); ok {
				drawGlyph(c, o, x+at(g.XOffset.Round(), l.Size), l.Y-at(g.YOffset.Round(), l.Size), unit)
			}
			x += advance(g) * l.Size
		}
	}
	c.WriteString("f\n")
}

func at(offset int, size float64) float64 { return float64(offset) / em * size }

func advance(g shaping.Glyph) float64 { return float64(g.Advance) / 64 / em }

// drawGlyph draws a letter whose origin is at x and y.
func drawGlyph(c *bytes.Buffer, o font.GlyphOutline, x, y, unit float64) {
	var last [2]float64
	point := func(p opentype.SegmentPoint) [2]float64 {
		return [2]float64{x + float64(p.X)*unit, y - float64(p.Y)*unit}
	}
	for _, s := range o.Segments {
		a := point(s.Args[0])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			fmt.Fprintf(c, "%.3f %.3f m\n", a[0], a[1])
			last = a
		case opentype.SegmentOpLineTo:
			fmt.Fprintf(c, "%.3f %.3f l\n", a[0], a[1])
			last = a
		case opentype.SegmentOpQuadTo: // PDF has none: as a cubic one
			end := point(s.Args[1])
			fmt.Fprintf(c, "%.3f %.3f %.3f %.3f %.3f %.3f c\n", last[0]+(a[0]-last[0])*2/3, last[1]+(a[1]-last[1])*2/3,
				end[0]+(a[0]-end[0])*2/3, end[1]+(a[1]-end[1])*2/3, end[0], end[1])
			last = end
		case opentype.SegmentOpCubeTo:
			b, end := point(s.Args[1]), point(s.Args[2])
			fmt.Fprintf(c, "%.3f %.3f %.3f %.3f %.3f %.3f c\n", a[0], a[1], b[0], b[1], end[0], end[1])
			last = end
		}
	}
}

// hide lays the text of a line over it, unseen, for those who search and copy. It has a
// font that every viewer brings, with the letters of Western Europe.
func (l line) hide(c *bytes.Buffer) {
	text, err := charmap.Windows1252.NewEncoder().String(l.Text)
	if err != nil {
		return
	}
	fmt.Fprintf(c, "BT 3 Tr /F1 %.2f Tf 1 0 0 -1 %.2f %.2f Tm <%x> Tj ET\n", l.Size, l.X-l.shaped.width*l.Size/2, l.Y, text)
}

// document makes a document of one page.
func document(s *sheet, content []byte) ([]byte, error) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(content); err != nil {
		return nil, fmt.Errorf("poster: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("poster: %w", err)
	}
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R/ViewerPreferences<</DisplayDocTitle true/PrintScaling/None>>/Lang(" + langOf(s.Language) + ")>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %.2f %.2f]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>", s.Width*points, s.Height*points),
		fmt.Sprintf("<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream", packed.Len(), packed.Bytes()),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
		"<</Title <" + utf16Hex(s.Name) + ">>>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.Bytes(), nil
}

// langOf leaves of a language what cannot end the string that it stands in.
func langOf(lang string) string {
	if len(lang) == 2 && lang[0] >= 'a' && lang[0] <= 'z' && lang[1] >= 'a' && lang[1] <= 'z' {
		return lang
	}
	return "en"
}

// utf16Hex is a text as PDF has it outside of pages.
func utf16Hex(text string) string {
	hex := "feff"
	for _, u := range utf16.Encode([]rune(text)) {
		hex += fmt.Sprintf("%04x", u)
	}
	return hex
}
