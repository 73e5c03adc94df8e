package place

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// loose is the name in the text of what is no line, but holds stops of none.
const loose = "*"

// Parse makes Places of a text with one line of the city in each of its lines:
//
//	# the underground
//	U1 #0065ae: Langwasser Süd, Plärrer = Pläri, Fürth
//	Tram 4 = Straßenbahn 4: Thon, Friedrich-Ebert-Platz, Gibitzenhof
//	*: Zoo, Airport
//
// What follows "=" are more spellings of a line or a stop. The stops of "*" belong to no
// line. A line that comes twice goes on where it ended. Blank lines and those that begin
// with "#" are left out. Text without any line or stop is nil. An error is of type Errors.
func Parse(text string) (*Places, error) {
	if err := checkWhole(text); err != nil {
		return nil, err
	}
	r := reader{places: &Places{also: map[string][]string{}}, stops: map[string]bool{}, on: map[[2]string]bool{}}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		r.number = number
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			r.line(line)
		}
		if len(r.errs) >= maxErrors {
			break
		}
	}
	if len(r.errs) > 0 {
		return nil, r.errs
	}
	if len(r.places.lines) == 0 && len(r.places.loose) == 0 {
		return nil, nil
	}
	return r.places, nil
}

func checkWhole(text string) error {
	switch {
	case len(text) > MaxText:
		return Errors{{Kind: TooLong}}
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return Errors{{Kind: NotText}}
	default:
		return nil
	}
}

// reader reads a text.
type reader struct {
	places *Places
	stops  map[string]bool    // that were read
	on     map[[2]string]bool // line and stop
	names  int                // spellings that were read
	number int                // of the line that is read
	errs   Errors
}

func (r *reader) fail(k Kind, name string) {
	if runes := []rune(name); len(runes) > MaxName {
		name = string(runes[:MaxName]) + "…"
	}
	r.errs = append(r.errs, Error{Kind: k, Line: r.number, Name: name})
}

// line reads a line of the text.
func (r *reader) line(text string) {
	head, tail, ok := strings.Cut(text, ":")
	if !ok {
		r.fail(NoColon, text)
		return
	}
	head, color := r.color(head)
	names := r.spellings(head)
	if len(names) == 0 {
		return
	}
	to := r.into(names, color)
	for part := range strings.SplitSeq(tail, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		if stop := r.spellings(part); len(stop) > 0 && to != nil {
			r.stop(names[0], to, stop)
		}
	}
}

// hashed finds what may be a colour.
var hashed = regexp.MustCompile(`#\S*`)

// color takes the colour out of what stands before the colon.
func (r *reader) color(head string) (rest, color string) {
	color = strings.ToLower(hashed.FindString(head))
	if color == "" {
		return head, ""
	}
	if _, ok := luminance(color); !ok {
		r.fail(BadColor, color)
	}
	at := hashed.FindStringIndex(head)
	return head[:at[0]] + head[at[1]:], color
}

// spellings reads a name with its spellings; none if something is wrong with them.
func (r *reader) spellings(part string) []string {
	var names []string
	for name := range strings.SplitSeq(part, "=") {
		name = strings.Join(strings.Fields(name), " ")
		if k := checkName(name); k != "" {
			r.fail(k, name)
			return nil
		}
		names = append(names, name)
	}
	if r.names += len(names); r.names > maxNames {
		r.fail(TooManyStops, "")
		return nil
	}
	return names
}

func checkName(name string) Kind {
	switch {
	case name == "":
		return NoName
	case strings.ContainsFunc(name, badSign):
		return BadSign
	case utf8.RuneCountInString(name) > MaxName:
		return NameTooLong
	default:
		return ""
	}
}

// badSign tells whether no name may have a character. Joiners may be part of a word.
func badSign(r rune) bool {
	return r == '|' || r == ':' || unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Cs, unicode.Co)
}

// into returns where the stops of a line go; nil if there is no room for the line.
func (r *reader) into(names []string, color string) *[]string {
	p := r.places
	if names[0] == loose {
		return &p.loose
	}
	i := slices.IndexFunc(p.lines, func(l Line) bool { return l.Name == names[0] })
	if i < 0 {
		if i = len(p.lines); i == MaxLines {
			r.fail(TooManyLines, names[0])
			return nil
		}
		p.lines = append(p.lines, Line{Name: names[0]})
	}
	l := &p.lines[i]
	l.Also = union(l.Also, names[1:])
	if color != "" {
		l.Color = color
	}
	return &l.Stops
}

// stop adds a stop to those of a line.
func (r *reader) stop(line string, to *[]string, names []string) {
	name := names[0]
	if !r.stops[name] {
		if len(r.stops) == MaxStops {
			r.fail(TooManyStops, name)
			return
		}
		r.stops[name] = true
	}
	if key := [2]string{line, name}; !r.on[key] {
		r.on[key] = true
		*to = append(*to, name)
	}
	if len(names) > 1 {
		r.places.also[name] = union(r.places.also[name], names[1:])
	}
}

// union adds to a list what it does not hold.
func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// String returns a text of which Parse makes the same places.
func (p *Places) String() string {
	if p == nil {
		return ""
	}
	var b strings.Builder
	written := map[string]bool{} // stops whose spellings stand there
	for _, l := range p.lines {
		b.WriteString(spelled(l.Name, l.Also))
		if l.Color != "" {
			b.WriteString(" " + l.Color)
		}
		p.write(&b, l.Stops, written)
	}
	if len(p.loose) > 0 {
		b.WriteString(loose)
		p.write(&b, p.loose, written)
	}
	return b.String()
}

func (p *Places) write(b *strings.Builder, stops []string, written map[string]bool) {
	before := ": "
	for _, s := range stops {
		b.WriteString(before)
		before = ", "
		if written[s] {
			b.WriteString(s)
			continue
		}
		written[s] = true
		b.WriteString(spelled(s, p.also[s]))
	}
	if len(stops) == 0 {
		b.WriteByte(':')
	}
	b.WriteByte('\n')
}

func spelled(name string, also []string) string {
	return strings.Join(append([]string{name}, also...), " = ")
}

// Clean makes a name that may stand in the text of whatever a foreign list has; empty
// where nothing is left.
func Clean(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == ',' || r == '=' || r == '#' || r == '|' || r == ':' || unicode.IsSpace(r):
			return ' '
		case badSign(r) || r == utf8.RuneError:
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(name, ""))
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > MaxName {
		name = strings.TrimSpace(string(runes[:MaxName]))
	}
	if name == loose {
		return ""
	}
	return name
}

// Of makes Places of lines, as a foreign list has them: their names are cleaned. The
// error is the one of Parse.
func Of(lines []Line) (*Places, error) {
	p := &Places{}
	for _, l := range lines {
		clean := Line{Name: Clean(l.Name), Color: l.Color, Also: cleanAll(l.Also), Stops: cleanAll(l.Stops)}
		if clean.Name != "" {
			p.lines = append(p.lines, clean)
		}
	}
	return Parse(p.String())
}

func cleanAll(names []string) []string {
	var clean []string
	for _, n := range names {
		if n = Clean(n); n != "" {
			clean = append(clean, n)
		}
	}
	return clean
}
