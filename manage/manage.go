// Package manage is what people may do with a city: its settings pages, the API and the
// command line ask it, so that everything is checked once.
//
//	List, Find, Create, Confirm, SetDoor          cities
//	Suspend, Admit                                whether a city is on as a whole
//	Delete, Restore, DeleteNow                    whether it is there
//	Export, Import                                moving to another server
//	MoveIn, MovedNotes                            coming from another program
//	Rename, Aliases, AddAlias, RemoveAlias        its names in addresses
//	Change, Pause, Resume                         what a city is called, says and hears
//	SaveRules, ResetRules, Try, Would             what is passed on
//	AddTrigger, Block, Suggestions, LeaveWord     words of the rules, one by one
//	SaveAnswers                                   what riders are told
//	SavePlaces, SaveLines, SaveTimetable          lines and stops
//	Bots, Enable, Connect, Disconnect             bots and how many people they reach
//	Search, TakeBack, LetThrough, ThrowAway       reports
//	AlwaysOf, AlwaysLetThrough                    what is passed on from then on
//	Undo, Undoable                                what was done a moment ago
//	Mute, Unmute, Muted                           who writes them
//	SaveTasks                                     outside programs that look at reports
//	EveryBot, Queue, Logs, Recipients, Status     what the operator sees of all cities
//
// What cannot be taken is an *Invalid, which names every problem with its field and the
// text that says it. What is not there, or is another city's, is db.ErrNotFound. What was
// changed since the caller has looked is ErrConflict.
package manage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/intent"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/secret"
)

// Options is what managing cities needs. Where nothing else is said, it is required.
type Options struct {
	DB       *db.DB
	Notices  *notice.Board // is told of every change
	Networks []Network
	Log      *slog.Logger
	// Keep is how long reports are kept.
	Keep time.Duration

	// What only a server has; the command line does without.
	Relay     Relay
	Undo      time.Duration      // how long what is undoable can be undone; 0: it cannot
	Trial     *Trial             // lets moderators test; nil: they cannot
	Places    bots.Places        // nil: no city has lines and stops
	Secrets   *secret.Box        // opens and seals what moves with a city; nil: none can move
	Letters   *Letters           // mails to moderators and to the operator; nil: none are written
	Rehearser bots.Rehearser     // says what is relayed of a text; nil: all of it
	Intents   *intent.Recognizer // tells questions from reports; nil: nothing is one
	HTTP      *http.Client       // fetches timetables; nil: nothing is fetched
}

// Network is a network that this program has.
type Network struct {
	bots.Definition
	Network bots.Network // nil on the command line
}

// Relay is what managing needs of the way of a report.
type Relay interface {
	// TakeBack takes a passed report of the city back wherever it was posted.
	// The error is db.ErrNotFound if there is none.
	TakeBack(ctx context.Context, cityID int64, reportID string) error
	// PutBack undoes TakeBack for a while. The error is db.ErrNotFound where it
	// is too late.
	PutBack(ctx context.Context, cityID int64, reportID string) error
	// LetThrough sends the chosen reports of the city on that are held. passed is
	// how many there were, late how many were too old and are refused.
	LetThrough(ctx context.Context, cityID int64, c db.Choice) (passed, late int, err error)
	// Pause has a city take no reports until Resume, and deletes those it has.
	// wiped is how many there were.
	Pause(ctx context.Context, cityID int64) (wiped int, err error)
	Resume(ctx context.Context, cityID int64) error
}

// Cities manages the cities. It may be used from many goroutines.
type Cities struct {
	Options
	door atomic.Pointer[Door]
}

// New returns what manages the cities of a database.
func New(o Options) (*Cities, error) {
	if o.DB == nil || o.Notices == nil || o.Log == nil {
		return nil, errors.New("manage: an option is missing")
	}
	m := &Cities{Options: o}
	m.SetDoor(Door{})
	return m, nil
}

// changed tells that a city was changed, where err is nil, and returns err.
func (m *Cities) changed(cityID int64, err error) error {
	if err == nil {
		m.Notices.Changed(cityID)
	}
	return err
}

// Network returns the network with that name, or db.ErrNotFound.
func (m *Cities) Network(name string) (Network, error) {
	for _, n := range m.Networks {
		if n.Name == name {
			return n, nil
		}
	}
	return Network{}, fmt.Errorf("network %q: %w", name, db.ErrNotFound)
}

// everywhere returns the names of the networks on which every city has a bot.
func (m *Cities) everywhere() []string {
	var names []string
	for _, n := range m.Networks {
		if n.Everywhere {
			names = append(names, n.Name)
		}
	}
	return names
}
