package intent

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
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
	weights [][]float32 // of each intent, in the order of all
}

// train learns from sentences. The same sentences make the same model.
func train(list []Sentence) *model {
	m := &model{weights: make([][]float32, len(all))}
	for i := range all {
		m.weights[i] = make([]float32, buckets)
	}
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
	p := m.probabilities(features)
	part := 1 / math.Sqrt(float64(len(features)))
	for i, intent := range all {
		miss := p[intent]
		if intent == is {
			miss--
		}
		for _, f := range features {
			w := &m.weights[i][f]
			*w -= float32(pace * (miss*part*part + weigh*float64(*w)))
		}
	}
}

// probabilities says how likely each intent is; together they are 1.
func (m *model) probabilities(features []uint32) map[Intent]float64 {
	scores := make([]float64, len(all))
	most := math.Inf(-1)
	for i := range all {
		for _, f := range features {
			scores[i] += float64(m.weights[i][f])
		}
		most = max(most, scores[i])
	}
	sum := 0.0
	for i := range scores {
		scores[i] = math.Exp(scores[i] - most)
		sum += scores[i]
	}
	p := make(map[Intent]float64, len(all))
	for i, intent := range all {
		p[intent] = scores[i] / sum
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
