package scaffold

import "ticketfrei/bots/kit/chat"

// migrations are those of the kit's tables, and then your own.
var migrations = chat.Migrations(name)
