package account

import "log/slog"

// Log is a bot's log, as its moderators read it. id is the id of a text that
// may hold {{.Err}}; err may be nil. What is no id is for the operator alone.
type Log interface {
	Warn(id string, err error)
	Info(id string, err error)
}

// NewLog returns the Log that writes to the log of a bot.
func NewLog(log *slog.Logger) Log { return botLog{log} }

type botLog struct{ log *slog.Logger }

func (l botLog) Warn(id string, err error) { l.log.Warn(id, attrs(err)...) }
func (l botLog) Info(id string, err error) { l.log.Info(id, attrs(err)...) }

func attrs(err error) []any {
	if err == nil {
		return nil
	}
	return []any{"err", err}
}
