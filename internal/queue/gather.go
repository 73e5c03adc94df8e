package queue

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"ticketfrei/internal/report"
)

// errClosed is the error of publishing after Close.
var errClosed = errors.New("the queue is closed")

// gatherer publishes reports. Those that come while others are being written to
// disk share the next batch and its fsync.
type gatherer struct {
	publish func(data []byte) error
	jobs    chan *gathered
	quit    chan struct{}
	once    sync.Once
	done    chan struct{}
}

type gathered struct {
	data   []byte
	result chan error
}

func startGatherer(publish func(data []byte) error) *gatherer {
	g := &gatherer{publish: publish, jobs: make(chan *gathered, batchMessages), quit: make(chan struct{}), done: make(chan struct{})}
	go g.run()
	return g
}

// add returns when r is on disk. If ctx ends first, r may get there all the
// same.
func (g *gatherer) add(ctx context.Context, r report.Report) error {
	data, err := encode(r)
	if err != nil {
		return err
	}
	job := &gathered{data: data, result: make(chan error, 1)}
	select {
	case g.jobs <- job:
	case <-ctx.Done():
		return ctx.Err()
	case <-g.quit:
		return errClosed
	}
	select {
	case err := <-job.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-g.done:
		return errClosed
	}
}

func (g *gatherer) stop() {
	g.once.Do(func() { close(g.quit) })
	<-g.done
}

func (g *gatherer) run() {
	defer close(g.done)
	for {
		select {
		case job := <-g.jobs:
			g.send(job)
		case <-g.quit:
			return
		}
	}
}

// send publishes first, and whatever else is waiting, as one batch.
func (g *gatherer) send(first *gathered) {
	var array bytes.Buffer
	addToArray(&array, first.data)
	list := []*gathered{first}
	for len(list) < batchMessages && array.Len() < batchBytes && len(g.jobs) > 0 {
		job := <-g.jobs
		addToArray(&array, job.data)
		list = append(list, job)
	}
	err := g.publish(closeArray(&array))
	for _, job := range list {
		job.result <- err
	}
}
