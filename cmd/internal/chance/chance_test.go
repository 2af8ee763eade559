package chance_test

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"

	"mooring/cmd/internal/chance"
)

// sample is what docs/assumptions.md asks for of D1.
const sample = 2000

func nodes(n int) (out []netip.Addr) {
	for i := range n {
		out = append(out, netip.AddrFrom4([4]byte{10, 0, byte(i / 250), byte(i%250 + 1)}))
	}
	return out
}

// answers asks a server that gives each node its weight; nil: all the same.
func answers(r *rand.Rand, nodes []netip.Addr, k, n int, weight func(int) float64) (out [][]netip.Addr) {
	for range n {
		if weight == nil {
			var answer []netip.Addr
			for _, i := range r.Perm(len(nodes))[:k] {
				answer = append(answer, nodes[i])
			}
			out = append(out, answer)
			continue
		}
		left := make([]int, len(nodes))
		for i := range left {
			left[i] = i
		}
		var answer []netip.Addr
		for range k {
			var sum float64
			for _, i := range left {
				sum += weight(i)
			}
			at, pick := r.Float64()*sum, 0
			for pick < len(left)-1 && at > weight(left[pick]) {
				at -= weight(left[pick])
				pick++
			}
			answer = append(answer, nodes[left[pick]])
			left = append(left[:pick], left[pick+1:]...)
		}
		out = append(out, answer)
	}
	return out
}

func TestTheTailOfChiSquareIsThatOfTheTables(t *testing.T) {
	for _, c := range []struct {
		x       float64
		freedom int
		want    float64
	}{
		{3.841459, 1, 0.05},
		{10.827566, 1, 0.001},
		{18.307038, 10, 0.05},
		{35.172462, 23, 0.05},
		{49.728232, 23, 0.001},
		{0, 5, 1},
		{4.351460, 5, 0.5},
		{124.342113, 100, 0.05},
		{77.929465, 100, 0.95},
		{1e6, 3, 0},
	} {
		if got := chance.Upper(c.x, c.freedom); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%g with %d degrees of freedom: %g, want %g", c.x, c.freedom, got, c.want)
		}
	}
	if !math.IsNaN(chance.Upper(1, 0)) {
		t.Error("no freedom has a tail")
	}
}

func TestUniformRandomAnswersPassAsOftenAsTheyShould(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const series = 200
	for _, c := range []struct{ nodes, k int }{{9, 8}, {24, 8}, {100, 8}, {3, 1}} {
		all := nodes(c.nodes)
		var low [2]int
		for range series {
			got := answers(r, all, c.k, 200, nil)
			if test, ok := chance.Appearances(got, all); !ok || test.P < 0.05 {
				low[0]++
			}
			if test, ok := chance.Overlaps(got, c.nodes, 1); !ok || test.P < 0.05 {
				low[1]++
			}
		}
		for i, name := range []string{"appearances", "overlaps"} {
			if low[i] < 1 || low[i] > 22 { // 10 are expected, give or take 3.1
				t.Errorf("%s of %d of %d: %d of %d random series are under 5 %%", name, c.k, c.nodes, low[i], series)
			}
		}
	}
}

func TestAnAddressShownHalfAsOftenIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	all := nodes(24)
	got := answers(r, all, 8, sample, func(i int) float64 {
		if i == 5 {
			return 0.5
		}
		return 1
	})
	if test, ok := chance.Appearances(got, all); !ok || test.Random() {
		t.Errorf("a weight of 0.5 passes: %+v", test)
	}
	missing := answers(r, all[:23], 8, sample, nil)
	if test, ok := chance.Appearances(missing, all); !ok || test.Random() {
		t.Errorf("a node that is never shown passes: %+v", test)
	}
}

func TestStickySubsetsAreFoundThoughEveryAddressIsEquallyOften(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	all := nodes(24)
	thirds := func(choose func(i int) int) (out [][]netip.Addr) {
		for i := range sample {
			third := choose(i)
			out = append(out, all[third*8:third*8+8])
		}
		return out
	}
	turns := thirds(func(i int) int { return i % 3 })
	if test, ok := chance.Appearances(turns, all); !ok || !test.Random() {
		t.Fatalf("the appearances are equal, and yet: %+v", test)
	}
	repeated := answers(r, all, 8, sample, nil)
	for i := 1; i < len(repeated); i += 2 {
		repeated[i] = repeated[i-1] // as a cache of one answer does
	}
	for name, got := range map[string][][]netip.Addr{
		"in turns": turns, "at random": thirds(func(int) int { return r.IntN(3) }), "every answer twice": repeated,
	} {
		if test, ok := chance.Overlaps(got, 24, 1); !ok || test.Random() {
			t.Errorf("subsets %s pass: %+v", name, test)
		}
	}
}

func TestASequenceThatRepeatsAfterThreeAnswersIsFoundAtItsLag(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	got := answers(r, nodes(24), 8, sample, nil)
	for i := 3; i < len(got); i += 6 {
		got[i] = got[i-3]
	}
	if test, ok := chance.Overlaps(got, 24, 3); !ok || test.Random() {
		t.Errorf("%+v", test)
	}
}

func TestWhereEveryAnswerHoldsAllNodesThereIsNothingToTest(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	all := nodes(3)
	got := answers(r, all, 3, 50, nil)
	if test, ok := chance.Appearances(got, all); ok {
		t.Errorf("appearances: %+v", test)
	}
	if test, ok := chance.Overlaps(got, 3, 1); ok {
		t.Errorf("overlaps: %+v", test)
	}
	for _, none := range [][][]netip.Addr{nil, {nil, nil}} {
		if _, ok := chance.Appearances(none, all); ok {
			t.Error("no answers were tested")
		}
		if _, ok := chance.Overlaps(none, 3, 1); ok {
			t.Error("no answers were tested")
		}
	}
}
