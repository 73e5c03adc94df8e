// Ticketfrei relays short public-transport reports between networks: what one
// person writes to a city's bot on any of them, everybody else in that city
// has seconds later.
package main

import (
	_ "embed"
	"os"

	"ticketfrei/app"
)

//go:generate go run ./tools/newnetwork/generate

//go:embed config.toml
var config []byte

func main() { os.Exit(app.Main(config)) }
