package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	chromium "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"ticketfrei/bots/web/pushtest"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// rider is somebody with a phone that follows a city. Its browser is real, but for its
// connection to a push service: what the service takes is delivered by the test.
type rider struct {
	*window
	service  *pushtest.Service
	phone    *pushtest.Phone
	city     report.City
	handed   int     // messages that the browser has got
	attached *window // to the service worker; nil: not yet

	mu           sync.Mutex
	registration string
}

// subscribing has the browser subscribe at the stand-in.
const subscribing = `(() => {
  const json = %s;
  let subscribed = JSON.parse(sessionStorage.getItem("subscribed") || "false");
  const note = (on) => { subscribed = on; sessionStorage.setItem("subscribed", on); };
  const subscription = { endpoint: json.endpoint, options: {}, toJSON: () => json, unsubscribe: async () => { note(false); return true; } };
  PushManager.prototype.subscribe = async (o) => {
    if (!o.userVisibleOnly || o.applicationServerKey.length !== 65) throw new Error("key");
    note(true);
    return subscription;
  };
  PushManager.prototype.getSubscription = async () => (subscribed ? subscription : null);
})()`

func newRider(t *testing.T, window context.Context, a *app, service *pushtest.Service) *rider {
	t.Helper()
	r := &rider{service: service, phone: service.Phone(),
		window: a.open(t, window, visitor{name: "phone", width: 390, height: 844, language: "de", notified: true})}
	if _, err := chromedp.CallBrowser(r.ctx, chromium.SetPermission, chromium.SetPermissionParams{
		Permission: &chromium.PermissionDescriptor{Name: "notifications"}, Setting: chromium.PermissionSettingGranted, Origin: a.url}); err != nil {
		t.Fatal(err)
	}
	call(r.window, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: fmt.Sprintf(subscribing, r.phone.Subscription(nil))})
	if err := chromedp.Listen(r.ctx, r.listen); err != nil {
		t.Fatal(err)
	}
	call(r.window, serviceworker.Enable, cdp.Empty{})
	return r
}

func (r *rider) listen(event any) {
	if e, ok := event.(*serviceworker.EventWorkerRegistrationUpdated); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, found := range e.Registrations {
			if strings.HasSuffix(found.ScopeURL, "/city/") && !found.IsDeleted {
				r.registration = string(found.RegistrationID)
			}
		}
	}
}

// worker is the id of the service worker's registration; empty while there is none.
func (r *rider) worker() serviceworker.RegistrationID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return serviceworker.RegistrationID(r.registration)
}

// deliver hands the browser what the service took since.
func (r *rider) deliver(n int) {
	r.Helper()
	waitUntil(r, "what the push service takes", func() bool { return len(r.phone.Got()) >= r.handed+n })
	for ; n > 0; n-- {
		call(r.window, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{
			Origin: r.url, RegistrationID: r.worker(), Data: r.phone.Got()[r.handed].Raw})
		r.handed++
	}
}

// shown is a notification.
type shown struct {
	Title, Body, Tag, Dir, Lang string
	Silent                      bool
}

// notifications are those that are shown. The worker is asked, between two messages: of one
// that is being shown meanwhile the browser believes that it was dismissed.
func (r *rider) notifications() (list []shown) {
	r.Helper()
	raw := ask[string](r.inWorker(), `inTurn(() => registration.getNotifications()).then((all) =>
		JSON.stringify(all.map((n) => ({ Title: n.title, Body: n.body, Tag: n.tag, Dir: n.dir, Lang: n.lang, Silent: !!n.silent }))))`)
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		r.Fatal(err)
	}
	return list
}

// inWorker is where scripts run in the service worker.
func (r *rider) inWorker() *window {
	r.Helper()
	if r.attached != nil {
		return r.attached
	}
	list, err := chromedp.Targets(r.ctx)
	if err != nil {
		r.Fatal(err)
	}
	i := slices.IndexFunc(list, func(one *target.Info) bool { return one.URL == r.url+"/sw.js" })
	if i < 0 {
		r.Fatal("no service worker runs")
	}
	ctx, stop := chromedp.NewContext(r.ctx, chromedp.WithTargetID(list[i].TargetID))
	r.Cleanup(stop)
	// What runs first attaches, for as long as its context lasts.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("true")); err != nil {
		r.Fatal(err)
	}
	r.attached = &window{app: r.app, ctx: ctx}
	return r.attached
}

// showing waits until these titles are shown, the first one first.
func (r *rider) showing(titles ...string) []shown {
	r.Helper()
	var list []shown
	defer func() {
		if r.Failed() {
			r.Logf("shown at last: %+v", list)
		}
	}()
	waitUntil(r, fmt.Sprintf("notifications %q", titles), func() bool {
		list = r.notifications()
		if len(list) != len(titles) {
			return false
		}
		for i, title := range titles {
			if list[i].Title != title {
				return false
			}
		}
		return true
	})
	return list
}

// later lets time pass for the worker: what it shows is not from a moment ago any more.
func (r *rider) later() {
	r.Helper()
	ask[bool](r.inWorker(), `inTurn(() => registration.getNotifications()).then((all) => { all.forEach((n) => n.close()); return true; })`)
	waitUntil(r, "no notification", func() bool { return len(r.notifications()) == 0 })
}

func TestPushInBrowser(t *testing.T) {
	slow.Test(t, "follows a city in a real browser")
	chromium := startChromium(t)
	box, service := startMailbox(t), startPush(t)
	a := startApp(t, t.TempDir(), box)
	c := a.addCity("nuernberg", "*", "")
	dbtest.MustSavePlaces(t, a.server.db, c.ID, "U1: Langwasser, Plärrer, Fürth\nU2: Röthenbach, Rathenauplatz")
	r := newRider(t, chromium, a, service)
	r.city = c

	// Following.
	r.goTo("/city/nuernberg/web/")
	waitUntil(r, "the form", func() bool {
		return ask[bool](r.window, `document.querySelector("#follow-start")?.checkVisibility() ?? false`)
	})
	r.audit()
	r.do(chromedp.Click(chromedp.CSS(`[name=line][value=U1]`)), chromedp.Click(chromedp.CSS("#follow-start")))
	waitUntil(r, "that it follows", func() bool { return strings.Contains(r.text("#follow-state"), "Dieses Handy folgt Nuernberg") })
	r.audit()
	waitUntil(r, "the worker", func() bool { return r.worker() != "" })

	// One report on the chosen line, one on another.
	a.mustSend("rider@riders.example", here, "one@x", "", "U1 Plärrer, 2 Kontis")
	a.mustSend("rider@riders.example", here, "two@x", "", "U2 Rathenauplatz")
	r.deliver(1)
	list := r.showing("U1 Plärrer")
	if list[0].Body != "U1 Plärrer, 2 Kontis" || list[0].Tag != r.phone.Got()[0].Text["tag"] || list[0].Lang != "de" || list[0].Silent {
		t.Errorf("shown %+v", list[0])
	}
	a.settled()
	if n := len(r.phone.Got()); n != 1 {
		t.Fatalf("the phone got %d messages", n)
	}

	// What comes within 20 seconds joins it, without another sound.
	a.mustSend("other@riders.example", here, "three@x", "", "U1 Fürth, auch welche")
	r.deliver(1) // reports of two authors may overtake one another
	a.mustSend("third@riders.example", here, "four@x", "", "U1 Langwasser")
	r.deliver(1)
	list = r.showing("3 Meldungen zu U1")
	if !list[0].Silent || !strings.HasPrefix(list[0].Body, "U1 Langwasser: ") || strings.Count(list[0].Body, "\n") != 2 {
		t.Errorf("together %+v", list[0])
	}

	// Two of the three are taken back, then the last.
	for i, want := range []string{"2 Meldungen zu U1", "U1 Langwasser"} {
		if err := a.server.relay.TakeBack(t.Context(), c.ID, r.phone.Got()[i].Text["tag"].(string)); err != nil {
			t.Fatal(err)
		}
		r.deliver(1)
		r.showing(want)
	}
	if err := a.server.relay.TakeBack(t.Context(), c.ID, r.phone.Got()[2].Text["tag"].(string)); err != nil {
		t.Fatal(err)
	}
	r.deliver(1)
	r.showing()

	// An all-clear takes the place of what it answers.
	a.mustSend("rider@riders.example", here, "five@x", "", "U1 Plärrer wieder welche")
	r.deliver(1)
	r.showing("U1 Plärrer")
	a.mustSend("rider@riders.example", here, "six@x", "", "U1 Plärrer sauber")
	r.deliver(1)
	r.showing("✓ U1 Plärrer")

	// Changed, and ended.
	r.goTo("/city/nuernberg/web/")
	waitUntil(r, "that it follows", func() bool { return ask[bool](r.window, `document.querySelector("[name=line][value=U1]").checked`) })
	r.later()
	waitUntil(r, "the button", func() bool { return ask[bool](r.window, `document.querySelector("#follow-end").checkVisibility()`) })
	r.do(chromedp.Click(chromedp.CSS(`[name=line][value=U1]`)), chromedp.Click(chromedp.CSS("#follow-save")))
	waitUntil(r, "that it is saved", func() bool { return strings.Contains(r.text("#follow-state"), "Gespeichert") })
	before := len(r.phone.Got())
	a.mustSend("rider@riders.example", here, "seven@x", "", "U2 Röthenbach")
	waitUntil(r, "all lines", func() bool { return len(r.phone.Got()) == before+1 })
	r.do(chromedp.Click(chromedp.CSS("#follow-end")))
	waitUntil(r, "that it ended", func() bool { return strings.Contains(r.text("#follow-state"), "folgt Nuernberg nicht mehr") })
	a.mustSend("rider@riders.example", here, "eight@x", "", "U2 Rathenauplatz noch mehr")
	a.settled()
	if n := len(r.phone.Got()); n != before+1 {
		t.Errorf("got %d more after it ended", n-before-1)
	}
	r.audit()
}

// What was read last is there without the net, with what it looks like.
func TestOfflineShell(t *testing.T) {
	slow.Test(t, "looks at pages in a real browser without a server")
	chromium := startChromium(t)
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "*", "")
	a.addCity("fuerth", "*", "")
	a.mustSend("rider@riders.example", here, "one@x", "", "U1 Plärrer, 2 Kontis")
	a.settled()
	w := a.open(t, chromium, visitor{name: "phone", width: 390, height: 844, language: "de"})
	w.goTo("/city/nuernberg")
	// The first visit is enough.
	waitUntil(w, "the copies", func() bool {
		return ask[bool](w, `Promise.all(["/city/nuernberg", document.querySelector("link[rel=stylesheet]").href, document.querySelector("script[src*=live]").src].map(
			(url) => caches.match(url, { ignoreVary: true }))).then((all) => all.every((c) => c))`)
	})
	waitUntil(w, "the page for where there is no net", func() bool {
		return ask[bool](w, `caches.match("/offline?lang=de", { ignoreVary: true }).then((c) => !!c)`)
	})
	a.stop()

	w.do(chromedp.Navigate(a.url + "/city/nuernberg"))
	w.reads("#reports", "U1 Plärrer, 2 Kontis")
	if size := ask[string](w, `getComputedStyle(document.querySelector(".skip")).position`); size != "absolute" && size != "fixed" {
		t.Errorf("the page has no style: %s", size)
	}
	w.do(chromedp.Navigate(a.url + "/city/nuernberg?line=U1"))
	w.reads("#reports", "U1 Plärrer")
	w.do(chromedp.Navigate(a.url + "/city/fuerth"))
	w.reads("h1", "Kein Netz")
	w.do(chromedp.Navigate(a.url + "/city/nuernberg/mail"))
	w.reads("h1", "Kein Netz")
}
