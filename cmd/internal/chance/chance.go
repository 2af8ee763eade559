// Package chance tells whether the answers about a name look random: every address as likely as any other, and no
// answer dependent on another. It is pure: the answers come in, in the order in which they came, and a probability goes out.
package chance

import (
	"math"
	"net/netip"
)

// Significance is the probability under which a test says that the answers are not random: one good series in a
// thousand is accused wrongly by each test.
const Significance = 0.001

// A Test is what a chi-square test said.
type Test struct {
	Sample    int     `json:"sample"` // answers, or pairs of them
	Statistic float64 `json:"statistic"`
	Freedom   int     `json:"freedom"`
	P         float64 `json:"p"` // that chance alone differs as much as this
}

// Random tells whether chance explains what was seen.
func (t Test) Random() bool { return t.P >= Significance }

// Appearances tests whether every one of the nodes is as likely as any other to be in an answer. It is false where
// there is nothing to test: fewer than two nodes, or answers that always hold all of them.
//
// The counts are not independent, as an answer holds no address twice: of n nodes and answers of k the sum of
// squares has the variance factor k/n · (1 - k/n) · n/(n-1) for each answer, and n-1 degrees of freedom.
func Appearances(answers [][]netip.Addr, nodes []netip.Addr) (Test, bool) {
	n := float64(len(nodes))
	counts := make(map[netip.Addr]float64, len(nodes))
	var expected, factor float64
	for _, answer := range answers {
		share := float64(len(answer)) / n
		expected += share
		factor += share * (1 - share) * n / (n - 1)
		for _, a := range answer {
			counts[a]++
		}
	}
	if len(nodes) < 2 || factor <= 0 {
		return Test{}, false
	}
	var sum float64
	for _, node := range nodes {
		sum += (counts[node] - expected) * (counts[node] - expected)
	}
	return judged(len(answers), sum/factor, len(nodes)-1), true
}

// Overlaps tests whether answers that are lag apart have as many addresses in common as independent ones would:
// a hypergeometric number. Answers that stick to a few subsets have too many in common or none, and those that take
// turns have too few. Only pairs of the commonest size count. It is false where there is nothing to test.
func Overlaps(answers [][]netip.Addr, nodes int, lag int) (Test, bool) {
	k := commonest(answers)
	if k == 0 || k >= nodes || lag < 1 {
		return Test{}, false
	}
	seen := make([]float64, k+1)
	pairs := 0
	for i := lag; i < len(answers); i++ {
		if len(answers[i]) == k && len(answers[i-lag]) == k {
			seen[common(answers[i], answers[i-lag])]++
			pairs++
		}
	}
	expected := make([]float64, k+1)
	for j := range expected {
		expected[j] = float64(pairs) * hypergeometric(nodes, k, j)
	}
	seen, expected = merge(seen, expected)
	if len(seen) < 2 {
		return Test{}, false
	}
	var sum float64
	for j := range seen {
		sum += (seen[j] - expected[j]) * (seen[j] - expected[j]) / expected[j]
	}
	return judged(pairs, sum, len(seen)-1), true
}

func judged(sample int, statistic float64, freedom int) Test {
	return Test{Sample: sample, Statistic: statistic, Freedom: freedom, P: Upper(statistic, freedom)}
}

func commonest(answers [][]netip.Addr) (size int) {
	sizes := map[int]int{}
	for _, a := range answers {
		sizes[len(a)]++
		if n := sizes[len(a)]; n > sizes[size] || n == sizes[size] && len(a) > size {
			size = len(a)
		}
	}
	return size
}

func common(a, b []netip.Addr) (n int) {
	in := make(map[netip.Addr]bool, len(a))
	for _, x := range a {
		in[x] = true
	}
	for _, x := range b {
		if in[x] {
			n++
		}
	}
	return min(n, len(a))
}

// hypergeometric is the chance that two random subsets of k out of n have j in common.
func hypergeometric(n, k, j int) float64 {
	if k-j > n-k {
		return 0
	}
	return math.Exp(choose(k, j) + choose(n-k, k-j) - choose(n, k))
}

// choose is the logarithm of n over k.
func choose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// merge joins neighbours until each cell is expected at least five times, below which the test would not hold.
func merge(seen, expected []float64) (s, e []float64) {
	const enough = 5
	for i := range seen {
		if last := len(e) - 1; last >= 0 && e[last] < enough {
			s[last] += seen[i]
			e[last] += expected[i]
			continue
		}
		s, e = append(s, seen[i]), append(e, expected[i])
	}
	if last := len(e) - 1; last > 0 && e[last] < enough {
		s[last-1] += s[last]
		e[last-1] += e[last]
		s, e = s[:last], e[:last]
	}
	return s, e
}
