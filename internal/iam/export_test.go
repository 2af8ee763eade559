package iam

// WithCall adds a call until it is undone.
func WithCall(c Call) (undo func()) {
	before := calls
	calls = append(Calls(), c)
	return func() { calls = before }
}
