package deploytest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"mooring/cmd/internal/deploytest"
	"mooring/deploy/cloudformation"
)

// front resolves the load balancer's template.
func front(t *testing.T, parameters ...string) *deploytest.Stack {
	t.Helper()
	c := with(map[string]string{"VpcId": "vpc-1", "SubnetA": "subnet-a"}, parameters)
	c.Name = "front"
	s, err := parse(t, cloudformation.Front).Resolve(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEachZoneHasAnAddressThatStays(t *testing.T) {
	for name, c := range map[string]struct {
		parameters []string
		mappings   string
		outputs    string
	}{
		"one zone": {nil, "[map[AllocationId:front-AddressA.AllocationId SubnetId:subnet-a]]", "AddressA"},
		"three zones, one address of one's own": {
			[]string{"SubnetB=subnet-b", "SubnetC=subnet-c", "AllocationB=eipalloc-0b"},
			"[map[AllocationId:front-AddressA.AllocationId SubnetId:subnet-a] map[AllocationId:eipalloc-0b SubnetId:subnet-b] " +
				"map[AllocationId:front-AddressC.AllocationId SubnetId:subnet-c]]", "AddressA AddressC",
		},
		"inside, two zones": {
			[]string{"Scheme=internal", "SubnetB=subnet-b", "PrivateAddressA=10.0.0.9", "PrivateAddressB=10.0.1.9"},
			"[map[PrivateIPv4Address:10.0.0.9 SubnetId:subnet-a] map[PrivateIPv4Address:10.0.1.9 SubnetId:subnet-b]]", "PrivateAddressA PrivateAddressB",
		},
		"inside, as AWS likes": {[]string{"Scheme=internal"}, "[map[SubnetId:subnet-a]]", ""},
	} {
		s := front(t, c.parameters...)
		if got := fmt.Sprint(s.Resources["LoadBalancer"].Properties["SubnetMappings"]); got != c.mappings {
			t.Errorf("%s: %s", name, got)
		}
		told := slices.DeleteFunc(slices.Sorted(maps.Keys(s.Outputs)), func(o string) bool { return !strings.Contains(o, "Address") })
		if strings.Join(told, " ") != c.outputs {
			t.Errorf("%s: outputs %v", name, told)
		}
		for _, id := range s.IDs("AWS::EC2::EIP") {
			if r := s.Resources[id]; r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
				t.Errorf("%s: %s goes with the stack", name, id)
			}
		}
	}
}

func TestEachPortHasAListenerAndAGroupThatMooringTakes(t *testing.T) {
	for n, parameters := range [][]string{nil, {"Port2=80"}, {"Port2=80", "Port3=8443"}} {
		s := front(t, parameters...)
		groups := s.IDs("AWS::ElasticLoadBalancingV2::TargetGroup")
		if len(groups) != n+1 || len(s.IDs("AWS::ElasticLoadBalancingV2::Listener")) != n+1 {
			t.Fatalf("%v: %v", parameters, s.IDs(""))
		}
		for i, id := range groups {
			p := s.Resources[id].Properties
			listener := s.Resources[fmt.Sprintf("Listener%d", i+1)].Properties
			if p["TargetType"] != "ip" || p["Protocol"] != "TCP" || p["Port"] != listener["Port"] || p["Matcher"] != nil || p["HealthCheckPath"] != nil {
				t.Errorf("%s: %v", id, p)
			}
			if text(listener["DefaultActions"]) != `[{"TargetGroupArn":`+text(s.Outputs[fmt.Sprintf("TargetGroupARN%d", i+1)])+`,"Type":"forward"}]` {
				t.Errorf("%v: %v", listener, s.Outputs)
			}
		}
		rules, _ := s.Resources["SecurityGroup"].Properties["SecurityGroupIngress"].([]any)
		if len(rules) != n+1 {
			t.Errorf("%v", rules)
		}
	}
	s := front(t, "HealthCheckProtocol=HTTPS", "HealthCheckPath=/up")
	if p := s.Resources["TargetGroup1"].Properties; p["HealthCheckPath"] != "/up" || fmt.Sprint(p["Matcher"]) != "map[HttpCode:200-399]" {
		t.Errorf("%v", p)
	}
}
