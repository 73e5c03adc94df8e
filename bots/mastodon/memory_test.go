package mastodon

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// longMentions is an instance on which every account has pages of mentions of 100 KB.
type longMentions struct{ pages int }

const longMention = 100 << 10

func (l longMentions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	after, _ := strconv.Atoi(r.FormValue("min_id"))
	before := l.pages*pageSize + 1
	if n, err := strconv.Atoi(r.FormValue("max_id")); err == nil {
		before = n
	}
	if r.FormValue("min_id") != "" {
		before = min(before, after+limit+1)
	}
	out := bufio.NewWriter(w)
	defer out.Flush()
	fmt.Fprint(out, "[")
	for i := before - 1; i > max(after, before-1-limit); i-- {
		fmt.Fprintf(out, `{"id":"%d","type":"mention","status":{"id":"s%d","visibility":"direct","account":{"id":"3","acct":"rider"},"content":"U%d `, i, i, i)
		for range longMention / len(words) {
			fmt.Fprint(out, words)
		}
		fmt.Fprint(out, `"}}`)
		if i-1 > max(after, before-1-limit) {
			fmt.Fprint(out, ",")
		}
	}
	fmt.Fprint(out, "]")
}

var words = strings.Repeat("Kontrolle ", 32)

// inMemory is what the process has of the system, in MiB.
func inMemory() int {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64()-sample[1].Value.Uint64()) >> 20
}

// TestCatchingUpTakesLittleMemory has four accounts catch up at the same time with
// pages of 8 MB.
func TestCatchingUpTakesLittleMemory(t *testing.T) {
	slow.Test(t, "reads hundreds of megabytes")
	const accounts, pages = 4, 3
	w := newWorld(t, standin.Options{})
	mux := http.NewServeMux()
	mux.Handle("/api/v1/notifications", longMentions{pages})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	runtime.GC()
	before, most := inMemory(), 0
	var heard atomic.Int64
	var group sync.WaitGroup
	for i := range accounts {
		a := account.Account{Server: server.URL, Remote: fmt.Sprint("account", i), Handle: "@bot@x", Token: "t"}
		row := must(w.site.Connect(w.ctx, w.city, name, 0, func(tx *gorm.DB, b report.Bot) error {
			a.BotID = b.ID
			return account.NewStore(name, w.host).Put(tx, a)
		}))(t)
		group.Go(func() {
			last := 0
			ctx, done := context.WithCancel(w.ctx)
			defer done()
			_ = w.load(row).Receive(ctx, func(_ context.Context, in bots.Incoming) error {
				heard.Add(1)
				n := 0
				if _, _ = fmt.Sscanf(in.Text, "U%d", &n); n != last+1 {
					t.Errorf("after %d came %d", last, n)
				}
				if last = n; last == pages*pageSize {
					done() // it would go on asking
				}
				return nil
			})
		})
	}
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	for tick := time.NewTicker(time.Millisecond); ; {
		select {
		case <-tick.C:
			most = max(most, inMemory())
			continue
		case <-ended:
		}
		break
	}
	if n := heard.Load(); n != accounts*pages*pageSize || most-before > 100 {
		t.Errorf("%d mentions were heard, with %d MiB more than before", n, most-before)
	}
}
