package moving

// FromPython is fromPython.
var FromPython = fromPython
