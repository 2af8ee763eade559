package terraform

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// A block is the schema of a resource, or of a block in one.
type block struct {
	Attributes map[string]struct {
		Type     kind
		Required bool
		Computed bool
	}
	Blocks   map[string]*block
	Single   bool // of a block: at most one
	Required bool
}

// A kind is a type as testdata writes it: "string", or ["map", "string"].
type kind struct{ tftypes.Type }

func (k *kind) UnmarshalJSON(text []byte) (err error) {
	k.Type, err = tftypes.ParseJSONType(text) //nolint:staticcheck // the protocol's own form, and nothing else reads it
	return err
}

// schemas are all resources and data sources that the stand-in has.
type schemas struct {
	Resources, Data map[string]*block
}

func loadSchemas(t testing.TB) schemas {
	t.Helper()
	text, err := os.ReadFile("testdata/aws-6.25.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var out schemas
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// replaced are the attributes whose change replaces a resource, of those whose names matter when a state is moved:
// https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs
var replaced = map[string][]string{
	"aws_lambda_function":         {"function_name"},
	"aws_lambda_permission":       {"statement_id", "action", "function_name", "principal", "source_arn"},
	"aws_cloudwatch_log_group":    {"name"},
	"aws_cloudwatch_event_rule":   {"name"},
	"aws_cloudwatch_event_target": {"rule", "target_id"},
	"aws_iam_role":                {"name"},
	"aws_iam_role_policy":         {"name", "role"},
	"aws_s3_bucket":               {"bucket"},
}

// answers are what the data sources say.
var answers = map[string]map[string]string{
	"aws_caller_identity": {"account_id": "111122223333"},
	"aws_partition":       {"partition": "aws", "dns_suffix": "amazonaws.com"},
	"aws_region":          {"id": "eu-west-1"},
}

// A provider stands in for hashicorp/aws: it has its schemas, remembers nothing, and calls nobody. So Terraform itself
// checks the types, runs the validations and works out every expression.
type provider struct {
	tfprotov5.ProviderServer // what is not asked of it
	schemas
}

// serve runs the stand-in until the test ends, and returns the setting by which Terraform finds it.
func serve(t testing.TB) string {
	t.Helper()
	for _, logger := range []string{"TF_LOG", "TF_LOG_SDK", "TF_LOG_SDK_PROTO"} {
		t.Setenv(logger, "OFF")
	}
	found, over := make(chan *plugin.ReattachConfig, 1), make(chan struct{})
	p := &provider{schemas: loadSchemas(t)}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		failed <- tf5server.Serve("registry.terraform.io/hashicorp/aws", func() tfprotov5.ProviderServer { return p },
			tf5server.WithDebug(ctx, found, over), tf5server.WithGoPluginLogger(hclog.NewNullLogger()))
	}()
	t.Cleanup(func() { cancel(); <-over })
	select {
	case err := <-failed:
		t.Fatalf("the stand-in for the provider: %v", err)
		return ""
	case at := <-found:
		text, err := json.Marshal(map[string]any{"registry.terraform.io/hashicorp/aws": map[string]any{
			"Protocol": at.Protocol, "ProtocolVersion": at.ProtocolVersion, "Pid": at.Pid, "Test": true,
			"Addr": map[string]string{"Network": at.Addr.Network(), "String": at.Addr.String()},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return "TF_REATTACH_PROVIDERS=" + string(text)
	}
}

func (b *block) schema() *tfprotov5.SchemaBlock {
	out := &tfprotov5.SchemaBlock{}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		a := b.Attributes[name]
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: a.Type.Type, Required: a.Required, Computed: a.Computed, Optional: !a.Required && !a.Computed,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		inner := b.Blocks[name]
		nested := &tfprotov5.SchemaNestedBlock{TypeName: name, Block: inner.schema(), Nesting: tfprotov5.SchemaNestedBlockNestingModeList}
		if inner.Single {
			nested.MaxItems = 1
		}
		if inner.Required {
			nested.MinItems = 1
		}
		out.BlockTypes = append(out.BlockTypes, nested)
	}
	return out
}

func (p *provider) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	all := func(of map[string]*block) map[string]*tfprotov5.Schema {
		out := map[string]*tfprotov5.Schema{}
		for name, b := range of {
			out[name] = &tfprotov5.Schema{Block: b.schema()}
		}
		return out
	}
	own := &tfprotov5.SchemaBlock{Attributes: []*tfprotov5.SchemaAttribute{{Name: "region", Type: tftypes.String, Optional: true}}}
	return &tfprotov5.GetProviderSchemaResponse{
		Provider: &tfprotov5.Schema{Block: own}, ResourceSchemas: all(p.Resources), DataSourceSchemas: all(p.Data),
	}, nil
}

func (p *provider) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (p *provider) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (p *provider) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (p *provider) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (p *provider) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (p *provider) UpgradeResourceState(_ context.Context, r *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	state, err := r.RawState.Unmarshal(p.Resources[r.TypeName].schema().ValueType())
	if err != nil {
		return nil, err
	}
	out, err := tfprotov5.NewDynamicValue(state.Type(), state)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &out}, err
}

func (p *provider) ReadResource(_ context.Context, r *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: r.CurrentState, Private: r.Private}, nil
}

// ReadDataSource answers what it knows, and leaves the rest empty.
func (p *provider) ReadDataSource(_ context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	out, err := change(p.Data[r.TypeName], r.Config, func(attribute string, v tftypes.Value) tftypes.Value {
		if answer, ok := answers[r.TypeName][attribute]; ok {
			return tftypes.NewValue(tftypes.String, answer)
		}
		return v
	})
	return &tfprotov5.ReadDataSourceResponse{State: out}, err
}

// PlanResourceChange leaves to be known what a new resource computes, and replaces where a name changes.
func (p *provider) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	b := p.Resources[r.TypeName]
	prior, err := attributesOf(b, r.PriorState)
	if err != nil {
		return nil, err
	}
	proposed, err := attributesOf(b, r.ProposedNewState)
	if err != nil {
		return nil, err
	}
	out := &tfprotov5.PlanResourceChangeResponse{}
	for _, name := range replaced[r.TypeName] {
		if prior != nil && proposed != nil && !prior[name].Equal(proposed[name]) {
			out.RequiresReplace = append(out.RequiresReplace, tftypes.NewAttributePath().WithAttributeName(name))
		}
	}
	out.PlannedState, err = change(b, r.ProposedNewState, func(attribute string, v tftypes.Value) tftypes.Value {
		if b.Attributes[attribute].Computed && (prior == nil || len(out.RequiresReplace) > 0) {
			return tftypes.NewValue(v.Type(), tftypes.UnknownValue)
		}
		return v
	})
	return out, err
}

// ApplyResourceChange makes up what was left to be known: an ARN that ends in the resource's name, and so on.
func (p *provider) ApplyResourceChange(_ context.Context, r *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	b := p.Resources[r.TypeName]
	planned, err := attributesOf(b, r.PlannedState)
	if err != nil {
		return nil, err
	}
	out, err := change(b, r.PlannedState, func(attribute string, v tftypes.Value) tftypes.Value {
		if v.IsKnown() {
			return v
		}
		return tftypes.NewValue(v.Type(), map[bool]any{
			true: fmt.Sprintf("arn:aws:%s:%s", r.TypeName, nameIn(planned)), false: nil,
		}[v.Type().Is(tftypes.String)])
	})
	return &tfprotov5.ApplyResourceChangeResponse{NewState: out}, err
}

// nameIn is a resource's own name, whatever its attribute is called.
func nameIn(attributes map[string]tftypes.Value) (name string) {
	for _, attribute := range []string{"name", "function_name", "alarm_name", "bucket", "rule"} {
		if v, ok := attributes[attribute]; ok && v.IsFullyKnown() && !v.IsNull() {
			_ = v.As(&name)
			return name
		}
	}
	return "unnamed"
}

// change applies f to every attribute of a resource, but not to those of its blocks. What is null stays so.
func change(b *block, value *tfprotov5.DynamicValue, f func(string, tftypes.Value) tftypes.Value) (*tfprotov5.DynamicValue, error) {
	attributes, err := attributesOf(b, value)
	if err != nil || attributes == nil {
		return value, err
	}
	for name := range b.Attributes {
		attributes[name] = f(name, attributes[name])
	}
	of := b.schema().ValueType()
	out, err := tfprotov5.NewDynamicValue(of, tftypes.NewValue(of, attributes))
	return &out, err
}

// attributesOf is nil where there is no resource.
func attributesOf(b *block, value *tfprotov5.DynamicValue) (map[string]tftypes.Value, error) {
	v, err := value.Unmarshal(b.schema().ValueType())
	if err != nil || v.IsNull() {
		return nil, err
	}
	var out map[string]tftypes.Value
	return out, cmp.Or(v.As(&out), err)
}
