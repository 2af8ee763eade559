package transcript_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mooring/cmd/internal/transcript"
)

// What must not be told, as the shapes of AWS have it.
const (
	accessKey = "ASIAQWERTYUIOPASDFGH"
	secretKey = "zUq9/rVsecretsecretsecretsecretsecretABC"
	token     = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDtokentokentokentokentokentokentokentoken=="
	account   = "987654321098"
	vpc       = "vpc-0a1b2c3d4e5f60718"
	groupARN  = "arn:aws:elasticloadbalancing:eu-west-1:" + account + ":targetgroup/mooring-e2e-scratch/9f8e7d6c5b4a3921"
	bucket    = "mooring-e2e-20261126kjhgfdsa"
	user      = "arn:aws:sts::" + account + ":assumed-role/AWSReservedSSO_Admin_1a2b3c4d5e6f7a8b/alice.smith@corp.example"
	denial    = "You are not authorized to perform this operation. User: " + user + " is not authorized to perform: ec2:DescribeSubnets " +
		"Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuMUkXnyScH5iP7sWBnAjVRBDxHEqmiqiLQpbsdFb8fBYCRwDDhRlKnCSuD2GcNXzoBYCRw"
	requestID = "f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f"
	hostID    = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234="
	caller    = "93.184.216.34"
)

// secrets are searched for in everything that is written.
var secrets = []string{
	accessKey, secretKey, token[:40], account, "0a1b2c3d4e5f60718", "9f8e7d6c5b4a3921", bucket, "alice", "AWSReservedSSO", "corp.example",
	"4GIOHlTkIaWHQD0Q", requestID, hostID[:30], caller, `"Authorization"`, "AWS4-HMAC", "X-Amz-Security-Token", "1234567899",
}

func TestNothingThatIsSecretIsInTheTranscriptOfCallsThatTheSDKSigned(t *testing.T) {
	seen := map[string]bool{} // that the requests really bore them
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			seen[name] = len(values) > 0
		}
		w.Header().Set("X-Amzn-Requestid", requestID)
		w.Header().Set("X-Amz-Id-2", hostID)
		body, _ := io.ReadAll(r.Body)
		text := fmt.Sprintf("%s; your key is %s %s %s, from %s, about internal-app-1234567899.eu-west-1.elb.amazonaws.com and %s. ", denial, accessKey, secretKey, token, caller, groupARN)
		switch {
		case r.Method == http.MethodGet: // an object
			w.Header().Set("Etag", `"d41d8cd98f00b204e9800998ecf8427e"`)
			_, _ = io.WriteString(w, text)
			return
		case r.Method == http.MethodPut:
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, "<Error><Code>AccessDenied</Code><Message>%s</Message><RequestId>%s</RequestId><HostId>%s</HostId></Error>", text, requestID, hostID)
			return
		case bytes.Contains(body, []byte("Action=AssumeRole")):
			_, _ = fmt.Fprintf(w, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>"+
				"<SessionToken>%s</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>", accessKey, secretKey, token)
			return
		case bytes.Contains(body, []byte("Version=2016-11-15")):
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>", text, requestID)
			return
		}
		_, _ = fmt.Fprintf(w, "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions><member><Target><Id>10.83.0.9</Id></Target>"+
			"<TargetHealth><State>unhealthy</State><Description>%s</Description></TargetHealth></member></TargetHealthDescriptions></DescribeTargetHealthResult>"+
			"<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></DescribeTargetHealthResponse>", text, requestID)
	}))
	defer server.Close()
	mask := &transcript.Mask{Keep: []netip.Prefix{netip.MustParsePrefix("10.83.0.0/16")}}
	mask.Name(bucket, "bucket")
	mask.Name(secretKey, "(removed)") // it has no shape of its own
	tape := &transcript.Tape{Mask: mask}
	tape.Check("G1")
	cfg := aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), HTTPClient: &http.Client{Transport: transcript.Recorder{Tape: tape}},
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, token), RetryMaxAttempts: 1,
	}
	ctx := t.Context()
	groups := elbv2.NewFromConfig(cfg)
	_, _ = groups.RegisterTargets(ctx, &elbv2.RegisterTargetsInput{TargetGroupArn: aws.String(groupARN), Targets: []types.TargetDescription{{Id: aws.String("10.83.0.9")}}})
	_, _ = groups.DescribeTargetHealth(ctx, &elbv2.DescribeTargetHealthInput{TargetGroupArn: aws.String(groupARN)})
	_, _ = ec2.NewFromConfig(cfg).DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{vpc}})
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle, o.RequestChecksumCalculation = true, aws.RequestChecksumCalculationWhenRequired
	})
	_, _ = objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("mooring/check")})
	_, _ = objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("mooring/check"), Body: strings.NewReader("one"), IfNoneMatch: aws.String("*")})
	_, _ = sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/alice"), RoleSessionName: aws.String("s")})

	for _, name := range []string{"Authorization", "X-Amz-Security-Token"} {
		if !seen[name] {
			t.Fatalf("the requests bore no %s: this test proves nothing", name)
		}
	}
	var out bytes.Buffer
	if err := transcript.Write(&out, transcript.Head{Source: transcript.FromAWS}, tape.Entries()); err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(secret)) {
			t.Errorf("%q is in the transcript", secret)
		}
	}
	if signature := regexp.MustCompile(`[0-9a-f]{64}`).FindString(out.String()); signature != "" {
		t.Errorf("a signature or a digest: %s", signature)
	}
	text := out.String()
	for _, kept := range []string{
		`"code":"UnauthorizedOperation"`, `"If-None-Match":"*"`, `"body":"one"`, "10.83.0.9", "/bucket/mooring/check",
		"targetgroup/mooring-e2e-scratch/0000000000000001", "(removed)", `"action":"AssumeRole"`, "d41d8cd98f00b204e9800998ecf8427e",
	} {
		if !strings.Contains(text, kept) {
			t.Errorf("%q is lost:\n%s", kept, text)
		}
	}
	head, entries, err := transcript.Read(&out)
	if err != nil || head.Source != transcript.FromAWS || len(entries) != 6 || entries[0].Line != 2 {
		t.Errorf("read back: %+v, %d entries, %v", head, len(entries), err)
	}
}

func TestATranscriptThatIsNotUnderstoodIsAnError(t *testing.T) {
	for _, text := range []string{
		"", "{}", `{"transcript":2}`, `{"transcript":1,"novelty":true}`, "{\"transcript\":1}\nnonsense", "{\"transcript\":1}\n{\"call\":{\"when\":1}}",
	} {
		if _, _, err := transcript.Read(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestListsOfTheQueryProtocolAreRead(t *testing.T) {
	const body = `<R xmlns="x"><TargetHealthDescriptions><member><HealthCheckPort>443</HealthCheckPort><Target><Id>10.0.0.1</Id><Port>443</Port></Target>` +
		`<TargetHealth><State>initial</State></TargetHealth></member><member><Target><Id>10.0.0.2</Id></Target></member></TargetHealthDescriptions><Other><member>x</member></Other></R>`
	got, _ := json.Marshal(transcript.Items(body, "TargetHealthDescriptions", "member"))
	if want := `[{"HealthCheckPort":"443","Id":"10.0.0.1","Port":"443","State":"initial"},{"Id":"10.0.0.2"}]`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := transcript.Items("<a><b>", "a", "b"); len(got) != 1 {
		t.Errorf("of what is cut off: %v", got)
	}
}

func TestAZonalShiftIsNotTakenForTheHealthOfATarget(t *testing.T) {
	body := `<R><TargetHealthDescriptions><member>
		<AdministrativeOverride><State>no_override</State><Reason>AdministrativeOverride.NoOverride</Reason></AdministrativeOverride>
		<Target><Id>10.0.1.5</Id></Target><TargetHealth><State>draining</State></TargetHealth>
	</member></TargetHealthDescriptions></R>`
	got, _ := json.Marshal(transcript.Items(body, "TargetHealthDescriptions", "member"))
	if want := `[{"Id":"10.0.1.5","State":"draining"}]`; string(got) != want {
		t.Errorf("read %s, want %s", got, want)
	}
}
