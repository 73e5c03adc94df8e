package config

import "strings"

// gone are the settings of earlier versions. One that an operator has left in a
// file or in the environment is passed over with a warning where it is empty; any
// other value is refused with what stands here.
var gone = map[string]problem{
	"queue.url": {"external queues are not supported: reports are kept in the database", "leave it out"},
	"web.trust_proxy": {"is now web.trusted_proxies, the addresses of the proxies in front",
		`for a proxy on this machine write trusted_proxies = ["127.0.0.1", "::1"] (TICKETFREI_WEB_TRUSTED_PROXIES="127.0.0.1,::1"); leave both out where there is no proxy`},
}

// isGoneSection tells whether settings that are gone stood in the table key.
func isGoneSection(key string) bool {
	for setting := range gone {
		if strings.HasPrefix(setting, key+".") {
			return true
		}
	}
	return false
}

// goneEnv returns the key of the setting that is gone and was the environment
// variable name; empty where there is none.
func goneEnv(name string) string {
	for key := range gone {
		if envName(key) == name {
			return key
		}
	}
	return ""
}

// passedOver is the warning about a setting that is gone. hint says what to delete.
func passedOver(key, source, hint string) Error {
	return Error{Key: key, Source: source, Problem: "this setting is gone", Hint: hint}
}
