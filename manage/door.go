package manage

// Door says who may add a city, and who is told of it.
type Door struct {
	Signup   string // the setting web.signup; empty: anybody adds a city
	Operator string // the setting web.operator: who is told; empty: nobody
}

// Door returns how it is now.
func (m *Cities) Door() Door { return *m.door.Load() }

// SetDoor changes it. Until it is called anybody adds cities, and nobody is told.
func (m *Cities) SetDoor(d Door) { m.door.Store(&d) }
