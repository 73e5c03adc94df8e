package poster

import (
	"errors"
	"slices"
	"strings"
)

// line is a line of text, centred at X.
type line struct {
	Text        string
	X, Y        float64 // of its baseline
	Size        float64 // of its letters
	Bold        bool
	RightToLeft bool

	shaped shaped
}

// block is what stands together on a poster: paragraphs in letters of one size.
type block struct {
	paragraphs []string
	size       float64 // where the poster is as wide as A4
	bold       bool
}

// Sizes of letters and distances, in millimetres on A4.
const (
	nameSize = 26
	textSize = 10
	pageSize = 8.5
	waysSize = 7
	leading  = 1.25 // of a line, by the size of its letters
	gap      = 7    // between blocks
)

// maxWays is how many addresses a poster has room for.
const maxWays = 10

// lay finds where everything stands. What is too long becomes smaller, and what still
// does not fit is left out, the least needed first.
func (p Poster) lay(size Size) (*sheet, error) {
	c, err := newCode(p.Page)
	if err != nil {
		return nil, err
	}
	s := &sheet{Poster: p, Width: size.Width(), Height: size.Height(), Code: c}
	above := []block{{[]string{p.Name}, nameSize, true}, {strings.Split(strings.TrimSpace(p.Text), "\n"), textSize, false}}
	below := []block{{[]string{short(p.Page)}, pageSize, true}, {p.Ways[:min(len(p.Ways), maxWays)], waysSize, false}}
	if size == Sticker {
		below = below[:1]
	}
	for len(above)+len(below) > 0 {
		for scale := 1.0; scale > 0.45; scale *= 0.94 {
			if fits, err := s.place(above, below, scale); fits || err != nil {
				return s, err
			}
		}
		if len(below) > 1 {
			below = below[:1]
		} else {
			above = above[:len(above)-1]
			below = nil
		}
	}
	return nil, errors.New("the poster has no room")
}

// short is an address as people type it.
func short(address string) string {
	return strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")
}

// place places the blocks above and below the code, which takes the room that is left;
// it does not fit where that is too little.
func (s *sheet) place(above, below []block, scale float64) (bool, error) {
	unit := min(s.Width, s.Height) / 210
	margin := 14 * unit
	top, upper, err := s.stack(above, margin, margin, unit*scale)
	if err != nil {
		return false, err
	}
	height, lower, err := s.stack(below, 0, margin, unit*scale)
	if err != nil {
		return false, err
	}
	room := s.Height - margin - height - top
	side := min(room, s.Width-2*margin)
	if side < 0.4*min(s.Width, s.Height) {
		return false, nil
	}
	at := top + (room-side)/2
	s.Code.X, s.Code.Y, s.Code.Side = (s.Width-side)/2, at, side
	for i := range lower {
		lower[i].Y += at + side
	}
	s.Lines = slices.Concat(upper, lower)
	return true, nil
}

// stack places blocks one below the other, from y on, and returns where they end.
func (s *sheet) stack(blocks []block, y, margin, unit float64) (end float64, lines []line, err error) {
	for _, b := range blocks {
		size := b.size * unit
		n := len(lines)
		for _, paragraph := range b.paragraphs {
			wrapped, err := wrap(strings.TrimSpace(paragraph), s.Language, b.bold, (s.Width-2*margin)/size)
			if err != nil {
				return 0, nil, err
			}
			for _, w := range wrapped {
				y += size * leading
				lines = append(lines, line{Text: w.text, X: s.Width / 2, Y: y - size*(leading-1), Size: size, Bold: b.bold, RightToLeft: w.rightToLeft, shaped: w})
			}
		}
		if len(lines) > n {
			y += gap * unit
		}
	}
	return y, lines, nil
}
