package mailtext

import "testing"

// The subjects of answers, of programs and of gateways are nothing that was written.
func TestForeignSubjects(t *testing.T) {
	for _, subject := range []string{
		"Re: alt", "RE: alt", "re:alt", "Re : alt", "Re[2]: alt", "Re(3): alt", "RE^2: alt", "Re: Re: alt", "AW: WG: alt", "Aw: alt", "Antw: alt", "Antwort: alt", "WG: alt", "Fwd: alt", "FW: alt", "Fwd: Fwd: alt",
		"SV: alt", "Sv: alt", "VS: alt", "VB: alt", "Vl: alt", "Ynt: alt", "YNT: alt", "İLT: alt", "ilt: alt", "Yan: alt", "Odp: alt", "ODP.: alt", "PD: alt", "R: alt", "I: alt", "RIF: alt", "Rif: alt", "TR: alt", "RV: alt", "RE : alt", "Réf: alt", "Rép: alt",
		"ENC: alt", "RES: alt", "Resp: alt", "Vá: alt", "VÁ: alt", "Továbbítás: alt", "FS: alt", "BLS: alt", "Bls: alt", "TRS: alt", "Doorst: alt", "Odg: alt", "Prosl: alt", "Atb: alt", "Ats: alt", "Răsp: alt",
		"رد: alt", "رد: رد: alt", "إعادة توجيه: alt", "پاسخ: alt", "השב: alt", "הועבר: alt", "תשובה: alt", "回复: alt", "回复：alt", "答复: alt", "转发：alt", "回覆: alt", "轉寄: alt", "返信: alt", "転送: alt", "답장: alt", "전달: alt", "회신: alt",
		"Ответ: alt", "Отв: alt", "Пересл: alt", "HA: alt", "НА: alt", "ΑΠ: alt", "Απ: alt", "ΣΧΕΤ: alt", "ΠΡΘ: alt", "Trả lời: alt", "ตอบ: alt", "Відповідь: alt",
		"[Gotham] Re: alt", "[Gotham] AW: [Gotham] alt", "Re: [Gotham] alt", "[list][EXT] Fwd: alt", "[EXTERN] AW: alt",
		"(kein Betreff)", "kein Betreff", "Kein Betreff", "<kein Betreff>", "[kein Betreff]", "(ohne Betreff)", "(no subject)", "<no subject>", "no subject", "No Subject", "(sans objet)", "sans objet", "(aucun objet)", "(sin asunto)", "Sin asunto", "(sem assunto)", "(nessun oggetto)", "(senza oggetto)",
		"(geen onderwerp)", "(inget ämne)", "(intet emne)", "(ingen emne)", "(ei aihetta)", "(bez tematu)", "bez tematu", "(brak tematu)", "(bez předmětu)", "(bez predmetu)", "(nincs tárgy)", "(fără subiect)", "(без темы)", "Без темы", "(без теми)", "(χωρίς θέμα)", "(konu yok)", "(Konusuz)", "(ללא נושא)", "(بدون موضوع)", "(无主题)", "无主题", "（無主旨）", "(件名なし)", "無題", "(제목 없음)", "(không có chủ đề)", "(без тема)",
		"…", "...", "..", ".", "-", "--", "?", "!", "_", "/", "()", "Betreff", "Nachricht", "SMS", "MMS", "Neue Nachricht", "New message",
		"Message from Robin Rider", "Message from robin@rider.example", "Nachricht von Robin Rider", "Nachricht von Anna", "Mensaje de Robin Rider", "Message de Robin", "Messaggio da Robin Rider", "Mensagem de Robin", "Bericht van Robin Rider", "Meddelande från Robin", "Wiadomość od Robin", "Сообщение от Robin", "Neue SMS von +49 170 5550100", "SMS von +491705550100", "SMS von 01705550100", "SMS from 15550100199", "SMS from (555) 010-0199", "MMS von +49 170/5550100", "New message from Robin Rider",
		"New SMS from +1 555-010-0199", "New text message from (555) 010-0199", "Neue Nachricht von +491705550100", "SMS de +33612345678", "Textnachricht von Robin Rider", "Chat: U1 Pl...", "Foto von Robin", "Voicemail from +15550100199", "+491705550100", "0170 5550100", "rider@example.org",
	} {
		t.Run(subject, func(t *testing.T) {
			if got := relayed(t, "From: rider@example.org\nSubject: "+subject, ownWords); got != ownWords {
				t.Errorf("%q", got)
			}
			if got := relayed(t, "From: rider@example.org\nSubject: "+subject, "\n"); got != "" {
				t.Errorf("without a text: %q", got)
			}
		})
	}
}

func TestOwnSubjects(t *testing.T) {
	for _, subject := range []string{
		"U1", "U1: 2 Kontis", "S2: Kontrolle", "Plärrer: 2 Kontis", "Reichelsdorf: S2", "Rot: nichts, grün: Kontis", "Info: Kontrolle in der U2", "Betreff U1", "Kein Konti mehr am Plärrer", "Kontis!", "[U1] Kontis", "2 Kontis von Fürth",
		"Nachricht von der U1: 2 Kontis", "Message from the U1: two inspectors", "Foto von zwei Kontis", "SMS von U1", "Retour: Kontis", "Antwerpen: 2 tramcontroles", "🎫 🎫", "Kein Thema: U1 frei", "U2 → Messe", "Thema U1", "没问题了，检票员走了",
	} {
		t.Run(subject, func(t *testing.T) {
			if got := relayed(t, "From: rider@example.org\nSubject: "+subject, "weiter so"); got != subject+"\nweiter so" {
				t.Errorf("%q", got)
			}
			if got := relayed(t, "From: rider@example.org\nSubject: "+subject, "\n"); got != subject {
				t.Errorf("without a text: %q", got)
			}
		})
	}
}

func TestSubjectOfAnswers(t *testing.T) {
	for _, c := range []struct{ name, header, want string }{
		{"an answer to us", "Subject: gotham: U2 Messe\nIn-Reply-To: <1.abc@reports.test>", ownWords},
		{"an answer to one of ours", "Subject: gotham: U2 Messe\nReferences: <a@example.org>\n <1.abc@Reports.Test> <b@example.org>", ownWords},
		{"a short word in an answer", "Subject: Xyz: U2 Messe\nIn-Reply-To: <a@example.org>", ownWords},
		{"a line in an answer", "Subject: U2: Messe\nIn-Reply-To: <a@example.org>", "U2: Messe\n" + ownWords},
		{"an answer to others with a subject of its own", "Subject: U2 Messe\nIn-Reply-To: <a@example.org>", "U2 Messe\n" + ownWords},
		{"another domain that ends like ours", "Subject: U2 Messe\nIn-Reply-To: <a@notreports.test>", "U2 Messe\n" + ownWords},
		{"Delta Chat", "Subject: Gruppe Nord\nChat-Version: 1.0", ownWords},
		{"the beginning of the text", "Subject: U1 Plärrer, 2 Kon...", ownWords},
		{"the beginning of the text, one dot", "Subject: U1 Plärrer…", ownWords},
		{"the city's tag", "Subject: [Gotham] U2 Messe", "U2 Messe\n" + ownWords},
		{"a gateway's tag", "Subject: [EXTERN] U2 Messe", "U2 Messe\n" + ownWords},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := relayed(t, "From: rider@example.org\n"+c.header, ownWords); got != c.want {
				t.Errorf("%q", got)
			}
		})
	}
	if got := relayed(t, "From: rider@example.org\nSubject: U2 Messe\nIn-Reply-To: <1.abc@reports.test>", "\n"); got != "" {
		t.Errorf("an answer without a text is %q", got)
	}
}
