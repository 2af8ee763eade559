// Package mooring gives static IP addresses to anything that only has a name.
//
// A [Binding] moors one or more hostnames and a port to one target group: a [Keeper] keeps the group's
// IP targets equal to the addresses behind the names. Each round goes one way:
//
//	observe (name ∥ group ∥ memory)  →  Decide  →  remember  →  apply (register, then deregister)  →  report
//
// # Additions need only eyes; removals need memory and proof
//
// What was observed and is not registered is registered at once. A target leaves only when it was missed in
// several conclusive rounds, for long enough, when it is next to impossible that a live address had stayed
// unseen all the while, and when enough healthy targets stay. An error is not an observation: whatever goes
// wrong, nobody leaves for it. The harms, worst first: losing a live target, leaving a dead one, churn, untidiness.
//
// [Decide] is that judgement. It is pure, total and deterministic, and [Guards] lists what keeps a target,
// each guard a small function. If you read one file, read plan.go; then guards.go.
//
// # Remember before apply
//
// A round saves its [Memory] by one conditional write before it touches the group. What it registers is remembered as
// ours before, so that a lost reply leaks nothing; and a run that overlaps another loses the write and removes
// nobody. What was achieved is never stored: the next round looks at the group, which is the truth.
//
// # Many, and for ever
//
// A [Fleet] runs the rounds of many bindings side by side, so that none can disturb another, once or for ever. Between
// rounds that follow each other closely a [Keeper.Glance] at the name is enough while nothing is open. Operators change
// the memory by [Keeper.Edit], as a round does: what was saved meanwhile is never lost.
//
// This package has no sockets, files, environment or chance. The three ports [Finder], [Group] and [Store] are
// implemented under internal.
package mooring
