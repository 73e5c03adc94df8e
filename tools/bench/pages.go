package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// pages measures the public pages under load.
type pages struct {
	Cities  int           `default:"10" help:"Cities that are read and reported to."`
	Readers int           `default:"200" help:"Readers at the same time."`
	Rate    float64       `default:"50" help:"Reports a second."`
	For     time.Duration `default:"30s" help:"For how long pages are read."`
	Streams int           `default:"5000" help:"Open event streams of one city."`
	Updates int           `default:"20" help:"Reports to the city with the streams, one a second."`
}

func (*pages) name() string { return "pages" }
func (*pages) what() string {
	return "city page and feed in turn, read by many while reports come in; then live updates"
}

// The targets for pages and live updates.
const (
	wantPages  = 5000.0 // a second
	wantUpdate = 250.0  // ms
)

func (p *pages) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		p.For, p.Streams, p.Updates = 4*time.Second, 500, 3
	}
	w, err := newWorld(ctx, b, "pages", b.binary, p.Cities, func(w *world) {
		for i := range w.towns {
			// A Telegram chat takes no more than one message a second.
			w.towns[i].telegram, w.towns[i].chats = nil, nil
		}
	})
	if err != nil {
		return err
	}
	defer w.close()
	if _, err := w.start(ctx, 2*p.Cities); err != nil {
		return err
	}
	if err := p.read(ctx, w, r); err != nil {
		return err
	}
	if err := p.live(ctx, b, w, r); err != nil {
		return err
	}
	return w.program.stop()
}

// read lets readers fetch pages as fast as they can while reports come in.
func (p *pages) read(ctx context.Context, w *world, r *Result) error {
	reading, stop := context.WithTimeout(ctx, p.For)
	defer stop()
	c := crowd{w: w}
	for i := range p.Readers {
		c.open.Go(func() { c.note(c.read(reading, i)) })
	}
	began := time.Now()
	list, err := w.load(ctx, p.Rate, p.For-time.Second, nil)
	stop()
	c.open.Wait()
	took := time.Since(began)
	if err == nil {
		err = c.err
	}
	if err != nil {
		return err
	}
	if err := p.check(w, list); err != nil {
		return err
	}
	r.add("pages", float64(len(c.took))/min(took, p.For).Seconds(), "pages/s").atLeast(wantPages).
		note("%d readers in this process, on the same cores; on average %.0f KB", p.Readers, float64(c.bytes)/float64(len(c.took))/1024)
	r.add("median page", milliseconds(quantile(c.took, 0.5)), "ms")
	r.add("99% of pages", milliseconds(quantile(c.took, 0.99)), "ms")
	r.add("99% of deliveries meanwhile", milliseconds(quantile(times(list, ""), 0.99)), "ms")
	return nil
}

// check looks for every city's newest report on its page and in its feed.
func (p *pages) check(w *world, list []delivery) error {
	for city, slug := range w.slugs {
		for _, path := range []string{"/city/" + slug, "/city/" + slug + "/feed.atom"} {
			text, err := getOnce("http://" + w.program.web + path)
			if err != nil {
				return err
			}
			newest := -1
			for _, d := range list {
				if d.sent.city == city {
					newest = max(newest, d.sent.report)
				}
			}
			if newest >= 0 && !strings.Contains(text, fmt.Sprintf("%s%0*d", tokenMark, tokenDigits, newest)) {
				return fmt.Errorf("%s does not show report %d", path, newest)
			}
		}
	}
	return nil
}

// crowd is many readers.
type crowd struct {
	w    *world
	open sync.WaitGroup

	mu    sync.Mutex
	took  []time.Duration
	bytes int64
	err   error
}

func (c *crowd) note(took []time.Duration, bytes int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took, c.bytes = append(c.took, took...), c.bytes+bytes
	if err != nil && c.err == nil {
		c.err = fmt.Errorf("read pages: %w", err)
	}
}

// read fetches page and feed of a city in turn. Every answer must be of that
// city.
func (c *crowd) read(ctx context.Context, i int) (took []time.Duration, size int64, err error) {
	r, err := newReader(c.w.program.web)
	if err != nil {
		return nil, 0, err
	}
	defer r.close()
	slug := c.w.slugs[i%len(c.w.slugs)]
	requests := [][]byte{r.request("/city/" + slug), r.request("/city/" + slug + "/feed.atom")}
	name := []byte("C" + slug[1:])
	for n := 0; ctx.Err() == nil; n++ {
		began := time.Now()
		body, err := r.get(requests[n%2])
		if err != nil {
			return took, size, err
		}
		took, size = append(took, time.Since(began)), size+int64(len(body))
		if !bytes.Contains(body[:min(len(body), 4096)], name) {
			return took, size, fmt.Errorf("the answer is not about %s: %.200s", name, body)
		}
	}
	return took, size, nil
}

// live measures how long a report takes to the last of many open pages.
func (p *pages) live(ctx context.Context, b *bench, w *world, r *Result) error {
	s, err := openStreams(ctx, w.program.web, w.slugs[0], p.Streams)
	if err != nil {
		return err
	}
	defer s.close()
	b.say("%d event streams are open", p.Streams)
	took, err := p.update(ctx, w, s)
	if err != nil {
		return err
	}
	memory, _, err := w.program.memory()
	if err != nil {
		return err
	}
	line := Series{Name: "last page"}
	for i, t := range took {
		line.Points = append(line.Points, Point{float64(i + 1), milliseconds(float64(t))})
	}
	r.Axes = Axes{Title: fmt.Sprintf("A report reaches all %d open pages", p.Streams), X: "update", Y: "ms until the last page has it"}
	r.Series = []Series{line}
	r.add("update at all streams, median", milliseconds(quantile(took, 0.5)), "ms").note("%d streams, from the end of DATA to the last", p.Streams)
	r.add("update at all streams, slowest", milliseconds(quantile(took, 1)), "ms").atMost(wantUpdate).note("%d streams", p.Streams)
	r.add("memory with the streams", memory, "MB")
	return nil
}

// update mails a report every second and returns how long each took to the last
// stream. The first second is for the list of reports that every stream begins
// with.
func (p *pages) update(ctx context.Context, w *world, s *streams) ([]time.Duration, error) {
	riders := newRiders(1, w.program.smtp)
	defer riders.close()
	var took []time.Duration
	for range p.Updates {
		if err := rest(ctx, time.Second); err != nil {
			return nil, err
		}
		sent, err := riders.send(ctx, w.next, 0, w.slugs[0])
		w.next++
		if err != nil {
			return nil, err
		}
		last, err := s.last(ctx, sent.report)
		if err != nil {
			return nil, err
		}
		took = append(took, last.Sub(sent.at))
	}
	return took, nil
}
