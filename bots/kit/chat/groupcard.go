package chat

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"ticketfrei/bots"
	"ticketfrei/db"
)

// GroupList is the list of a bot's groups as it is shown.
type GroupList struct {
	BotID  int64
	Handle string
	Groups []ShownGroup
}

// fewGroups is how many are shown at once.
const fewGroups = 10

// Open tells whether the list is to be seen at once: where it is short.
func (l GroupList) Open() bool { return len(l.Groups) > 0 && len(l.Groups) <= fewGroups }

// Closed is how many somebody has to do something about. They come first.
func (l GroupList) Closed() (n int) {
	for _, g := range l.Groups {
		if g.Closed {
			n++
		}
	}
	return n
}

// ShownGroup is a group as it is shown: its texts are text ids.
type ShownGroup struct {
	ID     int64 // of the recipient
	Title  string
	Topic  string
	Number int // of a topic whose name is not known, among those of its group; else 0
	Kind   string
	State  string
	On     bool // reports go there
	Closed bool // they do not, and somebody has to do something
	Switch bool // a moderator can change that
}

// groupList lists the groups of a bot.
func (n *network) groupList(ctx context.Context, botID int64, handle string) (GroupList, error) {
	list := GroupList{BotID: botID, Handle: handle}
	groups, err := n.groups.list(ctx, botID)
	if err != nil {
		return list, err
	}
	unnamed := map[string]int{} // topics, by the title of their group
	for _, g := range groups {
		shown := g.show()
		if g.Kind == KindTopic && g.Topic == "" {
			unnamed[g.Title]++
			shown.Number = unnamed[g.Title]
		}
		list.Groups = append(list.Groups, shown)
	}
	slices.SortStableFunc(list.Groups, func(a, b ShownGroup) int { return b.rank() - a.rank() })
	return list, nil
}

// rank is above that of others where somebody has to look.
func (g ShownGroup) rank() int {
	if g.Closed {
		return 1
	}
	return 0
}

// show is a group as it is shown.
func (s shown) show() ShownGroup {
	g := ShownGroup{ID: s.ID, Title: s.Title, Topic: s.Topic, Kind: "kit.chat.kind." + string(s.Kind), Switch: true}
	switch s.Stands {
	case standsOn:
		g.On, g.State = true, "kit.chat.stands.on"
	case standsOff, standsOffStopped:
		g.State = "kit.chat.stands.off"
	case standsStopped:
		g.State, g.Switch = "kit.chat.stands.stopped", false
	default:
		g.State, g.Closed = "kit.chat.closed."+s.Stands, true
	}
	return g
}

// groupForm answers the switches of groups.
type groupForm struct {
	*network
	site bots.Site
}

// handle switches a group on or off. Twice is the same as once.
func (f *groupForm) handle(w http.ResponseWriter, r *http.Request) error {
	b, err := formBot(r, f.network, f.site.City(r))
	id, wrong := strconv.ParseInt(r.FormValue("group"), 10, 64)
	if errors.Is(err, db.ErrNotFound) || err == nil && wrong != nil {
		return &bots.PageError{Status: http.StatusNotFound, ID: "settings.error.gone", Err: errors.Join(err, wrong)}
	}
	if err != nil {
		return err
	}
	if _, err := f.groups.get(r.Context(), b.ID, id); errors.Is(err, db.ErrNotFound) { // it has gone meanwhile
		return f.site.Saved(w, r, f.Name, f.site.T(r, "kit.chat.group_gone"))
	} else if err != nil {
		return err
	}
	said, err := f.turn(r.Context(), b.ID, id, r.FormValue("on") == "1")
	if err != nil {
		return err
	}
	return f.site.Saved(w, r, f.Name, f.site.T(r, said))
}

// turn switches a group on or off, and returns what to say of that. What somebody in the
// group has stopped stays so; what is closed is tried.
func (f *groupForm) turn(ctx context.Context, botID, id int64, on bool) (said string, err error) {
	if !on {
		_, err = f.groups.turn(ctx, botID, id, way{standsOff, orClosed(standsOn)}, way{standsOffStopped, []string{standsStopped}})
		return "kit.chat.group_off", err
	}
	if tried, err := f.groups.turn(ctx, botID, id, way{standsOn, closed}); err != nil || tried {
		return "kit.chat.group_tried", err
	}
	_, err = f.groups.turn(ctx, botID, id, way{standsOn, []string{standsOff}}, way{standsStopped, []string{standsOffStopped}})
	return "kit.chat.group_on", err
}
