package probe

import (
	"crypto/x509"
	"math"
	"slices"
	"time"
)

// A Certificate is what an address showed of itself.
type Certificate struct {
	Subject  string    `json:"subject"`             // its own name, as it says
	Names    []string  `json:"names"`               // whom it is for, at most 20 of them
	Issuer   string    `json:"issuer"`              // who signed it, as it says
	From     time.Time `json:"not_before"`          // valid from
	Until    time.Time `json:"not_after"`           // valid until
	DaysLeft int       `json:"days_left"`           // whole days until then; negative where it is over
	Matches  bool      `json:"matches"`             // it is for the name that was asked for
	Trusted  bool      `json:"trusted"`             // this machine trusts who signed it, and it is valid now
	Untrust  string    `json:"untrusted,omitempty"` // why it is not trusted
}

// Limits on what somebody else's certificates may make us do and print.
const (
	maxNames = 20
	maxChain = 10
)

// certificateOf judges a chain, whose first is the server's own. No handshake ends without that.
func certificateOf(chain []*x509.Certificate, host string, roots *x509.CertPool, now time.Time) *Certificate {
	own := chain[0]
	c := &Certificate{
		Subject: brief(own.Subject.String()), Names: namesOf(own), Issuer: brief(own.Issuer.String()),
		From: own.NotBefore.UTC(), Until: own.NotAfter.UTC(),
		DaysLeft: int(math.Floor(own.NotAfter.Sub(now).Hours() / 24)),
		Matches:  own.VerifyHostname(host) == nil,
	}
	between := x509.NewCertPool()
	for _, one := range chain[1:min(len(chain), maxChain)] {
		between.AddCert(one)
	}
	if _, err := own.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now}); err != nil {
		c.Untrust = brief(err.Error())
	}
	c.Trusted = c.Untrust == ""
	return c
}

// namesOf are those that clients look at; the subject's own is none of them.
func namesOf(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames[:min(len(c.DNSNames), maxNames)])
	for _, ip := range c.IPAddresses[:min(len(c.IPAddresses), maxNames-len(names))] {
		names = append(names, ip.String())
	}
	for i, name := range names {
		names[i] = brief(name)
	}
	if names == nil {
		return []string{}
	}
	return names
}
