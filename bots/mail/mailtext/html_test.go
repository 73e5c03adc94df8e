package mailtext

import (
	"strings"
	"testing"
)

// answerHTML is a mail in HTML that answers one of ours.
func answerHTML(html string) string {
	return strings.Replace(answer(html), "text/plain", "text/html", 1)
}

// htmlAnswers are what programs make of an answer. OWN stands for what was written.
var htmlAnswers = map[string]string{
	"Gmail":                 `<div dir="ltr">OWN</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">Am Do., 26. Nov. 2026 um 09:58 Uhr schrieb Gotham &lt;<a href="mailto:gotham@reports.test">gotham@reports.test</a>&gt;:<br></div><blockquote class="gmail_quote" style="margin:0"><div dir="ltr">SECRET<br></div></blockquote></div>`,
	"Gmail, no attribution": `<div dir="ltr">OWN</div><br><div class="gmail_quote">SECRET<div>SECRET</div></div>`,
	"Gmail, below":          `<div dir="ltr"><br><div class="gmail_quote"><div class="gmail_attr">On Thu, Nov 26, 2026 at 9:58 AM Gotham wrote:<br></div><blockquote class="gmail_quote">SECRET<blockquote>SECRET</blockquote></blockquote><div>OWN</div></div></div>`,
	"Gmail, on a phone":     `<div dir="auto">OWN</div><div class="gmail_extra"><br><div class="gmail_quote">Am 26.11.2026 09:58 schrieb "Gotham" &lt;gotham@reports.test&gt;:<br type="attribution"><blockquote class="quote">SECRET</blockquote></div></div>`,
	"Outlook, web":          `<div class="elementToProof">OWN</div><div id="appendonsend"></div><hr tabindex="-1" style="display:inline-block; width:98%"><div id="divRplyFwdMsg" dir="ltr"><font><b>Von:</b>&nbsp;Gotham<br><b>Gesendet:</b>&nbsp;Donnerstag<br><b>An:</b>&nbsp;Rider<br><b>Betreff:</b>&nbsp;U2</font></div><div>SECRET</div>`,
	"Outlook, no end":       `<div>OWN</div><div id="x_divRplyFwdMsg"><b>Von:</b> Gotham</div><p>SECRET<p>SECRET`,
	"Outlook":               `<div class="WordSection1"><p class="MsoNormal">OWN<o:p></o:p></p><p class="MsoNormal"><o:p>&nbsp;</o:p></p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>Von:</b> Gotham &lt;gotham@reports.test&gt; <br><b>Gesendet:</b> Donnerstag, 26. November 2026 09:58<br><b>An:</b> Robin Rider<br><b>Betreff:</b> U2<o:p></o:p></p></div></div><p class="MsoNormal">SECRET<o:p></o:p></p></div>`,
	"Outlook, on a phone":   `<div dir="ltr">OWN</div><div id="mail-editor-reference-message-container" class="ms-outlook-mobile-reference-message"><hr><div id="divRplyFwdMsg"><b>Von:</b> Gotham</div>SECRET</div>`,
	"Outlook for Mac":       `<div>OWN</div><span id="OLK_SRC_BODY_SECTION"><div><span>Von: </span> Gotham<br></div><div>SECRET</div></span>`,
	"Yahoo":                 `<div class="ydp1yahoo-style-wrap"><div dir="ltr">OWN</div><div><br></div></div><div id="ydp2yahoo_quoted_123" class="ydp2yahoo_quoted"><div>Am Donnerstag, 26. November 2026 um 09:58:00 MEZ hat Gotham Folgendes geschrieben:</div><div><br></div><div>SECRET</div></div>`,
	"Thunderbird":           `<html><body><p>OWN</p><div class="moz-cite-prefix">Am 26.11.26 um 09:58 schrieb Gotham:<br></div><blockquote type="cite" cite="mid:1@x"><p>SECRET</p></blockquote></body></html>`,
	"Thunderbird, below": `<html><body><div class="moz-cite-prefix">Am 26.11.26 um 09:58 schrieb Gotham:<br></div><blockquote type="cite"><pre class="moz-quote-pre">SECRET
SECRET</pre></blockquote><p>OWN</p><div class="moz-signature">-- <br>Sam Example</div></body></html>`,
	"Proton":        `<div>OWN</div><div class="protonmail_quote">Am Donnerstag, 26. November 2026 um 09:58, Gotham schrieb:<br><blockquote class="protonmail_quote" type="cite">SECRET</blockquote><br></div>`,
	"Proton, below": `<div class="protonmail_quote">-------- Original-Nachricht --------<br>Am 26.11.26 09:58, Gotham schrieb:<br><blockquote class="protonmail_quote">SECRET<br></blockquote><div>OWN</div></div>`,
	"Tuta":          `<div>OWN</div><div>26. Nov. 2026, 09:58 von gotham@reports.test:<br></div><blockquote class="tutanota_quote" style="border-left: 1px">SECRET<br></blockquote>`,
	"GMX":           `<div style="font-family: Verdana">OWN<div>&nbsp;</div><div name="quote" style="margin:10px"><div><b>Gesendet:</b>&nbsp;Donnerstag<br/><b>Von:</b>&nbsp;Gotham</div><div name="quoted-content"><div>SECRET</div><blockquote>SECRET</blockquote>SECRET</div></div></div>`,
	"Zoho":          `<div>OWN</div><div class="zmail_extra" data-zbluepencil-ignore="true"><div id="Zm-_Id_-Sgn1">---- Am Do, 26 Nov 2026 09:58:00 +0100 Gotham schrieb ----<br></div><blockquote id="blockquote_zmail">SECRET</blockquote></div>`,
	"Zimbra":        `<div>OWN</div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__"><b>Von: </b>Gotham<br><b>Betreff: </b>U2</div><div data-marker="__QUOTED_TEXT__">SECRET</div>`,
	"Roundcube":     `<p>OWN</p><p id="reply-intro">Am 26.11.2026 09:58 schrieb Gotham:</p><blockquote type="cite"><div id="replybody1">SECRET</div></blockquote>`,
	"Apple Mail":    `<div>OWN</div><div><br><blockquote type="cite"><div>Am 26.11.2026 um 09:58 schrieb Gotham &lt;gotham@reports.test&gt;:</div><br class="Apple-interchange-newline"><div>SECRET</div></blockquote></div>`,
	"iPhone":        `<div dir="ltr">OWN</div><div dir="ltr"><br><blockquote type="cite">Am 26.11.2026 um 09:58 schrieb Gotham &lt;gotham@reports.test&gt;:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">\uFEFFSECRET</div></blockquote>`,
	"Spark":         `<div name="messageBodySection">OWN</div><div name="messageReplySection">Am 26. Nov. 2026, 09:58 +0100 schrieb Gotham:<br><blockquote type="cite" class="spark_quote">SECRET</blockquote></div>`,
	"Samsung":       `<div>OWN</div><div><br></div><div><div>-------- Ursprüngliche Nachricht --------</div><div>Von: Gotham &lt;gotham@reports.test&gt; </div><div>Datum: 26.11.26 09:58 (GMT+01:00) </div><div>An: rider@example.org </div><div>Betreff: U2 </div><div><br></div></div>SECRET`,
	"QQ":            `<div>OWN</div><div><includetail><div>&nbsp;</div><div style="font:Verdana normal 14px;"><div>------------------&nbsp;原始邮件&nbsp;------------------</div><div><b>发件人:</b>"Gotham"&lt;gotham@reports.test&gt;;</div><div><b>主题:</b>U2</div></div></includetail></div><div>SECRET</div>`,
	"Yandex":        `<div>OWN</div><div> </div><div>26.11.2026, 09:58, "Gotham" &lt;gotham@reports.test&gt;:</div><blockquote><p>SECRET</p></blockquote><div> </div>`,
	"Mail.ru":       `<div>OWN</div><blockquote style="border-left:1px solid #0857A6;">Четверг, 26 ноября 2026, 9:58 +03:00 от Gotham &lt;gotham@reports.test&gt;:<br>&nbsp;<div id="">SECRET</div></blockquote>`,
	"mailbox.org":   `<div class="default-style">OWN</div><blockquote type="cite"><div>Gotham &lt;gotham@reports.test&gt; hat am 26.11.2026 09:58 CET geschrieben:</div><div>SECRET</div></blockquote>`,
	"Evolution":     `<div>OWN</div><div>Am Donnerstag, dem 26.11.2026 um 09:58 +0100 schrieb Gotham:</div><blockquote type="cite">SECRET</blockquote><div><span></span></div>`,
	"K-9":           `<!DOCTYPE html><html><body>OWN<br><br><div class="gmail_quote"><div dir="auto">Am 26. November 2026 09:58:00 MEZ schrieb Gotham &lt;gotham@reports.test&gt;:</div><blockquote class="gmail_quote"><pre dir="auto" class="k9mail">SECRET</pre></blockquote></div></body></html>`,
	"Netease":       `<div>OWN</div><div id="isReplyContent">在 2026-11-26 09:58:00，"Gotham" 写道：<blockquote>SECRET</blockquote></div>`,
	"Horde":         `<p>OWN</p><p>Zitat von Gotham &lt;gotham@reports.test&gt;:</p><blockquote type="cite">SECRET</blockquote>`,
	"between":       `<blockquote>SECRET</blockquote><div>OWN</div><blockquote>SECRET</blockquote>`,
}

func TestHTMLAnswers(t *testing.T) {
	for name, html := range htmlAnswers {
		t.Run(name, func(t *testing.T) {
			expectText(t, answerHTML(strings.Replace(html, "OWN", own, 1)), own)
			expectText(t, answerHTML(strings.Replace(html, "OWN", "", 1)), "")
		})
	}
}

func TestHTMLForwards(t *testing.T) {
	for name, html := range map[string]string{
		"Gmail":       `<div dir="ltr"><br><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">---------- Forwarded message ---------<br>Von: <strong>Freundin</strong> <span>&lt;<a href="mailto:f@example.org">f@example.org</a>&gt;</span><br>Date: Do., 26. Nov. 2026 um 09:58 Uhr<br>Subject: Konti<br>To:  &lt;<a href="mailto:rider@example.org">rider@example.org</a>&gt;<br></div><br><br><div dir="ltr">OWN</div></div></div>`,
		"Outlook":     `<div><br></div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>Von:</b> Freundin &lt;f@example.org&gt;<br><b>Gesendet:</b> Donnerstag, 26. November 2026 09:58<br><b>An:</b> Robin Rider<br><b>Betreff:</b> Konti</div><div>OWN</div>`,
		"Thunderbird": `<p><br></p><div class="moz-forward-container"><br>-------- Weitergeleitete Nachricht --------<table class="moz-email-headers-table"><tbody><tr><th>Betreff: </th><td>Konti</td></tr><tr><th>Datum: </th><td>Thu, 26 Nov 2026 09:58:00 +0100</td></tr><tr><th>Von: </th><td>Freundin <a href="mailto:f@example.org">&lt;f@example.org&gt;</a></td></tr><tr><th>An: </th><td>rider@example.org</td></tr></tbody></table><br><br>OWN</div>`,
		"Apple":       `<br><div><br><blockquote type="cite"><div>Anfang der weitergeleiteten Nachricht:</div><br><div><span><b>Von: </b></span>Freundin &lt;f@example.org&gt;<br></div><div><b>Betreff: </b>Konti<br></div><div><b>Datum: </b>26. November 2026 um 09:58:00 MEZ<br></div><div><b>An: </b>rider@example.org<br></div><br><div>OWN</div></blockquote></div>`,
	} {
		t.Run(name, func(t *testing.T) {
			mail := strings.Replace(answerHTML(strings.Replace(html, "OWN", own, 1)), "Re: U2", "Fwd: Konti", 1)
			expectText(t, mail, own)
			expectText(t, strings.Replace(mail, "<br>", "<div>Kam gerade rein</div>", 1), "Kam gerade rein")
		})
	}
}

func TestHTMLWhatIsNotShown(t *testing.T) {
	for name, c := range map[string]struct{ html, want string }{
		"display":             {`<div style="display:none;max-height:0">Vorschau</div><p>U1</p>`, "U1"},
		"display, important":  {`<span style="color:red; DISPLAY : none !important">Vorschau<span>x</span></span>U1`, "U1"},
		"font size":           {`<div style="font-size:0px;line-height:1px">Vorschau</div>U1`, "U1"},
		"height":              {`<div style="max-height: 0; overflow:hidden">Vor<div>schau</div></div>U1`, "U1"},
		"clipped":             {`<div style="height:0;overflow:hidden">Vorschau</div>U1`, "U1"},
		"opacity":             {`<p style="opacity:0.0">Vorschau<p>U1`, "U1"},
		"Outlook's":           {`<span style='mso-hide:all'>Vorschau</span>U1`, "U1"},
		"visibility":          {`<td style="visibility:hidden">Vorschau</td><td>U1</td>`, "U1"},
		"attribute":           {`<div hidden>Vorschau</div>U1`, "U1"},
		"a picture":           {`<img style="display:none" src="x">U1`, "U1"},
		"small is no nothing": {`<div style="font-size:0.9em;opacity:0.5;max-height:100px;display:block">U1</div>`, "U1"},
		"nothing else":        {`<div style="display:none">U1</div>`, "U1"},
	} {
		t.Run(name, func(t *testing.T) {
			expectText(t, strings.Replace(answerHTML(c.html), "Re: U2", "", 1), c.want)
		})
	}
}

func TestLinksAreWordsOfTheirOwn(t *testing.T) {
	for html, want := range map[string]string{
		`Hier: <a href="https://osm.example/x">Karte</a> und U2`: "Hier: Karte und U2",
		`Hier<a href="https://osm.example/x">Karte</a>und U2`:    "Hier Karte und U2",
		`(<a href="https://osm.example/x">Karte</a>), U2`:        "(Karte), U2",
		`<p><a href="https://osm.example/x">Karte</a></p>U2`:     "Karte\nU2",
		`Ka<b>rt</b>e`: "Karte",
	} {
		expectText(t, strings.Replace(answerHTML(html), "Re: U2", "", 1), want)
	}
	for text, want := range map[string]string{
		"Hier: Karte<https://osm.example/x> und U2":           "Hier: Karte https://osm.example/x und U2",
		"Karte<https://osm.example/x>und U2":                  "Karte https://osm.example/x und U2",
		"(<https://osm.example/x>), <https://osm.example/y>.": "(https://osm.example/x), https://osm.example/y.",
		"<https://osm.example/x><https://osm.example/y>":      "https://osm.example/x https://osm.example/y",
	} {
		expectText(t, plain("", text), want)
	}
}
