package chance

import "math"

// Upper is the probability that a chi-square variable of so many degrees of freedom is at least x.
// It is the regularized upper incomplete gamma function Q(freedom/2, x/2): https://dlmf.nist.gov/8.17 and 8.9.
func Upper(x float64, freedom int) float64 {
	a, z := float64(freedom)/2, x/2
	switch {
	case freedom < 1 || math.IsNaN(x):
		return math.NaN()
	case z <= 0:
		return 1
	case math.IsInf(z, 1):
		return 0
	case z < a+1:
		return 1 - lowerSeries(a, z)
	default:
		return upperFraction(a, z)
	}
}

const (
	steps   = 1000 // both converge in fewer for any count of nodes that a load balancer has
	epsilon = 1e-14
)

// prefix is z^a e^-z / Γ(a).
func prefix(a, z float64) float64 {
	g, _ := math.Lgamma(a)
	return math.Exp(a*math.Log(z) - z - g)
}

// lowerSeries sums P(a, z) where z is small.
func lowerSeries(a, z float64) float64 {
	term := 1 / a
	sum := term
	for n := 1; n < steps && term > sum*epsilon; n++ {
		term *= z / (a + float64(n))
		sum += term
	}
	return sum * prefix(a, z)
}

// upperFraction evaluates the continued fraction of Q(a, z) where z is large, by Lentz's method.
func upperFraction(a, z float64) float64 {
	const tiny = 1e-300
	b := z + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for n := 1; n < steps; n++ {
		an := -float64(n) * (float64(n) - a)
		b += 2
		d = 1 / away(an*d+b, tiny)
		c = away(b+an/c, tiny)
		h *= d * c
		if math.Abs(d*c-1) < epsilon {
			break
		}
	}
	return h * prefix(a, z)
}

// away keeps a denominator from zero.
func away(x, tiny float64) float64 {
	if math.Abs(x) < tiny {
		return tiny
	}
	return x
}
