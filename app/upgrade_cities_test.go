package app

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"ticketfrei/bots/mastodon/standin"
)

// checkNuernberg uses links from old mails and sends a new report.
func (w *oldWorld) checkNuernberg() {
	w.Helper()
	nbg := w.city(ofNuernberg, "Nürnberg")
	w.bounce() // the first that counts
	nbg.waitReads("network-mail", "5 subscribers")
	w.browser().post(w.old.Unsubscribe, nil, http.StatusOK)
	nbg.waitReads("network-mail", "4 subscribers")
	w.browser().post(w.old.Subscribe, nil, http.StatusOK)
	nbg.waitReads("network-mail", "5 subscribers")

	const text = "Kontis am Frankenstadion"
	w.mustSend("drei@riders.example", here, "new-1@riders.example", "", text)
	for _, rider := range []string{"eins", "zwei", "spaet"} {
		w.mailed(rider, text)
	}
	for _, chat := range []string{"early rider", "late rider", "Pendelnde", "Frühschicht"} {
		w.waitTold("kontis_nbg_bot", chat, text)
	}
	w.waitPosted("kontis_nbg", text)

	w.people["late rider"].Write(w.bots["kontis_nbg_bot"], "KONTIS am Hauptbahnhof")
	nbg.waitHeld("KONTIS am Hauptbahnhof")
}

// bounce returns a mail to weg@riders.example to the program, for the third
// time: what was counted before may have been about us, and is forgotten.
func (w *oldWorld) bounce() {
	w.Helper()
	const report = "From: MAILER-DAEMON@riders.example\r\nTo: <%s>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nfailed\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; riders.example\r\n\r\n" +
		"Final-Recipient: rfc822; weg@riders.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
	if err := sendMail(w.smtp, "", w.old.Bounce, fmt.Appendf(nil, report, w.old.Bounce)); err != nil {
		w.Fatal(err)
	}
}

// checkLeeds finishes the login that was begun on Mastodon, switches Telegram on,
// writes a report and takes the invitation.
func (w *oldWorld) checkLeeds() {
	w.Helper()
	w.checkSession()
	leeds := w.city(ofLeeds, "Leeds")
	account := w.mastodon.AddAccount("inspectors_leeds")
	w.accounts["inspectors_leeds"] = account
	leeds.get(w.authorize(account), http.StatusOK)
	leeds.submit(leeds.get("/settings/networks", http.StatusOK), "network-mastodon", "/confirm", nil)
	leeds.submit(leeds.get("/settings/networks", http.StatusOK), "network-telegram", "/enable", nil)
	leeds.waitReads("network-mastodon", "Working", account.Handle())
	leeds.waitReads("network-telegram", "Working", "1 subscriber")

	const text = "Inspectors at the bus station"
	w.mustSend("someone@riders.example", "leeds@tickets.example", "new-2@riders.example", "", text)
	w.mailed("one", text)
	leeds.waitReads("network-mail", "2 subscribers") // refusals of before do not count
	w.waitPosted("inspectors_leeds", text)
	w.waitTold("leeds_bot", "rider in Leeds", text)

	invited := w.browser()
	invited.post(w.old.Invitation, url.Values{"password": {password}}, http.StatusOK)
	invited.waitReads("moderators", ofLeeds, "new@leeds.example")
}

// authorize grants on the Mastodon server what the old program had asked for,
// and returns the path that the browser is sent back to.
func (w *oldWorld) authorize(account *standin.Account) (path string) {
	w.Helper()
	asked, err := url.Parse(w.old.Authorize)
	if err != nil {
		w.Fatal(err)
	}
	form := asked.Query()
	form.Set("redirect_uri", w.url+"/settings/mastodon/callback")
	form.Set("answer", "authorize")
	w.mastodon.RestoreApp(w.old.ClientID, w.old.ClientSecret, form.Get("redirect_uri"), strings.Fields(form.Get("scope"))...)
	w.mastodon.SignIn(account)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(w.mastodon.URL+asked.Path, form)
	if err != nil {
		w.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		w.Fatal(err)
	}
	return back.RequestURI()
}

// checkGraz confirms the logins that waited and writes on every network.
func (w *oldWorld) checkGraz() {
	w.Helper()
	graz := w.city(ofGraz, "Graz an der Mur")
	// Telegram first: reports from the Mastodon account are sent there.
	for _, network := range []string{"telegram", "mastodon"} {
		graz.submit(graz.get("/settings/networks", http.StatusOK), "network-"+network, "/confirm", nil)
		graz.waitReads("network-"+network, "Working")
	}
	graz.waitReads("network-telegram", "1 subscriber")
	w.mailed("erste", "Kontrolle in der Linie 1")
	w.waitTold("graz_bot", "rider in Graz", "Kontrolle in der Linie 1")
	w.writeInGraz()

	bot := w.bots["graz_bot"]
	w.people["writes much"].Write(bot, "Kontrolle an der Haltestelle 7")
	w.people["muted"].Write(bot, "Kontrolle in Eggenberg")
	graz.waitHeld("Kontrolle an der Haltestelle 7")
	graz.waitHeld("Kontrolle in Eggenberg")

	w.people["new"] = w.telegram.AddUser("new", "de")
	w.people["new"].Write(bot, "/start")
	w.waitTold("graz_bot", "new", "Servus in Graz! Hier kommen die Meldungen über Schwarzkappler.")
	graz.waitReads("network-telegram", "2 subscribers")
}

// writeInGraz writes on each network and waits until the others have it.
func (w *oldWorld) writeInGraz() {
	w.Helper()
	const mailed, mentioned, chatted = "Schwarzkappler am Hauptplatz", "Kontrolle am Lendplatz", "Kontrolle in Gösting"
	w.mustSend("erste@riders.example", "graz@tickets.example", "new-3@riders.example", "", mailed)
	w.waitPosted("kontis_graz", mailed)
	w.waitTold("graz_bot", "rider in Graz", mailed)

	account := w.accounts["kontis_graz"]
	account.Mention("rider@elsewhere.example", mentioned, "public")
	w.mailed("erste", mentioned)
	w.waitTold("graz_bot", "rider in Graz", mentioned)
	waitUntil(w, "both mentions to be boosted", func() bool { return len(account.Boosts()) == 2 })

	w.people["rider in Graz"].Write(w.bots["graz_bot"], chatted)
	w.waitPosted("kontis_graz", chatted)
	w.mailed("erste", chatted)
}
