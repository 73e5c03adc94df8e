package program

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// counts are how many processes of a program there are, by state.
type counts struct {
	desc *prometheus.Desc

	mu sync.Mutex
	by map[string]int
}

func newCounts(network string) *counts {
	return &counts{
		desc: prometheus.NewDesc("ticketfrei_program_processes", "Processes of outside programs, by what they do.", []string{"state"}, prometheus.Labels{"network": network}),
		by:   map[string]int{stateStarting: 0, stateRunning: 0, stateSpare: 0},
	}
}

// in counts a process in a state until out is called.
func (c *counts) in(state string) (out func()) {
	c.add(state, 1)
	return func() { c.add(state, -1) }
}

func (c *counts) add(state string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[state] += n
}

// all is how many there are.
func (c *counts) all() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, count := range c.by {
		n += count
	}
	return n
}

var _ prometheus.Collector = (*Network)(nil)

// Describe implements prometheus.Collector.
func (n *Network) Describe(ch chan<- *prometheus.Desc) { ch <- n.counts.desc }

// Collect implements prometheus.Collector.
func (n *Network) Collect(ch chan<- prometheus.Metric) {
	n.counts.mu.Lock()
	defer n.counts.mu.Unlock()
	for state, count := range n.counts.by {
		ch <- prometheus.MustNewConstMetric(n.counts.desc, prometheus.GaugeValue, float64(count), state)
	}
}
