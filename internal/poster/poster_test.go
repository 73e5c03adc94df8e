package poster_test

import (
	"bytes"
	"compress/zlib"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr"

	"ticketfrei/internal/poster"
)

const page = "https://example.org/city/nuernberg"

var (
	german = poster.Poster{Name: "Nürnberg", Text: "Kontrolle gesehen? Sag es allen.\nOhne <App> & Konto.", Page: page, Language: "de",
		Ways: []string{"Mail: nuernberg@example.org", "Telegram: @ticketfrei_nuernberg"}}
	egyptian  = poster.Poster{Name: "القاهرة", Text: "هل رأيت تفتيشاً؟ U1", Page: page, Language: "ar"}
	ukrainian = poster.Poster{Name: "Київ", Text: "Бачиш контроль?", Page: page, Language: "uk"}
	japanese  = poster.Poster{Name: "東京", Text: "ようこそ", Page: page, Language: "en"}
	long      = poster.Poster{Name: strings.Repeat("Wächtersbach ", 5), Text: strings.Repeat("Sag es allen. ", 21) + strings.Repeat("\nx", 20), Page: page + strings.Repeat("x", 40),
		Ways: []string{strings.Repeat("a", 90), "b", "c", "d", "e", "f", "g", "h"}, Language: "de"}
)

// picture is an SVG as it is read again.
type picture struct {
	Width string `xml:"width,attr"`
	Texts []struct {
		Words string  `xml:",chardata"`
		Y     float64 `xml:"y,attr"`
	} `xml:"text"`
	Path struct {
		D         string `xml:"d,attr"`
		Transform string `xml:"transform,attr"`
	} `xml:"path"`
}

func drawn(t *testing.T, p poster.Poster, size poster.Size) picture {
	t.Helper()
	svg, err := p.SVG(size)
	if err != nil {
		t.Fatal(err)
	}
	var pic picture
	if err := xml.Unmarshal(svg, &pic); err != nil {
		t.Fatalf("%v:\n%s", err, svg)
	}
	return pic
}

// TestPosterHasAllAddresses draws a poster of a city with several accounts of each network.
func TestPosterHasAllAddresses(t *testing.T) {
	many := german
	many.Ways = []string{"Mail: nuernberg@example.org"}
	for i := range 9 {
		many.Ways = append(many.Ways, fmt.Sprintf("Telegram: @ticketfrei_nuernberg_%d", i))
	}
	for _, size := range []poster.Size{poster.A4, poster.A6} {
		var said strings.Builder
		for _, l := range drawn(t, many, size).Texts {
			said.WriteString(l.Words + "\n")
		}
		for _, way := range append(many.Ways, "Nürnberg", "Sag es allen.") {
			if !strings.Contains(said.String(), way) {
				t.Errorf("%s: nothing of %q", size, way)
			}
		}
	}
}

func TestSVG(t *testing.T) {
	for _, size := range poster.Sizes {
		pic := drawn(t, german, size)
		var all []string
		for _, l := range pic.Texts {
			all = append(all, l.Words)
		}
		said := strings.Join(all, " ")
		for _, want := range []string{"Nürnberg", "Sag es allen.", "<App> & Konto.", "example.org/city/nuernberg"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is missing in %q", size, want, said)
			}
		}
		if mail := strings.Contains(said, "nuernberg@example.org"); mail == (size == poster.Sticker) {
			t.Errorf("%s: says %q", size, said)
		}
		if pic.Width != fmt.Sprintf("%gmm", size.Width()) {
			t.Errorf("%s is %s wide", size, pic.Width)
		}
	}
}

// TestCode reads the code from the picture: it is that of the page.
func TestCode(t *testing.T) {
	code, err := qr.Encode(page, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	black := map[[2]int]bool{}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(drawn(t, german, poster.A6).Path.D, -1) {
		x, y, n := number(m[1]), number(m[2]), number(m[3])
		for i := range n {
			black[[2]int{x + i - 4, y - 4}] = true
		}
	}
	for y := -4; y < code.Size+4; y++ {
		for x := -4; x < code.Size+4; x++ {
			if black[[2]int{x, y}] != code.Black(x, y) {
				t.Fatalf("the module at %d, %d is wrong", x, y)
			}
		}
	}
}

func number(s string) int { n, _ := strconv.Atoi(s); return n }

// TestWhatIsTooLong checks that nothing stands outside of the paper, and that the code is
// large enough for a phone.
func TestWhatIsTooLong(t *testing.T) {
	for _, p := range []poster.Poster{german, long, egyptian} {
		for _, size := range poster.Sizes {
			pic := drawn(t, p, size)
			for _, l := range pic.Texts {
				if l.Y < 0 || l.Y > size.Height() {
					t.Errorf("%s: %q stands at %g", size, l.Words, l.Y)
				}
			}
			var x, y, scale float64
			if _, err := fmt.Sscanf(pic.Path.Transform, "translate(%g %g) scale(%g)", &x, &y, &scale); err != nil {
				t.Fatal(err)
			}
			if side := scale * 37; y < 0 || x < 0 || side < 24 || y+side > size.Height() {
				t.Errorf("%s: the code stands at %g, %g and is %g mm wide", size, x, y, side)
			}
		}
	}
}

func TestPDF(t *testing.T) {
	for _, p := range []poster.Poster{german, egyptian, ukrainian, japanese, long} {
		for _, size := range poster.Sizes {
			pdf, err := p.PDF(size)
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("MediaBox[0 0 %.2f %.2f]", size.Width()*72/25.4, size.Height()*72/25.4)
			if !bytes.HasPrefix(pdf, []byte("%PDF-1.")) || !bytes.Contains(pdf, []byte(want)) || !bytes.HasSuffix(pdf, []byte("%%EOF\n")) {
				t.Errorf("%s, %s: %.60q", p.Name, size, pdf)
			}
			offsetsOf(t, pdf)
			if n := bytes.Count(contentOf(t, pdf), []byte(" m\n")); n < 10 {
				t.Errorf("%s, %s: has %d outlines", p.Name, size, n)
			}
		}
	}
}

// offsetsOf checks that the table of a document points to its objects.
func offsetsOf(t *testing.T, pdf []byte) {
	t.Helper()
	var start int
	if _, err := fmt.Sscanf(string(pdf[bytes.LastIndex(pdf, []byte("startxref")):]), "startxref\n%d", &start); err != nil {
		t.Fatal(err)
	}
	for i, m := range regexp.MustCompile(`(\d{10}) 00000 n`).FindAllSubmatch(pdf[start:], -1) {
		if at := number(string(m[1])); !bytes.HasPrefix(pdf[at:], []byte(strconv.Itoa(i+1)+" 0 obj")) {
			t.Errorf("object %d is not at %d", i+1, at)
		}
	}
}

// contentOf returns what a document draws.
func contentOf(t *testing.T, pdf []byte) []byte {
	t.Helper()
	_, rest, _ := bytes.Cut(pdf, []byte("stream\n"))
	z, err := zlib.NewReader(bytes.NewReader(rest))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestPDFCanBeSearched finds the words that are drawn as outlines.
func TestPDFCanBeSearched(t *testing.T) {
	pdf, err := german.PDF(poster.A4)
	if err != nil {
		t.Fatal(err)
	}
	if content := contentOf(t, pdf); !bytes.Contains(content, fmt.Appendf(nil, "<%x> Tj", "N\xfcrnberg")) {
		t.Error("the name of the city is not in it")
	}
}

func TestCanDraw(t *testing.T) {
	for p, want := range map[*poster.Poster]bool{&german: true, &egyptian: true, &ukrainian: true, &japanese: false} {
		if got := p.CanDraw(); got != want {
			t.Errorf("%s: got %t", p.Name, got)
		}
	}
}
