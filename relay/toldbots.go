package relay

import (
	"context"
	"maps"
	"slices"

	"ticketfrei/internal/bus"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// botStates are the states that events of bots have in their name.
var botStates = [...]report.BotState{report.BotStarting, report.BotRunning, report.BotTrouble, report.BotAttention, report.BotOff}

// toldBots is what the bus was told last, or need not be told, of bots that other processes
// run. It belongs to the goroutine that looks.
type toldBots struct {
	states map[int64]report.BotState // by bot
	cities map[int64]bool            // whose bots are all known
}

// tellBots tells the bus how bots that other processes run are doing: those that are named, of
// which it is known that they are doing otherwise than before, and those of cities that are
// looked at for the first time since somebody follows them, or since messages were lost.
func (e *elsewhere) tellBots(ctx context.Context, ids, cities map[int64]bool) error {
	followed := e.relay.Bus.Followed()
	if !slices.ContainsFunc(followed, e.wantsBots) {
		e.toldBots = toldBots{}
		return nil
	}
	if e.toldBots.states == nil {
		e.toldBots = toldBots{make(map[int64]report.BotState), make(map[int64]bool)}
	}
	maps.DeleteFunc(e.toldBots.cities, func(cityID int64, _ bool) bool { return !slices.Contains(followed, cityID) })
	lost := ids[notice.All] || cities[notice.All]
	for _, cityID := range followed {
		if cityID == notice.All || e.toldBots.cities[cityID] && !lost {
			continue
		}
		list, err := e.relay.DB.CityBots(ctx, cityID)
		if err != nil {
			return err
		}
		for _, b := range list {
			before, known := e.toldBots.states[b.ID]
			e.tellBot(b, known && before != b.State)
		}
		e.toldBots.cities[cityID] = true
	}
	delete(ids, notice.All)
	for some := range slices.Chunk(slices.Collect(maps.Keys(ids)), answeredAtOnce) {
		list, err := e.relay.DB.BotsOf(ctx, some)
		if err != nil {
			return err
		}
		for _, b := range list {
			e.tellBot(b, e.toldBots.states[b.ID] != b.State)
		}
	}
	return nil
}

// wantsBots tells whether somebody who follows a city wants to know how its bots are doing.
func (e *elsewhere) wantsBots(cityID int64) bool {
	return slices.ContainsFunc(botStates[:], func(s report.BotState) bool { return e.relay.Bus.Wanted(cityID, bus.Bot+string(s)) })
}

// tellBot notes how a bot is doing, and tells the bus where that is news. Of those of this
// process the supervisor tells.
func (e *elsewhere) tellBot(b report.Bot, news bool) {
	if !e.wantsBots(b.CityID) {
		return
	}
	e.toldBots.states[b.ID] = b.State
	if news && !e.relay.DB.Owns(b.CityID) {
		e.relay.Bus.Tell(b.CityID, bus.Bot+string(b.State), e.relay.Now(), bus.BotState{Bot: b.ID, Network: b.Network, State: string(b.State)})
	}
}
