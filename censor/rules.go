// Package censor judges reports: Rules holds what one city lets pass (pure and
// fast), Worker applies them to the queue of reports.
package censor
