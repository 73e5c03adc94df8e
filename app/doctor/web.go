package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"ticketfrei/frontend"
)

// get fetches a page as a visitor does who follows nothing.
func (d *doctor) get(ctx context.Context, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport:     &http.Transport{DialContext: (&net.Dialer{Resolver: d.DNS}).DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do(req)
}

// web looks at the pages by their public address.
func (d *doctor) web(ctx context.Context) []Result {
	address := d.Config.Web.URL
	what := "pages at " + address
	resp, err := d.get(ctx, address+"/healthz")
	if err != nil {
		return []Result{d.unreachable(what, err)}
	}
	resp.Body.Close()
	instance := resp.Header.Get(frontend.InstanceHeader)
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return []Result{{Wrong, what, "they lead elsewhere: " + resp.Header.Get("Location"), "set web.url to the address that visitors end up at"}}
	case instance == "" && resp.StatusCode >= 500:
		return []Result{{Wrong, what, "the proxy in front answers " + resp.Status, "see that the program runs, and that the proxy leads to web.listen (" + d.Config.Web.Listen + ")"}}
	case instance == "":
		return []Result{{Wrong, what, "something else answers there (" + resp.Status + ")", "have the name and its port lead to web.listen (" + d.Config.Web.Listen + "), or set web.url"}}
	case d.Instance != "" && instance != d.Instance:
		return []Result{{Wrong, what, "another Ticketfrei answers there, with another secret key", "have the name lead to this machine, or set web.url"}}
	}
	list := []Result{{OK, what, "this program answers, seen from this machine; only a look from outside proves that others get through", ""}}
	if resp.TLS != nil {
		list = append(list, d.webCertificate(resp.TLS))
	}
	return list
}

// unreachable says why the pages cannot be fetched.
func (d *doctor) unreachable(what string, err error) Result {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return Result{Wrong, what, "browsers do not take the certificate: " + certificate.Err.Error(),
			"renew it where https is served: in the proxy in front, or by web.acme, for which the log says what fails"}
	case !d.running():
		return Result{Warning, what, "nobody answers, since the program does not run", `start it ("ticketfrei serve") and look again`}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return Result{Wrong, what, "the program runs, but not there: " + plain(err), "have the name in web.url lead here in DNS, and its port to the program, through firewall, proxy and container"}
}

// webCertificate looks at how long the certificate of the pages is good.
func (d *doctor) webCertificate(state *tls.ConnectionState) Result {
	const what = "certificate of the pages"
	left := state.PeerCertificates[0].NotAfter.Sub(d.Now())
	if left < soon {
		return Result{Warning, what, "it ends in " + days(left), "renew it; with web.acme the log says why that fails"}
	}
	return Result{OK, what, "it is good for another " + days(left), ""}
}

// redirect looks at what visitors get who type the name without https.
func (d *doctor) redirect(ctx context.Context) []Result {
	u, err := url.Parse(d.Config.Web.URL)
	if err != nil || u.Scheme != "https" || u.Port() != "" {
		return nil
	}
	what := "http://" + u.Host
	resp, err := d.get(ctx, what+"/")
	switch {
	case err != nil && d.Config.Web.ACME == "":
		return []Result{{OK, what, "nobody answers there, and nobody must", ""}}
	case err != nil && !d.running():
		return nil
	case err != nil:
		return []Result{{Warning, what, plain(err), "have port 80 lead to web.listen: the authority of web.acme asks there, and visitors who leave https out come there"}}
	}
	resp.Body.Close()
	if strings.HasPrefix(resp.Header.Get("Location"), "https://") {
		return []Result{{OK, what, "it sends visitors on to https", ""}}
	}
	return []Result{{Warning, what, "it does not send visitors on to https (" + resp.Status + ")", "have the proxy answer with a redirect to " + d.Config.Web.URL}}
}
