package app

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/db"
)

// once has what is counted in the database be in the metrics of one of the processes that
// share it: a sum over all of them would be too much.
type once struct {
	prometheus.Collector
	db *db.DB
}

// Collect implements prometheus.Collector.
func (o once) Collect(ch chan<- prometheus.Metric) {
	if o.db.OwnsShard(0) {
		o.Collector.Collect(ch)
	}
}

// sharing says how this process stands among those that share a database.
type sharing struct {
	db    *db.DB
	owner *db.Ownership
	polls func() bool // whether the database is asked for what others do
}

var (
	infoDesc      = prometheus.NewDesc("ticketfrei_process_info", "What this process is called in the logs of those that share the database; always 1.", []string{"process"}, nil)
	processesDesc = prometheus.NewDesc("ticketfrei_processes", "Processes that share the database, as this one sees it.", nil, nil)
	shardsDesc    = prometheus.NewDesc("ticketfrei_shards_owned", "Shards, of 64, whose cities this process works for.", nil, nil)
	leaseDesc     = prometheus.NewDesc("ticketfrei_lease_age_seconds", "Time since this process renewed its lease; it works for no city after 12, and +Inf is that there is none.", nil, nil)
	offDesc       = prometheus.NewDesc("ticketfrei_clock_offset_seconds", "How far the clock of the database server is before that of this machine.", nil, nil)
	pollsDesc     = prometheus.NewDesc("ticketfrei_notices_polled", "1 where LISTEN does not work and the database is asked each second for what other processes do.", nil, nil)
	goneDesc      = prometheus.NewDesc("ticketfrei_database_away", "1 while the database takes nothing.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s sharing) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{infoDesc, processesDesc, shardsDesc, leaseDesc, offDesc, pollsDesc, goneDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s sharing) Collect(ch chan<- prometheus.Metric) {
	is := s.owner.Standing()
	lease := is.Renewed.Seconds()
	if is.Renewed < 0 {
		lease = math.Inf(1)
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(infoDesc, 1, s.owner.Name())
	gauge(processesDesc, float64(is.Processes))
	gauge(shardsDesc, float64(is.Shards))
	gauge(leaseDesc, lease)
	gauge(offDesc, is.Off.Seconds())
	gauge(pollsDesc, oneIf(s.polls()))
	gauge(goneDesc, oneIf(s.db.Full() != nil))
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
