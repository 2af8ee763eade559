package transcript_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/transcript"
)

func TestTheSameThingHasTheSamePlaceholder(t *testing.T) {
	mask := &transcript.Mask{Keep: []netip.Prefix{netip.MustParsePrefix("10.83.0.0/16")}}
	mask.Name("my-bucket-17", "bucket")
	mask.Name("987654321098", transcript.Account)
	for _, c := range []struct{ in, want string }{
		{"subnet-0123456789abcdef0 and subnet-12345678, subnet-0123456789abcdef0", "subnet-00000000000000001 and subnet-00000000000000002, subnet-00000000000000001"},
		{"987654321098, 111122223333, 987654321098", "123456789012, 000000000001, 123456789012"},
		{"10.83.0.7 10.9.0.1 8.8.8.8 10.9.0.1", "10.83.0.7 203.0.113.1 203.0.113.2 203.0.113.1"},
		{"::ffff:8.8.8.8: 2600:1f13::1: 2600:1F13:0::1%eth7", "203.0.113.2: 2001:db8::1: 2001:db8::1"},
		{"2600:1f13::1 at 12:34:56", "2001:db8::1 at 12:34:56"},
		{"/my-bucket-17/check", "/bucket/check"},
		{"arn:aws:iam::987654321098:role/alice", "arn:aws:iam::123456789012:role/name-1"},
		{"internal-app-1234567899.eu-west-1.elb.amazonaws.com.", "name-2.eu-west-1.elb.amazonaws.com."},
		{"all.Internal-app-1234567899.eu-west-1.elb.amazonaws.com", "all.name-2.eu-west-1.elb.amazonaws.com"},
		{"my-bucket-17.s3.eu-west-1.amazonaws.com arn:aws:s3:::my-bucket-17/check", "bucket.s3.eu-west-1.amazonaws.com arn:aws:s3:::bucket/check"},
		{"app/alice/50dc6c495c0c9188: alice", "app/name-1/0000000000000001: name-1"},
		{"Value 'nonsense' at 'targetGroupArn' isn't one of TargetGroupARNs (s)", "Value 'nonsense' at 'targetGroupArn' isn't one of TargetGroupARNs (s)"},
		{"0.0.0.0/0, ::", "0.0.0.0/0, ::"},
		{"dial tcp 10.9.0.1:53: i/o timeout", "dial tcp 203.0.113.1:53: i/o timeout"},
		{"may not call elasticloadbalancing:RegisterTargets", "may not call elasticloadbalancing:RegisterTargets"},
		{"Version 2015-12-01, port 443, 1.2.3", "Version 2015-12-01, port 443, 1.2.3"},
	} {
		got := mask.Text(c.in)
		if got != c.want {
			t.Errorf("%s\nbecomes %s\nnot     %s", c.in, got, c.want)
		}
		if again := mask.Text(got); again != got {
			t.Errorf("a placeholder was replaced once more: %s, %s", got, again)
		}
	}
}

// planted are things of every shape that an account has, and what of each must not be found again.
var planted = []struct{ thing, secret string }{
	{"987654321098", ""},
	{"9876-5432-1098", ""},
	{"o-a1b2c3d4e5", ""},
	{"ou-ab12-cdef3456", ""},
	{"r-ab12", ""},
	{"p-1a2b3c4d", ""},
	{"arn:aws:iam::987654321098:policy/team/Payroll_Admins", "Payroll"},
	{"arn:aws:iam::987654321098:role/payroll", "payroll"},
	{"arn:aws:organizations::987654321098:policy/o-a1b2c3d4e5/service_control_policy/p-1a2b3c4d", "p-1a2b3c4d"},
	{"arn:aws:sts::987654321098:assumed-role/AWSReservedSSO_Admin_1a2b3c4d5e6f7a8b/alice.smith@corp.example", "alice"},
	{"arn:aws:iam::987654321098:user/smith,alice+ops=x", "alice"},
	{"arn:aws:s3:::payroll-archive/2026/list.csv", "payroll"},
	{"arn:aws:acm:eu-west-1:987654321098:certificate/f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f", "6a5b4c3d2e1f"},
	{"arn:aws-unknown:novelty:mars-1:987654321098:payroll", "payroll"},
	{"payroll-archive.s3.eu-west-1.amazonaws.com", "payroll"},
	{"payroll.s3-website-eu-west-1.amazonaws.com", "payroll"},
	{"https://s3.eu-west-1.amazonaws.com/payroll/list.csv?X-Amz-Signature=0f1e2d3c", "payroll"},
	{"tgw-0a1b2c3d4e5f60718", "0a1b2c3d"},
	{"tgw-attach-0a1b2c3d4e5f60718", "0a1b2c3d"},
	{"nat-0a1b2c3d4e5f60718", "0a1b2c3d"},
	{"pl-63a5400a", "63a5400a"},
	{"eni-0a1b2c3d", "0a1b2c3d"},
	{"vpce-0a1b2c3d4e5f60718", "0a1b2c3d"},
	{"igw-0a1b2c3d4e5f60718", "0a1b2c3d"},
	{"novelty-0a1b2c3d4e5f60718", "0a1b2c3d"},
	{"ip-172-31-7-9.eu-west-1.compute.internal", "172-31"},
	{"ip-172-31-7-9", ""},
	{"ec2-98-76-54-32.eu-west-1.compute.amazonaws.com", "98-76"},
	{"0a:1b:2c:3d:4e:5f", ""},
	{"12:34:56:78:90:12", ""},
	{"0A-1B-2C-3D-4E-5F", ""},
	{"alice.smith@corp.example", "smith"},
	{"alice.smith%40corp.example", "smith"},
	{"o'smithson@corp.example", "smithson"},
	{"2600:1f13:abc::9", ""},
	{"2600:1F13:ABC::", ""},
	{"fe80::1f13%eth7", ""},
	{"98.76.54.32", ""},
	{"98.76.54.32:8443", "98.76"},
	{"98.76.0.0/16", "98.76"},
	{"98.76.54.32.10", "98.76"},

	{accessKey, ""},
	{"AKIAQWERTYUIOPASDFGH", ""},
	{"AROAQWERTYUIOPASDFGHJ:session-of-smith", "smith"},
	{secretKey, ""},
	{token, ""},
	{hostID, ""},
	{requestID, ""},
	{"aws4_request,SignedHeaders=host;x-amz-date,Signature=" + strings.Repeat("0f1e2d3c", 8), "0f1e2d3c"},
	{"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2lnbmVk", "eyJ"},
	{"RYqqZ1iRrTIFNIAVMDIQMbCVbqVC", ""},
	{"04:c5:3e:9a:77:10:d2:88:1b:00:fe:31", "c5:3e"},
	{"internal-payroll-1234567899.eu-west-1.elb.amazonaws.com", "payroll"},
	{"payroll-1a2b3c4d5e6f7a8b.elb.eu-west-1.amazonaws.com", "payroll"},
	{"net/payroll/50dc6c495c0c9188", "payroll"},
	{"db.payroll.corp.example.", "payroll"},
	{"_payroll.corp.example", "payroll"},
	{"987654321098.dkr.ecr.eu-west-1.amazonaws.com/payroll:v7", "payroll"},
}

// What stands beside them, also without a gap.
var beside = []string{
	"", "", "", " ", " ", "_", "-", ".", ",", ":", ";", "/", "=", "@", "%", "'", "\"", "(", ")", "[", "]", "{", "}", "<", ">", "&", "+", "*", "|", "\\", "\x00", "\xff", "\n",
	"x", "Y", "7", "0", "é", "世", "\u200b", "the target", "User: ", " is not authorized", "name-1", "(removed)", "203.0.113.1", "arn:", "::", "10.83.0.7", "443", "payrol", "s3:",
}

func TestWhateverSurroundsItNothingIsLeftOfASecretAndNothingIsReplacedTwice(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	around := func() (out string) {
		for range chance.IntN(4) {
			out += beside[chance.IntN(len(beside))]
		}
		return out
	}
	for range 12 {
		mask := &transcript.Mask{Keep: []netip.Prefix{netip.MustParsePrefix("10.83.0.0/16")}}
		for range 50 {
			one, other := planted[chance.IntN(len(planted))], planted[chance.IntN(len(planted))]
			text := around() + one.thing + around() + other.thing + around()
			masked := mask.Text(text)
			for _, p := range []string{one.thing, one.secret, other.thing, other.secret} {
				if p != "" && strings.Contains(strings.ToLower(masked), strings.ToLower(p)) {
					t.Fatalf("%q becomes %q, which tells %q", text, masked, p)
				}
			}
			if again := mask.Text(masked); again != masked {
				t.Fatalf("%q becomes %q, and that %q", text, masked, again)
			}
			if again := mask.Text(text); again != masked {
				t.Fatalf("%q becomes %q, and the next time %q", text, masked, again)
			}
		}
	}
}

func TestAThingHasOnePlaceholderWhereverItStandsAndNoOtherThingHasIt(t *testing.T) {
	mask := &transcript.Mask{}
	whose := map[string]string{}
	for _, p := range planted {
		stand := mask.Text(p.thing)
		for _, text := range []string{"%s", "see %s, or", "'%s'", "(%s)", "about %s: no"} {
			if got, want := mask.Text(fmt.Sprintf(text, p.thing)), fmt.Sprintf(text, stand); got != want {
				t.Errorf("%q becomes %q and not %q", fmt.Sprintf(text, p.thing), got, want)
			}
		}
		if whose[stand] != "" {
			t.Errorf("%q and %q both become %q", whose[stand], p.thing, stand)
		}
		whose[stand] = p.thing
	}
}

// A replay masks what the simulated world says, which is made of placeholders.
func TestWhatOneMaskReplacedAnotherLeaves(t *testing.T) {
	first := &transcript.Mask{}
	for _, p := range planted {
		masked := first.Text(p.thing)
		other := &transcript.Mask{Keep: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
		if got := other.Text(masked); got != masked {
			t.Errorf("%q, which was %q, becomes %q", masked, p.thing, got)
		}
	}
}

func TestANameThatIsAskedIsReplacedThoughItIsAPlainWord(t *testing.T) {
	tape := &transcript.Tape{Mask: &transcript.Mask{}}
	addr := netip.MustParseAddr("98.76.54.32")
	got := tape.Ask(transcript.Asked{Name: "intranet"}, func() []transcript.Answer {
		return []transcript.Answer{{Names: []string{"payroll", "www.payroll.com"}, Addrs: []netip.Addr{addr}}, {Error: "lookup intranet"}}
	})
	if got[0].Names[0] != "payroll" || got[0].Addrs[0] != addr {
		t.Errorf("who asked reads %+v", got)
	}
	asked := *tape.Entries()[0].Ask
	if want := "{name-1  0 false false [{ false false 0 [203.0.113.1] [name-2 name-3.name-2.com] } { false false 0 [] [] lookup name-1}]}"; fmt.Sprint(asked) != want {
		t.Errorf("%v, want %s", asked, want)
	}
}

func TestANameThatIsAPlainWordIsReplacedOnceItIsKnownToBeOne(t *testing.T) {
	mask := &transcript.Mask{}
	mask.Name("Consolidated", "somebody")
	if got := mask.Text("of consolidated, by Consolidateds"); strings.Contains(strings.ToLower(got), "consolidated") {
		t.Errorf("told of, and yet %q", got)
	}
	if got := mask.Text("alice may not: arn:aws:iam::987654321098:user/alice"); got != "name-2 may not: arn:aws:iam::000000000001:user/name-2" {
		t.Errorf("%q", got)
	}
	if got := mask.Host("intranet"); got != "name-3" || mask.Text("lookup intranet: no such host") != "lookup name-3: no such host" {
		t.Errorf("%q", got)
	}
}

// A service is one that says too much.
type service func(*http.Request) (status int, body string)

func (s service) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := s(r)
	return &http.Response{StatusCode: status, Header: http.Header{
		"Etag": {`"d41d8cd98f00b204e9800998ecf8427e"`}, "X-Amz-Request-Id": {requestID}, "X-Amz-Meta-Owner": {"payroll"}, "Set-Cookie": {token},
	}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func TestOfRequestsAndRepliesOnlyWhatAReplayReadsIsKept(t *testing.T) {
	const subnets = `<DescribeSubnetsResponse><requestId>` + requestID + `</requestId><subnetSet><item><subnetId>subnet-0a1b2c3d4e5f60718</subnetId>` +
		`<subnetArn>arn:aws:ec2:eu-west-1:987654321098:subnet/subnet-0a1b2c3d4e5f60718</subnetArn><ownerId>987654321098</ownerId><cidrBlock>10.83.0.0/24</cidrBlock>` +
		`<tagSet><item><key>owner</key><value>payroll</value></item></tagSet><availabilityZone>eu-west-1a</availabilityZone><availabilityZoneId>euw1-az1</availabilityZoneId>` +
		`<payroll>payroll</payroll></item></subnetSet><note>payroll</note></DescribeSubnetsResponse>`
	mask := &transcript.Mask{Keep: []netip.Prefix{netip.MustParsePrefix("10.83.0.0/16")}}
	tape := &transcript.Tape{Mask: mask}
	send := func(method, path, form string, status int, reply string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "https://payroll.s3.eu-west-1.amazonaws.com"+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=" + accessKey}, "X-Amz-Security-Token": {token}, "If-Match": {`"payroll"`}}
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		recorder := transcript.Recorder{Tape: tape, Base: service(func(*http.Request) (int, string) { return status, reply })}
		got, err := recorder.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(got.Body); string(text) != reply {
			t.Errorf("who asked reads %q", text)
		}
		_ = got.Body.Close()
	}
	send("POST", "/", "Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-0a1b2c3d4e5f60718&Owner=payroll", 200, subnets)
	send("POST", "/", "Action=DescribeTags&Version=2015-12-01&payroll=1", 200, `<TagDescriptions><member><Key>owner</Key><Value>payroll</Value></member></TagDescriptions>`)
	send("POST", "/", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=payroll&Policy=payroll", 200, "<SessionToken>"+token+"</SessionToken>")
	send("GET", "/payroll/of%20owner?X-Amz-Signature=payroll", "", 404, `<Error><Code>NoSuchBucket</Code><Message>no payroll-archive</Message><BucketName>payroll</BucketName><HostId>`+hostID+`</HostId></Error>`)
	send("GET", "/mooring/check", "", 200, "payroll")

	var out bytes.Buffer
	if err := transcript.Write(&out, transcript.Head{Source: transcript.FromAWS}, tape.Entries()); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"payroll", "owner", "987654321098", "0a1b2c3d", accessKey, token[:20], hostID[:20], requestID, "Signature"} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(secret)) {
			t.Errorf("%q is told:\n%s", secret, &out)
		}
	}
	entries := tape.Entries()
	want := []map[string]string{{"subnetId": "subnet-00000000000000002", "cidrBlock": "10.83.0.0/24", "availabilityZone": "eu-west-1a", "availabilityZoneId": "euw1-az1"}}
	if got := transcript.Items(entries[0].Call.Reply.Body, "subnetSet", "item"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if paths := []string{entries[3].Call.Path, entries[4].Call.Path}; !slices.Equal(paths, []string{"/name-2/name-3", "/mooring/check"}) {
		t.Errorf("%v", paths)
	}
}
