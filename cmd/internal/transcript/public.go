package transcript

import (
	"regexp"
	"strings"
)

// Account is the placeholder for the account of a stack. Others that are found are numbered.
const Account = "123456789012"

// public are the words that stay wherever they stand: of this project, of deploy/e2e, of AWS's own names. Whoever adds one
// says that nobody can be known by it.
var public = words(`
	mooring check nothing bucket not-an-address all.NAME
	mooring-e2e mooring-e2e-alb mooring-e2e-nlb mooring-e2e-scratch mooring-e2e-attached

	all dualstack elb s3 ec2 compute internal amazonaws com net org cn co uk
	arn aws aws-cn aws-us-gov elasticloadbalancing iam sts organizations
	app gwy targetgroup loadbalancer listener subnet vpc network-interface
	role user group policy root assumed-role federated-user service_control_policy

	vpc-id description traffic-port use_load_balancer_configuration
	deregistration_delay.timeout_seconds load_balancing.cross_zone.enabled

	i/o and/or pre-conditions cross-zone non-existent load-balancer IPv4 IPv6 S3 EC2 HTTP/1.1
	If-Match If-None-Match - -- = + / *
`)

func words(text string) map[string]bool {
	out := map[string]bool{}
	for one := range strings.FieldsSeq(text) {
		out[one] = true
	}
	return out
}

// Shapes of all of a word or of a part, never of a piece of one: beside what is replaced nothing is left over.
var (
	// A word of running text, a code, the name of a call or of a parameter. Access keys have more capitals, other secrets
	// more letters.
	word = regexp.MustCompile(`^(?:[A-Za-z]{1,10}|[A-Z]?[a-z]{1,24}|[a-z]{0,15}(?:[A-Z][a-z]{1,15}){1,6}(?:ARN|ID|IP)?s?)(?:'[a-z]{1,2})?$`)
	// A call with its service, the reason of a target's state.
	qualified = regexp.MustCompile(`^(?:elasticloadbalancing:|ec2:|s3:|sts:|Target\.|Elb\.)(?:[A-Z][a-z]{1,15}){1,6}$`)
	// A count, a version, a share, a time of day, a day, an assumption.
	number = regexp.MustCompile(`^(?:\d{1,5}(?:\.\d{1,6})?(?:\.\d{1,3})?(?:e[-+]\d\d)?(?:ms|s|%)?|\d{1,2}:\d{1,5}(?::\d\d)?|\d{4}-\d\d-\d\d|[A-Z]\d{1,2})$`)
	// A Region, a zone of it, the id of a zone: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
	zone = regexp.MustCompile(`^(?:(?:af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov)-(?:(?:north|south)?(?:east|west)?|central)-\d[a-z]?|(?:af|ap|ca|cn|eu|il|me|mx|sa|us|ug)[a-z]{1,2}\d-az\d)$`)

	placeholder = regexp.MustCompile(`^(?:name-[1-9]\d{0,6}|` + Account + `|0{7}\d{5}|0{9}[0-9a-f]{7}|` + kinds + `-0{10}[0-9a-f]{7})$`)
	resource    = regexp.MustCompile(`^(` + kinds + `)-(?:[0-9a-f]{17}|[0-9a-f]{8})$`)
	account     = regexp.MustCompile(`^\d{12}$`)
	suffix      = regexp.MustCompile(`^[0-9a-f]{16}$`) // of the ARNs of load balancers and target groups
)

// kinds of things whose id tells the kind. An id of another kind is replaced as a name.
const kinds = `(?:vpc|subnet|sg|sgr|eni|igw|eigw|rtb|acl|eipalloc|eipassoc|vpce|i|dopt|tgw|tgw-attach|nat|pl|pcx|vgw|cgw|vpn|lt|ami|snap|vol)`

// fixed tells whether something stays as it is because nobody is known by it.
func fixed(text string) bool {
	return public[text] || placeholder.MatchString(text) || zone.MatchString(text) || number.MatchString(text) || qualified.MatchString(text)
}
