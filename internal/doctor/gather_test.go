package doctor

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"mooring"
)

// A deaf API answers nothing, as those of AWS do where a private subnet has no way to them.
type deaf struct{ GroupsAPI }

func (deaf) DescribeTargetGroups(ctx context.Context, _ *elbv2.DescribeTargetGroupsInput, _ ...func(*elbv2.Options)) (*elbv2.DescribeTargetGroupsOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAnAPIThatDoesNotAnswerIsGivenUpAfterThreeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := well().Binding
		looked := false
		began := time.Now()
		f := Gather(t.Context(), Sources{Binding: b, Groups: deaf{}, Find: func(context.Context, bool) mooring.Observation {
			looked = true
			return mooring.Observation{}
		}})
		if took := time.Since(began); took != patience {
			t.Errorf("took %s", took)
		}
		if !looked {
			t.Error("the name was not looked up")
		}
		i := slices.IndexFunc(Judge(f), func(x Finding) bool { return x.ID == "reach" && x.Verdict == Fail })
		if i < 0 || len(f.Reached) != 1 || !f.Reached[0].Silent || f.Reached[0].Endpoint != "com.amazonaws.eu-west-1.elasticloadbalancing" {
			t.Errorf("%+v", f.Reached)
		}
	})
}

func TestACallThatWasNotSentSaysNothingOfTheAPI(t *testing.T) {
	g := &gathering{s: Sources{Binding: well().Binding}, reached: map[string]*Reach{}}
	refused := &smithyhttp.RequestSendError{Err: errors.New("connection refused")}
	g.reach("ec2", errors.Join(errors.New("get credentials: no role"), refused))
	g.reach("s3", refused)
	g.reach("sts", refused) // who has credentials needs no STS
	g.reach("events", refused)
	g.reach("events", &smithy.GenericAPIError{Code: "AccessDenied"})
	f := g.facts()
	slices.Reverse(f.Reached)
	if len(f.Reached) != 2 || f.Reached[0].Service != "s3" || f.Reached[0].Err == nil || f.Reached[0].Silent || f.Reached[1].Err != nil {
		t.Errorf("%+v", f.Reached)
	}
}

// A caller answers every request as it is told, after a while.
type caller struct {
	status int
	body   string
	after  time.Duration
}

func (c caller) Do(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(c.after):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return &http.Response{
		StatusCode: c.status, Body: io.NopCloser(strings.NewReader(c.body)), Request: r,
		Header: http.Header{"Date": {time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)}},
	}, nil
}

// Throttled or out of order, an API answers, and its replies have dates too.
func TestAnAPIThatIsBusyIsNotTakenForOneThatIsSilent(t *testing.T) {
	for name, c := range map[string]caller{
		"throttled":    {400, "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>", 0},
		"out of order": {503, "", 0},
		"and slow":     {503, "", 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := Sources{Binding: well().Binding}
				s.Connect(aws.Config{Region: "eu-west-1", HTTPClient: c, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "secret"}, nil
				})})
				began := time.Now()
				f := Gather(t.Context(), s)
				if took := time.Since(began); took > 2*patience || c.after == 0 && took > 2*time.Second { // the group, and then the load balancers
					t.Errorf("took %s", took)
				}
				if f.Group.Err == nil || len(f.Reached) == 0 || slices.ContainsFunc(f.Reached, func(r Reach) bool { return r.Err != nil }) {
					t.Errorf("group %v, reached %+v", f.Group.Err, f.Reached)
				}
				if ahead := f.Skew.Value.Round(time.Minute); ahead != 10*time.Minute {
					t.Errorf("AWS's clock is %s ahead", f.Skew.Value)
				}
			})
		})
	}
}

// The SDK has an error with a reply even where there was none.
func TestARealClientsSilenceIsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Sources{Binding: well().Binding}
		s.Connect(aws.Config{Region: "eu-west-1", HTTPClient: caller{after: time.Hour}, Credentials: aws.AnonymousCredentials{}})
		f := Gather(t.Context(), s)
		if len(f.Reached) != 1 || f.Reached[0].Service != "elasticloadbalancing" || !f.Reached[0].Silent {
			t.Errorf("%+v", f.Reached)
		}
	})
}

type whoami string

func (w whoami) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Account: aws.String("111122223333"), Arn: aws.String(string(w))}, nil
}

// A simulator allows what is in it, in eu-west-1 alone, as the policy that mooring prints does.
type simulator struct {
	allows []string
	asked  *[]string
}

func (s simulator) SimulatePrincipalPolicy(_ context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error) {
	*s.asked = append(*s.asked, aws.ToString(in.PolicySourceArn))
	out := &iam.SimulatePrincipalPolicyOutput{}
	for _, a := range in.ActionNames {
		decision := iamtypes.PolicyEvaluationDecisionTypeImplicitDeny
		one := iamtypes.EvaluationResult{EvalActionName: aws.String(a)}
		known := slices.ContainsFunc(in.ContextEntries, func(e iamtypes.ContextEntry) bool {
			return *e.ContextKeyName == "aws:RequestedRegion" && slices.Equal(e.ContextKeyValues, []string{"eu-west-1"})
		})
		switch {
		case in.ResourceArns[0] == "*" && !known:
			one.ResourceSpecificResults = []iamtypes.ResourceSpecificResult{{MissingContextValues: []string{"aws:RequestedRegion"}}}
		case slices.Contains(s.allows, a):
			decision = iamtypes.PolicyEvaluationDecisionTypeAllowed
		}
		one.EvalDecision = decision
		out.EvaluationResults = append(out.EvaluationResults, one)
	}
	return out, nil
}

func TestThePolicyOfTheRoleBehindASessionIsSimulated(t *testing.T) {
	var asked []string
	needs := []Need{{Action: "s3:PutObject", Resource: "arn:aws:s3:::b/k"}, {Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}, {Action: "ec2:DescribeSubnets", Resource: "*", Context: []Context{{Key: "aws:RequestedRegion", Values: []string{"eu-west-1"}}}}}
	f := Gather(t.Context(), Sources{
		Binding: well().Binding, Needs: needs, Identity: whoami("arn:aws:sts::111122223333:assumed-role/mooring/i-1"),
		Policy: simulator{[]string{"s3:GetObject", "ec2:DescribeSubnets"}, &asked},
	})
	if len(asked) != 2 || asked[0] != "arn:aws:iam::111122223333:role/mooring" {
		t.Errorf("asked about %v", asked)
	}
	var missing []string
	for _, p := range f.Permissions.Value {
		if !p.Allowed {
			missing = append(missing, p.Action+" "+p.Resource+" "+p.Why)
		}
	}
	if !slices.Equal(missing, []string{"s3:PutObject arn:aws:s3:::b/k implicitDeny"}) {
		t.Errorf("missing %v, error %v", missing, f.Permissions.Err)
	}
	needs[2].Context = nil
	f = Gather(t.Context(), Sources{Binding: well().Binding, Needs: needs[2:], Identity: whoami("arn:aws:iam::111122223333:user/me"), Policy: simulator{[]string{"ec2:DescribeSubnets"}, &asked}})
	if p := f.Permissions.Value; len(p) != 1 || p[0].Allowed || !slices.Equal(p[0].Asks, []string{"aws:RequestedRegion"}) {
		t.Errorf("what was not told: %+v", p)
	}
	f = Gather(t.Context(), Sources{Binding: well().Binding, Needs: needs, Identity: whoami("arn:aws:iam::111122223333:root"), Policy: simulator{nil, &asked}})
	if f.Permissions.Err == nil {
		t.Error("the root user has no policy to simulate")
	}
}

// A shelf holds Lambda's functions, two a page, without an end where endless is set.
type shelf struct {
	functions []lambdatypes.FunctionConfiguration
	endless   bool
	pages     *int
}

func (s shelf) ListFunctions(_ context.Context, in *lambda.ListFunctionsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
	*s.pages++
	out := &lambda.ListFunctionsOutput{Functions: s.functions}
	if s.endless {
		out.NextMarker = aws.String("more")
	}
	return out, nil
}

func TestFunctionsOfTheSameGroupAreFoundInSoManyPages(t *testing.T) {
	of := func(name string, values map[string]string) lambdatypes.FunctionConfiguration {
		return lambdatypes.FunctionConfiguration{FunctionName: &name, Runtime: lambdatypes.RuntimePython38, Environment: &lambdatypes.EnvironmentResponse{Variables: values}}
	}
	pages := 0
	all := shelf{[]lambdatypes.FunctionConfiguration{
		of("old", map[string]string{"NLB_TG_ARN": groupARN, "A": "b"}), of("other", map[string]string{"NLB_TG_ARN": groupARN + "0"}), {FunctionName: aws.String("bare")},
	}, false, &pages}
	f := Gather(t.Context(), Sources{Binding: well().Binding, Functions: all})
	if len(f.Others.Value) != 1 || f.Others.Value[0] != (Function{"old", "python3.8", "NLB_TG_ARN"}) || pages != 1 {
		t.Errorf("%+v in %d pages", f.Others, pages)
	}
	all.endless = true
	Gather(t.Context(), Sources{Binding: well().Binding, Functions: all})
	if pages != 1+maxPages {
		t.Errorf("%d pages were read", pages-1)
	}
}

// A bucket answers what it is told to.
type bucket struct {
	get, put error
	wrote    *s3.PutObjectInput
}

func (b *bucket) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if b.get != nil {
		return nil, b.get
	}
	return &s3.GetObjectOutput{Body: nothing{}}, nil
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, errors.New("nobody reads it") }
func (nothing) Close() error             { return nil }

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b.wrote = in
	return &s3.PutObjectOutput{}, b.put
}

func TestWritingIsProvedByARefusal(t *testing.T) {
	code := func(c, message string) error { return &smithy.GenericAPIError{Code: c, Message: message} }
	missing, mismatch := code("NoSuchKey", ""), code("PreconditionFailed", "")
	vague, exact := code("AccessDenied", "Access Denied"), code("AccessDenied", "User: x is not authorized to perform: kms:GenerateDataKey on it")
	for _, c := range []struct {
		name     string
		get, put error
		is       func(Memory) bool
	}{
		{"nothing is there yet", missing, missing, func(m Memory) bool { return !m.Found && m.Read == nil && m.Write == nil && m.Doubt == nil }},
		{"it is there", nil, mismatch, func(m Memory) bool { return m.Found && m.Write == nil && m.Doubt == nil }},
		{"conditions are ignored", nil, nil, func(m Memory) bool { return m.Loose }},
		{"the key of the bucket is denied", missing, exact, func(m Memory) bool { return isDenied(m.Write) && codeOf(m.Write) == "AccessDenied" }},
		{"denied, and missing would be told", missing, vague, func(m Memory) bool { return isDenied(m.Write) }},
		{"denied, or only missing", vague, vague, func(m Memory) bool { return isDenied(m.Read) && m.Write == nil && m.Doubt != nil }},
		{"no bucket", code("NoSuchBucket", ""), nil, func(m Memory) bool { return m.Read != nil && m.Unasked }},
		{"the store is down", nil, code("SlowDown", ""), func(m Memory) bool { return m.Write != nil && !isDenied(m.Write) }},
	} {
		b := &bucket{get: c.get, put: c.put}
		m, err := OnS3(t.Context(), b, Place{Bucket: "b", Key: "a//mooring/web/1/443.json", Partition: "aws", Encrypt: func(in *s3.PutObjectInput) error {
			in.SSEKMSKeyId = aws.String("key") // a bucket may refuse what is not encrypted as it wants
			return nil
		}})
		if err != nil || !c.is(m) {
			t.Errorf("%s: %+v, error %v", c.name, m, err)
		}
		if b.wrote != nil && (aws.ToString(b.wrote.Key) != "a//mooring/web/1/doctor.json" || aws.ToString(b.wrote.IfMatch) != never || b.wrote.SSEKMSKeyId == nil) {
			t.Errorf("%s: wrote %+v", c.name, b.wrote)
		}
	}
}

func TestADirectoryIsWrittenAndLeftAsItWas(t *testing.T) {
	dir := t.TempDir()
	m, err := InFile(dir, "mooring/web/1/443.json")
	if err != nil || m.Found || m.Read != nil || m.Write != nil {
		t.Errorf("%+v, error %v", m, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, error %v", left, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if m, _ := InFile(file, "443.json"); m.Write == nil {
		t.Error("what is no directory is taken for one that can be written")
	}
}

func TestNamesOfLoadBalancersAreKnown(t *testing.T) {
	for host, want := range map[string]string{
		albName: "eu-west-1", "dualstack.app-1.eu-west-1.elb.amazonaws.com": "eu-west-1", "app-1.cn-north-1.elb.amazonaws.com.cn": "cn-north-1",
		"db.example.com": "", "a.elb.amazonaws.com": "", "": "",
	} {
		if got, _ := isELB(host); got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
	if !sameName("DUALSTACK."+albName+".", albName) || sameName("", "") {
		t.Error("names are not compared as AWS has them")
	}
}
