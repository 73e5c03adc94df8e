package db

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"ticketfrei/internal/notice"
)

// channel is what the processes on a database listen on.
const channel = "ticketfrei"

// room is for the ids of a message, in bytes, by and large: PostgreSQL takes less than 8,000
// in all. The kinds that it tells of share it; of one that needs more, All is said.
const room = 7500

// kinds are the notices that are told other processes.
var kinds = [...]notice.Kind{notice.Changed, notice.Passed, notice.Judged, notice.Heard, notice.Called, notice.State, notice.Spare}

// encode writes notices as one message of a process: its name, and for each kind the ids,
// as in "q7 c12,17 p3 h5".
func encode(from string, list []notice.Notice) string {
	ids := make(map[notice.Kind][]int64, len(kinds))
	for _, n := range list {
		ids[n.Kind] = append(ids[n.Kind], n.ID)
	}
	var message strings.Builder
	message.WriteString(from)
	for _, kind := range kinds {
		if len(ids[kind]) > 0 {
			message.WriteString(encodeKind(kind, ids[kind], room/len(ids)))
		}
	}
	return message.String()
}

func encodeKind(kind notice.Kind, ids []int64, most int) string {
	all := " " + string(rune(kind)) + strconv.FormatInt(notice.All, 10)
	if kind != notice.Heard && slices.Contains(ids, notice.All) { // of Heard 0 is a shard as any other
		return all
	}
	part := []byte{' ', byte(kind)}
	for i, id := range ids {
		if i > 0 {
			part = append(part, ',')
		}
		part = strconv.AppendInt(part, id, 10)
		if len(part) > most {
			return all
		}
	}
	return string(part)
}

// decode reads a message. What it cannot read was written by another version, and is
// left out: what it says is found without it, only later.
func decode(message string) (from string, list []notice.Notice) {
	from, rest, _ := strings.Cut(message, " ")
	for part := range strings.FieldsSeq(rest) {
		kind := notice.Kind(part[0])
		if !slices.Contains(kinds[:], kind) {
			continue
		}
		for number := range strings.SplitSeq(part[1:], ",") {
			if id, err := strconv.ParseInt(number, 10, 64); err == nil && id >= 0 {
				list = append(list, notice.Notice{Kind: kind, ID: id})
			}
		}
	}
	return from, list
}

// unsent is what a process has yet to tell the others, each notice once.
type unsent struct {
	some chan struct{} // has one signal while there is some

	mu   sync.Mutex
	said map[notice.Notice]struct{}
}

func newUnsent() *unsent {
	return &unsent{some: make(chan struct{}, 1), said: make(map[notice.Notice]struct{})}
}

// maxUnsent bounds how many notices wait: beyond, all of a kind become one.
const maxUnsent = 4096

// add notes what is to be told. It never waits.
func (u *unsent) add(list ...notice.Notice) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, n := range list {
		if len(u.said) >= maxUnsent && n.Kind != notice.Heard {
			n.ID = notice.All
		}
		u.said[n] = struct{}{}
	}
	select {
	case u.some <- struct{}{}:
	default:
	}
}

// take returns what is to be told, and forgets it.
func (u *unsent) take() []notice.Notice {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := make([]notice.Notice, 0, len(u.said))
	for n := range u.said {
		list = append(list, n)
	}
	clear(u.said)
	return list
}
