package kittest

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"ticketfrei/bots/kit/standin"
)

// groupChecks are about groups that an account is a member of.
var groupChecks = []check{
	{"group: an unknown command is not answered", unknownInGroup},
	{"group: joined is a subscription", joined},
	{"group: what is not addressed is not heard", notAddressed},
	{"group: what is addressed is heard, without the mention", addressed},
	{"group: thrown out is unsubscribed", thrownOut},
	{"group: one that has stopped stays out until it starts", stoppedStaysOut},
	{"group: a moderator switches it off and on", switchedOff},
	{"group: neither it nor the author gets what was written in it", notTheOrigin},
}

// join adds the account to a group and waits for its greeting.
func (s *scene) join(group string) standin.Rooms {
	s.Helper()
	rooms := needs[standin.Rooms](s, "the service has no groups")
	rooms.Join(s.account, group)
	_, welcome, _ := strings.Cut(s.in("kit.chat.group_welcome", "City", s.city.Name, "Bot", "|"), "|")
	s.wantAnswer(group, 1, welcome)
	s.wantAnswer(group, 1, s.in("kit.chat.stored_group"))
	return rooms
}

func unknownInGroup(s *scene) {
	s.receive(s.connect())
	s.join("tram")
	s.write(standin.Message{Author: "anna", Group: "tram", Text: "/fly", Addressed: true})
	s.write(standin.Message{Author: "anna", Group: "tram", Text: "/help", Addressed: true})
	s.wantAnswer("tram", 2, s.help())
}

func joined(s *scene) {
	b := s.connect()
	s.receive(b)
	s.join("tram")
	welcome, _, _ := strings.Cut(s.in("kit.chat.group_welcome", "City", s.city.Name, "Bot", "|"), "|")
	s.wantAnswer("tram", 1, welcome)
	s.wantCount(b, 1)
	s.send(s.mustOpen(b), b, s.Elsewhere(s.city, "U1 Plärrer"))
	s.wantAnswer("tram", 2, "U1 Plärrer")
}

func notAddressed(s *scene) {
	_, in := s.receive(s.connect())
	s.join("tram")
	s.write(standin.Message{Author: "anna", Group: "tram", Text: "who has seen my bike?"})
	s.write(standin.Message{Author: "anna", Group: "tram", Text: "U1 Plärrer", Addressed: true})
	in.WaitFor(s, "U1 Plärrer")
	if n := len(in.All()); n != 1 {
		s.Errorf("heard %s", brief(in.Texts()))
	}
}

func addressed(s *scene) {
	_, in := s.receive(s.connect())
	s.join("tram")
	s.write(standin.Message{Author: "anna", Group: "tram", Text: "U1 Plärrer", Addressed: true})
	in.WaitFor(s, "U1 Plärrer")
}

func thrownOut(s *scene) {
	b := s.connect()
	_, in := s.receive(b)
	rooms := s.join("tram")
	rooms.Leave(s.account, "tram")
	s.say("anna", "U1")
	in.WaitFor(s, "U1") // what was before it has been handled
	s.wantCount(b, 0)
}

// inGroup has somebody in a group give a command.
func (s *scene) inGroup(command string) {
	s.Helper()
	s.write(standin.Message{Author: "anna", Group: "tram", Text: command, Addressed: true})
}

func stoppedStaysOut(s *scene) {
	b := s.connect()
	s.receive(b)
	rooms := s.join("tram")
	s.inGroup("/stop")
	s.wantAnswer("tram", 2, s.in("kit.chat.stopped_group"))
	s.wantCount(b, 0)
	rooms.Join(s.account, "tram")
	s.inGroup("/stop")
	s.wantAnswer("tram", 3, s.in("kit.chat.not_subscribed"))
	s.wantCount(b, 0)
	s.inGroup("/start")
	s.wantAnswer("tram", 4, s.in("kit.chat.stored_group"))
	s.inGroup("/start")
	s.wantAnswer("tram", 5, s.in("kit.chat.again_group"))
	s.wantCount(b, 1)
}

// groupField is the switch of a group on the settings page.
var groupField = regexp.MustCompile(`name="group" value="(\d+)"`)

func switchedOff(s *scene) {
	b := s.connect()
	s.receive(b)
	s.join("tram")
	m := s.Moderator(s.city)
	found := groupField.FindStringSubmatch(m.Get("/settings/networks", http.StatusOK).Body)
	if found == nil {
		s.Fatal("the settings do not show the group: is chat-groups missing in settings.tmpl?")
	}
	form := url.Values{"bot_id": {strconv.FormatInt(b.ID, 10)}, "group": {found[1]}, "on": {"0"}}
	m.Post(s.path("group"), form, http.StatusOK).Shows(s.in("kit.chat.stands.off"))
	s.wantCount(b, 0)
	form.Set("on", "1")
	m.Post(s.path("group"), form, http.StatusOK).Shows(s.in("kit.chat.stands.on"))
	s.wantCount(b, 1)
}

func notTheOrigin(s *scene) {
	b := s.connect()
	_, in := s.receive(b)
	s.join("tram")
	s.subscribe("anna", "bert")
	s.write(standin.Message{Author: "anna", Group: "tram", Text: "U1 Plärrer", Addressed: true})
	s.send(s.mustOpen(b), b, s.Heard(b, in.Wait(s, 1)[0]))
	s.wantAnswer("bert", 2, "U1 Plärrer")
	for _, name := range []string{"tram", "anna"} {
		s.wantSilence(name)
	}
}
