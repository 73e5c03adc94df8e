package scaffold

import "ticketfrei/bots/kit/post"

// migrations are those of the kit's tables, and then your own.
var migrations = post.Migrations(name)
