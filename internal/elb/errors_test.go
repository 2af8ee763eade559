package elb

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

func TestTheAddressesThatAMessageNames(t *testing.T) {
	for message, want := range map[string][]string{
		"The IP address '10.0.0.12' is within the VPC":      {"10.0.0.12"},
		"Targets {10.0.0.1, 10.0.0.2} are not supported":    {"10.0.0.1", "10.0.0.2"},
		"not supported: 10.0.0.5: in use by fd00::5.":       {"10.0.0.5", "fd00::5"},
		"10.0.0.5:443 and [fd00::5]:443 are taken":          {"10.0.0.5", "fd00::5"},
		"::ffff:10.0.0.5 is mapped":                         {"10.0.0.5"},
		"add a bad face to 10.0.0 or 10.0.0.256, 1.2.3.4.5": nil,
		"": nil,
		strings.Repeat("x", maxMessage) + " 10.0.0.1 is beyond": nil,
	} {
		var got []string
		for _, a := range addressesIn(message) {
			got = append(got, a.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%.60q: %v, want %v", message, got, want)
		}
	}
}

// The messages were seen in the field, but for those of the quota.
func TestWhatAnErrorOfAWSIsTakenFor(t *testing.T) {
	for _, c := range []struct {
		code, message string
		want          causeKind
	}{
		{"ValidationError", "The Availability Zone is required for IP address '10.9.0.5' because it is not in the VPC", causeZone},
		{"ValidationError", "You must specify a valid Availability Zone or select 'all' since the IP address '10.9.0.5' is outside the VPC", causeZone},
		{"ValidationError", "For IP address '10.9.0.5' you must specify an Availability Zone", causeZone},
		{"ValidationError", "The IP address '10.0.1.5' is within the VPC, and cannot have its Availability Zone overridden to 'all' from 'us-east-1b'", causeZone},
		{"ValidationError", "'us-east-1x' is not a valid Availability Zone", causeZone},
		{"ValidationError", "fd00::5 is not a valid IPv4 address", causeTarget},
		{"ValidationError", "One of the IP addresses is not valid", causeTarget},
		{"ValidationError", "'arn' is not a valid target group ARN", causeElsewhere},
		{"InvalidTarget", "Targets {10.0.0.5} are not supported", causeTarget},
		{"TooManyRegistrationsForTargetId", "", causeTarget},
		{"TooManyTargets", "", causeQuota},
		{"TargetGroupNotFound", "One or more target groups not found", causeElsewhere},
		{"ThrottlingException", "Rate exceeded", causeElsewhere},
		{"AccessDenied", "not authorized for 10.0.0.5", causeElsewhere},
		{"InternalFailure", "Availability Zone trouble", causeElsewhere},
	} {
		if got := causeOf(&smithy.GenericAPIError{Code: c.code, Message: c.message}); got.kind != c.want {
			t.Errorf("%s %q: %v, want %v", c.code, c.message, got.kind, c.want)
		}
	}
}

func TestAReasonIsShortAndOneLine(t *testing.T) {
	c := causeOf(&smithy.GenericAPIError{Code: "InvalidTarget", Message: "a\n b\xff" + strings.Repeat("é", 5000)})
	if !strings.HasPrefix(c.message, "InvalidTarget: a bé") || utf8.RuneCountInString(c.message) != 400 || !utf8.ValidString(c.message) {
		t.Errorf("%d runes: %.40q", utf8.RuneCountInString(c.message), c.message)
	}
}

func TestOnlyBlocksThatAreInUseMakeASubnet(t *testing.T) {
	block := func(cidr string, state types.SubnetCidrBlockStateCode) types.SubnetIpv6CidrBlockAssociation {
		return types.SubnetIpv6CidrBlockAssociation{Ipv6CidrBlock: &cidr, Ipv6CidrBlockState: &types.SubnetCidrBlockState{State: state}}
	}
	v4 := "10.0.0.0/24"
	got := subnetOf(types.Subnet{CidrBlock: &v4, Ipv6CidrBlockAssociationSet: []types.SubnetIpv6CidrBlockAssociation{
		block("fd00:1::/64", types.SubnetCidrBlockStateCodeAssociated),
		block("fd00:2::/64", types.SubnetCidrBlockStateCodeDisassociated),
		block("nonsense", types.SubnetCidrBlockStateCodeAssociated),
	}})
	want := []netip.Prefix{netip.MustParsePrefix(v4), netip.MustParsePrefix("fd00:1::/64")}
	if !slices.Equal(got.prefixes, want) {
		t.Errorf("%v, want %v", got.prefixes, want)
	}
}

func FuzzMessagesOfAWSAreHarmless(f *testing.F) {
	f.Add("ValidationError", "The IP address '10.0.1.5' is within the VPC, and cannot have its Availability Zone overridden to 'all' from 'us-east-1b'")
	f.Add("InvalidTarget", "\xff\xfe [fd00::1%eth0]:99999 :::: ....")
	f.Fuzz(func(t *testing.T, code, message string) {
		c := causeOf(&smithy.GenericAPIError{Code: code, Message: message})
		if !utf8.ValidString(c.message) || utf8.RuneCountInString(c.message) > 400 || strings.ContainsAny(c.message, "\n\r") {
			t.Errorf("reason %q", c.message)
		}
		if slices.ContainsFunc(c.named, func(a netip.Addr) bool { return !a.IsValid() }) {
			t.Errorf("named %v", c.named)
		}
		one := candidate{zone: zoneNone}
		for range 16 { // the choices come to an end
			one.tried = append(one.tried, one.zone)
			if one.zone = (zoning{mode: zoneAuto}).next(one, message); one.zone == "" {
				return
			}
		}
		t.Error("the choices of a zone never end")
	})
}
