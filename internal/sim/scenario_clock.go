package sim

import (
	"fmt"
	"strings"
	"time"
)

// clock DURATION: from now on the clocks of those who run are ahead by so much, or behind.
func (p *Player) clockAhead(a args) (string, error) {
	by, err := time.ParseDuration(strings.Join(a.plain, ""))
	if err != nil {
		return "", fmt.Errorf("read clock: %w", err)
	}
	p.ahead = by
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.Skewed = true
	return "", nil
}
