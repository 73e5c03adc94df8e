package intent

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

const (
	buckets = 1 << 15 // features fall into
	rounds  = 12      // through all sentences
	pace    = 6.0     // of learning, at first
	weigh   = 1e-5    // how much large weights cost
)

// model is a multinomial logistic regression on hashed features.
type model struct {
	weights [][intents]float32 // of each bucket: those of the intents, in the order of all
}

// train learns from sentences. The same sentences make the same model.
func train(list []Sentence) *model {
	m := &model{weights: make([][intents]float32, buckets)}
	seen := make([][]uint32, len(list))
	for i, s := range list {
		seen[i] = read(s.Text).features()
	}
	shares := shareOf(list)
	random := rand.New(rand.NewPCG(1, 2))
	step := 0.0
	for range rounds {
		for _, i := range random.Perm(len(list)) {
			step++
			m.learn(seen[i], list[i].Intent, pace/(1+step/float64(len(list)))*shares[list[i].Intent])
		}
	}
	return m
}

// shareOf returns how much a sentence of each intent counts, so that one with few
// sentences is not forgotten.
func shareOf(list []Sentence) map[Intent]float64 {
	shares := map[Intent]float64{}
	for _, s := range list {
		shares[s.Intent]++
	}
	for i, n := range shares {
		shares[i] = math.Sqrt(float64(len(list)) / float64(len(shares)) / n)
	}
	return shares
}

// learn takes a step towards the intent of a sentence.
func (m *model) learn(features []uint32, is Intent, pace float64) {
	miss := m.likely(features)
	miss[slices.Index(all, is)]--
	part := 1 / math.Sqrt(float64(len(features)))
	for _, f := range features {
		weights := &m.weights[f]
		for i, w := range weights {
			weights[i] -= float32(pace * (miss[i]*part*part + weigh*float64(w)))
		}
	}
}

// probabilities says how likely each intent is; together they are 1.
func (m *model) probabilities(features []uint32) map[Intent]float64 {
	p := make(map[Intent]float64, intents)
	for i, likely := range m.likely(features) {
		p[all[i]] = likely
	}
	return p
}

// likely is probabilities in the order of all.
func (m *model) likely(features []uint32) (p [intents]float64) {
	for _, f := range features {
		for i, w := range m.weights[f] {
			p[i] += float64(w)
		}
	}
	most, sum := slices.Max(p[:]), 0.0
	for i := range p {
		p[i] = math.Exp(p[i] - most)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// features returns what the model looks at, each once: words, pairs of them, and
// pieces of three to five letters. Questions and cries are words of their own.
func (s said) features() []uint32 {
	var found []uint32
	once := map[uint32]bool{}
	add := func(kind, text string) {
		h := fnv.New32a()
		h.Write([]byte(kind + text))
		f := h.Sum32() % buckets
		if !once[f] {
			once[f] = true
			found = append(found, f)
		}
	}
	words := s.marked()
	for i, w := range words {
		add("w", w)
		if i > 0 {
			add("p", words[i-1]+" "+w)
		}
	}
	line := []rune(strings.Join(words, " "))
	for n := 3; n <= 5; n++ {
		for i := 0; i+n <= len(line); i++ {
			add("l", string(line[i:i+n]))
		}
	}
	return found
}

// marked returns the words with marks for the beginning, and for the ends of
// sentences that are no plain ones.
func (s said) marked() []string {
	words := []string{"^"}
	for i, c := range s.clauses {
		words = append(words, c.words...)
		last := i+1 == len(s.clauses) || s.clauses[i+1].end != c.end
		if last && c.end != '.' {
			words = append(words, string(c.end))
		}
	}
	return words
}
