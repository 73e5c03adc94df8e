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

// Open tells whether the list is to be seen at once: where somebody has to look, and
// where it is short.
func (l GroupList) Open() bool {
	return len(l.Groups) > 0 && len(l.Groups) <= fewGroups || slices.ContainsFunc(l.Groups, func(g ShownGroup) bool { return g.Closed })
}

// ShownGroup is a group as it is shown: its texts are text ids.
type ShownGroup struct {
	ID     int64 // of the recipient
	Title  string
	Topic  string
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
	for _, g := range groups {
		list.Groups = append(list.Groups, g.show())
	}
	return list, nil
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
	on := r.FormValue("on") == "1"
	if _, err := f.groups.turn(r.Context(), b.ID, id, switches(on)...); err != nil {
		return err
	}
	if on {
		return f.site.Saved(w, r, f.Name, f.site.T(r, "kit.chat.group_on"))
	}
	return f.site.Saved(w, r, f.Name, f.site.T(r, "kit.chat.group_off"))
}

// switches are the ways that a switch has. What somebody in the group has stopped stays
// so; what is closed is tried.
func switches(on bool) [][2]string {
	if on {
		ways := [][2]string{{standsOff, standsOn}, {standsOffStopped, standsStopped}}
		for _, reason := range closed {
			ways = append(ways, [2]string{reason, standsOn})
		}
		return ways
	}
	ways := [][2]string{{standsOn, standsOff}, {standsStopped, standsOffStopped}}
	for _, reason := range closed {
		ways = append(ways, [2]string{reason, standsOff})
	}
	return ways
}
