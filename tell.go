package mooring

import (
	"context"
	"time"
)

// mirrorTime is how long the memory's other form may take: the next round waits for it.
const mirrorTime = 5 * time.Second

// tell tells of what the group confirmed. That nobody could be told undoes nothing.
func (k *Keeper) tell(ctx context.Context, r *report, plan Plan) {
	if k.Tell == nil || len(r.Registered)+len(r.Deregistered) == 0 && len(r.Refused) == len(plan.Refused) {
		return
	}
	if err := k.Tell(ctx, r.Report); err != nil {
		r.warn("not everybody was told of the changes: %v%s", err, missingStatement(err))
	}
}

// mirror gives away what is remembered. It is late enough to delay nobody's registration.
func (k *Keeper) mirror(ctx context.Context, r *report, m Memory, tag string) {
	if k.Mirror == nil || tag == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, mirrorTime)
	defer cancel()
	if err := k.Mirror(ctx, m); err != nil {
		r.warn("%v%s", err, missingStatement(err))
	}
}
